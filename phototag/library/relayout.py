"""Where sidecars lie: from beside the images to the mirror under ``.phototag/sidecars`` and back; out of an overlay.

Every file is joined into its new place before it is removed from the old one, so a crash or an edit that syncs in
meanwhile loses nothing, and running it again finishes the work.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator

import msgspec
import xxhash

from phototag import fsio
from phototag.errors import FormatError, PhototagError, WriteError
from phototag.library import journal, lock, moves
from phototag.library.documents import open_tree, overlays, set_layout
from phototag.library.ignore import SKIPPED_FOLDERS
from phototag.library.orphans import park
from phototag.library.tree import BESIDE, MARKER, TREE, Tree
from phototag.library.walk import walk
from phototag.sidecar import disk
from phototag.sidecar.codec import SUFFIX
from phototag.sidecar.pictures import is_same_picture

_BATCH = 256


class Carried(msgspec.Struct, frozen=True):
    """What was carried to a new place, and what could not be: (path, why)."""

    carried: int = 0
    failed: tuple[tuple[str, str], ...] = ()
    parked: int = 0
    """Of the carried: about another picture than the sidecar in the new place, so that relink looks where they belong."""

    def __add__(self, other: Carried) -> Carried:
        return Carried(self.carried + other.carried, self.failed + other.failed, self.parked + other.parked)


def misplaced(tree: Tree, layout: str) -> Iterator[tuple[str, str]]:
    """Yield (path, path where it belongs under ``layout``) of every sidecar of the library that lies otherwise."""
    mirror = os.path.join(tree.folder, "sidecars")
    source, target = (tree.root, mirror) if layout == TREE else (mirror, tree.root)
    found: set[str] = set()
    for path, folders, names in os.walk(source):
        folders[:] = sorted(name for name in folders if name[0] != "." and name not in SKIPPED_FOLDERS)
        rel = os.path.relpath(path, source)
        found.add("" if rel == "." else rel)
        yield from _in_folder(path, os.path.normpath(os.path.join(target, rel)), names)
    for folder in walk(tree) if layout == TREE else ():
        if folder.rel not in found:  # a link leads to it
            with contextlib.suppress(OSError):  # to a disk that is away
                path = tree.path(folder.rel)
                yield from _in_folder(path, os.path.join(target, folder.rel), os.listdir(path))


def _in_folder(path: str, target: str, names: Iterable[str]) -> Iterator[tuple[str, str]]:
    for name in sorted(names):
        if name.endswith(SUFFIX) and name != SUFFIX and name[0] != ".":
            yield os.path.join(path, name), os.path.join(target, name)


def move(tree: Tree, layout: str) -> Carried:
    """Make ``layout`` the library's and carry every sidecar there. Raises PhototagError for a library in an overlay."""
    if tree.overlay:
        raise PhototagError(
            f"{tree.root} cannot be written, so its sidecars stay in the overlay",
            hint="make the library writable, then: phototag sidecar push",
        )
    with lock.writing(tree):
        if tree.layout != layout:
            tree = set_layout(tree, layout)
        done = _carry(tree, misplaced(tree, layout))
        if layout == BESIDE:
            _remove_empty(os.path.join(tree.folder, "sidecars"))
        return _relinked(tree, done)


def push(tree: Tree) -> Carried:
    """Carry what the overlays hold into the library itself. Raises PhototagError where it still cannot be written."""
    if tree.overlay:
        raise PhototagError(
            f"{tree.root} still cannot be written", hint="make it writable for your user, then try again"
        )
    with lock.writing(tree):
        total = Carried()
        for overlay in overlays(tree):
            fsio.make_folder(tree.folder)
            _push_journals(tree, overlay)
            # Documents first: they say which library this is and how its sidecars are laid out.
            total += _carry(tree, _documents(tree, overlay))
            tree = open_tree(tree.root, tree.settings)
            total += _carry(tree, _sidecars(tree, overlay))
            _remove_empty(overlay)
        return _relinked(tree, total)


def _documents(tree: Tree, overlay: str) -> Iterator[tuple[str, str]]:
    base = os.path.join(overlay, MARKER)
    for path, _, names in os.walk(base):
        for name in sorted(names):
            if name.endswith(SUFFIX):
                source = os.path.join(path, name)
                yield source, os.path.join(tree.folder, os.path.relpath(source, base))


def _sidecars(tree: Tree, overlay: str) -> Iterator[tuple[str, str]]:
    target = os.path.join(tree.folder, "sidecars") if tree.layout == TREE else tree.root
    for path, folders, names in os.walk(overlay):
        folders[:] = sorted(name for name in folders if name != MARKER)
        for name in sorted(names):
            if name.endswith(SUFFIX):
                source = os.path.join(path, name)
                yield source, os.path.join(target, os.path.relpath(source, overlay))


def _push_journals(tree: Tree, overlay: str) -> None:
    """Move the overlay's logs into the library under names of their own: a log there already has one writer."""
    base = os.path.join(overlay, MARKER, journal.FOLDER)
    for path, _, names in os.walk(base):
        for name in sorted(names):
            source = os.path.join(path, name)
            data = fsio.read_bytes(source)
            folder = os.path.join(tree.folder, journal.FOLDER, os.path.relpath(path, base))
            fsio.make_folder(folder)
            month = name.partition(".")[0]
            fsio.create_exclusive(os.path.join(folder, f"{month}.pushed-{xxhash.xxh3_64_hexdigest(data)}.log"), data)
            fsio.remove(source)


def _relinked(tree: Tree, done: Carried) -> Carried:
    """Find the pictures of what was parked, and return ``done``."""
    if done.parked:
        moves.relink(tree)
    return done


def _carry(tree: Tree, pairs: Iterable[tuple[str, str]]) -> Carried:
    """Join each file into its new place, flush, then remove the old ones; one about another picture is parked.

    What one folder or file refuses is told; the rest is carried. Raises WriteError where nothing can be written.
    """
    carried = parked = 0
    failed: list[tuple[str, str]] = []
    batch: list[str] = []
    for source, target in pairs:
        try:
            document = disk.read(source)
            if document is None:
                continue
            there = disk.read(target)
            if there is None or is_same_picture(there, document):
                _make_folder(os.path.dirname(target))
                disk.write(target, document, sync=False)
            else:
                park(tree, document, os.path.relpath(source, tree.root))
                parked += 1
            fsio.refuse_unwritable(source)
        except (FormatError, WriteError, OSError) as error:
            if isinstance(error, WriteError) and fsio.is_everywhere(error, tree.root):
                raise
            failed.append((os.path.relpath(source, tree.root), str(error)))
            continue
        batch.append(source)
        if len(batch) >= _BATCH:
            carried += _remove(batch, tree.root)
            batch = []
    return Carried(carried + _remove(batch, tree.root), tuple(failed), parked)


def _make_folder(path: str) -> None:
    """Make the folder of a sidecar. Raises OSError below a link whose disk is away: its sidecars wait."""
    if not os.path.isdir(path):
        try:
            fsio.make_folder(path)
        except WriteError as error:
            if isinstance(error.__cause__, FileExistsError | FileNotFoundError):
                raise error.__cause__ from error
            raise


def _remove(batch: list[str], root: str) -> int:
    if batch:
        fsio.sync_filesystem(root)
    fsio.remove_all(batch)
    return len(batch)


def _remove_empty(base: str) -> None:
    """Remove the folders at and below ``base`` that hold no file any more."""
    for path, _, _ in os.walk(base, topdown=False):
        if not os.listdir(path):
            fsio.remove_tree(path)
