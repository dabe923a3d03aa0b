"""Before something is said of images: those that are another picture than their sidecar tells of get the right one.

A scan does so for the whole library. Here only the images in question are looked at, and where nothing changed since
the last scan that is a stat each.
"""

from __future__ import annotations

import functools
import os
import stat
from collections.abc import Callable, Iterable

import msgspec

from phototag import fingerprint
from phototag.errors import ImageError, LibraryError
from phototag.library import annex, moves, sidecars
from phototag.library.identity import read_image
from phototag.library.moves import Relinked
from phototag.library.tree import Tree
from phototag.library.walk import Folder, walk
from phototag.scan.gate import Gate
from phototag.sidecar.model import CONTENT, ID, Content
from phototag.sidecar.naming import sidecar_name

Known = Callable[[str], dict[str, tuple[int, int]]]
"""Tells of a folder {image: (size, mtime_ns)} as the last scan saw them."""


def settle(tree: Tree, rels: Iterable[str]) -> Relinked:
    """Relink what is certain for those of the images ``rels`` that were swapped or replaced since. Raises WriteError."""
    known = functools.cache(Gate(tree).known)
    sizes: dict[str, tuple[int, int]] = {}
    for rel in rels:
        found = _mistaken(tree, known, rel)
        if found is not None:
            sizes[rel] = found
    if not sizes:
        return Relinked()
    wanted = {size for pair in sizes.values() for size in pair}
    folders, suspects = [], set(sizes)
    for folder in walk(tree):
        folders.append(_narrowed(folder, wanted))
        seen = known(folder.rel)
        for name, size, mtime_ns in zip(folder.images, folder.sizes, folder.mtimes_ns, strict=True):
            if size in wanted and seen.get(name, (size, mtime_ns)) != (size, mtime_ns):
                suspects.add(folder.path(name))
    return moves.relink(tree, folders, suspects)


def _mistaken(tree: Tree, known: Known, rel: str) -> tuple[int, int] | None:
    """Return (size of the picture in the sidecar of ``rel``, size of the one that is there) where these are two.

    That its metadata was edited makes it no other picture. What is not here or cannot be read is what it is said to be.
    """
    path, (folder, name) = tree.path(rel), os.path.split(rel)
    try:
        status = os.stat(path)
        document = sidecars.read(tree, rel)
        content = None if document is None else document.get(ID, CONTENT, Content)
        if content is None or not stat.S_ISREG(status.st_mode):
            return None
        size, unseen = status.st_size, (status.st_size, status.st_mtime_ns)
        if size == content.n and known(folder).get(name, unseen) == unseen:
            return None
        if annex.is_absent_pointer(path, size):
            return None
        data = read_image(path, name, size, tree.settings.max_megapixels)
    except (ImageError, LibraryError, OSError):
        return None
    same = fingerprint.content_hash(data) == content.x or fingerprint.pixel_hash(data) == content.px
    return None if same else (content.n, size)


def _narrowed(folder: Folder, sizes: set[int]) -> Folder:
    """Return ``folder`` without those of its new images that cannot be what is looked for: they need not be read."""
    own = set(folder.sidecars)
    rows = [
        row
        for row in zip(folder.images, folder.sizes, folder.mtimes_ns, strict=True)
        if row[1] in sizes or sidecar_name(row[0]) in own
    ]
    if len(rows) == len(folder.images):
        return folder
    names, sizes_, mtimes_ns = ([row[n] for row in rows] for n in range(3))
    return msgspec.structs.replace(folder, images=names, sizes=sizes_, mtimes_ns=mtimes_ns)
