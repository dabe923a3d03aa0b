"""Faces that count in one image: what detectors found, joined with what the owner claimed, by overlap of boxes.

A claim has its own box, so it survives another detector: it is matched to detections by IoU when read
(docs/format.md). Of several detectors the one whose key sorts last speaks; the owner's claims always do.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from phototag.index.facts import is_fresh, whole
from phototag.index.view import SidecarView, typed
from phototag.sidecar.codec import NIL
from phototag.sidecar.model import IGNORED, NOT_A_FACE, Face

MIN_IOU = 0.4

_BOX = struct.Struct("<4H")


class FaceRow(NamedTuple):
    """One face; ``nth`` is its place among the detections of ``space``, -1 for a claim no detection meets."""

    space: str
    nth: int
    claim: str | None
    box: bytes
    det: float
    quality: float
    person: str | None
    name: str | None
    by: str | None
    state: int | None
    vector: bytes

    @property
    def counts(self) -> bool:
        """Say whether it is a face the owner wants to see."""
        return self.state not in (NOT_A_FACE, IGNORED)


class _Claim:
    """The registers of one claim, gathered."""

    __slots__ = ("auto", "box", "denied", "state", "who")

    def __init__(self) -> None:
        self.box = b""
        self.who: tuple[int, bytes, list[str] | None] | None = None
        self.auto: list[str] | None = None
        self.state: int | None = None
        self.denied: set[str] = set()


def effective_faces(view: SidecarView) -> list[FaceRow]:
    """Return the faces of one image, claims without a detection last."""
    claims = _claims(view) if view.claims else {}
    if not view.observations and not claims:
        return []
    rows: list[FaceRow] = []
    free = dict(claims)
    fresh = {k: s.value for k, s in (view.observations or {}).items() if s.value and is_fresh(s.value.src, view)}
    if fresh:
        space = max(fresh)
        for nth, face in enumerate(fresh[space].faces):
            matches = _matching(face.box, free)
            rows.append(_row(space, nth, face, [(key, free.pop(key)) for key in matches]))
    rows.extend(
        _row("", -1, Face(claim.box, b"", 0.0), [(key, claim)]) for key, claim in free.items() if len(claim.box) == 8
    )
    return rows


def _claims(view: SidecarView) -> dict[str, _Claim]:
    claims: dict[str, _Claim] = {}
    for key, slot in (view.claims or {}).items():
        name, _, what = key.partition("/")
        claim = claims.setdefault(name, _Claim())
        value = slot.value
        if bytes(value) == NIL:
            continue
        if what == "box":
            claim.box = typed(value, bytes) or b""
        elif what == "who":
            claim.who = (slot.stamp, slot.device, typed(value, list[str] | None))
        elif what == "auto":
            claim.auto = [p for p in typed(value, list[str | float | None]) or [] if isinstance(p, str)]
        elif what == "state":
            claim.state = whole(typed(value, int | None), 8)
        elif what.startswith("not/") and typed(value, int | None) == 1:
            claim.denied.add(what[4:])
    return claims


def _row(space: str, nth: int, face: Face, claims: list[tuple[str, _Claim]]) -> FaceRow:
    """Return one face; where two machines each claimed it, the later word wins."""
    claim = max(claims, key=lambda pair: (*(pair[1].who or (-1, b"", None))[:2], pair[0]))[0] if claims else None
    states = [c.state for _, c in claims if c.state is not None]
    state = states[-1] if states else None
    person = name = by = None
    named = [c.who for _, c in claims if c.who is not None]
    denied = set[str]().union(*(c.denied for _, c in claims))
    if named:
        word = max(named, key=lambda who: who[:2])[2]
        if word:
            person, name, by = word[0], word[1] if len(word) > 1 else None, "owner"
    else:
        guesses = [c.auto for _, c in claims if c.auto and c.auto[0] not in denied]
        if guesses:
            person, by = guesses[0][0], "auto"
    return FaceRow(space, nth, claim, face.box, face.det, face.quality, person, name, by, state, face.v)


def _matching(box: bytes, claims: dict[str, _Claim]) -> list[str]:
    return [key for key, claim in claims.items() if iou(box, claim.box) >= MIN_IOU]


def iou(a: bytes, b: bytes) -> float:
    """Return intersection over union of two stored boxes (u16 x 4), 0 where one is not a box."""
    if len(a) != 8 or len(b) != 8:
        return 0.0
    ax0, ay0, ax1, ay1 = _BOX.unpack(a)
    bx0, by0, bx1, by1 = _BOX.unpack(b)
    width, height = min(ax1, bx1) - max(ax0, bx0), min(ay1, by1) - max(ay0, by0)
    if width <= 0 or height <= 0:
        return 0.0
    common = width * height
    return float(common / ((ax1 - ax0) * (ay1 - ay0) + (bx1 - bx0) * (by1 - by0) - common))
