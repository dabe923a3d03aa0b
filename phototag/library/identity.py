"""Which picture a sidecar is about: the registers of section ``id``, put there by a scan or with the first word said.

Without them nobody could tell where the words belong once the file has moved. They are what a scan writes, byte for
byte, so that two devices that come first by different ways still agree.
"""

from __future__ import annotations

import os
import stat

import msgspec

from phototag import fingerprint, fsio
from phototag.errors import ImageError, LibraryError
from phototag.imaging import formats
from phototag.library import annex, sidecars
from phototag.library.tree import Tree
from phototag.sidecar import codec, disk
from phototag.sidecar.model import BIRTH, CONTENT, ID, NAME, Content
from phototag.sidecar.registers import Document

LARGE_BYTES = 64 << 20
"""Above this a file is looked at before all of it is read into memory: a disk image may be called ``.jpg``."""
HEAD_BYTES = 64 << 10
MOST_BYTES_A_PIXEL = 8
"""Four channels of 16 bits, not compressed."""


def read_image(path: str, name: str, size: int, max_megapixels: float) -> bytes:
    """Return the bytes of an image of ``size`` bytes that is known to be here.

    Raises ImageError for an empty file, and for a large one that is no picture or more than one within the limit takes;
    OSError.
    """
    if size == 0:
        raise ImageError("the file is empty")
    if size > LARGE_BYTES:
        with open(path, "rb") as file:
            formats.format_of(file.read(HEAD_BYTES), name)
        if size > max_megapixels * 1e6 * MOST_BYTES_A_PIXEL:
            raise ImageError(f"{size / 1e9:.1f} GB, more than a picture of {max_megapixels:g} megapixels takes")
    return fsio.read_bytes(path)


def note(document: Document, content: Content, name: str) -> None:
    """Set in ``document`` which picture it is about: ``content`` as it is now, in a file called ``name``."""
    document.set_machine(ID, CONTENT, content)
    if document.register(ID, BIRTH) is None:
        document.set_machine(ID, BIRTH, content.x)
    document.set_machine(ID, NAME, os.fsencode(name))


def lacking(tree: Tree, rel: str) -> codec.Body:
    """Return the registers that the sidecar written for the image ``rel`` lacks to say which picture it is about.

    None where it says so, and where nobody can: the image is not here, or too large to be one. A layer in an overlay
    takes them from the sidecar in place, else the image is read.
    """
    try:
        written = disk.read(sidecars.path_to_write(tree, rel))
        if _is_told(written):
            return {}
        known = sidecars.read(tree, rel) or sidecars.apply_purges(tree, Document())
    except (LibraryError, OSError):
        return {}  # the error is for whoever writes there
    if not _is_told(known):
        content = _content(tree, rel)
        if content is None:
            return {}
        note(known, content, os.path.basename(rel))
    return {ID: {key: known.body[ID][key] for key in (BIRTH, CONTENT, NAME) if key in known.body[ID]}}


def _is_told(document: Document | None) -> bool:
    return document is not None and document.get(ID, CONTENT, Content) is not None


def _content(tree: Tree, rel: str) -> Content | None:
    """Return what the image ``rel`` is by its bytes, None where they are not here or cannot be read."""
    from phototag.imaging.decode import read_size

    path, name, limit = tree.path(rel), os.path.basename(rel), tree.settings.max_megapixels
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode) or annex.is_absent_pointer(path, status.st_size):
            return None
        data = read_image(path, name, status.st_size, limit)
    except (ImageError, OSError):
        return None
    content = Content(
        fingerprint.content_hash(data), fingerprint.pixel_hash(data), len(data), key=annex.key_of_link(path)
    )
    try:
        found = read_size(data, name=name, max_megapixels=limit)
    except ImageError:
        return content
    return msgspec.structs.replace(content, w=found.width_px, h=found.height_px, fmt=found.format, frames=found.frames)
