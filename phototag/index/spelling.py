"""How times and paths are written in the columns of the index, and read again."""

from __future__ import annotations

import datetime as dt
import os

_EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - local time without a zone, as cameras write it
_US = dt.timedelta(microseconds=1)


def path_columns(path: str) -> tuple[str, bytes | None]:
    """Return ``path`` as text any reader can show and, where that loses something, its bytes."""
    if path.isascii():
        return path, None
    try:
        path.encode()
    except UnicodeEncodeError:
        raw = os.fsencode(path)
        return raw.decode("utf-8", "replace"), raw
    return path, None


def taken_us(text: str | None) -> int | None:
    """Return local time in microseconds since 1970 for ``YYYY[-MM[-DD[Thh:mm[:ss[.f]]]]]``; None for anything else."""
    if not text:
        return None
    if len(text) in (4, 7):
        text = f"{text}-01-01"[:10] if len(text) == 4 else f"{text}-01"
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is not None:
        moment = moment.replace(tzinfo=None)
    return (moment - _EPOCH) // _US


def taken_as_known(taken: str | None, told: str | None) -> str:
    """Return the time that counts without the hours that nobody knew: ``told`` may be a day, a month or a year."""
    if told and taken and len(told) < len("2024-05-01T") and taken.startswith(told):
        return told
    return taken or told or ""


def taken_text(value_us: int) -> str:
    """Return local ISO time of microseconds since 1970, the fraction only where there is one."""
    text = (_EPOCH + dt.timedelta(microseconds=value_us)).isoformat()
    return text.rstrip("0") if "." in text else text
