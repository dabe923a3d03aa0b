"""Conflict copies of sidecars and documents: found by name, confirmed by identity, joined into the base, then deleted.

A copy is never edited in place (Syncthing drops a second edit of a copy silently) and never deleted before what it
says is safely in the base. Damaged bytes are kept aside as ``<name>.corrupt-<hash>.bin``. A sidecar that lies where
another layout has it (a device edited it there while this one moved it) is a copy too.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

import msgspec

from phototag import garbage
from phototag.library import joiners, lock, sidecars
from phototag.library.joining import Conflict, KeptAside
from phototag.library.tree import MARKER, TREE, Tree
from phototag.library.walk import walk
from phototag.sidecar import copies, naming


class Resolved(msgspec.Struct, frozen=True):
    """What resolving did: conflict copies joined, and files that were kept aside."""

    joined: int
    kept_aside: tuple[KeptAside, ...] = ()


def find(tree: Tree, folders: Iterable[str] | None = None) -> Iterator[Conflict]:
    """Yield the conflicts in the sidecars of ``folders`` (relative, None: all) and in the library's documents."""
    for path in _document_folders(tree):
        yield from _conflicts(path)
    if folders is None:
        folders = sorted({*(folder.rel for folder in walk(tree)), *mirrored(tree)})
    for rel in folders:
        yield from in_folder(tree, rel)


def in_folder(tree: Tree, rel: str) -> Iterator[Conflict]:
    """Yield the conflicts among the sidecars of the images in the folder ``rel``."""
    return _conflicts(*sidecar_folders(tree, rel))


def mirrored(tree: Tree) -> list[str]:
    """Return the folders (relative) that the mirror of layout ``tree`` has sidecars of, whatever the layout is now."""
    mirror = os.path.join(tree.folder, "sidecars")
    if tree.overlay:
        return []
    found = (os.path.relpath(path, mirror) for path, _, names in os.walk(mirror) if names)
    return sorted("" if rel == "." else rel for rel in found)


def resolve(tree: Tree, conflicts: Iterable[Conflict]) -> Resolved:
    """Join every copy into its base and delete it; bounded in memory whatever their number. Raises PhototagError."""
    purges = sidecars.purges(tree)
    with lock.writing(tree), garbage.uncollected():
        done = joiners.join(tree, purges, conflicts)
    return Resolved(done.joined, done.kept)


def sidecar_folders(tree: Tree, rel: str) -> list[str]:
    """Return the folders in which sidecars of the images in ``rel`` may lie: where they belong, then elsewhere."""
    if tree.overlay:
        return [os.path.join(tree.overlay_root, rel)]  # the library itself cannot be written
    places = [tree.path(rel), os.path.join(tree.folder, "sidecars", rel)]
    return places[::-1] if tree.layout == TREE else places


def _conflicts(right: str, *elsewhere: str) -> Iterator[Conflict]:
    """Yield the conflicts of the files that belong in ``right``: copies there, and whatever lies ``elsewhere``."""
    found: dict[str, list[str]] = {}
    for path in (right, *elsewhere):
        for name in _listing(path):
            original = copies.original_name(name)
            if original is None and path != right and naming.is_sidecar_name(name):
                original = name
            if original is not None:
                found.setdefault(original, []).append(os.path.join(path, name))
    for original, some in sorted(found.items()):
        yield Conflict(os.path.join(right, original), tuple(sorted(some)))


def _document_folders(tree: Tree) -> Iterator[str]:
    """Yield the folders of the library's documents: not ``sidecars``, which mirrors the library's own."""
    base = os.path.join(tree.write_root, MARKER)
    for path, folders, _ in os.walk(base):
        if path == base:
            folders[:] = [name for name in folders if name not in ("sidecars", "journal")]
        yield path


def _listing(path: str) -> list[str]:
    try:
        return os.listdir(path)
    except OSError:  # not there, or closed to us: the walk names those
        return []
