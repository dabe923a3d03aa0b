"""The trash: ``.phototag/trash/<operation>/<path>``, where an image goes with all that belongs to it.

Files are renamed, never copied, so bytes, time and mode stay. What is moved stands in the journal as one operation;
undoing it brings everything back to its place.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping

from phototag import fingerprint, fsio
from phototag.errors import FormatError, PhototagError, WriteError
from phototag.imaging.formats import is_image_name
from phototag.library import orphans
from phototag.library.operation import Moved
from phototag.library.relink import folded
from phototag.library.tree import MARKER, Tree
from phototag.sidecar import disk
from phototag.sidecar.codec import SUFFIX
from phototag.sidecar.registers import Document

TRASH = f"{MARKER}/trash"
_BY_NAME = (".xmp",)
"""What may follow the image's whole name."""
_BY_STEM = (".xmp", ".aae", ".mov")
"""What may stand beside an image under its stem: XMP, Apple's edits, the film of a live photo."""
_LIVE = b"com.apple.quicktime.content.identifier"
_LIVE_WITHIN = 1 << 20
"""Bytes at either end of a film in which a live photo's mark stands."""


def discard(
    tree: Tree, images: Collection[tuple[str, bytes]], operation: str, kept: Mapping[str, str] | None = None
) -> list[Moved]:
    """Return the moves of ``images`` (path, content hash) to the trash of the operation with this id.

    ``kept`` is {image that goes: image that stays and is given what was said of it}.
    """
    going = {rel for rel, _ in images}
    return [
        Moved(
            content,
            tuple(_pair(rel, name, operation) for name in (rel, *_belongings(tree, rel, going))),
            os.fsencode((kept or {}).get(rel, "")),
        )
        for rel, content in images
    ]


def obstacle(tree: Tree, rel: str) -> str:
    """Return why the image ``rel`` cannot be moved to the trash, empty where it can."""
    path = tree.path(rel)
    if os.path.islink(path):
        return "it is a link (git-annex, or made by hand): remove it with the tool that made it"
    if not os.path.exists(path):
        return "it is not here"
    folder = os.path.dirname(path)
    if os.stat(folder).st_dev != os.stat(tree.folder).st_dev:
        return "it is on another disk than the library"
    if not os.access(folder, os.W_OK | os.X_OK):
        return "its folder cannot be written"
    return ""


def check_writable(tree: Tree) -> None:
    """Raise PhototagError where nothing can be moved: the library is read-only here."""
    if tree.overlay:
        raise PhototagError(
            f"{tree.root} cannot be written here, so nothing in it can be moved",
            hint="run it on the machine that has the library writable",
        )


def carry_out(tree: Tree, move: Moved, *, checked: bool = True) -> None:
    """Move the files of one image; what is moved already stays. Doing it twice changes nothing. Raises WriteError.

    ``checked`` says that the image is known to be the one that was decided about; otherwise its bytes are compared.
    """
    source, target = tree.path(move.source), tree.path(move.target)
    if os.path.lexists(source) and not (checked or _holds(source, move.content)):
        return
    if os.path.lexists(source) and os.path.lexists(target):
        return
    for here, there in move.files:
        _move(tree, os.fsdecode(here), os.fsdecode(there))
    _forget_empty(tree, os.path.dirname(source))


def hindrance(tree: Tree, move: Moved) -> str:
    """Return why the files of ``move`` cannot go where they should, empty where they can."""
    if not os.path.lexists(tree.path(move.source)):
        return "it is no longer in the trash" if move.source.startswith(TRASH) else "it is not there any more"
    if os.path.lexists(tree.path(move.target)):
        return "another file is there now"
    if move.target.startswith(TRASH) and not _holds(tree.path(move.source), move.content):
        return "it is another picture now, or was edited since"
    try:
        for end in (move.target, move.source):
            fsio.refuse_unwritable(tree.path(end))
    except WriteError as error:
        return str(error)
    return ""


def _move(tree: Tree, here: str, there: str) -> None:
    source, target = tree.path(here), tree.path(there)
    if not os.path.lexists(source):
        return
    if os.path.lexists(target):
        if there.endswith(SUFFIX):  # a scan was quicker and made a sidecar there: neither word is lost
            _join(tree, source, target, there.removesuffix(SUFFIX))
        return
    fsio.make_folder(os.path.dirname(target))
    fsio.move(source, target, rename_only=True)


def _join(tree: Tree, source: str, target: str, rel: str) -> None:
    """Join the sidecar ``source`` into ``target``; one there that is about another picture, which has gone, gives way."""
    try:
        document = disk.read(source) or Document()
        orphans.make_way(tree, target, document, rel)
        disk.write(target, document)
    except FormatError:
        return
    fsio.remove(source)


def _belongings(tree: Tree, rel: str, going: Collection[str]) -> list[str]:
    """Return what is to go along with the image ``rel``, relative to the root: its sidecar, then its companions."""
    sidecar = os.path.relpath(tree.sidecar(rel), tree.root)
    folder, name = os.path.split(rel)
    return [sidecar, *(os.path.join(folder, other) for other in _companions(tree, folder, name, going))]


def _companions(tree: Tree, folder: str, name: str, going: Collection[str]) -> list[str]:
    names = os.listdir(tree.path(folder))
    stem = folded(os.path.splitext(name)[0])
    twins = [
        other
        for other in names
        if other != name
        and is_image_name(other)
        and folded(os.path.splitext(other)[0]) == stem
        and os.path.join(folder, other) not in going
    ]
    found = []
    for other in sorted(names):
        kind = os.path.splitext(other)[1].lower()
        whole = folded(other) == folded(name) + kind
        mine = folded(os.path.splitext(other)[0]) == stem and not twins
        live = kind != ".mov" or _is_live(tree.path(os.path.join(folder, other)))
        if (whole and kind in _BY_NAME) or (mine and kind in _BY_STEM and live):
            found.append(other)
    return found


def _is_live(path: str) -> bool:
    """Say whether the film at ``path`` is part of a live photo, rather than a film of its own."""
    with open(path, "rb") as file:
        if _LIVE in file.read(_LIVE_WITHIN):
            return True
        file.seek(max(0, os.path.getsize(path) - _LIVE_WITHIN))
        return _LIVE in file.read()


def _pair(image: str, name: str, operation: str) -> tuple[bytes, bytes]:
    """Return (from, to); in the trash everything of an image lies in the image's folder."""
    target = os.path.join(TRASH, operation, os.path.dirname(image), os.path.basename(name))
    return os.fsencode(name), os.fsencode(target)


def _holds(path: str, content: bytes) -> bool:
    try:
        return fingerprint.content_hash(fsio.read_bytes(path)) == content
    except OSError:
        return False


def _forget_empty(tree: Tree, folder: str) -> None:
    """Remove the folders of the trash that nothing is left in, from ``folder`` up."""
    top = tree.path(TRASH)
    while folder.startswith(top + os.sep) and os.path.isdir(folder) and not os.listdir(folder):
        fsio.remove_tree(folder)
        folder = os.path.dirname(folder)


def sidecars_in(tree: Tree) -> Iterable[str]:
    """Yield the path of every sidecar in the trash."""
    for folder, _, names in os.walk(tree.path(TRASH)):
        yield from (os.path.join(folder, name) for name in names if name.endswith(SUFFIX))
