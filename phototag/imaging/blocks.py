"""Where each format keeps its EXIF, XMP and IPTC: from a file's bytes to those blocks, without decoding a pixel."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator

import msgspec

from phototag.imaging import formats

EXIF_HEADER = b"Exif\0\0"
XMP_HEADER = b"http://ns.adobe.com/xap/1.0/\0"
PHOTOSHOP_HEADER = b"Photoshop 3.0\0"
BLOCK_LIMIT = 16 << 20
"""No honest block is larger; a compressed one that unpacks to more is refused."""

_CANON_UUID = bytes.fromhex("85c0b687820f11e08111f4ce462b6a48")
_PNG_HEX = re.compile(rb"\n[^\n]*\n\s*\d+\n([0-9a-fA-F\s]+)")


class Blocks(msgspec.Struct):
    """The metadata blocks of one file; empty where it has none."""

    tiff: list[bytes] = []
    """TIFF structures: the EXIF of most formats; a CR3 has one a directory."""
    xmp: bytes = b""
    iptc: bytes = b""


def find_blocks(data: bytes, fmt: str) -> Blocks:
    """Return the metadata blocks of ``data``. May raise struct.error, ValueError, IndexError or zlib.error on junk."""
    finder = {
        formats.JPEG: _jpeg,
        formats.PNG: _png,
        formats.WEBP: _webp,
        formats.GIF: _gif,
        formats.TIFF: _tiff,
        formats.RAW: _raw,
        formats.AVIF: _bmff,
        formats.HEIF: _bmff,
    }.get(fmt)
    blocks = Blocks()
    if finder is not None:
        finder(data, blocks)
    return blocks


def _jpeg(data: bytes, blocks: Blocks) -> None:
    at, size = 2, len(data)
    while at + 4 <= size and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker in (0xDA, 0xD9):
            return
        if 0xD0 <= marker <= 0xD8 or marker == 0x01:
            at += 2
            continue
        end = at + 2 + ((data[at + 2] << 8) | data[at + 3])
        if marker == 0xE1:
            if data.startswith(EXIF_HEADER, at + 4):
                if not blocks.tiff:
                    blocks.tiff.append(data[at + 10 : end])
            elif data.startswith(XMP_HEADER, at + 4) and not blocks.xmp:
                blocks.xmp = data[at + 4 + len(XMP_HEADER) : end]
        elif marker == 0xED and data.startswith(PHOTOSHOP_HEADER, at + 4):
            blocks.iptc += _iptc_resource(data[at + 4 + len(PHOTOSHOP_HEADER) : end])
        at = end


def _iptc_resource(data: bytes) -> bytes:
    """Return resource 0x0404 (IPTC-IIM) of Photoshop image resources."""
    at = 0
    while data[at : at + 4] == b"8BIM":
        kind, name_size = struct.unpack_from(">HB", data, at + 4)
        at += 6 + name_size + 1 + (name_size + 1) % 2
        size = struct.unpack_from(">I", data, at)[0]
        if kind == 0x0404:
            return data[at + 4 : at + 4 + size]
        at += 4 + size + size % 2
    return b""


def _png(data: bytes, blocks: Blocks) -> None:
    at = 8
    while at + 12 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        body = at + 8
        if kind == b"eXIf":
            blocks.tiff.append(_strip_exif_header(data[body : body + size]))
        elif kind == b"iTXt" and data.startswith(b"XML:com.adobe.xmp\0", body):
            blocks.xmp = _itxt(data[body : body + size])
        elif kind in (b"zTXt", b"tEXt") and data.startswith(b"Raw profile type ", body):
            _png_raw_profile(kind, data[body : body + size], blocks)
        elif kind == b"IEND":
            return
        at = body + size + 4


def _itxt(chunk: bytes) -> bytes:
    rest = chunk.split(b"\0", 1)[1]
    compressed = rest[0] == 1
    text = rest[2:].split(b"\0", 2)[2]
    return _inflate(text) if compressed else text


def _png_raw_profile(kind: bytes, chunk: bytes, blocks: Blocks) -> None:
    """Read what ImageMagick writes: hex text of an EXIF, XMP or IPTC block."""
    keyword, _, rest = chunk.partition(b"\0")
    text = _inflate(rest[1:]) if kind == b"zTXt" else rest
    found = _PNG_HEX.match(text)
    if found is None:
        return
    block = bytes.fromhex(found[1].decode("ascii"))
    what = keyword.removeprefix(b"Raw profile type ").lower()
    if what in (b"exif", b"app1"):
        if block.startswith(XMP_HEADER):
            blocks.xmp = block[len(XMP_HEADER) :]
        else:
            blocks.tiff.append(_strip_exif_header(block))
    elif what == b"xmp":
        blocks.xmp = block
    elif what == b"iptc":
        blocks.iptc = _iptc_resource(block) or block


def _inflate(data: bytes) -> bytes:
    return zlib.decompressobj().decompress(data, BLOCK_LIMIT)


def _strip_exif_header(block: bytes) -> bytes:
    return block.removeprefix(EXIF_HEADER)


def _webp(data: bytes, blocks: Blocks) -> None:
    at = 12
    while at + 8 <= len(data):
        kind, size = struct.unpack_from("<4sI", data, at)
        if kind == b"EXIF":
            blocks.tiff.append(_strip_exif_header(data[at + 8 : at + 8 + size]))
        elif kind == b"XMP ":
            blocks.xmp = data[at + 8 : at + 8 + size]
        at += 8 + size + size % 2


def _gif(data: bytes, blocks: Blocks) -> None:
    marker = b"\x21\xff\x0bXMP DataXMP"
    start = data.find(marker, 0, BLOCK_LIMIT)
    if start >= 0:
        end = data.find(b"\x01\xff\xfe\xfd", start)  # the "magic trailer" that closes the packet
        if end > start:
            blocks.xmp = data[start + len(marker) : end]


def _tiff(data: bytes, blocks: Blocks) -> None:
    blocks.tiff.append(data)


def _raw(data: bytes, blocks: Blocks) -> None:
    if data.startswith(b"FUJIFILM"):
        start, size = struct.unpack_from(">II", data, 84)
        _jpeg(data[start : start + size], blocks)
    elif data[4:8] == b"ftyp":
        for box, body in _boxes(data, 0, len(data)):
            if box == b"moov":
                _canon(data, body, blocks)
    else:
        blocks.tiff.append(data)


def _canon(data: bytes, moov: tuple[int, int], blocks: Blocks) -> None:
    for box, (start, end) in _boxes(data, *moov):
        if box == b"uuid" and data[start : start + 16] == _CANON_UUID:
            for inner, (first, last) in _boxes(data, start + 16, end):
                if inner in (b"CMT1", b"CMT2", b"CMT4"):
                    blocks.tiff.append(data[first:last])


def _boxes(data: bytes, at: int, end: int) -> Iterator[tuple[bytes, tuple[int, int]]]:
    """Yield (kind, (start, end) of the body) of the ISO base media boxes in a range."""
    end = min(end, len(data))
    while at + 8 <= end:
        size, kind = struct.unpack_from(">I4s", data, at)
        head = 8
        if size == 1:
            size, head = struct.unpack_from(">Q", data, at + 8)[0], 16
        elif size == 0:
            size = end - at
        if size < head:
            return
        yield kind, (at + head, min(at + size, end))
        at += size


def _bmff(data: bytes, blocks: Blocks) -> None:
    """Find the Exif and XMP items of a HEIF or AVIF file (ISO/IEC 14496-12, meta box)."""
    for kind, (start, end) in _boxes(data, 0, len(data)):
        if kind == b"meta":
            inner = dict(_boxes(data, start + 4, end))
            if b"iinf" in inner and b"iloc" in inner:
                wanted = _item_kinds(data, *inner[b"iinf"])
                for item, spans in _item_spans(data, *inner[b"iloc"], inner.get(b"idat", (0, 0))):
                    if item in wanted and sum(b - a for a, b in spans) <= BLOCK_LIMIT:
                        _take_item(wanted[item], b"".join(data[a:b] for a, b in spans), blocks)
            return


def _take_item(kind: bytes, body: bytes, blocks: Blocks) -> None:
    if kind == b"Exif" and len(body) > 4:
        skip = struct.unpack_from(">I", body)[0]
        blocks.tiff.append(_strip_exif_header(body[4 + skip :] if skip < len(body) else body[4:]))
    elif kind == b"mime" and not blocks.xmp:
        blocks.xmp = body


def _item_kinds(data: bytes, start: int, end: int) -> dict[int, bytes]:
    """Return item id -> ``Exif`` or ``mime`` (only application/rdf+xml) from an iinf box."""
    head = 6 if data[start] == 0 else 8
    kinds = {}
    for kind, (at, last) in _boxes(data, start + head, end):
        if kind != b"infe" or data[at] < 2:
            continue
        wide = data[at] > 2
        item = struct.unpack_from(">I" if wide else ">H", data, at + 4)[0]
        kind_at = at + (10 if wide else 8)  # past version, flags, id and protection index
        what = data[kind_at : kind_at + 4]
        if what == b"Exif" or (what == b"mime" and b"application/rdf+xml" in data[at:last]):
            kinds[item] = what
    return kinds


def _item_spans(
    data: bytes, start: int, end: int, idat: tuple[int, int]
) -> Iterator[tuple[int, list[tuple[int, int]]]]:
    """Yield (item id, byte ranges) from an iloc box, versions 0 to 2."""
    version = data[start]
    sizes = struct.unpack_from(">H", data, start + 4)[0]
    offset_size, length_size, base_size, index_size = (sizes >> shift & 15 for shift in (12, 8, 4, 0))
    at = start + 6
    if not offset_size and not length_size:
        return  # nothing can be found, and junk could make us count for hours

    def number(size: int) -> int:
        nonlocal at
        at += size
        return int.from_bytes(data[at - size : at], "big")

    count = number(2 if version < 2 else 4)
    for _ in range(count):
        if at >= end:
            return
        item = number(2 if version < 2 else 4)
        method = number(2) & 15 if version in (1, 2) else 0
        number(2)  # data reference: only this file is read
        base = number(base_size) + (idat[0] if method == 1 else 0)
        spans = []
        for _ in range(number(2)):
            if at >= end:
                return
            number(index_size if version in (1, 2) else 0)
            offset = base + number(offset_size)
            length = number(length_size)
            spans.append((offset, offset + length))
        yield item, spans
