"""A damaged file: its bytes are kept aside, the owner's word comes back from the journal, the rest is computed again."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator

from phototag.errors import FormatError
from phototag.library import documents, journal, lock, sidecars
from phototag.library.lookup import Pictures
from phototag.library.operation import DOC, IMAGE, Touched
from phototag.library.targets import is_here
from phototag.library.tree import TREE, Tree
from phototag.settings import Settings
from phototag.sidecar import disk
from phototag.sidecar.registers import Document


def read_or_set_aside(tree: Tree, rel: str, content: bytes = b"") -> tuple[Document, str | None]:
    """Return the sidecar of ``rel`` (empty where there is none); a damaged one is moved aside so a scan can go on.

    The second value is the name the damaged bytes are kept under, ``<sidecar>.corrupt-<hash>.bin``. What the journal
    knows the owner said of the picture, whose ``content`` hash is now this, is in the new document. A sidecar of a
    newer version and a pointer to annexed content are not damage: their FormatError is raised. A new document knows
    the purges in force, so that what is computed from now on is not taken for what they dropped.
    """
    try:
        return sidecars.read(tree, rel) or sidecars.apply_purges(tree, Document()), None
    except FormatError as error:
        path = sidecars.path_to_write(tree, rel)
        if error.reason in ("version", "pointer") or not os.path.lexists(path):
            raise
        kept = disk.set_aside(path)
        document = words_about(tree, IMAGE + rel, {content} - {b""})
        rest = sidecars.read(tree, rel)
        if rest is not None:
            document = document.join(rest)
        return sidecars.apply_purges(tree, document), os.path.basename(kept)


def mend_documents(root: str, settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield (document, name its bytes are kept under) for every damaged document, and put what is known in its place.

    What the owner said comes back from the journal; what machines computed they compute again. A library document is
    made anew, with an id that the library had: it is no device's word. Raises WriteError.
    """
    base = Tree(root, settings)
    writable = documents.is_writable(root) and not settings.read_only
    if writable and (kept := _set_aside(documents.document_path(base, documents.LIBRARY))):
        document = Document()
        if os.path.isdir(os.path.join(base.folder, "sidecars")):
            document.set_machine("id", "layout", TREE)
        documents.name_library(base, document)
        yield documents.LIBRARY, kept
    tree = documents.open_tree(root, settings)
    with lock.writing(tree):
        for name in documents.all_documents(tree):
            kept = _set_aside(documents.document_path(tree, name))
            if kept:
                words = words_about(tree, DOC + name)
                if words.body:
                    documents.write_document(tree, name, words)
                yield name, kept


def _set_aside(path: str) -> str:
    """Move the file at ``path`` aside if it is damaged; return the name its bytes are kept under, else empty."""
    try:
        disk.read(path)
    except FormatError as error:
        if error.reason not in ("version", "pointer"):
            return os.path.basename(disk.set_aside(path))
    return ""


def words_about(tree: Tree, target: str, marks: Collection[bytes] = ()) -> Document:
    """Return what every operation said of ``target``, joined.

    ``marks`` are births and content hashes of the picture, as far as known: what was said of it where it no longer is
    counts too, and what was said of another picture that was at its path before does not.
    """
    document, pictures = Document(), Pictures(tree)
    for operation in journal.operations(tree):
        for touched in operation.touched:
            if _is_about(pictures, touched, target, marks):
                document = document.join(touched.words())
    return document


def _is_about(pictures: Pictures, touched: Touched, target: str, marks: Collection[bytes]) -> bool:
    known = {touched.birth, touched.content} - {b""}
    if touched.target == target:
        if not marks or not known or known.intersection(marks):
            return True
        # Its metadata was edited since, or another picture took its place: then the one meant is elsewhere.
        return not pictures.of(touched.birth)
    if not target.startswith(IMAGE) or not touched.target.startswith(IMAGE) or not known.intersection(marks):
        return False
    return not is_here(pictures.tree, touched)
