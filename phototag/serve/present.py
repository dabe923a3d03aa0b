"""From records to what a person reads: dates, exposures, sizes, alternative text. Pure functions, no HTML."""

from __future__ import annotations

import base64
import datetime
import os
import statistics
from collections.abc import Sequence
from urllib.parse import quote

import msgspec
from msgspec import UNSET

from phototag.index.record import ImageRecord, PlaceRecord

THUMB_PX = 480
"""Longer side of a thumbnail in the grid: sharp at 240 CSS pixels on a doubled screen."""
RATIO_STEP, RATIO_LEAST, RATIO_MOST = 5, 40, 300
"""Aspect ratios in hundredths that the style sheet knows: ``.r-150`` is 1.5."""
_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
ALT_TAGS = 5
YEAR, MONTH = 4, 7
"""Kinds of headings: how much of an ISO date they share."""
MONTH_LEAST, YEAR_LEAST = 10, 5
"""Photos that a month or year in the middle of the field must have to be worth a heading."""
UNDATED = "Without a date"


class Tile(msgspec.Struct, frozen=True):
    """One picture in the grid."""

    href: str
    thumb: str
    thumb_2x: str
    """For screens with two pixels to one of CSS."""
    alt: str
    ratio: str
    """Class of the style sheet for its aspect ratio."""
    width: int
    height: int
    heading: str = ""
    """What to put before it, where a year or month begins."""
    heading_key: str = ""
    rating: int = 0
    missing: bool = False


def rel_of(record: ImageRecord) -> str:
    """Return the path of a record as it stands on disk (surrogateescape)."""
    return record.path if record.path_bytes is UNSET else os.fsdecode(base64.b64decode(record.path_bytes))


def url_of(rel: str) -> str:
    """Return ``rel`` as the path of an address; bytes that are not UTF-8, quotes and spaces are escaped."""
    return quote(os.fsencode(rel), safe="/")


def tiles(
    records: Sequence[ImageRecord], query: str, offset: int, *, group: int = 0, last_key: str = "-"
) -> list[Tile]:
    """Return the tiles of a page of results that begins at ``offset``.

    ``group`` is ``YEAR`` or ``MONTH`` for headings where one begins, 0 for none; ``last_key`` that of the photo before.
    """
    made = []
    for number, record in enumerate(records, offset):
        key = (record.taken or "")[:group]
        heading = (month_name(key) if group == MONTH else key or UNDATED) if group and key != last_key else ""
        last_key = key
        made.append(_tile(record, f"{query}&at={number}" if query else f"at={number}", heading, key))
    return made


def grouping(years: Sequence[int], months: Sequence[int]) -> int:
    """Return the headings that suit a list by date, from how many photos each year and month has.

    Rows should be full more often than not, so it is the median that decides: one photo a year is no chapter.
    """
    if months and statistics.median(months) >= MONTH_LEAST:
        return MONTH
    return YEAR if len(years) > 1 and statistics.median(years) >= YEAR_LEAST else 0


def _tile(record: ImageRecord, query: str, heading: str, key: str) -> Tile:
    url = url_of(rel_of(record))
    width, height = record.width or 3, record.height or 2
    scale = min(1.0, THUMB_PX / max(width, height))
    return Tile(
        href=f"/photo/{url}?{query}",
        thumb=thumb_url(record),
        thumb_2x=thumb_url(record, 2 * THUMB_PX),
        alt=alt_text(record) + ("" if record.present else " (the original is not here)"),
        ratio=ratio_class(width, height),
        width=max(1, round(width * scale)),
        height=max(1, round(height * scale)),
        heading=heading,
        heading_key=key,
        rating=record.rating or 0,
        missing=not record.present,
    )


def thumb_url(record: ImageRecord, side_px: int = THUMB_PX) -> str:
    """Return the address of a thumbnail; it names the content, so a browser may keep it for ever."""
    version = (record.content or "").rpartition(":")[2][:12]
    return f"/thumb/{side_px}/{url_of(rel_of(record))}?v={version}"


def ratio_class(width: int, height: int) -> str:
    """Return the style class for an aspect ratio, rounded and bounded: a strip does not fill three rows."""
    hundredths = round(100 * width / max(1, height) / RATIO_STEP) * RATIO_STEP
    return f"r-{min(RATIO_MOST, max(RATIO_LEAST, hundredths))}"


def alt_text(record: ImageRecord) -> str:
    """Return what a screen reader says: caption or tags, people, place, month; the file's name where nothing is known."""
    what = record.caption or (record.title if isinstance(record.title, str) else "")
    if not what:
        names = dict.fromkeys([*record.user_tags, *(tag.tag for tag in record.tags)])
        what = ", ".join(list(names)[:ALT_TAGS])
    parts = [what or name_of(record.path)]
    if record.people:
        parts.append("with " + ", ".join(record.people))
    place = place_line(record.place)
    if place:
        parts.append(f"in {place}")
    if record.taken:
        parts.append(month_name(record.taken[:7]))
    return ", ".join(part for part in parts if part)


def unseen_text(record: ImageRecord, reason: str) -> str:
    """Return what a screen reader says of a picture that cannot be shown."""
    return f"{name_of(record.path)} cannot be shown: {reason}"


def name_of(path: str) -> str:
    """Return the file's name without its folders."""
    return path.rpartition("/")[2]


def month_name(key: str) -> str:
    """Return ``2024-05`` as ``May 2024``; an empty key as what is said of photos without a date."""
    if len(key) < 7:
        return UNDATED
    year, month = key.split("-")
    return f"{_MONTHS[int(month) - 1]} {year}" if month.isdigit() and 1 <= int(month) <= 12 else key


def moment(taken: str | None, offset: str | None = None) -> str:
    """Return ``2024-05-01T10:11:12.5`` as ``Wednesday, 1 May 2024, 10:11:12``; a day, month or year as no more."""
    if not taken:
        return ""
    if len(taken) <= len("2024-05"):
        return month_name(taken)
    try:
        when = datetime.datetime.fromisoformat(taken[:19])
    except ValueError:
        return taken
    day = f"{when:%A}, {when.day} {_MONTHS[when.month - 1]} {when.year}"
    if "T" not in taken:
        return day
    return f"{day}, {when:%H:%M:%S}" + (f" (UTC{offset})" if offset else "")


def place_line(place: PlaceRecord | None) -> str:
    """Return ``Nice, Provence``: city and region; the country's code where nothing else is known."""
    if place is None:
        return ""
    names = dict.fromkeys(name for name in (place.city, place.region) if name)
    return ", ".join(names) or place.country or ""


def coordinates(lat: float | None, lon: float | None) -> str:
    """Return ``43.70000° N, 7.26000° E``."""
    if lat is None or lon is None:
        return ""
    return f"{abs(lat):.5f}° {'N' if lat >= 0 else 'S'}, {abs(lon):.5f}° {'E' if lon >= 0 else 'W'}"


def size_text(count: int | None) -> str:
    """Return bytes as ``3.4 MB``."""
    if count is None:
        return ""
    value, unit = float(count), "bytes"
    for unit in ("bytes", "kB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            break
        value /= 1000
    return f"{count:,} bytes" if unit == "bytes" else f"{value:.3g} {unit}"


def dimensions(width: int | None, height: int | None) -> str:
    """Return ``4000 × 3000 (12 MP)``."""
    if not width or not height:
        return ""
    megapixels = width * height / 1e6
    return f"{width:,} × {height:,}" + (f" ({megapixels:.3g} MP)" if megapixels >= 0.1 else "")


def orientation_text(orientation: int | None) -> str:
    """Return how the stored raster lies where it is not upright."""
    return {
        2: "mirrored",
        3: "upside down",
        4: "upside down, mirrored",
        5: "on its side, mirrored",
        6: "on its side (turned right to be upright)",
        7: "on its side, mirrored",
        8: "on its side (turned left to be upright)",
    }.get(orientation or 1, "")
