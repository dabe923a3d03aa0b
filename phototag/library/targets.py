"""What an operation is about, by its name: ``image:<path>`` or ``doc:<name>``, found, read, written.

A picture that has moved since is found by its birth. Exact copies share that, so one is chosen by what it knows.
"""

from __future__ import annotations

import os

from phototag import fingerprint, fsio
from phototag.errors import LibraryError
from phototag.library import annex, sidecars
from phototag.library.documents import document_path, read_document, write_document
from phototag.library.lookup import Pictures
from phototag.library.operation import DOC, IMAGE, Touched, rank
from phototag.library.tree import Tree
from phototag.sidecar import codec, disk
from phototag.sidecar.model import BIRTH, ID
from phototag.sidecar.registers import Document


def load(tree: Tree, target: str) -> Document | None:
    """Return the document that ``target`` names, None where there is none."""
    if target.startswith(IMAGE):
        return sidecars.read(tree, target[len(IMAGE) :])
    return read_document(tree, target[len(DOC) :])


def empty(tree: Tree, target: str) -> Document:
    """Return what ``target`` begins with where there is no document: a word there must name the purges that are in force."""
    return sidecars.apply_purges(tree, Document()) if target.startswith(IMAGE) else Document()


def save(tree: Tree, target: str, document: Document, *, sync: bool = True) -> bool:
    """Join ``document`` into what ``target`` names; return whether bytes changed."""
    if target.startswith(IMAGE):
        return sidecars.write(tree, target[len(IMAGE) :], document, sync=sync, bulk=not sync)
    return write_document(tree, target[len(DOC) :], document, sync=sync)


def refuse_unwritable(tree: Tree, target: str) -> None:
    """Raise the error that writing ``target`` would meet, as far as that can be known: before anything is promised."""
    image = target.startswith(IMAGE)
    path = sidecars.path_to_write(tree, target[len(IMAGE) :]) if image else document_path(tree, target[len(DOC) :])
    disk.refuse_unwritable(path)
    fsio.refuse_unwritable(path)


def locate(tree: Tree, touched: Touched, pictures: Pictures) -> list[str]:
    """Return where the document is now: at its name, else where its picture has moved to; empty: it is gone.

    Of several exact copies the likeliest, and all that are equally likely: what was said is then of each of them.
    """
    target = touched.target
    if not target.startswith(IMAGE) or is_here(tree, touched):
        return [target]
    places = pictures.of(touched.birth) if touched.birth else []
    rels = [rel for rel, now in places if now == touched.content] or [rel for rel, _ in places]
    return [IMAGE + rel for rel in (_likeliest(tree, rels, touched) if len(rels) > 1 else rels)]


def is_here(tree: Tree, touched: Touched) -> bool:
    """Say whether the image at the path of ``touched`` is, as far as its sidecar or its bytes tell, the picture meant."""
    rel = touched.target[len(IMAGE) :]
    try:
        document = sidecars.read(tree, rel)
    except LibraryError:
        return True  # damaged, but in its place: the error is for whoever writes there
    if document is None:
        return _holds(tree.path(rel), touched.content)
    now = document.get(ID, BIRTH, bytes)
    return not touched.birth or now is None or now == touched.birth


def _holds(path: str, content: bytes) -> bool:
    """Say whether the image at ``path``, which has no sidecar, can be the picture with this ``content`` hash."""
    try:
        data = fsio.read_bytes(path) if content else b""
    except OSError:
        return os.path.lexists(path)
    if not data or annex.is_pointer(data):
        return os.path.lexists(path)
    return fingerprint.content_hash(data) == content


def _likeliest(tree: Tree, rels: list[str], touched: Touched) -> list[str]:
    """Return which of several places of one picture an operation was about.

    Where nothing is known of what it said, it was not said. Of the rest the one with the file's old name, then those
    where its word still stands.
    """
    places = [(rel, *_known(tree, rel, touched)) for rel in rels]
    places = [place for place in places if place[1]] or places
    name = os.path.basename(touched.target[len(IMAGE) :])
    places = [place for place in places if os.path.basename(place[0]) == name] or places
    return [rel for rel, _, stands in places if stands] or [rel for rel, _, _ in places]


def _known(tree: Tree, rel: str, touched: Touched) -> tuple[bool, bool]:
    """Return whether ``rel`` has heard of what was said of any field, and whether that still stands there."""
    try:
        document = sidecars.read(tree, rel) or Document()
    except LibraryError:
        return False, False
    pairs = [
        (rank(document.body.get(change.section, {}).get(change.key, codec.NIL)), rank(bytes(change.after)))
        for change in touched.changes
    ]
    return any(now >= said for now, said in pairs), any(now == said for now, said in pairs)
