"""Which picture a word is about: said before the first scan, or into an overlay, it is found again when the file moves."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from phototag.cli.main import run
from phototag.library import documents, identity, journal, moves, relayout, undo
from phototag.library.decide import Edit
from phototag.library.operation import IMAGE
from phototag.scan.run import scan
from phototag.scan.wanted import Wanted
from phototag.sidecar.model import BIRTH, CONTENT, ID, NAME, Content
from phototag.sidecar.registers import Document
from tests import make
from tests.library.replicas import Replica

BARE = Wanted(exif=False)


def photo(a: Replica, rel: str, **exif: Any) -> str:
    make.jpeg(a.root / rel, seed=7, **exif)
    return rel


def ids(document: Document) -> dict[str, bytes]:
    return document.body[ID]


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("name", ["x.jpg", os.fsdecode(b"caf\xe9.jpg")])
def test_a_word_before_the_first_scan_says_of_which_picture_as_a_scan_would(
    tmp_path: Path, name: str, orientation: int
) -> None:
    first, scanned = Replica(tmp_path, "first"), Replica(tmp_path, "scanned")
    for side in (first, scanned):
        photo(side, name, orientation=orientation)
    first.rate(name, 5)
    scan(scanned.tree, "", BARE)
    assert ids(first.sidecar(name)) == ids(scanned.sidecar(name))
    assert set(ids(first.sidecar(name))) == {BIRTH, CONTENT, NAME}


@pytest.mark.parametrize("fmt", ["GIF", "PNG", "TIFF"])
def test_a_word_before_the_first_scan_also_says_how_many_pictures_the_file_holds(tmp_path: Path, fmt: str) -> None:
    first, scanned = Replica(tmp_path, "first"), Replica(tmp_path, "scanned")
    frames = [make.picture(seed=seed) for seed in (1, 2, 3)]
    for side in (first, scanned):
        data = make.encoded(frames[0], fmt, save_all=True, append_images=frames[1:])
        (side.root / "x.jpg").write_bytes(data)
    first.rate("x.jpg", 5)
    scan(scanned.tree, "", BARE)
    assert ids(first.sidecar("x.jpg")) == ids(scanned.sidecar("x.jpg"))
    content = first.sidecar("x.jpg").get(ID, CONTENT, Content)
    assert content is not None
    assert content.frames == 3


def test_two_devices_that_begin_differently_end_with_the_same_bytes(tmp_path: Path) -> None:
    one, other = Replica(tmp_path, "one"), Replica(tmp_path, "other")
    other.clock = msgspec.structs.replace(other.clock, device=one.clock.device)
    for side in (one, other):
        photo(side, "x.jpg", taken="2024:05:01 10:00:00")
    one.rate("x.jpg", 5)
    scan(one.tree, "", Wanted())
    scan(other.tree, "", Wanted())
    other.rate("x.jpg", 5)
    assert (one.root / "x.jpg.phototag").read_bytes() == (other.root / "x.jpg.phototag").read_bytes()


def test_what_was_said_before_the_first_scan_moves_with_the_photo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make.jpeg(tmp_path / "in/new.jpg", seed=1)
    monkeypatch.chdir(tmp_path)
    assert run(["init", "-q"]) == 0
    assert run(["caption", "-q", "in/new.jpg", "just imported"]) == 0
    (tmp_path / "2024").mkdir()
    (tmp_path / "in/new.jpg").rename(tmp_path / "2024/new.jpg")
    assert run(["scan", "-q"]) == 0
    capsys.readouterr()
    assert run(["info", "2024/new.jpg", "--history"]) == 0
    told = capsys.readouterr().out
    assert "just imported" in told
    assert "user/caption: None -> 'just imported'" in told
    assert run(["undo", "-q"]) == 0
    assert Document.decode((tmp_path / "2024/new.jpg.phototag").read_bytes()).get("user", "caption", str) is None


def test_a_word_about_a_photo_that_has_moved_meets_the_older_ones_at_the_next_scan(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    a.tag(a.scanned("old.jpg"), "beach")
    (a.root / "old.jpg").rename(a.root / "new.jpg")
    a.rate("new.jpg", 5)
    moves.relink(a.tree)
    assert (a.rating("new.jpg"), a.tags("new.jpg")) == (5, {"beach": 1})
    assert not (a.root / "old.jpg.phototag").exists()


def test_what_an_overlay_says_follows_a_photo_that_moved_in_the_library(tmp_path: Path) -> None:
    nas = Replica(tmp_path)
    photo(nas, "a.jpg")
    documents.ensure_library(nas.tree, nas.clock)
    scan(nas.tree, "", BARE)
    a = Replica(tmp_path, read_only=True)
    a.tag("a.jpg", "grandma")
    layer = Document.decode(Path(a.tree.overlay_sidecar("a.jpg")).read_bytes())
    assert ids(layer) == ids(nas.sidecar("a.jpg"))
    (nas.root / "n").mkdir()
    for name in ("a.jpg", "a.jpg.phototag"):
        (nas.root / name).rename(nas.root / "n" / name)
    assert relayout.push(nas.tree).failed == ()
    scan(nas.tree, "", BARE)
    assert nas.tags("n/a.jpg") == {"grandma": 1}
    assert not (nas.root / "a.jpg.phototag").exists()


def test_an_overlay_over_a_library_without_sidecars_reads_the_photo(tmp_path: Path) -> None:
    a = Replica(tmp_path, read_only=True)
    photo(a, "a.jpg")
    a.tag("a.jpg", "grandma")
    assert set(ids(a.sidecar("a.jpg"))) == {BIRTH, CONTENT, NAME}
    (a.root / "a.jpg").rename(a.root / "b.jpg")
    moves.relink(a.tree)
    assert a.tags("b.jpg") == {"grandma": 1}


def test_a_file_that_is_no_picture_is_known_by_its_bytes(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    a.rate(a.image("x.jpg", b"half a downl"), 3)
    content = a.sidecar("x.jpg").get(ID, CONTENT, Content)
    assert content is not None
    assert (content.n, content.w, content.h, content.fmt) == (12, 0, 0, "")


def test_nobody_knows_what_is_not_here_empty_or_too_large(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    (a.root / "annexed.jpg").symlink_to(".git/annex/objects/XX/SHA256E-s9--00.jpg/SHA256E-s9--00.jpg")
    a.image("pointer.jpg", b"/annex/objects/SHA256E-s9--00.jpg\n")
    a.image("empty.jpg", b"")
    a.image("disk.jpg")
    os.truncate(a.root / "disk.jpg", identity.LARGE_BYTES + 1)
    for rel in ("annexed.jpg", "pointer.jpg", "empty.jpg", "disk.jpg"):
        a.rate(rel, 2)
        assert a.rating(rel) == 2
        assert ID not in a.sidecar(rel).body


def test_annexed_content_that_is_here_keeps_its_key(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    objects = a.root / ".git/annex/objects/XX/SHA256E-s9--00.jpg"
    make.jpeg(objects / "SHA256E-s9--00.jpg")
    (a.root / "x.jpg").symlink_to(objects.relative_to(a.root) / "SHA256E-s9--00.jpg")
    a.rate("x.jpg", 5)
    content = a.sidecar("x.jpg").get(ID, CONTENT, Content)
    assert content is not None
    assert content.key == "SHA256E-s9--00.jpg"


def test_a_picture_is_said_once_and_is_no_change_of_the_operation(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    photo(a, "x.jpg")
    first, second = a.rate("x.jpg", 5), a.rate("x.jpg", 4)
    assert (first.change_count, second.change_count) == (1, 1)
    assert set(first.touched[0].identity) == {BIRTH, CONTENT, NAME}
    assert second.touched[0].identity == {}
    assert first.touched[0].birth == second.touched[0].birth != b""
    assert journal.operations(a.tree) == [second, first]
    undo.undo(a.tree, a.clock)
    undo.undo(a.tree, a.clock)
    assert a.rating("x.jpg") is None


def test_what_a_scan_knows_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a = Replica(tmp_path)
    a.scanned("x.jpg")
    monkeypatch.setattr(identity, "read_image", lambda *_: pytest.fail("the image was read"))
    a.rate("x.jpg", 4)
    layer = Replica(tmp_path, read_only=True)
    layer.rate("x.jpg", 5)
    assert layer.rating("x.jpg") == 5


def test_a_purged_library_gets_identities_all_the_same(tmp_path: Path) -> None:
    from phototag.library import purge

    a = Replica(tmp_path)
    photo(a, "x.jpg")
    purge.purge(a.tree, a.clock, "utag", command="purge", summary="tags")
    a.decide(Edit(IMAGE + "x.jpg", "utag", "t", 1))
    assert (a.tags("x.jpg"), set(ids(a.sidecar("x.jpg")))) == ({"t": 1}, {BIRTH, CONTENT, NAME})
