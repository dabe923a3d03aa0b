"""Duplicates: which images of a library are the same picture, and which of them to keep.

Exact: the same bytes, or the same pixels with other metadata. Near: they look the same (``looks``), and nothing that
the camera wrote says they were two shots (``shots``).
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from phototag.errors import UsageError
from phototag.imaging.formats import HEIF
from phototag.index.reader import NO_INT, Index
from phototag.library.relink import folded
from phototag.search.disjoint import Sets
from phototag.search.looks import UNLIKE, Looks
from phototag.search.shots import Shots

Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.int64]

EXACT, NEAR = "exact", "near"


class Group(msgspec.Struct, frozen=True):
    """One picture that is there several times; row numbers of the index."""

    keep: int
    others: tuple[int, ...]
    """In the order of their paths; none where there are only other names of the same file."""
    kind: str
    """``exact``: the same bytes or pixels; ``near``: they look the same."""
    linked: tuple[int, ...] = ()
    """Links: other names of a file that is kept or among the others. Nothing would be won by moving them."""


class Node(msgspec.Struct, frozen=True):
    """The files of the same bytes or pixels, the one to keep first."""

    rows: tuple[int, ...]
    linked: tuple[int, ...] = ()


def find(index: Index, mask: Mask, *, near: bool = False, rule: str = "best") -> list[Group]:
    """Return the duplicates among the images of ``mask``, by the path that is kept. Raises UsageError.

    A picture can keep two groups: its exact copies, and those that only look the same. An image that was deleted, and left
    its sidecar, is none; one whose content is elsewhere (git-annex) is.
    """
    if rule not in RULES:
        raise UsageError(f"cannot keep {rule!r}", hint=f"one of {', '.join(RULES)}")
    files = Files(index, rule)
    rows = np.flatnonzero(mask & index.alive)
    gone = [row for row in rows[~index.present[rows]].tolist() if not os.path.lexists(index.tree.path(files.path(row)))]
    rows = np.setdiff1d(rows, gone, assume_unique=True)
    nodes = files.exact(rows)
    groups = {node.rows[0]: files.group(node.rows[0], node.rows[1:], EXACT, node.linked) for node in nodes}
    alike = []
    for keep, others in _near(index, files, [*nodes, *_single(rows, nodes)]) if near else ():
        for other in others:  # copies of what looks the same go with it
            groups.pop(other.rows[0], None)
        rest = [row for other in others for row in other.rows]
        alike.append(files.group(keep.rows[0], rest, NEAR, [row for other in others for row in other.linked]))
    return sorted([*groups.values(), *alike], key=lambda group: (files.path(group.keep), group.kind))


class Files:
    """The files of an open index, and which of them a rule prefers."""

    def __init__(self, index: Index, rule: str) -> None:
        self._index, self._order = index, RULES[rule]
        self._stats: dict[int, os.stat_result | None] = {}
        self._paths: dict[int, str] = {}
        self._framed: Mask | None = None
        self._beside: dict[str, frozenset[str]] = {}

    def path(self, row: int) -> str:
        """Return the path of an image, relative to the root."""
        if row not in self._paths:
            self._paths[row] = self._index.path(row)
        return self._paths[row]

    def status(self, row: int) -> os.stat_result | None:
        """Return the state of the file, None where it is not here."""
        if row not in self._stats:
            try:
                self._stats[row] = os.stat(self._index.tree.path(self.path(row)))
            except OSError:
                self._stats[row] = None
        return self._stats[row]

    def number(self, column: str, row: int) -> int:
        """Return a value of a column of integers, 0 for null."""
        value = int(self._index.numbers(column)[row])
        return 0 if value == NO_INT else value

    def format(self, row: int) -> str:
        """Return the format of the file, empty where it is not known."""
        codes, values = self._index.codes("format")
        return values[codes[row]] if codes[row] >= 0 else ""

    def is_framed(self, row: int) -> bool:
        """Say whether the picture is seen to have a plain frame."""
        if self._framed is None:
            self._framed = self._index.known("phash_inner")
        return bool(self._framed[row])

    def facts(self, row: int) -> int:
        """Return how many of camera, date and position are known."""
        index = self._index
        known = (
            index.codes("camera").codes[row] >= 0,
            index.numbers("taken")[row] != NO_INT,
            not np.isnan(index.numbers("lat")[row]),
        )
        return sum(map(bool, known))

    def is_bare(self, row: int) -> bool:
        """Say whether neither the film of a live photo nor Apple's edits lie beside the file: they would go with it."""
        folder, name = os.path.split(self.path(row))
        if folder not in self._beside:
            try:
                names = os.listdir(self._index.tree.path(folder))
            except OSError:
                names = []
            self._beside[folder] = frozenset(
                folded(os.path.splitext(other)[0]) for other in names if other.lower().endswith(_BELONGS)
            )
        return folded(os.path.splitext(name)[0]) not in self._beside[folder]

    def preference(self, row: int) -> tuple[object, ...]:
        """Return what sorts the files of a picture, the one to keep first."""
        path = self.path(row)
        return (self.status(row) is None, *self._order(self, row), self.is_bare(row), *_is_spare(path), len(path), path)

    def group(self, keep: int, others: Iterable[int], kind: str, linked: Iterable[int]) -> Group:
        """Return a group, sorted by path."""
        return Group(keep, tuple(sorted(others, key=self.path)), kind, tuple(sorted(linked, key=self.path)))

    def exact(self, rows: Rows) -> list[Node]:
        """Return the pictures among ``rows`` that have several files."""
        pairs = np.concatenate([self._twins(column, rows) for column in ("content", "pixels")])
        repeated = np.unique(pairs)
        sets = Sets(len(repeated))
        for one, other in np.searchsorted(repeated, pairs).tolist():
            sets.join(one, other)
        numbers = repeated.tolist()
        return [self._node([numbers[at] for at in members]) for members in sets.all()]

    def _twins(self, column: str, rows: Rows) -> npt.NDArray[np.int64]:
        """Return pairs of ``rows``, (n, 2), that have the same value, enough of them to tell what hangs together."""
        encoded = self._index.column(column).take(rows).combine_chunks().dictionary_encode()
        codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        order = np.argsort(codes, kind="stable")
        ordered = codes[order]
        same = np.flatnonzero((ordered[1:] == ordered[:-1]) & (ordered[1:] >= 0))
        return np.stack([rows[order[same]], rows[order[same + 1]]], axis=1)

    def _node(self, rows: list[int]) -> Node:
        """Return one picture; other names of one file are told apart from copies, a link never stands for its file."""
        tree = self._index.tree
        real: dict[object, int] = {}
        linked = []
        for row in sorted(rows, key=lambda row: (os.path.islink(tree.path(self.path(row))), self.preference(row))):
            status = self.status(row)
            file = row if status is None else (status.st_dev, status.st_ino)
            if file in real:
                linked.append(row)
            else:
                real[file] = row
        return Node(tuple(sorted(real.values(), key=self.preference)), tuple(linked))


def _single(rows: Rows, nodes: Sequence[Node]) -> list[Node]:
    """Return the pictures among ``rows`` that have one file: those that are in none of ``nodes``."""
    several = [row for node in nodes for row in (*node.rows, *node.linked)]
    return [Node((row,)) for row in np.setdiff1d(rows, several).tolist()]


def _near(index: Index, files: Files, nodes: Sequence[Node]) -> list[tuple[Node, list[Node]]]:
    """Return (kept, those that look the same) of ``nodes``."""
    rows = np.array([node.rows[0] for node in nodes], np.int64)
    stars = _Stars(Looks(index, rows), Shots(index, rows), rows)
    found = []
    for members in stars.looks.alike():
        left = sorted(members, key=lambda at: files.preference(int(rows[at])))
        while left:
            kept = stars.of(left)
            found += [(nodes[keep], [nodes[at] for at in others]) for keep, others in kept.items() if others]
            settled = {at for keep, others in kept.items() for at in (keep, *others)}
            left = [at for at in left if at not in settled]
    return found


class _Stars:
    """Finds the pictures to keep among many that hang together, and those that are each of them."""

    def __init__(self, looks: Looks, shots: Shots, rows: npt.NDArray[np.int64]) -> None:
        self.looks, self._shots, self._rows = looks, shots, rows

    def of(self, left: list[int]) -> dict[int, list[int]]:
        """Return {kept: those that are it} for ``left``, in the order of preference; some may stay for another turn.

        A picture is kept when it is none of those kept before it. Each other goes to the kept one that it is most
        like, unless it and another that went there were two shots: a copy without a date, like a whole burst.
        """
        order = np.array(left, np.int64)
        wishes: dict[int, tuple[int, int]] = {}
        stars: dict[int, list[int]] = {}
        for number, at in enumerate(left):
            if at in wishes:
                continue
            stars[at] = []
            later = order[number + 1 :]
            later = later[~self._shots.in_series(int(self._rows[at]), self._rows[later])]
            bits = self.looks.bits(at, later)
            for place in np.flatnonzero(bits < UNLIKE).tolist():
                other, few = int(later[place]), int(bits[place])
                if not self._differ(at, other, few):
                    wishes[other] = min(wishes.get(other, (few, at)), (few, at))
        for other, (few, keep) in sorted(wishes.items(), key=lambda wish: (wish[1], wish[0])):
            if not any(self._differ(one, other, few) for one in stars[keep]):
                stars[keep].append(other)
        return stars

    def _differ(self, one: int, other: int, bits: int) -> bool:
        return self._shots.differ(int(self._rows[one]), int(self._rows[other]), bits)


_COPY = re.compile(r"\(\d+\)\s*$|\bcopy(\s*\d+)?\s*$", re.IGNORECASE)
"""How file managers name a copy: ``IMG_1 (1)``, ``IMG_1 copy 2``."""
_EDIT = re.compile(
    r"[-_ (](edit(ed)?|editad[oa]|bearbeitet|modifi[ée]|modificato|bewerkt)\)?([-_ ]?\d+)?\s*$|^IMG_E(?=\d{4}$)",
    re.IGNORECASE,
)
"""How programs and services name what they made of a photo: ``IMG_1-Edit``, ``IMG_1-edited``, an iPhone's ``IMG_E0001``."""
_EDITS = re.compile(r"edit(ed|s)?|exports?|exported|bearbeitet", re.IGNORECASE)
"""How their folders are called."""
_SPARE = re.compile(r"\b(backups?|bak|cop(y|ies)|old|sicherung|sauvegarde|te?mp|trash)\b|^recovered", re.IGNORECASE)
"""How folders are called that hold what lies somewhere else too."""

_BELONGS = (".mov", ".aae")
"""What an iPhone writes beside a photo."""

FRAMED = 0.5
"""What a pixel of a picture counts that has a plain frame: the frame makes it larger than what it was made from."""

Order = Callable[[Files, int], tuple[object, ...]]


def _best(files: Files, row: int) -> tuple[object, ...]:
    """Most pixels, then most that is known, then what the camera wrote rather than an edit, whole, then most bytes."""
    pixels = files.number("width", row) * files.number("height", row) * (FRAMED if files.is_framed(row) else 1)
    # An edit or a JPEG made from a camera's HEIF often has more bytes than what it was made from.
    made = _is_edit(files.path(row)), files.format(row) != HEIF
    return -pixels, -files.facts(row), *made, files.is_bare(row), -files.number("size", row)


def _oldest(files: Files, row: int) -> tuple[object, ...]:
    """Taken first, then written first; a copy without a date comes last."""
    taken, status = files.number("taken", row), files.status(row)
    return not taken, taken, 0 if status is None else status.st_mtime_ns


def _largest(files: Files, row: int) -> tuple[object, ...]:
    """Most bytes."""
    return (-files.number("size", row),)


def _shortest(files: Files, row: int) -> tuple[object, ...]:
    return (len(files.path(row)),)


def _is_edit(path: str) -> bool:
    """Say whether the name of a file or of its folder says that it was made of a photo."""
    return (
        _EDIT.search(_stem(path)) is not None or _EDITS.fullmatch(os.path.basename(os.path.dirname(path))) is not None
    )


def _is_spare(path: str) -> tuple[bool, bool]:
    """Say whether the name of a file says that it is a copy, and the name of a folder that it holds copies."""
    return _COPY.search(_stem(path)) is not None, any(_SPARE.search(name) for name in path.split("/")[:-1])


def _stem(path: str) -> str:
    return os.path.splitext(os.path.basename(path))[0]


RULES: dict[str, Order] = {
    "best": _best,
    "oldest": _oldest,
    "largest": _largest,
    "shortest-path": _shortest,
}
"""How the file to keep is chosen; of equal ones no copy by its name or folder, then the shortest path, then by name."""
