"""Which folders of a library have to be listed again, and which are as the manifest remembers them."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cached_property

from phototag.index import links
from phototag.index.listing import LOOK_AGAIN, ignore_signature, settled, watch
from phototag.index.manifest import Manifest
from phototag.library.tree import Tree
from phototag.library.walk import Folder, walk

Mtimes = tuple[int, int, int]


class WaysChanged(Exception):  # noqa: N818 - nothing is wrong
    """Links to folders came or went: which of those elsewhere are followed only a walk through everything can say."""


class Changes:
    """The folders of a library against one manifest."""

    def __init__(self, tree: Tree, manifest: Manifest) -> None:
        self.tree, self.old = tree, manifest
        self.seen: dict[bytes, tuple[Mtimes, int, int]] = {}
        """Folders that are in the library: what to remember of their mtimes, and of the links and ways in them."""

    def folders(self, *, paranoid: bool) -> Iterator[tuple[Folder, Mtimes]]:
        """Yield the folders to list again, each with the mtimes to remember; the others are in ``seen`` afterwards.

        Whoever lists a folder adds it to ``seen``. Raises WaysChanged, after which only ``paranoid`` tells.
        """
        if not self.old.folders or paranoid:
            yield from self._walked("")
            return
        times = {raw: watch(self.tree, os.fsdecode(raw)) for raw in self.old.folders}
        tops = self._new_rules([raw for raw, seen in self.old.folders.items() if times[raw] != seen.mtimes_ns])
        with_ways = [os.fsdecode(raw) for raw, seen in self.old.folders.items() if seen.ways]
        if any(tops) and any(_is_below_any(rel, tops) for rel in with_ways):
            raise WaysChanged
        pending: list[str] = []
        for raw, seen in self.old.folders.items():
            rel = os.fsdecode(raw)
            if _is_below_any(rel, tops):
                continue
            if times[raw] == seen.mtimes_ns and links.as_remembered(self.tree, rel, seen.links):
                self.seen[raw] = (seen.mtimes_ns, seen.links, seen.ways)
            elif _is_here(self.tree.path(rel)):
                pending.append(rel)
        for top in tops:
            if _is_here(self.tree.path(top)):
                yield from self._walked(top)
        gone: set[str] = set()
        for rel in sorted(pending):
            if _is_below_any(rel, gone):
                continue
            at_ns = time.time_ns()
            folder = next(walk(self.tree, rel))
            if links.ways(folder) != self.old.folders[os.fsencode(rel)].ways:
                raise WaysChanged
            yield folder, settled(watch(self.tree, rel), at_ns)
            gone |= self._below[rel] - set(folder.folders)  # the walk does not go into them any more
            for sub in folder.folders:
                # A link that was here and is not known was not followed, since another leads there.
                if os.fsencode(sub) not in self.old.folders and not os.path.islink(self.tree.path(sub)):
                    yield from self._walked(sub)
        if any(_is_below_any(rel, gone) for rel in with_ways):
            raise WaysChanged
        for raw in list(self.seen) if gone else ():
            if _is_below_any(os.fsdecode(raw), gone):
                del self.seen[raw]

    @cached_property
    def _below(self) -> defaultdict[str, set[str]]:
        """Return the subfolders of each known folder."""
        found: defaultdict[str, set[str]] = defaultdict(set)
        for raw in self.old.folders:
            if raw:
                found[os.path.dirname(os.fsdecode(raw))].add(os.fsdecode(raw))
        return found

    def _new_rules(self, changed: list[bytes]) -> list[str]:
        """Return the outermost folders whose ignore file came, went or changed; ``changed`` may have a new one."""
        found: list[str] = []
        for rel in sorted({os.fsdecode(raw) for raw in (*changed, *self.old.ignores)}):
            differs = ignore_signature(self.tree, rel) != self.old.ignores.get(os.fsencode(rel), 0)
            if differs and not any(_is_below(rel, top) for top in found):
                found.append(rel)
        return found

    def _walked(self, under: str) -> Iterator[tuple[Folder, Mtimes]]:
        at_ns = time.time_ns()
        for folder in walk(self.tree, under):
            if under and folder.ways:
                raise WaysChanged
            mtimes = settled(watch(self.tree, folder.rel), at_ns)
            if any(problem.rel == folder.rel for problem in folder.problems):
                mtimes = LOOK_AGAIN  # unreadable now
            yield folder, mtimes
            at_ns = time.time_ns()


def _is_below(rel: str, top: str) -> bool:
    """Say whether the folder ``rel`` is ``top`` or lies in it."""
    return not top or rel == top or rel.startswith(top + "/")


def _is_below_any(rel: str, tops: Iterable[str]) -> bool:
    return any(_is_below(rel, top) for top in tops)


def _is_here(path: str) -> bool:
    """Say whether a folder is there, or a link to one that may come back: the walk lists that as empty meanwhile.

    The mtime of the folder that holds the link tells of neither.
    """
    return os.path.isdir(path) or (os.path.islink(path) and not os.path.exists(path))
