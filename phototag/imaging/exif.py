"""EXIF, normalised: what the camera said, with impossible values left out, rationals kept exact, and never a crash."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable

import msgspec

from phototag.imaging import packet, texts
from phototag.imaging.blocks import find_blocks
from phototag.imaging.dates import parse_date, parse_day, parse_offset
from phototag.imaging.formats import HEIF
from phototag.imaging.position import read_position
from phototag.imaging.tags import Directory, Value, Values, integer, rational
from phototag.sidecar.model import Exif, Gps, Rational

_EXIF_IFD, _GPS_IFD, _MAKER_NOTE = 0x8769, 0x8825, 0x927C
_IFD0 = frozenset(
    {0x010E, 0x010F, 0x0110, 0x0112, 0x0131, 0x0132, 0x013B, 0x02BC, 0x4746, 0x8298, 0x83BB, _EXIF_IFD, _GPS_IFD}
    | {0x9C9B, 0x9C9D, 0x9C9E}
)
_EXIF_TAGS = frozenset(
    {0x829A, 0x829D, 0x8827, 0x8832, 0x8833, 0x9003, 0x9004, 0x9010, 0x9011, 0x9012, 0x9204, 0x9206, 0x9209, 0x920A}
    | {0x9290, 0x9291, 0x9292, 0xA405, 0xA434, _MAKER_NOTE}
)
_GPS_TAGS = frozenset({0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x10, 0x11, 0x1D})
_APPLE = b"Apple iOS\0\0\1MM"

_MOST_16, _MOST_ISO = 0xFFFF, 0x7FFFFFFF
"""A short is what EXIF gives Flash and the focal length in 35 mm terms; no sensor comes near the other."""
_NO_DISTANCE = 0xFFFFFFFF
_JUNK = (struct.error, ValueError, IndexError, KeyError, TypeError, OverflowError, zlib.error, RecursionError)


def read_exif(data: bytes, fmt: str) -> tuple[Exif, Gps | None]:
    """Return what the camera and programs wrote into ``data``; empty values where there is nothing. Never raises.

    ``fmt`` is as ``formats.sniff`` says. XMP wins over IPTC over EXIF for what a person writes; EXIF wins for what
    a camera writes.
    """
    try:
        blocks = find_blocks(data, fmt)
    except _JUNK:
        return Exif(), None
    main: dict[int, Value] = {}
    shot: dict[int, Value] = {}
    place: dict[int, Value] = {}
    for number, block in enumerate(blocks.tiff):
        try:
            _read_block(block, main, shot, place, only=_CR3.get(number) if len(blocks.tiff) > 1 else None)
        except _JUNK:
            continue
    written = [
        _written(packet.read_xmp, blocks.xmp or _bytes(main.get(0x02BC))),
        _written(packet.read_iptc, blocks.iptc or _bytes(main.get(0x83BB))),
    ]
    exif = _exif(main, shot, written)
    if fmt == HEIF:  # the rotation of a HEIF is a property that every decoder applies; its EXIF copy is not to be used
        exif = msgspec.structs.replace(exif, orientation=1 if exif.orientation else None)
    return exif, read_position(place)


_CR3 = {0: "main", 1: "shot", 2: "place"}
"""A CR3 keeps its directories as separate blocks, in this order."""


def orientation_of(tiff: bytes) -> int:
    """Return the orientation 1 to 8 in one EXIF block (with or without its header); 1 where it says nothing."""
    try:
        block = Directory(tiff.removeprefix(b"Exif\0\0"))
        return _orientation(block.read(block.first, frozenset({0x0112}))) or 1
    except _JUNK:
        return 1


def _read_block(
    block: bytes, main: dict[int, Value], shot: dict[int, Value], place: dict[int, Value], *, only: str | None
) -> None:
    tiff = Directory(block)
    if only == "shot":
        shot |= tiff.read(tiff.first, _EXIF_TAGS)
        return
    if only == "place":
        place |= tiff.read(tiff.first, _GPS_TAGS)
        return
    main |= tiff.read(tiff.first, _IFD0) | main
    for tag, wanted, into in ((_EXIF_IFD, _EXIF_TAGS, shot), (_GPS_IFD, _GPS_TAGS, place)):
        at = integer(main, tag)
        if at and at != tiff.first:
            into.update(tiff.read(at, wanted) | into)


def _written(reader: Callable[[bytes], packet.Written], block: bytes) -> packet.Written:
    if not block:
        return packet.Written()
    try:
        return reader(block)
    except _JUNK:
        return packet.Written()


def _exif(main: Values, shot: Values, written: list[packet.Written]) -> Exif:
    xmp, iptc = written
    make = texts.line(main.get(0x010F))
    taken, offset = _taken(main, shot, written)
    maker_note = _bytes(shot.get(_MAKER_NOTE))
    return Exif(
        taken=taken,
        offset=offset,
        make=make,
        model=texts.without_repeats(make, texts.line(main.get(0x0110))),
        lens=_lens(texts.line(shot.get(0xA434))) or xmp.lens,
        software=texts.line(main.get(0x0131)),
        orientation=_orientation(main),
        exposure=_positive(shot, 0x829A),
        fnumber=_positive(shot, 0x829D),
        iso=_iso(shot),
        focal=_positive(shot, 0x920A),
        focal35=_within(integer(shot, 0xA405), 1, _MOST_16),
        bias=rational(shot, 0x9204),
        flash=_within(integer(shot, 0x9209), 0, _MOST_16),
        distance=_positive(shot, 0x9206),
        title=xmp.title or iptc.title or texts.utf16(_bytes(main.get(0x9C9B))),
        description=xmp.description or iptc.description or texts.paragraph(main.get(0x010E)),
        artist=xmp.artist or iptc.artist or texts.line(main.get(0x013B)) or texts.utf16(_bytes(main.get(0x9C9D))),
        copyright=xmp.copyright or iptc.copyright or texts.line(main.get(0x8298)),
        keywords=_keywords(main, xmp, iptc),
        rating=xmp.rating if xmp.rating is not None else _rating(main),
        burst=xmp.burst or _apple_burst(maker_note),
    )


class _Moment(msgspec.Struct, frozen=True):
    taken: str
    offset: str | None = None


def _taken(main: Values, shot: Values, written: list[packet.Written]) -> tuple[str | None, str | None]:
    """Return when the shutter opened: original before digitised before the file's own date, the camera before programs.

    A scanned print was digitised long after: so a day that a person gave beats the moment that a scanner gave, unless
    that is a moment of the same day.
    """
    shots = [
        *_by_camera(shot, shot, 0x9003, 0x9291, 0x9011),
        *(moment for said in written for moment in _by_programs(said.created)),
        *_by_camera(shot, shot, 0x9004, 0x9292, 0x9012),
        *(moment for said in written for moment in _by_programs(said.digitised)),
    ]
    found = shots or _by_camera(main, shot, 0x0132, 0x9290, 0x9010)
    if not found:
        return None, None
    best = max((one for one in found if one.taken.startswith(found[0].taken)), key=lambda one: len(one.taken[:19]))
    return best.taken, best.offset


def _by_camera(source: Values, shot: Values, date: int, fraction: int, offset: int) -> list[_Moment]:
    taken, inline = parse_date(texts.line(source.get(date)))
    if taken is None:
        return []
    digits = texts.line(shot.get(fraction)) or ""
    if "." not in taken and digits.isascii() and digits.isdigit():
        taken += f".{digits[:9]}"
    return [_Moment(taken, inline or parse_offset(texts.line(shot.get(offset))))]


def _by_programs(said: tuple[str, ...]) -> list[_Moment]:
    found = []
    for text in said:
        taken, offset = parse_date(text)
        day = taken or parse_day(text)
        if day:
            found.append(_Moment(day, offset))
    return found


def _orientation(main: Values) -> int | None:
    return _within(integer(main, 0x0112), 1, 8)


def _lens(text: str | None) -> str | None:
    return (
        None if text is None or not any(char.isalnum() for char in text) or text.lower() in ("unknown", "n/a") else text
    )


def _iso(shot: Values) -> int | None:
    value = integer(shot, 0x8827)
    if value in (None, 0, 65535):  # 65535 says: too large for this tag, see the 32-bit ones
        value = integer(shot, 0x8833) or integer(shot, 0x8832) or (value if value == 65535 else None)
    return _within(value, 1, _MOST_ISO)


def _within(value: int | None, least: int, most: int) -> int | None:
    return value if value is not None and least <= value <= most else None


def _rating(main: Values) -> int | None:
    return _within(integer(main, 0x4746), 0, 5)


def _keywords(main: Values, xmp: packet.Written, iptc: packet.Written) -> tuple[str, ...]:
    windows = texts.utf16(_bytes(main.get(0x9C9E))) or ""
    own = [word.strip() for word in windows.split(";") if word.strip()]
    return tuple(dict.fromkeys([*xmp.keywords, *iptc.keywords, *own]))


def _apple_burst(note: bytes) -> str | None:
    """Return BurstUUID (tag 11) of an Apple maker note: a big-endian directory after a 14-byte head."""
    if not note.startswith(_APPLE):
        return None
    try:
        block = Directory(b"MM\0*\0\0\0\x0e" + note[8:])
        return texts.line(block.read(14, frozenset({0x000B})).get(0x000B))
    except _JUNK:
        return None


def _bytes(value: Value | None) -> bytes:
    if isinstance(value, bytes):
        return value
    return bytes(value) if value and all(isinstance(item, int) and 0 <= item < 256 for item in value) else b""


def _positive(values: Values, tag: int) -> Rational | None:
    found = rational(values, tag)
    return found if found and found[0] * found[1] > 0 and found[0] != _NO_DISTANCE else None
