"""What was said of copies, given to the one that is kept."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from phototag.ids import Clock
from phototag.library.union import _stored, _upright, union_edits
from phototag.sidecar.model import CONTENT, EXIF, FACE, ID, USER, UTAG, Content, Exif
from phototag.sidecar.registers import Document
from tests.library.replicas import Ticking

CLOCK = Clock(b"device", Ticking())


def document(
    *,
    tags: dict[str, int] | None = None,
    user: dict[str, Any] | None = None,
    faces: dict[str, Any] | None = None,
    exif: Exif | None = None,
    pixels: bytes = bytes(16),
) -> Document:
    made = Document()
    made.set_machine(ID, CONTENT, Content(pixels, pixels, 5, 4, 3, "jpeg"))
    if exif is not None:
        made.set_machine(EXIF, "v1", exif)
    for section, values in ((UTAG, tags), (USER, user), (FACE, faces)):
        for key, value in (values or {}).items():
            made.set_person(section, key, value, CLOCK)
    return made


def union(*documents: Document) -> dict[tuple[str, str], Any]:
    kept, *copies = documents
    for edit in union_edits("a.jpg", kept, copies):
        kept.set_person(edit.section, edit.key, edit.value, CLOCK)
    return {
        (section, key): kept.get(section, key, object)
        for section in (UTAG, USER, FACE)
        for key in kept.keys(section)
        if kept.get(section, key, object) is not None
    }


def test_nothing_said_of_the_copies_changes_nothing() -> None:
    kept = document(tags={"a": 1}, user={"rating": 3})
    assert union_edits("a.jpg", kept, [document()]) == []
    assert union_edits("a.jpg", kept, [kept.copy()]) == []


@pytest.mark.parametrize(
    ("kept", "copies", "joined"),
    [
        ({}, [{"x": 1}], {"x": 1}),
        ({"x": 0}, [{"x": 1}], {"x": 1}),
        ({"x": 1}, [{"x": 0}], {"x": 1}),
        ({}, [{"x": 0}], {"x": 0}),
        ({}, [{"x": -1}], {"x": -1}),
        ({"x": 0}, [{"x": -1}], {"x": -1}),
        ({"x": 1}, [{"x": -1}], {"x": -1}),
        ({"x": -1}, [{"x": 1}], {"x": 1}),
        ({"y": 1}, [{"x": 1}, {"z": -1}], {"x": 1, "y": 1, "z": -1}),
    ],
    ids=str,
)
def test_never_again_tags_are_joined_and_of_yes_and_never_the_later_word_counts(
    kept: dict[str, int], copies: list[dict[str, int]], joined: dict[str, int]
) -> None:
    found = union(document(tags=kept), *(document(tags=tags) for tags in copies))
    assert {key: value for (_, key), value in found.items()} == joined


@pytest.mark.parametrize(
    ("kept", "copy", "best"),
    [(None, 3, 3), (2, 4, 4), (5, 1, 5), (-1, 2, 2), (None, -1, -1), (2, -1, 2), (None, None, None)],
)
def test_the_best_rating_stays(kept: int | None, copy: int | None, best: int | None) -> None:
    documents = [document(user={} if rating is None else {"rating": rating}) for rating in (kept, copy)]
    assert union(*documents).get((USER, "rating")) == best


def test_a_rating_in_the_file_counts_too_and_is_not_lowered() -> None:
    assert union(document(exif=Exif(rating=4)), document(user={"rating": 3})) == {}
    assert union(document(user={"rating": 3}), document(exif=Exif(rating=4))) == {(USER, "rating"): 4}


def test_said_to_be_none_is_no_rating_and_no_caption() -> None:
    zero, none = document(exif=Exif(rating=0)), document(user={"rating": 0, "caption": ""})
    assert union_edits("x.jpg", document(), [zero, none]) == []
    assert union_edits("x.jpg", none, [zero, document()]) == []


def test_captions_are_joined_once_each() -> None:
    found = union(
        document(user={"caption": "Nice"}),
        document(user={"caption": "Nice"}),
        document(user={"caption": "The first swim"}),
        document(user={"caption": "swim"}),
    )
    assert found == {(USER, "caption"): "Nice\nThe first swim"}


def test_title_and_date_are_taken_where_there_is_none_and_a_turn_only_from_the_same_pixels() -> None:
    copy = document(user={"title": "theirs", "date": "1999", "orient": 6}, pixels=b"x" * 16)
    assert union(document(user={"title": "mine"}), copy) == {(USER, "title"): "mine", (USER, "date"): "1999"}
    same = document(user={"orient": 6})
    assert union(document(), same) == {(USER, "orient"): 6}


def test_people_come_with_their_faces_and_denials_but_guesses_do_not() -> None:
    faces = {"c1/box": bytes(8), "c1/who": ["p", "Ada"], "c1/not/q": 1, "c1/auto": ["q", "Bea"]}
    copy = document(faces=faces)
    copy.set_machine(FACE, "c2/box", bytes(8))
    copy.set_machine(FACE, "c2/auto", ["q", "Bea"])
    found = union(document(), copy)
    assert {key for _, key in found} == {"c1/box", "c1/who", "c1/not/q"}
    assert found[FACE, "c1/who"] == ["p", "Ada"]


def test_a_box_that_a_machine_drew_comes_along_with_what_a_person_said_of_it() -> None:
    copy = document(faces={"c1/state": 1})
    copy.set_machine(FACE, "c1/box", bytes(range(8)))
    assert union(document(), copy) == {(FACE, "c1/box"): bytes(range(8)), (FACE, "c1/state"): 1}


def test_the_later_word_about_one_face_counts() -> None:
    older = document(faces={"c1/who": ["p", "Ada"]})
    newer = document(faces={"c1/who": ["q", "Bea"]})
    assert union(older.copy(), newer.copy())[FACE, "c1/who"] == ["q", "Bea"]
    assert union(newer.copy(), older.copy())[FACE, "c1/who"] == ["q", "Bea"]


def test_a_face_is_where_it_was_in_a_raster_that_lies_another_way() -> None:
    box = np.array([6553, 13107, 26214, 19660], "<u2").tobytes()  # 0.1 0.2 .. 0.4 0.3
    copy = document(faces={"c1/box": box, "c1/who": ["p"]})
    found = union(document(exif=Exif(orientation=6)), copy)[FACE, "c1/box"]
    # Turned to the right by EXIF, the stored raster has the upright's top at its left: x is y, y is 1 - x.
    assert (np.frombuffer(found, "<u2") / 65535).round(2).tolist() == [0.2, 0.6, 0.3, 0.9]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turning_there_and_back_is_nothing(orientation: int) -> None:
    assert _stored(*_upright(100, 60000, orientation), orientation) == (100, 60000)
