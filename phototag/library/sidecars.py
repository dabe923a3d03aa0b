"""The sidecar of an image, by the image's relative path: layout, overlay and purges are settled here.

Everybody reads and writes sidecars through ``read`` and ``write``; nobody else knows where they lie.
"""

from __future__ import annotations

import os
import time

from phototag import fsio
from phototag.errors import LibraryError
from phototag.library import orphans
from phototag.library.documents import list_documents, read_document
from phototag.library.tree import BESIDE, MARKER, Tree
from phototag.sidecar import disk, merge
from phototag.sidecar.pictures import is_same_picture
from phototag.sidecar.registers import Document

_RACY_NS = 2_000_000_000
"""A folder changed less than this ago may change again without a new mtime, so what was read from it is not kept."""

_purges: dict[str, tuple[tuple[int, ...], Document]] = {}


def read(tree: Tree, rel: str, *, purged: bool = True) -> Document | None:
    """Return the sidecar of the image ``rel``, purges applied unless told otherwise; None where there is none.

    In an overlay it is join(in place, overlay), or what is in place where the overlay is about another picture, which
    lay there before. Raises FormatError when a file is damaged, LibraryError when it cannot be read.
    """
    document = _read(tree.sidecar(rel))
    if tree.overlay:
        above = _read(tree.overlay_sidecar(rel))
        if document is None:
            document = above
        elif above is not None and is_same_picture(document, above):
            document = document.join(above)
    return document if document is None or not purged else apply_purges(tree, document)


def write(tree: Tree, rel: str, document: Document, *, sync: bool = True, bulk: bool = False) -> bool:
    """Join ``document`` into the sidecar of the image ``rel``; return whether bytes changed.

    ``document`` becomes the join of both, with the purges that are in force, since registers written under a purge
    name it. ``sync=False`` is for machine output that one flush of a batch secures; a file that holds decisions is
    synced all the same, unless ``bulk`` says that the journal holds them already. What an overlay says of another
    picture gives way. Raises FormatError, WriteError.
    """
    path = path_to_write(tree, rel)
    found = purges(tree)
    if found.body:
        document.body = document.join(found).body
    if tree.overlay:
        orphans.make_way(tree, path, _in_place(tree, rel) or document, rel)
    if tree.overlay or tree.layout != BESIDE:
        fsio.make_folder(os.path.dirname(path))
    return disk.write(path, document, sync=sync or (not bulk and document.has_decisions()))


def _in_place(tree: Tree, rel: str) -> Document | None:
    try:
        return _read(tree.sidecar(rel))
    except LibraryError:
        return None  # damaged or closed to us: reading it says so


def path_to_write(tree: Tree, rel: str) -> str:
    """Return the file that ``write`` writes for the image ``rel``."""
    return tree.overlay_sidecar(rel) if tree.overlay else tree.sidecar(rel)


def apply_purges(tree: Tree, document: Document) -> Document:
    """Return ``document`` with the library's purges joined in, so that purged data is gone as soon as it is read."""
    found = purges(tree)
    return document.join(found) if found.body else document


def purges(tree: Tree) -> Document:
    """Return every purge of the library as one document with only a ``P`` section; cached until the folder changes."""
    looked_ns = time.time_ns()
    folders = {os.path.join(base, MARKER, "purge") for base in (tree.root, tree.write_root)}
    stamps = tuple(_mtime_ns(folder) for folder in sorted(folders))
    kept = _purges.get(tree.write_root)
    if kept is not None and kept[0] == stamps:
        return kept[1]
    joined = Document()
    for name in list_documents(tree, "purge"):
        found = read_document(tree, name)
        if found is not None:
            joined.body.setdefault(merge.PURGE, {}).update(found.body.get(merge.PURGE, {}))
    if max(stamps) < looked_ns - _RACY_NS:
        _purges[tree.write_root] = (stamps, joined)
    return joined


def _read(path: str) -> Document | None:
    try:
        return disk.read(path)
    except OSError as error:
        raise LibraryError(f"cannot read {fsio.display(path)}: {error.strerror}", hint=disk.advice(error)) from error


def _mtime_ns(folder: str) -> int:
    try:
        return os.stat(folder).st_mtime_ns
    except OSError:
        return 0
