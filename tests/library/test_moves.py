"""Relink on disk, the odder histories: one size, newer versions, damage, absent pictures, copies over others."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from phototag import fsio
from phototag.library import documents, moves, orphans, relink, sidecars, strays, tidy
from phototag.library.walk import walk
from phototag.sidecar import codec
from phototag.sidecar.model import CONTENT, ID, UTAG, Content
from phototag.sidecar.registers import Document
from phototag.upkeep import health
from tests.library.replicas import Replica
from tests.locking import locked


def run(a: Replica) -> moves.Relinked:
    return moves.relink(a.tree)


def newer(path: Path) -> bytes:
    """Make the sidecar at ``path`` one of a newer version; return its bytes."""
    data = codec.encode(codec.decode(path.read_bytes()), version=codec.VERSION + 1)
    path.write_bytes(data)
    return data


def seen_by_a_scan(a: Replica, *suspects: str) -> moves.Relinked:
    return moves.relink(a.tree, list(walk(a.tree)), set(suspects))


def test_a_picture_moved_over_another_of_its_size_keeps_its_own_words(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    a.rate(a.scanned("a.jpg", b"one"), 1)
    a.rate(a.scanned("b.jpg", b"two"), 2)
    (a.root / "b.jpg").rename(a.root / "a.jpg")
    assert seen_by_a_scan(a, "a.jpg").moved == 1
    assert a.rating("a.jpg") == 2
    assert len(documents.list_documents(a.tree, "orphans")) == 1


@pytest.mark.parametrize("scan", [True, False])
def test_a_picture_that_made_room_for_another_of_its_size_takes_its_words_along(tmp_path: Path, scan: bool) -> None:
    a = Replica(tmp_path)
    a.rate(a.scanned("a.jpg", b"one"), 1)
    (a.root / "a.jpg").rename(a.root / "z.jpg")
    a.image("a.jpg", b"new")
    assert (seen_by_a_scan(a, "a.jpg", "z.jpg") if scan else run(a)).moved == 1
    assert a.rating("z.jpg") == 1
    assert not (a.root / "a.jpg.phototag").exists()


def test_a_sidecar_of_a_newer_version_moves_as_it_is(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    for n, name in enumerate(("a.jpg", "b.jpg", "c.jpg")):
        a.rate(a.scanned(name, b"x" * (n + 1)), n + 1)
    first, third = newer(a.root / "a.jpg.phototag"), newer(a.root / "c.jpg.phototag")
    for old, new in (("a.jpg", "t"), ("b.jpg", "a.jpg"), ("t", "b.jpg"), ("c.jpg", "d.jpg")):
        (a.root / old).rename(a.root / new)
    done = run(a)
    assert (done.moved, done.failed) == (3, ())
    assert (a.root / "b.jpg.phototag").read_bytes() == first
    assert (a.root / "d.jpg.phototag").read_bytes() == third
    assert [a.rating(name) for name in ("a.jpg", "b.jpg", "d.jpg")] == [2, 1, 3]
    assert documents.list_documents(a.tree, "orphans") == []
    assert run(a) == moves.Relinked()


def test_a_newer_version_is_not_joined_into_another_file(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    a.rate(a.scanned("a.jpg"), 1)
    orphan = newer(a.root / "a.jpg.phototag")
    a.tag(a.scanned("b.jpg"), "dog")
    (a.root / "a.jpg").unlink()
    assert run(a).failed[0][0] == "a.jpg"
    assert (a.root / "a.jpg.phototag").read_bytes() == orphan
    assert (a.rating("b.jpg"), a.tags("b.jpg")) == (None, {"dog": 1})


def test_a_damaged_parked_document_stops_nothing(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    a.rate(a.scanned("a.jpg"), 1)
    (a.root / "a.jpg").rename(a.root / "b.jpg")
    parked = a.root / ".phototag/orphans/unknown-0000000000000000.phototag"
    parked.parent.mkdir()
    parked.write_bytes(b"junk")
    assert run(a).moved == 1
    assert parked.read_bytes() == b"junk"


def test_what_moved_in_a_library_that_cannot_be_written_is_told_once(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    a.rate(a.scanned("a.jpg"), 3)
    (a.root / "a.jpg").rename(a.root / "b.jpg")
    here = Replica(tmp_path, read_only=True)
    assert run(here).moved == 1
    assert here.rating("b.jpg") == 3
    assert run(here).targets == ()
    here.rate("b.jpg", 1)
    assert run(here).targets == ()
    assert here.rating("b.jpg") == 1


@pytest.mark.parametrize("locked", [True, False], ids=["locked", "unlocked"])
def test_an_edit_that_returns_under_the_old_name_finds_the_absent_picture(tmp_path: Path, locked: bool) -> None:
    a = Replica(tmp_path)
    key = "SHA256E-s4--" + "0" * 64 + ".jpg"
    if locked:
        (a.root / "new.jpg").symlink_to(f".git/annex/objects/aa/bb/{key}/{key}")
    else:
        a.image("new.jpg", b"/annex/objects/" + key.encode() + b"\n")
    for rel in (a.image("old.jpg"), "new.jpg"):
        document = Document()
        document.set_machine(ID, CONTENT, Content(b"c" * 16, b"p" * 16, 4, key=key))
        sidecars.write(a.tree, rel, document)
    a.rate("old.jpg", 5)
    (a.root / "old.jpg").unlink()
    assert run(a).moved == 1
    assert a.rating("new.jpg") == 5


def test_absent_pictures_that_swapped_names_keep_their_words(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    for n, rel in enumerate(("a.jpg", "b.jpg")):
        key = f"SHA256E-s{n + 4}--{n:064}.jpg"
        (a.root / rel).symlink_to(f".git/annex/objects/aa/bb/{key}/{key}")
        document = Document()
        document.set_machine(ID, CONTENT, Content(b"%d" % n * 16, b"p%d" % n * 8, n + 4, key=key))
        sidecars.write(a.tree, rel, document)
        a.rate(rel, n + 1)
    assert run(a) == moves.Relinked()
    for old, new in (("a.jpg", "t"), ("b.jpg", "a.jpg"), ("t", "b.jpg")):
        (a.root / old).rename(a.root / new)
    assert run(a).moved == 2
    assert (a.rating("a.jpg"), a.rating("b.jpg")) == (2, 1)


@pytest.mark.parametrize("kept", [True, False], ids=["a copy is left", "no copy is left"])
def test_a_copy_of_another_picture_over_one_brings_that_pictures_words(tmp_path: Path, kept: bool) -> None:
    a = Replica(tmp_path)
    a.rate(a.scanned("a.jpg", b"one"), 1)
    a.rate(a.scanned("b.jpg", b"two"), 2)
    if kept:
        a.scanned("d/a.jpg", b"one")
    shutil.copy(a.root / "b.jpg", a.root / "a.jpg")
    assert seen_by_a_scan(a, "a.jpg").copied == 1
    assert (a.rating("a.jpg"), a.rating("b.jpg")) == (2, 2)
    if kept:
        assert a.rating("d/a.jpg") == 1
    assert len(documents.list_documents(a.tree, "orphans")) == (0 if kept else 1)


def test_an_edit_taken_back_keeps_its_words_though_a_copy_of_the_original_is_there(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    a.scanned("backup/a.jpg", b"original")
    a.rate(a.scanned("a.jpg", b"original"), 4)
    document = a.sidecar("a.jpg")
    document.set_machine(ID, CONTENT, Content(b"e" * 16, b"e" * 16, 6))
    sidecars.write(a.tree, "a.jpg", document)
    assert seen_by_a_scan(a, "a.jpg").targets == ()
    assert a.rating("a.jpg") == 4


def test_words_that_could_belong_to_several_do_not_stay_with_another_picture(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    for rel, rating in (("a.jpg", 1), ("b.jpg", 2)):
        a.rate(a.scanned(rel, b"one"), rating)
        a.image(rel, b"another" if rel == "a.jpg" else b"a third")
        a.image(f"copy-of-{rel}", b"one")
    found = seen_by_a_scan(a, "a.jpg", "b.jpg", "copy-of-a.jpg", "copy-of-b.jpg")
    assert (found.moved, found.copied, found.parked) == (0, 0, 2)
    assert not list(a.root.glob("*.jpg.phototag"))
    gathered = strays.gather(a.tree, list(walk(a.tree)))
    moves.apply(a.tree, relink.plan(gathered.strays, gathered.images, gathered.placed))
    assert {a.rating(f"copy-of-{rel}") for rel in ("a.jpg", "b.jpg")} == {2}


def test_a_copy_on_a_disk_that_is_away_keeps_its_words(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    documents.set_layout(a.tree, "tree")
    a.rate(a.scanned("laptop/a.jpg"), 2)
    a.rate(a.scanned("usb/a.jpg"), 5)
    (a.root / "usb").rename(tmp_path / "unplugged")
    assert run(a) == moves.Relinked(uncertain=1)  # as good as a folder that was renamed
    (a.root / "usb").mkdir()  # the mount point
    assert run(a) == moves.Relinked(orphans=1)
    (a.root / "usb").rmdir()
    (a.root / "usb").symlink_to(tmp_path / "nowhere")
    assert run(a) == moves.Relinked(orphans=1)
    (a.root / "usb").unlink()
    (tmp_path / "unplugged").rename(a.root / "usb")
    assert run(a) == moves.Relinked()
    assert (a.rating("laptop/a.jpg"), a.rating("usb/a.jpg")) == (2, 5)


@pytest.mark.parametrize("layout", ["tree", "beside"])
@pytest.mark.parametrize(("old", "new"), [("trip/a.jpg", "2024/a.jpg"), ("a.jpg", "2024/a.jpg")])
def test_words_said_elsewhere_follow_a_folder_that_was_renamed_or_cleared(
    tmp_path: Path, layout: str, old: str, new: str
) -> None:
    a = Replica(tmp_path)
    documents.set_layout(a.tree, layout)
    a.tag(a.scanned(old), "before")
    said_elsewhere = sidecars.read(a.tree, old)
    assert said_elsewhere is not None
    said_elsewhere.set_person(UTAG, "meanwhile", 1, a.clock)
    (a.root / new).parent.mkdir()
    (a.root / old).rename(a.root / new)
    if "/" in old and layout == "tree":
        (a.root / old).parent.rmdir()
    assert run(a).moved == 1
    sidecars.write(a.tree, old, said_elsewhere)  # a sync tool brings it
    assert run(a).moved == 1
    assert a.tags(new) == {"before": 1, "meanwhile": 1}


def test_words_in_an_overlay_follow_a_folder_that_was_renamed_in_the_library(tmp_path: Path) -> None:
    nas = Replica(tmp_path)
    nas.tag(nas.scanned("trip/a.jpg"), "by the nas")
    documents.ensure_library(nas.tree, nas.clock)
    reader = Replica(tmp_path, read_only=True)
    reader.tag("trip/a.jpg", "by the reader")
    (nas.root / "trip").rename(nas.root / "2024")
    assert run(reader).moved == 1
    assert reader.tags("2024/a.jpg") == {"by the nas": 1, "by the reader": 1}


@contextlib.contextmanager
def nothing_can_be_parked(a: Replica, *rels: str) -> Iterator[None]:
    folder = a.root / ".phototag/orphans"
    folder.mkdir()
    with locked(folder):
        yield


@contextlib.contextmanager
def damaged_where_they_would_be_parked(a: Replica, *rels: str) -> Iterator[None]:
    names = [orphans.orphan_name(a.sidecar(rel), rel) for rel in rels]
    paths = [a.root / f".phototag/{name}.phototag" for name in names]
    for path in paths:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"torn")
    yield
    for path in paths:
        path.unlink()


@pytest.mark.parametrize("trouble", [nothing_can_be_parked, damaged_where_they_would_be_parked])
@pytest.mark.parametrize("count", [1, 2])
def test_pictures_that_changed_places_keep_their_words_where_none_can_give_way(
    tmp_path: Path, trouble: Callable[..., contextlib.AbstractContextManager[None]], count: int
) -> None:
    a = Replica(tmp_path)
    a.tag(a.scanned("x.jpg", b"one"), "of one")
    a.tag(a.scanned("y.jpg", b"another"), "of another")
    with trouble(a, *("x.jpg", "y.jpg")[:count]):
        a.image("x.jpg", b"another")
        a.image("y.jpg", b"one")
        assert run(a).failed
    assert run(a).failed == ()
    assert (a.tags("x.jpg"), a.tags("y.jpg")) == ({"of another": 1}, {"of one": 1})


def test_words_about_an_ignored_folder_stay_its_own(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    documents.set_layout(a.tree, "tree")
    a.scanned("a.jpg")
    a.tag(a.scanned("private/a.jpg"), "secret")
    (a.root / ".phototagignore").write_text("private/\n")
    assert run(a) == moves.Relinked(orphans=1)
    assert a.tags("a.jpg") == {}


def test_a_sidecar_that_comes_before_its_image_does_not_override_a_copy(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    a.rate(a.scanned("laptop/a.jpg"), 2)
    a.rate(a.scanned("usb/a.jpg"), 5)
    (a.root / "usb/a.jpg").unlink()
    assert run(a) == moves.Relinked(uncertain=1)
    a.image("usb/a.jpg")
    assert run(a) == moves.Relinked()
    assert (a.rating("laptop/a.jpg"), a.rating("usb/a.jpg")) == (2, 5)


def test_a_copy_in_the_folder_is_not_taken_for_a_later_name(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    a.rate(a.scanned("a.jpg"), 2)
    shutil.copy(a.root / "a.jpg", a.root / "b.jpg")
    assert run(a).copied == 1
    a.rate("b.jpg", 5)
    (a.root / "a.jpg").unlink()
    assert run(a).uncertain == 1
    assert a.rating("b.jpg") == 5


def test_words_that_were_split_before_follow_the_next_split(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    a.rate(a.scanned("d.jpg"), 3)
    for new in ("p/d1.jpg", "p/d2.jpg"):
        a.image(new)
    (a.root / "d.jpg").unlink()
    assert run(a).copied == 2
    a.tag("p/d1.jpg", "grandma")
    for new in ("q/f1.jpg", "q/f2.jpg"):
        a.image(new)
    (a.root / "p/d1.jpg").unlink()
    assert (run(a).copied, run(a).uncertain) == (2, 0)
    assert [a.tags(rel) for rel in ("q/f1.jpg", "q/f2.jpg")] == [{"grandma": 1}] * 2
    assert (a.tags("p/d2.jpg"), a.rating("p/d2.jpg")) == ({}, 3)
    assert documents.list_documents(a.tree, "orphans") == []


def test_a_crash_after_parking_leaves_no_rival(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a = Replica(tmp_path)
    a.rate(a.scanned("d.jpg"), 3)
    for new in ("p/d1.jpg", "p/d2.jpg"):
        a.image(new)
    (a.root / "d.jpg").unlink()
    with monkeypatch.context() as patch:
        patch.setattr(fsio, "remove", _killed)
        with pytest.raises(KeyboardInterrupt):
            run(a)
    assert len(documents.list_documents(a.tree, "orphans")) == 1
    assert run(a).uncertain == 0
    assert [a.rating(rel) for rel in ("p/d1.jpg", "p/d2.jpg")] == [3, 3]


def _killed(path: str) -> None:
    raise KeyboardInterrupt


def test_folders_of_copies_that_were_renamed_are_told_of(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    documents.set_layout(a.tree, "tree")
    for rel, rating in (("x/a.jpg", 1), ("y/a.jpg", 2)):
        a.rate(a.scanned(rel), rating)
    for folder in ("x", "y"):
        (a.root / folder).rename(a.root / f"{folder}-2024")
    found = tidy.tidy(a.tree, list(walk(a.tree)), {"x-2024/a.jpg", "y-2024/a.jpg"})
    assert list(found.notices()) == ["2 sidecars could belong to several photos: phototag relink"]
    told = [one for one in health.examine(a.tree) if one.mend == "phototag relink"]
    assert [one.what for one in told] == ["2 sidecars could belong to several photos"]
