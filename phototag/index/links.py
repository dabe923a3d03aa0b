"""Which symbolic links of a folder lead somewhere: git-annex fetches and drops what they lead to, and no mtime tells.

And which lead to folders: of several to the same one the walk follows the first, so that they hang together.
"""

from __future__ import annotations

import os

import xxhash

from phototag.library.tree import Tree
from phototag.library.walk import Folder

NO_LINKS = 0
UNSURE = -1
"""Remembered of links that changed while they were listed: it never matches."""


def as_remembered(tree: Tree, rel: str, links: int) -> bool:
    """Say whether the same links of the folder ``rel`` lead somewhere as when ``links`` was remembered: 5 us a link."""
    return links == NO_LINKS or _signature(_leading(tree.path(rel))) == links


def to_remember(tree: Tree, folder: Folder) -> int:
    """Return what to remember of the links of a folder that was just listed, ``NO_LINKS`` where no image is one."""
    if not folder.links:
        return NO_LINKS
    now = _leading(tree.path(folder.rel))
    listed = {name: size >= 0 for name, size in zip(folder.images, folder.sizes, strict=True) if name in folder.links}
    return _signature(now) if all((name in now) == led for name, led in listed.items()) else UNSURE


def ways(folder: Folder) -> int:
    """Return what to remember of the links to folders in a folder, ``NO_LINKS`` where there are none."""
    return _signature({f"{name}/{target}" for name, target in folder.ways}) if folder.ways else NO_LINKS


def _leading(path: str) -> set[str]:
    """Return the names of the symbolic links in a folder that lead to something, images or not."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return set()
    try:
        with os.scandir(fd) as entries:
            links = [entry.name for entry in entries if entry.is_symlink()]
        return {name for name in links if os.access(name, os.F_OK, dir_fd=fd)}
    finally:
        os.close(fd)


def _signature(names: set[str]) -> int:
    return xxhash.xxh3_64_intdigest(b"\0".join(sorted(map(os.fsencode, names)))) or 1
