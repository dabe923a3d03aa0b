"""TIFF blocks written by hand, so that they may say what no honest library would write."""

import struct
import zlib
from collections.abc import Sequence

from phototag.imaging.exif import read_exif
from phototag.sidecar.model import Exif

XMP = """<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:GCamera="http://ns.google.com/photos/1.0/camera/" xmp:Rating="4" GCamera:BurstID="b-1">
<dc:subject><rdf:Bag><rdf:li>Café</rdf:li><rdf:li>sea &amp; sun</rdf:li></rdf:Bag></dc:subject>
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">A title</rdf:li></rdf:Alt></dc:title>
<dc:description><rdf:Alt><rdf:li xml:lang="x-default">What it shows</rdf:li></rdf:Alt></dc:description>
</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>""".encode()
XMP_HEAD = b"http://ns.adobe.com/xap/1.0/\0"
Entry = tuple[int, int, int, bytes]
"""Tag, type, count, value bytes in the block's byte order."""


def text(tag: int, value: bytes) -> Entry:
    return tag, 2, len(value), value


def short(tag: int, value: int, order: str = "<") -> Entry:
    return tag, 3, 1, struct.pack(order + "H", value)


def rationals(tag: int, *pairs: tuple[int, int], order: str = "<", signed: bool = False) -> Entry:
    flat = [number for pair in pairs for number in pair]
    return tag, 10 if signed else 5, len(pairs), struct.pack(f"{order}{len(flat)}{'i' if signed else 'I'}", *flat)


def tiff(
    main: Sequence[Entry] = (), shot: Sequence[Entry] = (), gps: Sequence[Entry] = (), *, order: str = "<"
) -> bytes:
    """Return a TIFF block with IFD0, an Exif IFD and a GPS IFD."""
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    pointers = [(0x8769, shot), (0x8825, gps)]
    count0 = len(main) + sum(1 for _, entries in pointers if entries)
    at = 8 + 2 + 12 * count0 + 4
    main = list(main)
    tail = b""
    data_at = at + sum(len(value) for _, _, _, value in main if len(value) > 4)
    for tag, entries in pointers:
        if entries:
            main.append((tag, 4, 1, struct.pack(order + "I", data_at + len(tail))))
            tail += directory(entries, data_at + len(tail), order)
    return head + directory(main, 8, order) + tail


def directory(entries: Sequence[Entry], start: int, order: str) -> bytes:
    values, rows = b"", b""
    values_at = start + 2 + 12 * len(entries) + 4
    for tag, kind, count, value in entries:
        if len(value) > 4:
            inline = struct.pack(order + "I", values_at + len(values))
            values += value
        else:
            inline = value.ljust(4, b"\0")
        rows += struct.pack(order + "HHI", tag, kind, count) + inline
    return struct.pack(order + "H", len(entries)) + rows + b"\0\0\0\0" + values


def jpeg_with(*segments: tuple[int, bytes]) -> bytes:
    """Return a JPEG head with these segments: enough for a metadata reader, no picture."""
    body = b"".join(struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data for marker, data in segments)
    return b"\xff\xd8" + body + b"\xff\xda\0\x02\xff\xd9"


def exif_jpeg(block: bytes) -> bytes:
    return jpeg_with((0xE1, b"Exif\0\0" + block))


def png_with(*chunks: tuple[bytes, bytes]) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, data) for kind, data in [*chunks, (b"IEND", b"")])


def iptc(*records: tuple[int, int, bytes]) -> bytes:
    """Return the Photoshop block that holds these records: number, data set, text."""
    block = b"".join(struct.pack(">BBBH", 0x1C, record, dataset, len(body)) + body for record, dataset, body in records)
    return b"Photoshop 3.0\x008BIM\x04\x04\0\0" + struct.pack(">I", len(block)) + block


def of(main: Sequence[Entry] = (), shot: Sequence[Entry] = (), gps: Sequence[Entry] = (), order: str = "<") -> Exif:
    """Return what is read from a JPEG with these directories."""
    return read_exif(exif_jpeg(tiff(main, shot, gps, order=order)), "jpeg")[0]
