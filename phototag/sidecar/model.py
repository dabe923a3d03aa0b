"""The typed values of a sidecar's sections: the part of docs/format.md that is code.

Every Struct is a map on disk, defaults left out. Fields may be added with a default, never retyped or removed; a
reader that does not know a field keeps it (``registers``). ``schemas/`` is generated from these types.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

Rational = tuple[int, int]
"""(numerator, denominator) exactly as the camera wrote it."""

Hash128 = Annotated[bytes, msgspec.Meta(min_length=16, max_length=16)]
Source = Annotated[bytes, msgspec.Meta(min_length=8, max_length=8)]
"""First 8 bytes of the pixel hash that an output was computed from: staleness without timestamps."""


class Value(msgspec.Struct, frozen=True, omit_defaults=True):
    """Base of every value: frozen, defaults left out on disk."""


class Content(Value, frozen=True):
    """``id/content``: which bytes and which pixels the file holds."""

    x: Hash128
    """xxh3-128 of the whole file."""
    px: Hash128
    """xxh3-128 of the bytes that decide the pixels (``fingerprint.pixel_hash``)."""
    n: int
    """Size of the file in bytes."""
    w: int = 0
    """Width of the upright image in pixels; 0 when the pixels could not be read."""
    h: int = 0
    fmt: str = ""
    """Format found in the bytes, not the name: ``jpeg``, ``png``, ``webp``, ``gif``, ``tiff``, ``bmp``, ``avif``, ``heif``, ``raw``."""
    key: str = ""
    """git-annex key of the content, where the file is annexed."""
    frames: int = 1
    """How many pictures the file holds: frames of an animation, pages of a TIFF."""
    damaged: bool = False
    """Only a part of the picture can be read: the file was cut short, or is damaged within."""


class Exif(Value, frozen=True):
    """``exif/v1``: what the camera said, sanitised; impossible values are left out, not guessed."""

    taken: str | None = None
    """Local time ``YYYY-MM-DDTHH:MM:SS`` with the fraction as written: ``.123``; ``YYYY[-MM[-DD]]`` where no more is known."""
    offset: str | None = None
    """UTC offset ``+02:00``, where the camera knew it."""
    make: str | None = None
    model: str | None = None
    lens: str | None = None
    software: str | None = None
    orientation: int | None = None
    """EXIF orientation 1 to 8 of the stored raster."""
    exposure: Rational | None = None
    """Seconds."""
    fnumber: Rational | None = None
    iso: int | None = None
    focal: Rational | None = None
    """Millimetres."""
    focal35: int | None = None
    """Millimetres in 35 mm film terms."""
    bias: Rational | None = None
    """Exposure compensation in EV."""
    flash: int | None = None
    """The EXIF Flash bits; bit 0: it fired."""
    distance: Rational | None = None
    """Subject distance in metres."""
    title: str | None = None
    description: str | None = None
    artist: str | None = None
    copyright: str | None = None
    keywords: tuple[str, ...] = ()
    """IPTC or XMP keywords embedded in the image."""
    rating: int | None = None
    """Rating embedded in the image, -1 to 5."""
    burst: str | None = None
    """Burst id where the maker note or XMP has one."""
    rev: int = 1
    """Revision of the reader that filled this in: a later one that reads more reads again."""


class Gps(Value, frozen=True):
    """``exif.gps/v1``: where the camera said it was; a section of its own, so it can be purged and stripped alone."""

    lat: float
    """Degrees, WGS 84, north positive."""
    lon: float
    """Degrees, WGS 84, east positive."""
    alt: float | None = None
    """Metres above sea level."""
    direction: float | None = None
    """Degrees from true north that the camera looked to."""
    utc: str | None = None
    """``YYYY-MM-DDTHH:MM:SS`` of the GPS clock, UTC."""


class Place(Value, frozen=True):
    """``geo/<dataset>@<version>``: the named place nearest to the GPS position."""

    city: str
    region: str
    country: str
    """ISO 3166-1 alpha-2."""
    lat: float
    """Of the photo, degrees."""
    lon: float
    km: float = 0.0
    """Distance from the photo to the named place."""


class TagScores(Value, frozen=True):
    """``mtag/<model>@<rev>#<params8>``: every tag of one model above its storage floor, best first.

    ``scores`` is little-endian u16, score = value / 65535, one for each label. Thresholds are applied on reading.
    """

    src: Source
    labels: tuple[str, ...] = ()
    scores: bytes = b""


class Embedding(Value, frozen=True):
    """``emb/<model>@<rev>#<params8>``: one vector, L2-normalised, little-endian IEEE half floats."""

    src: Source
    d: int
    v: bytes
    q: str = "f2"


class Phash(Value, frozen=True):
    """``hash/<kind>@<rev>``: a perceptual hash for near-duplicates.

    ``pdq@1``: 32 bytes of the whole picture, then 32 of what a plain frame encloses where there is one; none at all for
    a picture with nothing to tell it by.
    """

    src: Source
    v: bytes


class Face(Value, frozen=True):
    """One detected face of ``face.obs``; boxes in the stored raster's orientation."""

    box: bytes
    """u16 x 4, little-endian: x0, y0, x1, y1 as fractions of 65535 of width and height."""
    landmarks: bytes
    """u16 x 10: the five points x, y."""
    det: float
    """Detector score in [0, 1]."""
    quality: float = 0.0
    v: bytes = b""
    """Embedding, L2-normalised half floats."""


class FaceObservations(Value, frozen=True):
    """``face.obs/<detector+recogniser>@<rev>#<params8>``: all faces one pack found."""

    src: Source
    faces: tuple[Face, ...] = ()


class UserPlace(Value, frozen=True):
    """``user/loc``: where the owner says the photo was taken."""

    lat: float | None = None
    lon: float | None = None
    city: str | None = None
    region: str | None = None
    country: str | None = None


# Sections and keys, named once.
ID, EXIF, GPS, GEO, USER, UTAG, MTAG, EMB, HASH = "id", "exif", "exif.gps", "geo", "user", "utag", "mtag", "emb", "hash"
FACE_OBS, FACE = "face.obs", "face"
CONTENT, BIRTH, NAME, V1 = "content", "birth", "name", "v1"
PDQ = "pdq@1"
"""Key of the perceptual hash; another number once the same picture would give other bits."""
PRESENT, REMOVED, REJECTED = 1, 0, -1
"""Values of a ``utag`` register."""
NOT_A_FACE, IGNORED = 0, 2
"""States of a face claim that does not count."""
SCORE_SCALE = 65535
USER_FIELDS: dict[str, object] = {
    "rating": int,
    "caption": str,
    "title": str,
    "flag": str,
    "date": str,
    "loc": UserPlace,
    "orient": int,
}


def space(model: str, rev: str, params8: str) -> str:
    """Return the key of a model's output: ``<model>@<rev>#<params8>``."""
    return f"{model}@{rev}#{params8}"


def model_of(space_key: str) -> str:
    """Return the model's name in ``<model>@<rev>#<params8>``."""
    return space_key.partition("@")[0]
