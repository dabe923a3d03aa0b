"""A damaged sidecar: its bytes are kept, what the owner said of that picture comes back from the journal."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from phototag import fingerprint
from phototag.errors import FormatError
from phototag.library import conflicts, documents, moves, orphans, purge, recovery, sidecars
from phototag.library.decide import Edit
from phototag.library.operation import DOC, IMAGE
from phototag.sidecar.registers import Document
from tests.library.replicas import Replica

COPY = ".sync-conflict-20240501-101500-ABCDEFG.phototag"


def damage(path: Path) -> bytes:
    data = path.read_bytes()[:-3]
    path.write_bytes(data)
    return data


def rating(document: Document) -> int | None:
    return document.get("user", "rating", int)


@pytest.mark.parametrize("name", ["x.jpg", "2024/" + "é" * 120 + ".jpg"], ids=["short", "cut"])
@pytest.mark.parametrize("damaged", ["base", "copy", "both"])
def test_what_a_damaged_side_of_a_conflict_said_comes_back(tmp_path: Path, damaged: str, name: str) -> None:
    a, b = Replica(tmp_path, "a"), Replica(tmp_path, "b")
    a.scanned(name)
    shutil.copytree(a.root, b.root, dirs_exist_ok=True)
    a.rate(name, 5)
    b.tag(name, "beach")
    base = Path(a.tree.sidecar(name))
    copy = Path(str(base).replace(".phototag", COPY))
    shutil.copy(b.tree.sidecar(name), copy)
    shutil.copytree(b.root / ".phototag/journal", a.root / ".phototag/journal", dirs_exist_ok=True)
    sides = {"base": [base], "copy": [copy], "both": [base, copy]}[damaged]
    kept = {damage(side) for side in sides}
    done = conflicts.resolve(a.tree, conflicts.find(a.tree))
    assert len(done.kept_aside) == len(sides)
    assert {path.read_bytes() for path in a.root.rglob("*.corrupt-*.bin")} == kept
    assert (a.rating(name), a.tags(name)) == (5, {"beach": 1})


def test_what_was_said_before_the_picture_moved_comes_back(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    a.rate(a.scanned("x.jpg", b"one"), 5)
    (a.root / "x.jpg").rename(a.root / "y.jpg")
    moves.relink(a.tree)
    damage(a.root / "y.jpg.phototag")
    document, kept = recovery.read_or_set_aside(a.tree, "y.jpg", fingerprint.content_hash(b"one"))
    assert rating(document) == 5
    assert kept is not None
    assert (a.root / kept).is_file()


def test_what_was_said_of_another_picture_at_its_path_does_not(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    a.rate(a.scanned("x.jpg", b"one"), 5)
    (a.root / "x.jpg").rename(a.root / "y.jpg")
    moves.relink(a.tree)
    a.tag(a.scanned("x.jpg", b"another"), "dog")
    damage(a.root / "x.jpg.phototag")
    document, _ = recovery.read_or_set_aside(a.tree, "x.jpg", fingerprint.content_hash(b"another"))
    assert rating(document) is None
    assert document.get("utag", "dog", int) == 1


def test_what_was_said_before_its_metadata_was_edited_comes_back(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    a.rate(a.scanned("x.jpg", b"one"), 5)
    a.image("x.jpg", b"one, edited")
    damage(a.root / "x.jpg.phototag")
    document, _ = recovery.read_or_set_aside(a.tree, "x.jpg", fingerprint.content_hash(b"one, edited"))
    assert rating(document) == 5


def test_an_exact_copy_does_not_get_the_words_about_the_other(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    a.rate(a.scanned("x.jpg", b"one"), 5)
    a.scanned("y.jpg", b"one")
    assert rating(recovery.words_about(a.tree, IMAGE + "y.jpg", {fingerprint.content_hash(b"one")})) is None


def test_damaged_documents_are_kept_aside_and_what_was_said_comes_back(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    documents.ensure_library(a.tree, a.clock)
    documents.set_layout(a.tree, "tree")
    a.tag(a.scanned("x.jpg"), "secret")
    a.decide(Edit(DOC + "people/1", "person", "name", "Ada"))
    purge.purge(a.tree, a.clock, "utag", command="purge", summary="tags")
    parked = orphans.park(a.tree, a.sidecar("x.jpg"), "x.jpg")
    (purged,) = documents.list_documents(a.tree, "purge")
    names = ["library", parked, "people/1", purged]
    kept = {damage(a.root / f".phototag/{name}.phototag") for name in names}
    with pytest.raises(FormatError) as caught:
        documents.open_tree(str(a.root), a.settings)
    assert "doctor --fix" in (caught.value.hint or "")
    found = dict(recovery.mend_documents(str(a.root), a.settings))
    assert list(found) == names
    assert {(a.root / ".phototag" / name).with_name(found[name]).read_bytes() for name in names} == kept
    assert (a.tree.layout, len(a.tree.name)) == ("tree", 32)
    person = documents.read_document(a.tree, "people/1")
    assert person is not None
    assert person.get("person", "name", str) == "Ada"
    assert sidecars.purges(a.tree).keys("P") == [f"utag/{purged.partition('/')[2]}"]
    assert not list(recovery.mend_documents(str(a.root), a.settings))
    assert a.tags("x.jpg") == {}
