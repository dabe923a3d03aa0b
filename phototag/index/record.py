"""``ImageRecord``: one image as every command and the viewer show it (docs/cli.md, "JSON of one image")."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET, UnsetType

from phototag.index.spelling import taken_text

_TAG_DIGITS = 4
_SCORE_DIGITS = 6


class TagRecord(msgspec.Struct, frozen=True):
    """A machine's tag above its threshold."""

    tag: str
    score: float
    model: str


class PlaceRecord(msgspec.Struct, frozen=True):
    """Where the photo was taken; names are null where no place data was installed."""

    city: str | None
    region: str | None
    country: str | None
    lat: float | None
    lon: float | None


class ClusterRecord(msgspec.Struct, frozen=True):
    """Which cluster of which run an image belongs to."""

    run: str
    id: int
    probability: float


class ImageRecord(msgspec.Struct, frozen=True):  # noqa: PLW1641 - msgspec makes what is only declared below
    """One image: effective facts, the owner's word applied."""

    path: str
    """Relative to the library's root; characters that are not UTF-8 are replaced, ``path_bytes`` then has them."""
    id: str | None
    content: str | None
    size: int | None
    width: int | None
    height: int | None
    taken: str | None
    """Local time, ISO 8601 without zone."""
    tags: list[TagRecord]
    """Best first, those the owner removed left out."""
    user_tags: list[str]
    rating: int | None
    caption: str | None
    place: PlaceRecord | None
    camera: str | None
    people: list[str]
    faces: int
    present: bool
    score: float | UnsetType = UNSET
    """Only where results are ranked."""
    path_bytes: str | UnsetType = UNSET
    """Base64, only where ``path`` cannot say it."""
    title: str | UnsetType = UNSET
    trouble: str | UnsetType = UNSET
    """Why the sidecar, or a part of the picture, could not be read."""
    cluster: ClusterRecord | UnsetType = UNSET

    if TYPE_CHECKING:  # so that mypy --strict takes ``"a/path.jpg" in images``, which it finds senseless otherwise

        def __eq__(self, other: object, /) -> bool: ...


def make_record(
    values: Mapping[str, Any],
    taken_us: int | None,
    machine: Sequence[tuple[str, float, str]],
    user_tags: Sequence[str],
    people: Sequence[str],
    *,
    score: float | None = None,
    cluster: ClusterRecord | UnsetType = UNSET,
) -> ImageRecord:
    """Return the record of one image from its row (``facts.Facts`` by name) and the tags and people that count."""
    place = None
    if values["lat"] is not None or values["city"] or values["country"]:
        place = PlaceRecord(values["city"], values["region"], values["country"], values["lat"], values["lon"])
    raw, content, birth = values["path_bytes"], values["content"], values["birth"]
    return ImageRecord(
        path=values["path"],
        id=birth.hex() if birth else None,
        content=f"xxh3-128:{content.hex()}" if content else None,
        size=values["size"],
        width=values["width"],
        height=values["height"],
        taken=None if taken_us is None else taken_text(taken_us),
        tags=[TagRecord(tag, round(value, _TAG_DIGITS), model) for tag, value, model in machine],
        user_tags=list(user_tags),
        rating=values["rating"],
        caption=values["caption"],
        place=place,
        camera=values["camera"],
        people=list(people),
        faces=values["faces"],
        present=values["present"],
        score=UNSET if score is None else round(score, _SCORE_DIGITS),
        path_bytes=UNSET if raw is None else base64.b64encode(raw).decode(),
        title=values["title"] or UNSET,
        trouble=values["trouble"] or UNSET,
        cluster=cluster,
    )


def path_of(record: ImageRecord) -> str:
    """Return the path of a record as the file system has it."""
    if record.path_bytes is UNSET:
        return record.path
    return os.fsdecode(base64.b64decode(str(record.path_bytes)))
