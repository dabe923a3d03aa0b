"""``.phototag/orphans/``: what is said of pictures that are not here, or not known where, until relink finds them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

import xxhash

from phototag import fsio
from phototag.errors import FormatError
from phototag.library.documents import write_document
from phototag.library.tree import Tree
from phototag.sidecar import disk
from phototag.sidecar.model import BIRTH, ID
from phototag.sidecar.pictures import is_same_picture
from phototag.sidecar.registers import Document


def park(tree: Tree, document: Document, rel: str) -> str:
    """Keep ``document``, whose picture is not here, as ``orphans/<birth>-<path>``; return that name. Raises WriteError."""
    name = orphan_name(document, rel)
    write_document(tree, name, document)
    return name


def orphan_name(document: Document, rel: str) -> str:
    """Return the name under which ``document`` is parked."""
    birth = document.get(ID, BIRTH, bytes) or b""
    return f"orphans/{birth.hex()[:16] or 'unknown'}-{xxhash.xxh3_64_hexdigest(os.fsencode(rel))}"


def make_way(tree: Tree, path: str, document: Document, rel: str) -> bool:
    """Park the sidecar at ``path`` if it is about another picture than ``document``; say whether it was.

    Raises FormatError, WriteError.
    """
    found = disk.read(path)
    if found is None or is_same_picture(found, document):
        return False
    park(tree, found, rel)
    fsio.remove(path)
    return True


def foreign(tree: Tree, rels: Iterable[str]) -> Iterator[tuple[str, Document]]:
    """Yield (image, its sidecar in place) of those images whose sidecar in the overlay is about another picture."""
    for rel in rels if tree.overlay else ():
        try:
            above = disk.read(tree.overlay_sidecar(rel))
            below = None if above is None else disk.read(tree.sidecar(rel))
        except (FormatError, OSError):
            continue  # damaged: doctor's
        if above is not None and below is not None and not is_same_picture(above, below):
            yield rel, below
