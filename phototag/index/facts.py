"""From a sidecar's view to the effective facts of one image: the owner's word first, then what machines found."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from phototag.index.spelling import path_columns, taken_us
from phototag.index.view import Scores, SidecarView, Vector, value_of
from phototag.index.words import padded
from phototag.sidecar.model import PDQ, PRESENT, REJECTED, REMOVED, Exif, Rational

PARTIAL = "only a part of the picture can be read"
TOWN_KM, COUNTRY_KM = 100.0, 500.0
"""The nearest town beyond this names neither a place nor, at sea and on the ice, a country."""


class Facts(NamedTuple):
    """One row of ``images.arrow``, in the order of ``schema.IMAGES``; dictionary columns hold text here."""

    path: str
    path_bytes: bytes | None
    birth: bytes | None
    content: bytes | None
    pixels: bytes | None
    size: int | None
    width: int | None
    height: int | None
    format: str | None
    frames: int | None
    taken: int | None
    offset_min: int | None
    rating: int | None
    flag: str | None
    title: str | None
    caption: str | None
    city: str | None
    region: str | None
    country: str | None
    lat: float | None
    lon: float | None
    camera: str | None
    lens: str | None
    iso: int | None
    exposure_s: float | None
    fnumber: float | None
    focal_mm: float | None
    focal35_mm: int | None
    burst: str | None
    phash: bytes | None
    phash_inner: bytes | None
    faces: int
    present: bool
    trouble: str | None
    text_words: str
    path_words: str


def bare(path: str, *, present: bool, trouble: str) -> Facts:
    """Return the row of an image whose sidecar cannot be read: its path and the reason."""
    shown, raw = path_columns(path)
    nothing = Facts(*[None] * len(Facts._fields))  # type: ignore[arg-type]
    return nothing._replace(
        path=shown,
        path_bytes=raw,
        faces=0,
        present=present,
        trouble=trouble,
        text_words="",
        path_words=padded(shown),
    )


def facts(path: str, view: SidecarView, *, present: bool, faces: int, trouble: str) -> Facts:
    """Return the effective facts of the image at ``path`` (relative to the root)."""
    shown, raw = path_columns(path)
    ids = view.id
    content = None if ids is None else value_of(ids.content)
    birth = None if ids is None else value_of(ids.birth)
    exif = (None if view.exif is None else value_of(view.exif.v1)) or _NO_EXIF
    user = view.user
    title = caption = flag = date = rating = None
    if user is not None:
        title, caption, flag = value_of(user.title), value_of(user.caption), value_of(user.flag)
        date, rating = value_of(user.date), value_of(user.rating)
    # Said to be none (0, "") is not the same as not said: then what the file embeds counts.
    if rating is None:
        rating = exif.rating
    described = exif.description if caption != "" else None
    city, region, country, lat, lon = _place(view)
    text = (title, caption, exif.title, described, *exif.keywords, exif.artist)
    said = " ".join(part for part in text if part)
    return Facts(
        shown,
        raw,
        birth or (None if content is None else content.x),
        None if content is None else content.x,
        None if content is None else content.px,
        None if content is None else whole(content.n, 64),
        None if content is None else whole(content.w, 32) or None,
        None if content is None else whole(content.h, 32) or None,
        None if content is None else content.fmt or None,
        None if content is None else whole(content.frames, 32),
        taken_us(date) if date else taken_us(exif.taken),
        _offset_min(exif.offset),
        rating if rating and -1 <= rating <= 5 else None,  # many programs embed 0 for "not rated"
        flag,
        title or exif.title,
        caption or described,
        city,
        region,
        country,
        lat,
        lon,
        camera_name(exif.make, exif.model),
        exif.lens,
        whole(exif.iso, 32),
        _real(exif.exposure),
        _real(exif.fnumber),
        _real(exif.focal),
        whole(exif.focal35, 32),
        exif.burst,
        *_phash(view),
        faces,
        present,
        trouble or (PARTIAL if content is not None and content.damaged else None),
        padded(said) if said else "",
        padded(shown),
    )


_NO_EXIF = Exif()
_SAID = (PRESENT, REMOVED, REJECTED)
_cameras: dict[tuple[str | None, str | None], str | None] = {}


def camera_name(make: str | None, model: str | None) -> str | None:
    """Return one name of make and model without the make said twice: ``NIKON D70``, ``Canon EOS R5``."""
    key = (make, model)
    if key not in _cameras:
        if len(_cameras) > 10_000:
            _cameras.clear()
        _cameras[key] = _camera_name((make or "").strip(), (model or "").strip())
    return _cameras[key]


def _camera_name(make: str, model: str) -> str | None:
    if not model:
        return make or None
    first = make.split(maxsplit=1)[0].casefold() if make else ""
    if first and not model.casefold().startswith(first):
        short = make.split(maxsplit=1)[0] if len(make.split()) > 1 and make.casefold().endswith(_COMPANY) else make
        return f"{short} {model}"
    return model


_COMPANY = ("corporation", "corp.", "corp", "co.,ltd.", "co., ltd.", "inc.", "gmbh", "company", "imaging corp.")


def _offset_min(text: str | None) -> int | None:
    """Return ``+02:00`` in minutes."""
    if not text or len(text) != 6 or text[0] not in "+-" or text[3] != ":":
        return 0 if text == "Z" else None
    try:
        minutes = int(text[1:3]) * 60 + int(text[4:])
    except ValueError:
        return None
    return -minutes if text[0] == "-" else minutes


def owner_tags(view: SidecarView) -> dict[str, int]:
    """Return what the owner said of tags: PRESENT, REMOVED or REJECTED."""
    return {
        tag: slot.value for tag, slot in (view.utag or {}).items() if slot.value is not None and slot.value in _SAID
    }


def whole(value: int | None, bits: int) -> int | None:
    """Return ``value`` where an index column of ``bits`` holds it, else None: a sidecar may say anything."""
    return None if value is None or not -1 <= value >> (bits - 1) <= 0 else value


def _real(value: Rational | None) -> float | None:
    return None if value is None or value[1] == 0 else value[0] / value[1]


def _place(view: SidecarView) -> tuple[str | None, str | None, str | None, float | None, float | None]:
    """Return city, region, country, latitude, longitude: the owner's where said, else the named place, else GPS."""
    city = region = country = lat = lon = None
    gps = None if view.gps is None else value_of(view.gps.v1)
    if gps is not None:
        lat, lon = gps.lat, gps.lon
    if view.geo:
        found = view.geo[max(view.geo)].value if len(view.geo) > 1 else next(iter(view.geo.values())).value
        if found is not None:
            if found.km <= TOWN_KM:
                city, region = found.city, found.region
            if found.km <= COUNTRY_KM:
                country = found.country
            if lat is None:
                lat, lon = found.lat, found.lon
    said = None if view.user is None else value_of(view.user.loc)
    if said is not None:
        if said.lat is not None and said.lon is not None:
            lat, lon = said.lat, said.lon
        if said.city or said.region or said.country:
            city, region, country = said.city, said.region, said.country
    return city or None, region or None, country or None, lat, lon


def _phash(view: SidecarView) -> tuple[bytes | None, bytes | None]:
    """Return the perceptual hashes of the picture and of what a frame in it encloses, 32 bytes each."""
    slot = (view.hash or {}).get(PDQ)
    found = None if slot is None else slot.value
    if found is None or not is_fresh(found.src, view) or len(found.v) not in (32, 64):
        return None, None
    return found.v[:32], found.v[32:] or None


def tags_fault(space: str, value: Scores) -> str:
    """Return why a model's tags cannot be used, empty where they can."""
    if len(value.scores) == 2 * len(value.labels):
        return ""
    return f"mtag/{space} has {len(value.labels)} labels but {len(value.scores)} bytes of scores"


def vector_fault(space: str, value: Vector) -> str:
    """Return why a vector cannot be used, empty where it can."""
    return "" if value.q == "f2" and 0 < 2 * value.d == len(value.v) else f"emb/{space} is not {value.d} half floats"


def is_fresh(src: bytes, view: SidecarView) -> bool:
    """Say whether a model's output was computed from the pixels the file holds now; unknown pixels count as yes."""
    content = None if view.id is None else value_of(view.id.content)
    return content is None or src == content.px[:8]


class Name(msgspec.Struct, frozen=True):
    """A person as a claim names them: id and the snapshot of the name."""

    id: str
    name: str
