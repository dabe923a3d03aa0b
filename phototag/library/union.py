"""One picture, several sidecars: what was said of the copies, as edits of the one that is kept.

Only a person's word is carried over; what machines say of the same picture they have said of the kept one too.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence

import msgspec

from phototag.errors import FormatError
from phototag.library.decide import Edit
from phototag.library.operation import IMAGE
from phototag.sidecar import codec
from phototag.sidecar.model import (
    CONTENT,
    EXIF,
    FACE,
    ID,
    PRESENT,
    REJECTED,
    REMOVED,
    USER,
    UTAG,
    V1,
    Content,
    Exif,
)
from phototag.sidecar.registers import Document, Register

_BOX = struct.Struct("<4H")
_FULL = 65535
_TAKEN_IF_NONE = ("title", "flag", "date", "loc")


def union_edits(rel: str, kept: Document, copies: Sequence[Document]) -> list[Edit]:
    """Return the edits that give the image ``rel`` what a person said of its ``copies``.

    Tags are joined, with those that were rejected; of a tag rejected here and given there the later word counts. The
    best rating stays. A caption that says something else is added below. People come along with their faces.
    """
    documents = [kept, *copies]
    edits = [Edit(IMAGE + rel, UTAG, tag, state) for tag, state in _tags(documents)]
    rating = _rating(documents)
    if rating is not None and rating != _effective_rating(kept):
        edits.append(Edit(IMAGE + rel, USER, "rating", rating))
    caption = _caption(documents)
    if caption != (kept.get(USER, "caption", str) or None):
        edits.append(Edit(IMAGE + rel, USER, "caption", caption))
    edits += [Edit(IMAGE + rel, USER, key, value) for key, value in _others(kept, copies)]
    edits += [Edit(IMAGE + rel, FACE, key, value) for key, value in _faces(kept, copies)]
    return edits


def _tags(documents: Sequence[Document]) -> Iterable[tuple[str, int]]:
    """Yield (tag, state) of every tag whose state in the first document is not that of all together."""
    for tag in sorted({tag for document in documents for tag in document.keys(UTAG)}):
        said = [
            (found.stamp, found.device, state)
            for document in documents
            if (found := document.register(UTAG, tag)) and (state := _state(document, tag)) is not None
        ]
        states = {state for _, _, state in said}
        joined = next((state for state in (PRESENT, REJECTED, REMOVED) if state in states), None)
        if {PRESENT, REJECTED} <= states:
            joined = max(one for one in said if one[2] != REMOVED)[2]
        if joined is not None and joined != _state(documents[0], tag):
            yield tag, joined


def _state(document: Document, tag: str) -> int | None:
    return document.get(UTAG, tag, int)


def _effective_rating(document: Document) -> int | None:
    said = document.get(USER, "rating", int)
    if said is not None:
        return said or None
    exif = document.get(EXIF, V1, Exif)
    return None if exif is None else exif.rating or None


def _rating(documents: Sequence[Document]) -> int | None:
    return max((rating for rating in map(_effective_rating, documents) if rating is not None), default=None)


def _caption(documents: Sequence[Document]) -> str | None:
    """Return all captions, each once, the first document's first."""
    lines: list[str] = []
    for document in documents:
        text = document.get(USER, "caption", str)
        if text and not any(text in line for line in lines):
            lines.append(text)
    return "\n".join(lines) or None


def _others(kept: Document, copies: Sequence[Document]) -> Iterable[tuple[str, object]]:
    """Yield what a copy has and the kept one lacks; how it is turned only where the pixels are the same."""
    content = kept.get(ID, CONTENT, Content)
    for key in (*_TAKEN_IF_NONE, "orient"):
        if kept.get(USER, key, msgspec.Raw) is not None:
            continue
        for copy in copies:
            theirs = copy.get(ID, CONTENT, Content)
            same = content is not None and theirs is not None and content.px == theirs.px
            value = copy.get(USER, key, msgspec.Raw)
            if value is not None and (same or key != "orient"):
                yield key, value
                break


def _faces(kept: Document, copies: Sequence[Document]) -> Iterable[tuple[str, object]]:
    """Yield the claims about faces that a person made of the copies; machines' guesses are made again."""
    best: dict[str, tuple[Register, Document]] = {}
    for copy in copies:
        for key in copy.keys(FACE):
            found = copy.register(FACE, key)
            if found is None or key.endswith("/auto") or found.value == codec.NIL:
                continue
            if key not in best or not _is_newer(best[key][0], found):
                best[key] = found, copy
    claimed = {key.partition("/")[0] for key, (found, _) in best.items() if found.by_person}
    for key, (found, copy) in sorted(best.items()):
        claim, _, what = key.partition("/")
        if claim not in claimed or _is_newer(kept.register(FACE, key), found):
            continue
        yield key, _turned(found, copy, kept) if what == "box" else codec.decode_value(found.value, msgspec.Raw)


def _is_newer(mine: Register | None, theirs: Register) -> bool:
    return mine is not None and (mine.stamp, mine.device) >= (theirs.stamp, theirs.device)


def _turned(found: Register, source: Document, target: Document) -> bytes:
    """Return a face's box as the raster of ``target`` has it: boxes lie in the stored raster, before EXIF turns it."""
    try:
        box = codec.decode_value(found.value, bytes)
    except FormatError:
        return b""
    here, there = (_orientation(document) for document in (source, target))
    if len(box) != _BOX.size or here == there:
        return box
    x0, y0, x1, y1 = _BOX.unpack(box)
    corners = [_stored(*_upright(x, y, here), there) for x, y in ((x0, y0), (x1, y1))]
    (ax, ay), (bx, by) = corners
    return _BOX.pack(min(ax, bx), min(ay, by), max(ax, bx), max(ay, by))


def _orientation(document: Document) -> int:
    exif = document.get(EXIF, V1, Exif)
    return 1 if exif is None or exif.orientation not in range(1, 9) else exif.orientation or 1


def _upright(x: int, y: int, orientation: int) -> tuple[int, int]:
    """Return where a point of the stored raster is once EXIF has turned it (EXIF 2.32, table 8, Orientation)."""
    if orientation >= 5:
        x, y = y, x
    mirrored_x = orientation in (2, 3, 6, 7)
    mirrored_y = orientation in (3, 4, 7, 8)
    return _FULL - x if mirrored_x else x, _FULL - y if mirrored_y else y


def _stored(x: int, y: int, orientation: int) -> tuple[int, int]:
    """Return where a point of the upright picture is in the stored raster."""
    if orientation in (2, 3, 6, 7):
        x = _FULL - x
    if orientation in (3, 4, 7, 8):
        y = _FULL - y
    return (y, x) if orientation >= 5 else (x, y)
