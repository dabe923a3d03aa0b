"""Relink: which sidecar belongs to which picture after files were moved, renamed, copied or swapped.

``plan`` is pure: from what strayed, what lacks a sidecar and what is in its place, to typed changes. Pictures are
known by content, by pixels (metadata was edited on the way) or by git-annex key, and by name only where just the case
or the Unicode form changed. An orphan is never garbage: its picture may come later, so it gives its words to a live copy only
where nothing that is said of either would be lost.
"""

from __future__ import annotations

import os
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence

import msgspec

from phototag.library import words
from phototag.sidecar.codec import Body

ORPHAN, EDITED, PARKED = "orphan", "edited", "parked"


class Identity(msgspec.Struct, frozen=True):
    """What a picture is known by; empty where it is not known."""

    content: bytes = b""
    pixels: bytes = b""
    key: str = ""
    """git-annex key."""

    @property
    def marks(self) -> list[bytes]:
        """Return the ways to know it, the strongest first."""
        key = f"key:{self.key}".encode() if self.key else b""
        return [mark for mark in (self.content, key, self.pixels and b"px" + self.pixels) if mark]


class Stray(msgspec.Struct, frozen=True):
    """A sidecar that may belong elsewhere."""

    rel: str
    """The image it stands for; for a parked one the name of its document."""
    identity: Identity
    kind: str
    """``orphan``: no image there; ``edited``: another picture is there now; ``parked``: kept in ``orphans/``."""
    name: str = ""
    """File name of the image when last seen."""
    renames: int = 0
    """How often that name has changed: more of them tell the later of two states of one file."""
    words: Body = {}
    """What a person said."""
    away: bool = False
    """An orphan whose folder is a mount point without its disk, as it seems, rather than a file that moved."""


class Unplaced(msgspec.Struct, frozen=True):
    """An image without a sidecar, or with one about other content (``edited``)."""

    rel: str
    identity: Identity
    edited: bool = False
    reverted: bool = False
    """Its content is the first that its sidecar knew: an edit taken back rather than another picture."""


class Placed(msgspec.Struct, frozen=True):
    """An image whose sidecar is about its content."""

    rel: str
    identity: Identity
    name: str = ""
    """As of a stray, like what follows."""
    renames: int = 0
    words: Body = {}


class Move(msgspec.Struct, frozen=True):
    """What the sidecar of ``source`` says belongs to the image ``target``; joined with what is said there already."""

    source: str
    target: str
    why: str
    """``content``, ``pixels``, ``key`` or ``name``."""
    parked: bool = False
    """``source`` is the name of a parked document."""
    copy: bool = False
    """The source stays: it is a live image's own, or serves several images."""
    certain: bool = True
    """Exactly one place it can belong to, and no word is lost there; only such moves are made without being asked."""


class Plan(msgspec.Struct, frozen=True):
    """The changes, in the order they are made, and the orphans that stay."""

    moves: tuple[Move, ...] = ()
    parks: tuple[str, ...] = ()
    """Images whose old sidecar serves several others now, or gave way: kept in ``orphans/``."""
    orphans: tuple[str, ...] = ()
    """Sidecars whose image is not here; they stay where they are."""
    doubtful: tuple[str, ...] = ()
    """Images that are another picture now, whose old sidecar could belong to several: parked until somebody says."""
    spent: tuple[str, ...] = ()
    """Parked documents whose every word stands in the sidecar of a live image of their picture: nobody needs them."""

    @property
    def uncertain(self) -> frozenset[str]:
        """Return the sidecars and parked documents that could belong to several images."""
        return frozenset(move.source for move in self.moves if not move.certain)

    @property
    def certain(self) -> Plan:
        """Return the part that needs nobody's word: what is uncertain stays where it is."""
        doubtful = self.uncertain
        return Plan(
            tuple(move for move in self.moves if move.certain),
            tuple(sorted({*(park for park in self.parks if park not in doubtful), *self.doubtful})),
            self.orphans,
            spent=self.spent,
        )


def plan(strays: Sequence[Stray], images: Sequence[Unplaced], placed: Sequence[Placed] = ()) -> Plan:
    """Return what belongs where. Pure; the same whatever the order of its arguments."""
    return _Planner(strays, images, placed).plan()


class _Planner:
    def __init__(self, strays: Sequence[Stray], images: Sequence[Unplaced], placed: Sequence[Placed]) -> None:
        self.strays = sorted(strays, key=lambda stray: (stray.rel, stray.kind))
        self.images = sorted(images, key=lambda image: image.rel)
        self.placed: dict[bytes, list[Placed]] = defaultdict(list)
        for one in sorted(placed, key=lambda one: one.rel):
            for mark in one.identity.marks:
                self.placed[mark].append(one)
        self.moves: list[Move] = []
        self.parks: list[str] = []
        self.taken: set[str] = set()
        """Strays that belong somewhere."""
        self.filled: set[str] = set()
        """Images that were given a sidecar."""
        self.spent: list[str] = []

    def plan(self) -> Plan:
        self._drop_spent()
        self._by_identity()
        self._by_name()
        self._forks()
        self._into_placed()
        self._give_way()
        moves = sorted(self.moves, key=lambda move: (move.target, move.source))
        orphans = [s.rel for s in self.strays if s.kind == ORPHAN and s.rel not in self.taken]
        doubtful = {move.source for move in moves if not move.certain}
        edited = [s.rel for s in self.strays if s.kind == EDITED and s.rel in doubtful]
        parks = tuple(sorted(set(self.parks)))
        return Plan(tuple(moves), parks, tuple(orphans), tuple(edited), tuple(self.spent))

    def _drop_spent(self) -> None:
        """Leave parked documents out that add nothing to another sidecar of their picture.

        What was split among several images stays parked, as does what a crash left in two places: they are no rivals
        of the sidecars that hold their words.
        """
        holders: dict[bytes, list[Stray]] = defaultdict(list)
        for stray in self.strays:
            for mark in stray.identity.marks:
                holders[mark].append(stray)
        kept: list[Stray] = []
        dropped: set[str] = set()
        for stray in self.strays:
            if stray.kind != PARKED:
                kept.append(stray)
                continue
            marks = stray.identity.marks
            live = [one.words for mark in marks for one in self.placed.get(mark, ())]
            rivals = [one for mark in marks for one in holders[mark] if one is not stray and one.rel not in dropped]
            if any(words.has_all(held, stray.words) for held in live):
                self.spent.append(stray.rel)
            elif not any(words.has_later(held, stray.words) for held in (*live, *(one.words for one in rivals))):
                kept.append(stray)
                continue
            dropped.add(stray.rel)
        self.strays = kept

    def _by_identity(self) -> None:
        """Give strays to images with the same marks, the strongest mark first."""
        for number in range(3):
            groups: dict[bytes, tuple[list[Stray], list[Unplaced]]] = defaultdict(lambda: ([], []))
            for stray in self.strays:
                if stray.rel not in self.taken:
                    for mark in stray.identity.marks:
                        groups[mark][0].append(stray)
            for image in self.images:
                if image.rel not in self.filled:
                    for mark in image.identity.marks:
                        groups[mark][1].append(image)
            for mark in sorted(groups):
                if _strength(mark) == number:
                    strays = [s for s in groups[mark][0] if s.rel not in self.taken]
                    images = [i for i in groups[mark][1] if i.rel not in self.filled]
                    if strays and images:
                        self._match(strays, images, ("content", "key", "pixels")[number])

    def _match(self, strays: list[Stray], images: list[Unplaced], why: str) -> None:
        """Match strays and images of one picture: pairs of one name first, then what is left."""
        for stray in list(strays):
            same = [image for image in images if _name(image.rel) == (stray.name or _name(stray.rel))]
            rivals = [s for s in strays if (s.name or _name(s.rel)) == (stray.name or _name(stray.rel))]
            if len(same) == 1 and len(rivals) == 1 and len(strays) > 1:
                self._move(stray, same[0].rel, why)
                strays.remove(stray)
                images.remove(same[0])
        if len(strays) == 1:
            many = len(images) > 1
            for image in images:
                self._move(strays[0], image.rel, why, copy=many)
            if many and strays[0].kind != PARKED:
                self.parks.append(strays[0].rel)
        elif strays and images:
            # Several files of one picture went, and nothing says which went where: each place gets all that was said.
            # With one place left there is no doubt that it belongs there.
            for image in images:
                for stray in strays:
                    self._move(stray, image.rel, why, copy=len(images) > 1, certain=len(images) == 1)
            if len(images) > 1:
                self.parks += [stray.rel for stray in strays if stray.kind != PARKED]

    def _by_name(self) -> None:
        """Match orphans and images of one folder whose names differ in case or Unicode form alone."""
        folders: dict[tuple[str, str], tuple[list[Stray], list[Unplaced]]] = defaultdict(lambda: ([], []))
        for stray in self.strays:
            if stray.kind == ORPHAN and stray.rel not in self.taken:
                folders[os.path.dirname(stray.rel), folded(_name(stray.rel))][0].append(stray)
        for image in self.images:
            if image.rel not in self.filled and not image.edited:
                folders[os.path.dirname(image.rel), folded(_name(image.rel))][1].append(image)
        for strays, images in folders.values():
            if len(strays) == 1 and len(images) == 1:
                self._move(strays[0], images[0].rel, "name")

    def _into_placed(self) -> None:
        """Join orphans into the one live image of the same picture: renamed on one device, edited on another.

        The live one can also be an exact copy of a picture that is only away and has words of its own: nothing is
        joined without being asked where that would override a word, and nothing at all where the folder is away.
        """
        for stray in self.strays:
            if stray.rel in self.taken or (stray.kind == EDITED and stray.rel not in self.filled):
                continue
            for mark in stray.identity.marks:
                live = self.placed.get(mark, [])
                if live:
                    renamed = len(live) == 1 and _is_renamed(stray, live[0])
                    if stray.away and not renamed:
                        break
                    certain = renamed or (len(live) == 1 and not words.contradict(live[0].words, stray.words))
                    for one in live:
                        self._move(stray, one.rel, _WHY[_strength(mark)], copy=len(live) > 1, certain=certain)
                    if len(live) > 1 and stray.kind != PARKED:
                        self.parks.append(stray.rel)
                    break

    def _forks(self) -> None:
        """Give a new copy of a known picture, also one that took another's place, what is said about that picture."""
        for image in self.images:
            if image.rel not in self.filled and not image.reverted and image.identity.content:
                live = self.placed.get(image.identity.content, [])
                if live:
                    self.moves.append(Move(live[0].rel, image.rel, "content", copy=True))
                    self.filled.add(image.rel)

    def _give_way(self) -> None:
        """Park the sidecars of other pictures that stand where something is moved to and belong nowhere themselves."""
        edited = {stray.rel for stray in self.strays if stray.kind == EDITED}
        self.parks += [rel for rel in sorted(edited & self.filled) if rel not in self.taken]

    def _move(self, stray: Stray, target: str, why: str, *, copy: bool = False, certain: bool = True) -> None:
        parked = stray.kind == PARKED
        self.moves.append(Move(stray.rel, target, why, parked, copy and not parked, certain))
        self.taken.add(stray.rel)
        self.filled.add(target)


_WHY = ("content", "key", "pixels")


def _is_renamed(stray: Stray, placed: Placed) -> bool:
    """Say whether ``placed`` is the file of ``stray`` under a later name in the same folder."""
    named = stray.name == _name(stray.rel) and placed.name == _name(placed.rel)
    return named and placed.renames > stray.renames and os.path.dirname(stray.rel) == os.path.dirname(placed.rel)


def folded(name: str) -> str:
    """Return ``name`` without what file systems disagree about: case and Unicode form."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def companions(source: str, target: str, here: Iterable[str], there: Iterable[str]) -> list[tuple[str, str]]:
    """Return (old, new) names of the XMP files that an image left behind when it moved from ``source`` to ``target``.

    ``here`` are the names in the old folder, ``there`` in the new. ``IMG.jpg.xmp`` goes along; ``IMG.xmp`` only where
    no other file of that stem (RAW beside JPEG, a live photo's MOV) still stands beside it. Nothing is replaced.
    """
    old, new = _name(source), _name(target)
    names, taken = list(here), {folded(name) for name in there}
    moves = []
    for name in names:
        if folded(name) == folded(old + ".xmp"):
            moves.append((name, new + name[len(old) :]))
        elif folded(name) == folded(_stem(old) + ".xmp"):
            others = [n for n in names if folded(_stem(n)) == folded(_stem(old)) and n not in (name, old)]
            if not others:
                moves.append((name, _stem(new) + name[len(_stem(old)) :]))
    return [(one, other) for one, other in moves if folded(other) not in taken]


def _name(rel: str) -> str:
    return rel.rpartition("/")[2]


def _stem(name: str) -> str:
    return os.path.splitext(name)[0]


def _strength(mark: bytes) -> int:
    return 0 if len(mark) == 16 else 1 if mark.startswith(b"key:") else 2
