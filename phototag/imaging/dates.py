"""Dates and UTC offsets as cameras and programs write them, normalised; impossible ones are None."""

from __future__ import annotations

import datetime
import re

_DATE = re.compile(
    r"\s*(\d{4})[:/\-.] ?(\d{1,2})[:/\-.] ?(\d{1,2})[ T]+(\d{1,2}): ?(\d{1,2})(?:: ?(\d{1,2})(?:[.,](\d{1,9}))?)?"
    r"\s*([AP]M\b)?\s*(Z|[+-]\d{2}:?\d{2})?",
    re.ASCII | re.IGNORECASE,
)
"""Some cameras pad with spaces where EXIF has zeros, some write the hours of a twelve-hour clock."""
_DAY = re.compile(r"\s*(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?\s*", re.ASCII)
_OFFSET = re.compile(r"\s*([+-])(\d{1,2}):?(\d{2})", re.ASCII)
FIRST_YEAR = 1826
"""The first photograph; anything before is a clock that was never set."""


def parse_date(text: str | None) -> tuple[str | None, str | None]:
    """Return (``YYYY-MM-DDTHH:MM:SS[.fff]``, offset) of a date as EXIF or XMP write it; None where impossible."""
    found = _DATE.match(text or "")
    if found is None:
        return None, None
    year, month, day, hour, minute, second = (int(found[group] or 0) for group in range(1, 7))
    if found[8] and 1 <= hour <= 12:
        hour = hour % 12 + (12 if found[8].upper() == "PM" else 0)
    second = 59 if second == 60 else second  # a leap second, or rounded up
    try:
        moment = datetime.datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - local time of the camera
    except ValueError:
        return None, None
    if year < FIRST_YEAR:
        return None, None
    fraction = f".{found[7]}" if found[7] else ""
    return moment.isoformat(timespec="seconds") + fraction, parse_offset(found[9])


def parse_day(text: str | None) -> str | None:
    """Return a date without a time, ``YYYY[-MM[-DD]]``, as far as it is known (``00``: it is not); None otherwise."""
    found = _DAY.fullmatch(text or "")
    if found is None or int(found[1]) < FIRST_YEAR:
        return None
    known = [found[1]]
    for part in found.groups()[1:]:
        if part is None or part == "00":
            break
        known.append(part)
    try:
        datetime.date(int(known[0]), *map(int, [*known[1:], "1", "1"][:2]))
    except ValueError:
        return None
    return "-".join(known)


def parse_offset(text: str | None) -> str | None:
    """Return a UTC offset as ``+HH:MM``, None where it is none that a place on Earth has."""
    if text in ("Z", "z"):
        return "+00:00"
    found = _OFFSET.match(text or "")
    if found is None or int(found[2]) > 14 or int(found[3]) > 59:
        return None
    return f"{found[1]}{int(found[2]):02d}:{found[3]}"
