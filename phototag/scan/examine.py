"""Examine one image: from its bytes to a document with identity and EXIF, and inputs for the models that lack output.

Runs in worker threads. One read serves hashing, EXIF and decoding; nothing is decoded that is already known.
"""

from __future__ import annotations

from typing import Any

import msgspec

from phototag import fingerprint
from phototag.errors import FormatError, ImageError
from phototag.imaging import decode, exif, formats, phash
from phototag.library import annex, identity, recovery, sidecars
from phototag.library.tree import Tree
from phototag.models.protocols import ImageEmbedder, Tagger
from phototag.scan.wanted import EXIF_REVISION, Wanted, content_of, lacking, lacks_exif, lacks_phash
from phototag.sidecar import codec
from phototag.sidecar import model as fields
from phototag.sidecar.model import Content, Exif, Gps, Phash, Place
from phototag.sidecar.registers import Document


class Task(msgspec.Struct, frozen=True):
    """One image to examine."""

    rel: str
    size: int
    """In bytes, as the walk saw it."""
    folder: str
    name: str
    trusted: bool = False
    """The gate knows this size and mtime: what the sidecar says of the bytes still holds, they need not be read."""


class Model(msgspec.Struct, frozen=True):
    """One model with its input for this image."""

    section: str
    model: Tagger | ImageEmbedder
    prepared: Any


class Found(msgspec.Struct):
    """What examining gave; the models' outputs and the place are added in batches before writing."""

    task: Task
    document: Document
    source: bytes
    before: codec.Body
    """The sidecar's body as it was read, to see whether anything changed."""
    pending: list[Model]
    damaged: str | None = None
    """Name under which a damaged sidecar's bytes were kept aside."""
    partial: bool = False
    """Only a part of the picture could be read, which the sidecar did not say yet."""

    @property
    def changed(self) -> bool:
        """Say whether there is anything to write."""
        return self.document.body != self.before


class Told(msgspec.Struct, frozen=True):
    """What the camera says of an image, and how that differs from what the sidecar said before."""

    exif: Exif
    gps: Gps | None
    turned: bool = False
    """Another orientation: the picture lies otherwise than the models saw it."""
    differs: bool = False
    """In something that a model may look at."""


def read(tree: Tree, wanted: Wanted, task: Task) -> bytes | None:
    """Return the bytes of the image; None where its sidecar shows that they are not needed.

    Raises ImageError, OSError.
    """
    if task.trusted and not _needs_bytes(tree, wanted, task):
        return None
    path = tree.path(task.rel)
    if task.size < 0 or annex.is_absent_pointer(path, task.size):
        _accept_absent(tree, task, annex.key_of(path))
        return None
    return identity.read_image(path, task.name, task.size, wanted.max_megapixels)


def _accept_absent(tree: Tree, task: Task, key: str) -> None:
    """Accept an annexed image whose content is elsewhere where its sidecar knows it. Raises ImageError otherwise."""
    if not key:
        raise ImageError("the link's target is missing")
    if sidecars.read(tree, task.rel) is None:
        raise ImageError("its content is not here, and no sidecar knows it (git annex get it)")


def _needs_bytes(tree: Tree, wanted: Wanted, task: Task) -> bool:
    try:
        document = sidecars.read(tree, task.rel)
    except FormatError:
        return True
    content = None if document is None else content_of(document)
    if document is None or content is None:
        return True
    source = content.px[:8]
    return (
        bool(lacking(document, wanted, source)) or lacks_exif(document, wanted) or lacks_phash(document, wanted, source)
    )


def examine(tree: Tree, wanted: Wanted, task: Task, data: bytes | None) -> Found:
    """Return what ``data`` and the image's sidecar say together. Raises ImageError, FormatError, OSError."""
    content_hash = b"" if data is None else fingerprint.content_hash(data)
    document, damaged = recovery.read_or_set_aside(tree, task.rel, content_hash)
    before = document.copy().body
    old = content_of(document)
    if data is None:
        return Found(task, document, old.px[:8] if old is not None else b"", before, [], damaged)
    same_bytes = old is not None and old.x == content_hash
    pixel_hash = old.px if old is not None and same_bytes else fingerprint.pixel_hash(data)
    same_pixels = old is not None and old.px == pixel_hash and old.w > 0
    told = _camera_facts(document, wanted, data, same_bytes=same_bytes)
    if told.turned:
        _forget_outputs(document)
        same_pixels = False
    pending = lacking(document, wanted, pixel_hash[:8], retold=told.differs)
    # A copy of the library outside the annex keeps the key that another machine saw.
    key = annex.key_of_link(tree.path(task.rel)) or (old.key if old is not None and same_bytes else "")
    content = Content(content_hash, pixel_hash, len(data), key=key)
    if old is not None and same_pixels:
        content = msgspec.structs.replace(
            content, w=old.w, h=old.h, fmt=old.fmt, frames=old.frames, damaged=old.damaged
        )
    prepared: list[Model] = []
    hashed = lacks_phash(document, wanted, pixel_hash[:8])
    if pending or hashed or not same_pixels:
        side_px = max([phash.DECODED_PX if hashed else 1, *(model.side_px for _, model in pending)])
        picture = decode.read_picture(data, name=task.name, side_px=side_px, max_megapixels=wanted.max_megapixels)
        picture = msgspec.structs.replace(picture, exif=told.exif, gps=told.gps)
        content = msgspec.structs.replace(
            content,
            w=picture.width_px,
            h=picture.height_px,
            fmt=picture.format,
            frames=picture.frames,
            damaged=picture.truncated,
        )
        prepared = [Model(section, model, model.prepare(picture)) for section, model in pending]
        if hashed:
            value = Phash(pixel_hash[:8], b"".join(phash.perceptual_hashes(picture.rgb)))
            document.set_machine(fields.HASH, fields.PDQ, value)
    identity.note(document, content, task.name)
    partial = content.damaged and not (old is not None and same_pixels and old.damaged)
    return Found(task, document, pixel_hash[:8], before, prepared, damaged, partial)


def _camera_facts(document: Document, wanted: Wanted, data: bytes, *, same_bytes: bool) -> Told:
    """Return EXIF and GPS, read from ``data`` where the sidecar does not have them, and again with new bytes.

    The step that takes note of the bytes is the last one to see that they changed: so ``document`` takes the facts
    not only where they are wanted, but also where older ones are there.
    """
    before, before_gps = document.get(fields.EXIF, fields.V1, Exif), document.get(fields.GPS, fields.V1, Gps)
    if before is not None and same_bytes and not lacks_exif(document, wanted):
        return Told(before, before_gps)
    facts, gps = exif.read_exif(data, formats.sniff(data))
    if wanted.exif or before is not None:
        _take_facts(document, facts, gps)
    if before is None:
        return Told(facts, gps, differs=not same_bytes)
    turned = (before.orientation or 1) != (facts.orientation or 1)
    differs = before_gps != gps or _told_by_camera(before) != _told_by_camera(facts)
    return Told(facts, gps, turned, differs)


def _take_facts(document: Document, facts: Exif, gps: Gps | None) -> None:
    """Set what the camera said, and drop the names of places where it no longer was."""
    moved = document.get(fields.GPS, fields.V1, Gps) != gps
    document.set_machine(fields.EXIF, fields.V1, msgspec.structs.replace(facts, rev=EXIF_REVISION))
    if gps is not None or document.register(fields.GPS, fields.V1) is not None:
        document.set_machine(fields.GPS, fields.V1, gps)
    for dataset, place in document.items(fields.GEO, Place):
        if moved and (gps is None or (place.lat, place.lon) != (gps.lat, gps.lon)):
            document.set_machine(fields.GEO, dataset, None)


def _told_by_camera(facts: Exif) -> Exif:
    """Return ``facts`` without what people write into a picture again and again, and no model looks at."""
    return msgspec.structs.replace(facts, keywords=(), rating=None, artist=None, copyright=None, rev=1)


def _forget_outputs(document: Document) -> None:
    """Clear what was computed from the picture as it lay before: of every model, those of this scan come again."""
    for section in (fields.MTAG, fields.EMB, fields.HASH):
        for space in document.keys(section):
            document.set_machine(section, space, None)
