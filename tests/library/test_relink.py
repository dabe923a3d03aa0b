"""Relink: the planner over every way files move, and the same on disk with real files."""

from __future__ import annotations

import contextlib
import os
import shutil
import unicodedata
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phototag import fingerprint, fsio
from phototag.ids import Clock
from phototag.library import documents, moves, orphans, relink, sidecars
from phototag.library.relink import EDITED, ORPHAN, PARKED, Identity, Move, Placed, Plan, Stray, Unplaced
from phototag.library.walk import walk
from phototag.sidecar.codec import Body
from phototag.sidecar.model import CONTENT, ID, NAME, USER, Content
from phototag.sidecar.registers import Document
from tests.library.replicas import Replica


def identity(letter: str) -> Identity:
    return Identity(letter.encode() * 16, letter.lower().encode() * 16)


def orphan(rel: str, letter: str) -> Stray:
    return Stray(rel, identity(letter), ORPHAN, rel.rpartition("/")[2])


def image(rel: str, letter: str) -> Unplaced:
    return Unplaced(rel, identity(letter))


def rated(rating: int, at_ms: int = 1_700_000_000_000) -> Body:
    """Return the words of a picture with a rating."""
    document = Document()
    document.set_person(USER, "rating", rating, Clock(b"device", lambda: at_ms))
    return document.words()


def captioned(words: Body) -> Body:
    """Return ``words`` and a caption."""
    document = Document(words).copy()
    document.set_person(USER, "caption", "grandma", Clock(b"device", lambda: 1_700_000_000_000))
    return document.words()


def test_an_orphan_and_one_new_image_is_a_move() -> None:
    assert relink.plan([orphan("a.jpg", "A")], [image("b/c.jpg", "A")]).moves == (Move("a.jpg", "b/c.jpg", "content"),)


def test_pixels_decide_when_the_metadata_was_edited_on_the_way() -> None:
    edited = Unplaced("b.jpg", Identity(b"X" * 16, b"a" * 16))
    assert relink.plan([orphan("a.jpg", "A")], [edited]).moves == (Move("a.jpg", "b.jpg", "pixels"),)


def test_content_wins_over_pixels() -> None:
    same_pixels = Unplaced("0.jpg", Identity(b"X" * 16, b"a" * 16))
    plan = relink.plan([orphan("a.jpg", "A")], [same_pixels, image("z.jpg", "A")])
    assert plan.moves == (Move("a.jpg", "z.jpg", "content"),)


def test_an_absent_picture_is_known_by_its_key() -> None:
    stray = Stray("a.jpg", Identity(b"A" * 16, b"a" * 16, "SHA256E-s1--00.jpg"), ORPHAN, "a.jpg")
    moved = Unplaced("b.jpg", Identity(key="SHA256E-s1--00.jpg"))
    assert relink.plan([stray], [moved]).moves == (Move("a.jpg", "b.jpg", "key"),)


def test_several_new_images_get_a_copy_each_and_the_orphan_is_parked() -> None:
    plan = relink.plan([orphan("a.jpg", "A")], [image("b.jpg", "A"), image("c.jpg", "A")])
    assert [(m.target, m.copy) for m in plan.moves] == [("b.jpg", True), ("c.jpg", True)]
    assert plan.parks == ("a.jpg",)


def test_exact_copies_that_moved_together_are_paired_by_name() -> None:
    gone = [orphan("old/x.jpg", "A"), orphan("old/y.jpg", "A")]
    plan = relink.plan(gone, [image("new/y.jpg", "A"), image("new/x.jpg", "A")])
    assert [(m.source, m.target) for m in plan.moves] == [("old/x.jpg", "new/x.jpg"), ("old/y.jpg", "new/y.jpg")]
    assert all(m.certain for m in plan.moves)


def test_exact_copies_that_cannot_be_told_apart_are_uncertain_and_lose_nothing() -> None:
    plan = relink.plan([orphan("x.jpg", "A"), orphan("y.jpg", "A")], [image("p.jpg", "A"), image("q.jpg", "A")])
    assert {(m.source, m.target) for m in plan.moves} == {
        (s, t) for s in ("x.jpg", "y.jpg") for t in ("p.jpg", "q.jpg")
    }
    assert plan.certain == Plan()


def test_swapped_names() -> None:
    swapped = [Stray("a.jpg", identity("A"), EDITED), Stray("b.jpg", identity("B"), EDITED)]
    images = [Unplaced("a.jpg", identity("B"), True), Unplaced("b.jpg", identity("A"), True)]
    plan = relink.plan(swapped, images)
    assert [(m.source, m.target) for m in plan.moves] == [("b.jpg", "a.jpg"), ("a.jpg", "b.jpg")]
    assert plan.parks == ()


def test_a_picture_moved_over_another_parks_the_others_words() -> None:
    images = [Unplaced("b.jpg", identity("A"), True)]
    plan = relink.plan([orphan("a.jpg", "A"), Stray("b.jpg", identity("B"), EDITED)], images)
    assert plan.moves == (Move("a.jpg", "b.jpg", "content"),)
    assert plan.parks == ("b.jpg",)


def test_an_edited_picture_stays_where_it_is() -> None:
    plan = relink.plan([Stray("a.jpg", identity("A"), EDITED)], [Unplaced("a.jpg", identity("Z"), True)])
    assert plan == Plan()


@pytest.mark.parametrize(
    ("old", "new"),
    [("IMG.JPG", "img.jpg"), (unicodedata.normalize("NFD", "é.jpg"), "é.jpg"), ("STRASSE.jpg", "straße.jpg")],
)
def test_a_change_of_case_or_unicode_form_is_a_move_even_without_content(old: str, new: str) -> None:
    plan = relink.plan([Stray(f"d/{old}", Identity(), ORPHAN, old)], [Unplaced(f"d/{new}", identity("A"))])
    assert plan.moves == (Move(f"d/{old}", f"d/{new}", "name"),)


def test_a_change_of_case_that_is_not_unique_is_none() -> None:
    gone = [Stray("IMG.jpg", Identity(), ORPHAN, "IMG.jpg"), Stray("img.JPG", Identity(), ORPHAN, "img.JPG")]
    assert relink.plan(gone, [Unplaced("Img.jpg", identity("A"))]).moves == ()


def test_renamed_here_and_edited_there_is_joined_into_the_live_one() -> None:
    plan = relink.plan([orphan("old.jpg", "A")], [], [Placed("new.jpg", identity("A"))])
    assert plan.moves == (Move("old.jpg", "new.jpg", "content"),)


def test_an_orphan_that_contradicts_a_live_copy_waits_for_a_word() -> None:
    gone = Stray("usb/a.jpg", identity("A"), ORPHAN, "a.jpg", words=rated(5))
    plan = relink.plan([gone], [], [Placed("laptop/a.jpg", identity("A"), "a.jpg", words=rated(2))])
    assert plan.moves == (Move("usb/a.jpg", "laptop/a.jpg", "content", certain=False),)
    assert plan.certain.moves == ()
    assert plan.uncertain == {"usb/a.jpg"}


def test_an_orphan_that_only_adds_to_the_live_one_is_joined() -> None:
    gone = Stray("old.jpg", identity("A"), ORPHAN, "old.jpg", words=captioned(rated(5)))
    plan = relink.plan([gone], [], [Placed("new.jpg", identity("A"), "new.jpg", words=rated(5, 1_600_000_000_000))])
    assert plan.certain.moves == (Move("old.jpg", "new.jpg", "content"),)


@pytest.mark.parametrize("words", [rated(2), rated(5)], ids=["other words", "the same words"])
def test_an_orphan_whose_folder_is_away_stays(words: Body) -> None:
    gone = Stray("usb/a.jpg", identity("A"), ORPHAN, "a.jpg", words=words, away=True)
    plan = relink.plan([gone], [], [Placed("laptop/a.jpg", identity("A"), "a.jpg", words=rated(5))])
    assert plan == Plan(orphans=("usb/a.jpg",))


@pytest.mark.parametrize(
    ("new", "renames", "certain"), [("new.jpg", 1, True), ("new.jpg", 0, False), ("elsewhere/new.jpg", 1, False)]
)
def test_a_later_name_in_the_same_folder_shows_a_renamed_file(new: str, renames: int, certain: bool) -> None:
    gone = Stray("old.jpg", identity("A"), ORPHAN, "old.jpg", words=rated(2))
    plan = relink.plan([gone], [], [Placed(new, identity("A"), "new.jpg", renames, rated(5))])
    assert [move.certain for move in plan.moves] == [certain]


def test_a_parked_document_is_no_rival_of_the_sidecar_that_has_its_words() -> None:
    parked = Stray("orphans/1", identity("A"), PARKED, "d.jpg", words=rated(5))
    gone = Stray("p/d1.jpg", identity("A"), ORPHAN, "d1.jpg", words=captioned(rated(5)))
    images = [image("q/f1.jpg", "A"), image("q/f2.jpg", "A")]
    plan = relink.plan([parked, gone], images)
    assert [(m.source, m.target, m.certain) for m in plan.moves] == [
        ("p/d1.jpg", "q/f1.jpg", True),
        ("p/d1.jpg", "q/f2.jpg", True),
    ]
    assert plan.spent == ()


def test_of_two_equal_parked_documents_one_is_left() -> None:
    parked = [Stray(f"orphans/{n}", identity("A"), PARKED, "d.jpg", words=rated(5)) for n in range(2)]
    assert relink.plan(parked, [image("a.jpg", "A")]).moves == (Move("orphans/1", "a.jpg", "content", parked=True),)


def test_a_parked_document_is_spent_once_a_live_sidecar_has_its_very_words() -> None:
    parked = Stray("orphans/1", identity("A"), PARKED, "d.jpg", words=rated(5))
    live = [Placed(f"{n}.jpg", identity("A"), f"{n}.jpg", words=captioned(rated(5))) for n in range(2)]
    assert relink.plan([parked], [], live) == Plan(spent=("orphans/1",))
    later = [Placed("1.jpg", identity("A"), "1.jpg", words=rated(3, 1_800_000_000_000))]
    assert relink.plan([parked], [], later) == Plan(), "what was said since is later, but it is not the same"


def test_a_new_copy_of_a_known_picture_is_a_fork() -> None:
    plan = relink.plan([], [image("copy.jpg", "A")], [Placed("a.jpg", identity("A"))])
    assert plan.moves == (Move("a.jpg", "copy.jpg", "content", copy=True),)


def test_an_orphan_without_a_picture_stays() -> None:
    assert relink.plan([orphan("a.jpg", "A")], [image("b.jpg", "B")]) == Plan(orphans=("a.jpg",))


@settings(deadline=None, max_examples=200)
@given(st.permutations(["A", "A", "B", "C", "D"]), st.permutations(range(5)), st.randoms(use_true_random=False))
def test_the_plan_does_not_depend_on_order_and_never_mixes_pictures(
    letters: list[str], order: list[int], random: Random
) -> None:
    gone = [orphan(f"{n}.jpg", letter) for n, letter in enumerate(letters)]
    images = [image(f"new/{n}.jpg", letters[n]) for n in order[:4]]
    plan = relink.plan(gone, images)
    random.shuffle(gone)
    assert relink.plan(gone, images[::-1]) == plan
    letter_of = {stray.rel: stray.identity for stray in gone}
    assert all(letter_of[m.source] == i.identity for m in plan.moves for i in images if i.rel == m.target)


@pytest.mark.parametrize(
    ("here", "expected"),
    [
        (["a.jpg.xmp"], [("a.jpg.xmp", "b.jpg.xmp")]),
        (["a.jpg.XMP"], [("a.jpg.XMP", "b.jpg.XMP")]),
        (["a.xmp"], [("a.xmp", "b.xmp")]),
        (["a.xmp", "a.CR2"], []),
        (["a.xmp", "a.MOV"], []),
        (["other.jpg.xmp"], []),
    ],
)
def test_companions(here: list[str], expected: list[tuple[str, str]]) -> None:
    assert relink.companions("d/a.jpg", "e/b.jpg", here, ["b.jpg"]) == expected
    assert relink.companions("d/a.jpg", "e/b.jpg", here, [new for _, new in expected]) == []


# On disk.


def run(a: Replica) -> moves.Relinked:
    return moves.relink(a.tree)


@pytest.mark.parametrize("layout", ["beside", "tree"])
def test_a_renamed_folder_keeps_everything(tmp_path: Path, layout: str) -> None:
    a = Replica(tmp_path)
    documents.set_layout(a.tree, layout)
    for n in range(3):
        a.rate(a.scanned(f"old/{n}.jpg", b"%d" % n), n + 1)
        (a.root / f"old/{n}.jpg.xmp").write_text(str(n))
    (a.root / "new").mkdir()
    for n in range(3):  # a file manager that knows nothing of sidecars
        (a.root / f"old/{n}.jpg").rename(a.root / f"new/{n}{n}.jpg")
    assert run(a).moved == 3
    assert [a.rating(f"new/{n}{n}.jpg") for n in range(3)] == [1, 2, 3]
    assert a.sidecar("new/11.jpg").get(ID, NAME, bytes) == b"11.jpg"
    assert (a.root / "new/22.jpg.xmp").read_text() == "2"
    assert not list((a.root / "old").iterdir())
    assert run(a) == moves.Relinked()


def test_a_folder_renamed_in_the_tree_layout_is_found_again(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    documents.set_layout(a.tree, "tree")
    a.rate(a.scanned("old/x.jpg"), 5)
    (a.root / "old").rename(a.root / "new")
    assert run(a).moved == 1
    assert a.rating("new/x.jpg") == 5


def test_swapped_and_rotated_names_on_disk(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    names = ["a.jpg", "b.jpg", "c.jpg"]
    for n, name in enumerate(names):
        a.rate(a.scanned(name, b"x" * (n + 1)), n + 1)
    for old, new in (("a.jpg", "t"), ("c.jpg", "a.jpg"), ("b.jpg", "c.jpg"), ("t", "b.jpg")):
        (a.root / old).rename(a.root / new)
    assert run(a).moved == 3
    assert [a.rating(name) for name in names] == [3, 1, 2]
    assert documents.list_documents(a.tree, "orphans") == []


def test_swapped_files_of_one_size_are_seen_by_a_scan(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    a.rate(a.scanned("a.jpg", b"one"), 1)
    a.rate(a.scanned("b.jpg", b"two"), 2)
    for old, new in (("a.jpg", "t"), ("b.jpg", "a.jpg"), ("t", "b.jpg")):
        (a.root / old).rename(a.root / new)
    assert moves.relink(a.tree, list(walk(a.tree)), {"a.jpg", "b.jpg"}).moved == 2
    assert (a.rating("a.jpg"), a.rating("b.jpg")) == (2, 1)


@pytest.mark.parametrize("at", range(1, 12))
def test_a_crash_while_swapping_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    a = Replica(tmp_path)
    a.rate(a.scanned("a.jpg", b"one"), 1)
    a.rate(a.scanned("b.jpg", b"twoo"), 2)
    for old, new in (("a.jpg", "t"), ("b.jpg", "a.jpg"), ("t", "b.jpg")):
        (a.root / old).rename(a.root / new)
    count = 0

    def counted(real: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object, **kwargs: object) -> object:
            nonlocal count
            count += 1
            if count == at:
                raise KeyboardInterrupt
            return real(*args, **kwargs)

        return call

    with monkeypatch.context() as patch:
        for module, name in ((fsio, "remove"), (sidecars, "write"), (orphans, "write_document")):
            patch.setattr(module, name, counted(getattr(module, name)))
        with contextlib.suppress(KeyboardInterrupt):
            run(a)
    run(a)
    assert (a.rating("a.jpg"), a.rating("b.jpg")) == (2, 1)


def test_a_copy_inherits_and_then_goes_its_own_way(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    a.rate(a.scanned("a.jpg"), 4)
    shutil.copy(a.root / "a.jpg", a.root / "b.jpg")
    assert run(a).copied == 1
    a.rate("b.jpg", 1)
    assert (a.rating("a.jpg"), a.rating("b.jpg")) == (4, 1)


def test_a_sidecar_that_arrives_before_its_image_waits(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    a.rate(a.scanned("a.jpg", b"late"), 4)
    (a.root / "a.jpg").unlink()
    a.scanned("other.jpg", b"else")
    assert run(a).moved == 0
    assert (a.root / "a.jpg.phototag").exists()
    a.image("elsewhere/a.jpg", b"late")
    assert run(a).moved == 1
    assert a.rating("elsewhere/a.jpg") == 4


def test_the_words_of_another_pictures_conflict_copy_find_their_picture(tmp_path: Path) -> None:
    from phototag.library import conflicts

    a, b = Replica(tmp_path, "a"), Replica(tmp_path, "b")
    a.scanned("x.jpg", b"a dog")
    b.scanned("x.jpg", b"a cat!")
    b.tag("x.jpg", "cat")
    copy = "x.jpg.sync-conflict-20240501-101500-ABCDEFG.phototag"
    shutil.copy(b.root / "x.jpg.phototag", a.root / copy)
    a.image("x.sync-conflict-20240501-101500-ABCDEFG.jpg", b"a cat!")
    conflicts.resolve(a.tree, conflicts.find(a.tree))
    assert run(a).moved == 1
    assert a.tags("x.sync-conflict-20240501-101500-ABCDEFG.jpg") == {"cat": 1}
    assert a.tags("x.jpg") == {}
    assert documents.list_documents(a.tree, "orphans") == []


def test_nothing_is_hashed_where_nothing_strayed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a = Replica(tmp_path)
    a.scanned("a.jpg", b"x" * 10)
    a.image("new.jpg", b"y" * 11)
    monkeypatch.setattr(fingerprint, "content_hash", lambda data: pytest.fail("hashed"))
    assert run(a) == moves.Relinked()


def test_an_annexed_picture_that_moved_while_absent_is_known_by_its_key(tmp_path: Path) -> None:
    from phototag.library import annex

    a = Replica(tmp_path)
    key = "SHA256E-s4--" + "0" * 64 + ".jpg"
    link = f".git/annex/objects/aa/bb/{key}/{key}"
    document = Document()
    document.set_machine(ID, CONTENT, Content(b"c" * 16, b"p" * 16, 4, key=key))
    sidecars.write(a.tree, "a.jpg", document)
    (a.root / "b.jpg").symlink_to(link)
    assert annex.key_of(str(a.root / "b.jpg")) == key
    assert annex.size_of(key) == 4
    assert run(a).moved == 1
    assert os.path.lexists(a.root / "b.jpg.phototag")
    (a.root / "b.jpg").unlink()
    (a.root / "c.jpg").write_bytes(b"/annex/objects/" + key.encode() + b"\n")
    assert run(a).moved == 1
    assert (a.root / "c.jpg.phototag").exists()


@settings(deadline=None, max_examples=25)
@given(st.permutations(range(5)), st.data())
def test_any_shuffle_of_files_keeps_every_word_with_its_picture(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], data: st.DataObject
) -> None:
    a = Replica(tmp_path_factory.mktemp("shuffle"))
    for n in range(5):
        a.rate(a.scanned(f"{n}.jpg", b"z" * (n + 1)), n + 1 if n < 5 else None)
    for n in range(5):
        (a.root / f"{n}.jpg").rename(a.root / f"t{n}")
    where = {}
    for n, target in enumerate(order):
        folder = data.draw(st.sampled_from(["", "", "sub/"]))
        where[n] = f"{folder}{target}.jpg"
        (a.root / where[n]).parent.mkdir(exist_ok=True)
        (a.root / f"t{n}").rename(a.root / where[n])
    run(a)
    assert {n: a.rating(rel) for n, rel in where.items()} == {n: n + 1 for n in range(5)}
