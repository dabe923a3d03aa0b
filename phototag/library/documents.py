"""Library documents: one entity a file under ``<root>/.phototag/``, in the sidecar's own format.

Names are paths without suffix: ``library``, ``policy``, ``people/<uuid>``, ``categories/<uuid>``, ``rules/<uuid>``,
``runs/<id>``, ``purge/<id>``, ``devices/<id>``, ``ids/<id>``. In an overlay a document is read as join(in place, overlay).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

import msgspec

from phototag import fsio, ids
from phototag.errors import FormatError
from phototag.library.tree import BESIDE, MARKER, TREE, Tree, find_root
from phototag.settings import Settings
from phototag.sidecar import copies, disk, naming
from phototag.sidecar.codec import SUFFIX
from phototag.sidecar.registers import Document

LIBRARY = "library"
"""The document that holds the library's id and layout."""
POLICY = "policy"
IDS = "ids"
"""The kind of the documents that say which ids the library ever had: when two are joined the greater one stays."""
_ID = re.compile(r"[0-9a-f]{32}")
MEND = "restore it from a backup or the other machine; 'phototag doctor --fix' keeps it aside and brings back what is known"
"""What to do about a damaged document."""


def document_path(tree: Tree, name: str) -> str:
    """Return where the document ``name`` is written on this machine."""
    return os.path.join(tree.write_root, MARKER, name + SUFFIX)


def read_document(tree: Tree, name: str) -> Document | None:
    """Return the document ``name``, None where there is none. Raises FormatError, OSError."""
    found = _read(os.path.join(tree.folder, name + SUFFIX))
    if not tree.overlay:
        return found
    above = _read(document_path(tree, name))
    return above if found is None else found if above is None else found.join(above)


def write_document(tree: Tree, name: str, document: Document, *, sync: bool = True) -> bool:
    """Join ``document`` into the file of ``name``; return whether bytes changed. Raises FormatError, WriteError."""
    path = document_path(tree, name)
    fsio.make_folder(os.path.dirname(path))
    return disk.write(path, document, sync=sync)


def all_documents(tree: Tree) -> list[str]:
    """Return the names of all documents of every kind that are written on this machine, sorted."""
    base = os.path.join(tree.write_root, MARKER)
    found: list[str] = []
    for path, folders, names in os.walk(base):
        if path == base:
            folders[:] = [name for name in folders if name not in ("sidecars", "journal", "trash")]
        rel = os.path.relpath(path, base)
        own = (name for name in names if naming.is_sidecar_name(name) and name[0] != "." and not copies.is_copy(name))
        found += [os.path.normpath(os.path.join(rel, name[: -len(SUFFIX)])) for name in own]
    return sorted(found)


def list_documents(tree: Tree, kind: str) -> list[str]:
    """Return the names of all documents of one kind (``people``, ``runs``...), sorted; conflict copies left out."""
    found: set[str] = set()
    for base in {tree.folder, os.path.join(tree.write_root, MARKER)}:
        try:
            names = os.listdir(os.path.join(base, kind))
        except (FileNotFoundError, NotADirectoryError):
            continue
        found.update(n[: -len(SUFFIX)] for n in names if n.endswith(SUFFIX) and n[0] != "." and not copies.is_copy(n))
    return [f"{kind}/{name}" for name in sorted(found) if name]


def temps(tree: Tree) -> Iterator[tuple[str, list[str]]]:
    """Yield (folder, names) of our temp files among the documents: a killed process may have left them."""
    base = os.path.join(tree.write_root, MARKER)
    for path, folders, names in os.walk(base):
        if path == base:
            folders[:] = [name for name in folders if name != "sidecars"]  # the walk lists what is in there
        found = [name for name in names if fsio.is_temp_name(name)]
        if found:
            yield path, found


def find_library(path: str, settings: Settings) -> str | None:
    """Return the root of the library at or above ``path``: by its ``.phototag/``, else by an overlay made for it."""
    root = find_root(path)
    at = os.path.abspath(path)
    while root is None:
        if os.path.isdir(os.path.join(Tree(at, settings).overlay_root, MARKER)):
            return at
        parent = os.path.dirname(at)
        if parent == at:
            return None
        at = parent
    return root


def open_tree(root: str, settings: Settings) -> Tree:
    """Return the tree at ``root`` as its library document and this machine's rights make it."""
    root = os.path.abspath(root)
    in_place = _read(os.path.join(root, MARKER, LIBRARY + SUFFIX))
    overlay = settings.read_only or not is_writable(root)
    tree = Tree(root, settings, overlay=overlay, overlay_name=_name_in(in_place))
    if overlay:  # made under an id that the library had before, or when it had none
        held = (one for one in _overlay_trees(tree) if os.path.isdir(one.overlay_root))
        tree = next(held, tree)
    document = read_document(tree, LIBRARY) if overlay else in_place
    return msgspec.structs.replace(tree, name=_name_in(document), layout=_layout_in(in_place))


def is_writable(root: str) -> bool:
    """Say whether sidecars and documents can be written in the library at ``root``."""
    marker = os.path.join(root, MARKER)
    return os.access(root, os.W_OK | os.X_OK) and (not os.path.isdir(marker) or os.access(marker, os.W_OK | os.X_OK))


def overlays(tree: Tree) -> list[str]:
    """Return the overlay folders that hold something said about the library at this root."""
    found = {tree.overlay_root, *(one.overlay_root for one in _overlay_trees(tree))}
    return sorted(path for path in found if os.path.isdir(path) and os.listdir(path))


def _overlay_trees(tree: Tree) -> Iterator[Tree]:
    """Yield ``tree`` with every overlay that may hold something said of it: by its id, former ids, its path."""
    yield tree
    for name in (*former_ids(tree), ""):
        yield msgspec.structs.replace(tree, overlay_name=name)


def former_ids(tree: Tree) -> list[str]:
    """Return all ids that the library in its place ever had, the one that it has among them, the greatest first."""
    try:
        names = os.listdir(os.path.join(tree.folder, IDS))
    except OSError:
        return []
    ids_ = (name.removesuffix(SUFFIX) for name in names if name.endswith(SUFFIX))
    return sorted((name for name in ids_ if _ID.fullmatch(name)), reverse=True)


def ensure_library(tree: Tree, clock: ids.Clock) -> Tree:
    """Make ``.phototag/library.phototag`` with a random id unless it is there; return the tree with its name.

    The id is machine output, not a decision: two machines that make one apart agree on the greater after a join.
    ``clock`` is taken so that its device exists from the first command on.
    """
    document = read_document(tree, LIBRARY) or Document()
    if not _name_in(document):
        document = name_library(tree, document)
    return msgspec.structs.replace(open_tree(tree.root, tree.settings), name=_name_in(document))


def name_library(tree: Tree, document: Document) -> Document:
    """Write the library's ``document`` with an id: one that it had before, else a random one. Raises WriteError."""
    name = next(iter(former_ids(tree)), "") or ids.random_hex(16)
    known = Document()
    known.set_machine("id", "library", name)
    write_document(tree, f"{IDS}/{name}", known)
    document.set_machine("id", "library", name)
    write_document(tree, LIBRARY, document)
    return document


def set_layout(tree: Tree, layout: str) -> Tree:
    """Record where sidecars belong from now on; ``relayout`` moves the ones that exist, and only it calls this."""
    document = read_document(tree, LIBRARY) or Document()
    document.set_machine("id", "layout", layout)
    write_document(tree, LIBRARY, document)
    return msgspec.structs.replace(tree, layout=layout)


def _read(path: str) -> Document | None:
    try:
        return disk.read(path)
    except FormatError as error:
        if error.reason not in ("version", "pointer"):
            error.hint = MEND
        raise


def _name_in(document: Document | None) -> str:
    return "" if document is None else document.get("id", "library", str) or ""


def _layout_in(document: Document | None) -> str:
    layout = None if document is None else document.get("id", "layout", str)
    return TREE if layout == TREE else BESIDE
