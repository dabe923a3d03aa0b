"""What makes two pictures the same: the hash of the bytes, and the hash of the pixels' bytes without metadata.

``content_hash`` is xxh3-128 of the whole file. ``pixel_hash`` leaves out what metadata editors touch: APPn and COM
segments of a JPEG, ancillary chunks of a PNG but for its animation (docs/format.md, "Identity and moves").
"""

from __future__ import annotations

import struct

import xxhash

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PIXELS_BY_NATURE = (b"tRNS", b"acTL", b"fcTL", b"fdAT")
"""Chunks of a PNG that are ancillary by name: transparency, and the frames of an animation after the first."""


def content_hash(data: bytes) -> bytes:
    """Return xxh3-128 of ``data``, 16 bytes big-endian as the xxHash canonical form."""
    return xxhash.xxh3_128_digest(data)


def pixel_hash(data: bytes) -> bytes:
    """Return xxh3-128 (16 bytes) of the bytes of ``data`` that decide the pixels; the whole file where unknown."""
    if data[:2] == b"\xff\xd8":
        parts = _jpeg_parts(data)
    elif data[:8] == PNG_SIGNATURE:
        parts = _png_parts(data)
    else:
        parts = [(0, len(data))]
    hasher = xxhash.xxh3_128()
    view = memoryview(data)
    for start, end in parts:
        hasher.update(view[start:end])
    return hasher.digest()


def _jpeg_parts(data: bytes) -> list[tuple[int, int]]:
    """Return the byte ranges outside APPn and COM segments, up to the scan; a damaged header keeps the rest whole."""
    parts = [(0, 2)]
    at, size = 2, len(data)
    while at + 4 <= size and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
            continue
        if marker == 0xDA or marker == 0xD9:  # start of scan, end of image: the rest is pixels
            break
        if 0xD0 <= marker <= 0xD8 or marker == 0x01:  # stand-alone markers
            parts.append((at, at + 2))
            at += 2
            continue
        end = at + 2 + struct.unpack_from(">H", data, at + 2)[0]
        # APP14 (Adobe) decides how the colours are read, so it belongs to the pixels.
        if marker == 0xEE or not (0xE0 <= marker <= 0xEF or marker == 0xFE):
            parts.append((at, min(end, size)))
        at = end
    if at < size:
        parts.append((at, size))
    return parts


def _png_parts(data: bytes) -> list[tuple[int, int]]:
    """Return the byte ranges of the signature and the critical chunks (upper-case first letter) of a PNG."""
    parts = [(0, 8)]
    at, size = 8, len(data)
    while at + 12 <= size:
        end = at + 12 + struct.unpack_from(">I", data, at)[0]
        if end > size:
            break
        critical = not data[at + 4] & 0x20
        if critical or data[at + 4 : at + 8] in _PIXELS_BY_NATURE:
            parts.append((at, end))
        at = end
        if data[at - 8 : at - 4] == b"IEND" and critical:
            break
    if at < size:
        parts.append((at, size))
    return parts
