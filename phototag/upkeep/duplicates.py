"""Clear duplicates away: what was said of them goes to the one that is kept, their files to the trash.

Planned from the index, but nothing is moved on its word alone: every file is read and compared first.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec
import numpy as np

from phototag import fingerprint, fsio, ids
from phototag.errors import FormatError, PhototagError
from phototag.index.reader import Index
from phototag.library import annex, sidecars, trash
from phototag.library.decide import Edit, decide
from phototag.library.operation import Moved, Operation
from phototag.library.tree import Tree
from phototag.library.union import union_edits
from phototag.search.duplicates import Group
from phototag.sidecar.model import CONTENT, ID, Content
from phototag.sidecar.registers import Document


class Copies(msgspec.Struct, frozen=True):
    """A group by paths relative to the root."""

    keep: str
    others: tuple[str, ...]
    kind: str
    linked: tuple[str, ...] = ()


class Skipped(msgspec.Struct, frozen=True):
    """An image that stays where it is, and why."""

    path: str
    reason: str


class Cleared(msgspec.Struct, frozen=True):
    """What clearing did."""

    operation: Operation | None
    """None when there was nothing to do."""
    groups: tuple[Copies, ...]
    """What was kept and moved."""
    skipped: tuple[Skipped, ...]
    size_bytes: int
    """Of the images that were moved."""

    @property
    def count(self) -> int:
        """Return how many images were moved."""
        return sum(len(group.others) for group in self.groups)


def by_paths(index: Index, groups: Iterable[Group]) -> list[Copies]:
    """Return ``groups`` by their paths."""
    return [
        Copies(index.path(group.keep), tuple(index.paths(group.others)), group.kind, tuple(index.paths(group.linked)))
        for group in groups
    ]


def links_to(index: Index, groups: Sequence[Copies]) -> dict[str, str]:
    """Return {image that is to go: a symbolic link anywhere in the library that would lead nowhere then}."""
    tree, contents = index.tree, index.clusters.keys.content
    going = {os.path.realpath(tree.path(rel)): rel for group in groups for rel in group.others}
    rows = [row for rel in going.values() if (row := index.row_of(rel)) is not None]
    same = np.flatnonzero(np.isin(contents, contents[rows]) & index.alive)
    paths = (tree.path(rel) for rel in index.paths(same))
    targets = {path: os.path.realpath(path) for path in paths if os.path.islink(path)}
    return {going[target]: os.path.relpath(path, tree.root) for path, target in targets.items() if target in going}


def clear(
    tree: Tree,
    clock: ids.Clock,
    groups: Sequence[Copies],
    *,
    rule: str,
    links: Mapping[str, str],
    checked: Callable[[int], None] = lambda count: None,
) -> Cleared:
    """Move the others of ``groups`` to the trash as one operation, and give the kept ones what was said of them.

    Those that ``links`` lead to (``links_to``) stay: a link cannot be told where its file went.
    ``checked`` is told how many images were compared since it was last called. Raises PhototagError where the library
    cannot be written or the images are not here, WriteError.
    """
    trash.check_writable(tree)
    _refuse_absent(tree, groups)
    work = _Work(tree, checked, links)
    for group in groups:
        work.add(group)
    if not work.going:
        return Cleared(None, (), tuple(work.skipped), 0)
    summary = f"kept {len({group.keep for group in work.groups})}, moved {len(work.going)} to the trash ({rule})"
    operation = decide(
        tree,
        clock,
        command="duplicates",
        summary=summary,
        edits=work.edits(),
        moves=work.moves,
    )
    return Cleared(operation, tuple(work.groups), tuple(work.skipped), work.size_bytes)


class _Work:
    """What is to be moved and said, after every file was looked at."""

    def __init__(self, tree: Tree, checked: Callable[[int], None], links: Mapping[str, str]) -> None:
        self.tree, self._checked, self._links = tree, checked, links
        self.groups: list[Copies] = []
        self.skipped: list[Skipped] = []
        self.going: list[tuple[str, bytes]] = []
        """(path, content hash) of the images that are moved."""
        self.size_bytes = 0
        self._said: dict[str, tuple[Document, list[Document]]] = {}
        """{kept: its sidecar, those of its copies}."""
        self._whole: dict[str, Document | str] = {}

    def add(self, group: Copies) -> None:
        """Look at the files of a group; those that are not what the index says are left alone."""
        if not group.others:
            return
        kept = self._look(group.keep)
        if isinstance(kept, str):
            self.skipped += [
                Skipped(other, f"{fsio.display(group.keep)} would be kept, but {kept}") for other in group.others
            ]
            return
        moved = []
        for other in group.others:
            found = self._led_to(other) or trash.obstacle(self.tree, other) or self._look(other)
            if isinstance(found, str):
                self.skipped.append(Skipped(other, found))
                continue
            content = found.get(ID, CONTENT, Content)
            assert content is not None  # noqa: S101 - _look has compared it
            self.going.append((other, content.x))
            self.size_bytes += content.n
            self._said.setdefault(group.keep, (kept, []))[1].append(found)
            moved.append(other)
        if moved:
            self.groups.append(msgspec.structs.replace(group, others=tuple(moved)))

    def _led_to(self, rel: str) -> str:
        return f"{fsio.display(self._links[rel])} is a link to it" if rel in self._links else ""

    def edits(self) -> list[Edit]:
        """Return what the kept images are told."""
        return [edit for rel, (kept, copies) in self._said.items() for edit in union_edits(rel, kept, copies)]

    def moves(self, operation: str) -> list[Moved]:
        """Return the moves to the trash of ``operation``. Raises PhototagError where another process was quicker."""
        for rel in (rel for group in self.groups for rel in (group.keep, *group.others)):
            if not os.path.exists(self.tree.path(rel)):
                raise PhototagError(
                    f"{fsio.display(rel)} was moved or removed meanwhile, so nothing was moved",
                    hint="look again: phototag duplicates",
                )
        kept = {other: group.keep for group in self.groups for other in group.others}
        return trash.discard(self.tree, self.going, operation, kept)

    def _look(self, rel: str) -> Document | str:
        """Return the sidecar of the image ``rel`` if its bytes are those that it tells of, else what is wrong."""
        if rel not in self._whole:
            self._whole[rel] = self._compare(rel)
            self._checked(1)
        return self._whole[rel]

    def _compare(self, rel: str) -> Document | str:
        try:
            document = sidecars.read(self.tree, rel)
            data = fsio.read_bytes(self.tree.path(rel))
        except FormatError as error:
            return f"its sidecar is damaged: {error}"
        except OSError as error:
            return f"it cannot be read: {error.strerror}"
        if annex.is_pointer(data):
            return "its content is not here (git annex get it)"
        content = None if document is None else document.get(ID, CONTENT, Content)
        if document is None or content is None:
            return "it has no sidecar yet"
        if content.x != fingerprint.content_hash(data):
            return "it has changed since the last scan"
        return document


def _refuse_absent(tree: Tree, groups: Sequence[Copies]) -> None:

    absent = [rel for group in groups for rel in (group.keep, *group.others) if not os.path.exists(tree.path(rel))]
    if absent:
        raise PhototagError(
            f"{len(absent)} of these images are not here, as {fsio.display(absent[0])}, so they cannot be compared",
            hint="fetch them (git annex get), or leave them out: --present; where they were deleted: phototag scan",
        )
