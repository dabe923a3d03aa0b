"""``Wanted``: what every image must have when a scan is done, and how one sees that it lacks something."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.util import find_spec

import msgspec

from phototag import __version__
from phototag.models.protocols import ImageEmbedder, Tagger
from phototag.sidecar import model as fields
from phototag.sidecar.model import Content, Embedding, Exif, Phash, Place, TagScores
from phototag.sidecar.registers import Document

EXIF_REVISION = 2
"""Raised when ``imaging.exif`` learns to read more, so that older sidecars are filled on the next scan. 2: dates that are
known to the day or minute, an original's date before a scanner's, IPTC in TIFF, BigTIFF, EXIF 3.0."""

_OPTIONAL_READERS = ("pillow_heif", "rawpy")
_READERS = ("PIL", *_OPTIONAL_READERS)


class Wanted(msgspec.Struct, frozen=True):
    """The steps of one scan."""

    taggers: Sequence[Tagger] = ()
    embedders: Sequence[ImageEmbedder] = ()
    exif: bool = True
    geo: str | None = None
    """Dataset of the places to fill in; None for no places."""
    phash: bool = False
    """The perceptual hash that duplicates are found by."""
    force: bool = False
    """Compute everything again even where it is there."""
    max_megapixels: float = 300.0

    @property
    def models(self) -> list[tuple[str, Tagger | ImageEmbedder]]:
        """Return (section, model) of every model, taggers first."""
        return [*((fields.MTAG, one) for one in self.taggers), *((fields.EMB, one) for one in self.embedders)]

    @property
    def side_px(self) -> int:
        """Return the shorter side that serves every model."""
        return max((model.side_px for _, model in self.models), default=0)

    @property
    def steps(self) -> frozenset[str]:
        """Return what an unchanged image must have been given for the gate to let it pass."""
        spaces = [f"{section}/{model.info.space}" for section, model in self.models]
        readers = [name for name in _OPTIONAL_READERS if find_spec(name) is not None]
        rest = [f"exif{EXIF_REVISION}"] * self.exif + ([self.geo] if self.geo else []) + [fields.PDQ] * self.phash
        return frozenset([*spaces, *rest, *readers, f"max{self.max_megapixels:g}"])


def readers() -> str:
    """Return what tells these readers of files from later ones, which may read what these could not.

    By the time that each was installed: to ask for their versions would be to import them.
    """
    found = [f"phototag {__version__}"]
    for name in _READERS:
        spec = find_spec(name)
        if spec is not None and spec.origin:
            found.append(f"{name} {int(os.stat(spec.origin).st_mtime)}")
    return ", ".join(found)


def lacking(
    document: Document, wanted: Wanted, source: bytes, *, retold: bool = False
) -> list[tuple[str, Tagger | ImageEmbedder]]:
    """Return the models whose output is missing in ``document`` or was computed from other pixels.

    ``retold``: the camera's facts are other ones than before, so the models that look at them are among these.
    """
    if wanted.force:
        return wanted.models
    return [
        (section, model)
        for section, model in wanted.models
        if _source(document, section, model.info.space) != source or (retold and model.info.uses_facts)
    ]


def lacks_exif(document: Document, wanted: Wanted) -> bool:
    """Say whether EXIF is to be read for bytes that are already known."""
    if not wanted.exif or wanted.force:
        return wanted.exif
    found = document.get(fields.EXIF, fields.V1, Exif)
    return found is None or found.rev < EXIF_REVISION


def lacks_phash(document: Document, wanted: Wanted, source: bytes) -> bool:
    """Say whether the perceptual hash is missing in ``document`` or was computed from other pixels."""
    if not wanted.phash or wanted.force:
        return wanted.phash
    found = document.get(fields.HASH, fields.PDQ, Phash)
    return found is None or found.src != source


def lacks_place(document: Document, wanted: Wanted) -> bool:
    """Say whether a place can be filled in: there is a position and no place of the dataset for it."""
    if wanted.geo is None or document.get(fields.GPS, fields.V1, fields.Gps) is None:
        return False
    return wanted.force or document.get(fields.GEO, wanted.geo, Place) is None


def content_of(document: Document) -> Content | None:
    """Return the identity in ``document``."""
    return document.get(fields.ID, fields.CONTENT, Content)


def _source(document: Document, section: str, space: str) -> bytes | None:
    if section == fields.MTAG:
        tags = document.get(section, space, TagScores)
        return None if tags is None else tags.src
    embedding = document.get(section, space, Embedding)
    return None if embedding is None else embedding.src
