"""What other programs wrote into the picture: the XMP packet and IPTC-IIM records."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from phototag.imaging import texts

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

KEYWORD_LIMIT = 500
_LATIN1, _UTF8_MARK = "cp1252", b"\x1b%G"

_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_DC = "{http://purl.org/dc/elements/1.1/}"
_XMP = "{http://ns.adobe.com/xap/1.0/}"
_PHOTOSHOP = "{http://ns.adobe.com/photoshop/1.0/}"
_EXIF = "{http://ns.adobe.com/exif/1.0/}"
_AUX = "{http://ns.adobe.com/exif/1.0/aux/}"
_EXIFEX = "{http://cipa.jp/exif/1.0/}"
_BURST = ("{http://ns.google.com/photos/1.0/camera/}BurstID", "{http://ns.google.com/photos/1.0/creations/}BurstID")
_INTERESTING = re.compile(
    rb"subject|:title|:description|:Rating|:creator|:rights|DateCreated|DateTime|CreateDate|:Lens|BurstI"
)


class Written(msgspec.Struct):
    """What a program said about the picture; None where it said nothing."""

    title: str | None = None
    description: str | None = None
    artist: str | None = None
    copyright: str | None = None
    keywords: tuple[str, ...] = ()
    rating: int | None = None
    created: tuple[str, ...] = ()
    """When it was photographed or drawn, as it stands; ``dates`` judges it."""
    digitised: tuple[str, ...] = ()
    """When a camera or scanner made the file, as it stands."""
    lens: str | None = None
    burst: str | None = None


def read_xmp(packet: bytes) -> Written:
    """Return what an XMP packet says; an empty ``Written`` for a broken one, or one with entity definitions."""
    if not packet or (packet[:1] not in (b"\xfe", b"\xff", b"\0") and not _INTERESTING.search(packet)):
        return Written()
    text = _packet_text(packet)
    if text is None:
        return Written()
    from xml.etree import ElementTree

    try:
        root = ElementTree.fromstring(text)  # noqa: S314
    except (ElementTree.ParseError, ValueError, RecursionError):
        return Written()
    return _from_rdf(root)


def _packet_text(packet: bytes) -> str | None:
    wide = packet[:2] in (b"\xff\xfe", b"\xfe\xff")
    text = packet.decode("utf-16", "replace") if wide else texts.decode(packet)
    start, end = text.find("<x:xmpmeta"), text.rfind("</x:xmpmeta>")
    if start < 0 or end < start:
        start, end = text.find("<rdf:RDF"), text.rfind("</rdf:RDF>") + len("</rdf:RDF>")
    else:
        end += len("</x:xmpmeta>")
    if start < 0 or end <= start:
        return None
    body = text[start:end]
    return None if "<!DOCTYPE" in body or "<!ENTITY" in body else body


def _from_rdf(root: Element) -> Written:
    found = Written()
    for node in root.iter(_RDF + "Description"):
        rating = node.get(_XMP + "Rating") or _simple(node, _XMP + "Rating")
        found.rating = found.rating if found.rating is not None else _rating(rating)
        found.title = found.title or texts.line(_first(node, _DC + "title"))
        found.description = found.description or texts.paragraph(_first(node, _DC + "description"))
        found.artist = found.artist or texts.line(", ".join(_items(node, _DC + "creator")))
        found.copyright = found.copyright or texts.line(_first(node, _DC + "rights"))
        found.keywords = found.keywords or _clean(_items(node, _DC + "subject"))
        found.created += _said(node, _EXIF + "DateTimeOriginal", _PHOTOSHOP + "DateCreated")
        found.digitised += _said(node, _EXIF + "DateTimeDigitized", _XMP + "CreateDate")
        for name in (_AUX + "Lens", _EXIFEX + "LensModel"):
            found.lens = found.lens or texts.line(node.get(name) or _simple(node, name))
        for name in _BURST:
            found.burst = found.burst or texts.line(node.get(name) or _simple(node, name))
    return found


def _said(node: Element, *names: str) -> tuple[str, ...]:
    return tuple(said for name in names if (said := node.get(name) or _simple(node, name)))


def _simple(node: Element, name: str) -> str | None:
    child = node.find(name)
    return None if child is None else child.text


def _items(node: Element, name: str) -> Iterator[str]:
    child = node.find(name)
    if child is not None:
        if child.text and child.text.strip():
            yield child.text
        for item in child.iter(_RDF + "li"):
            if item.text:
                yield item.text


def _first(node: Element, name: str) -> str | None:
    return next(_items(node, name), None)


def _rating(text: str | None) -> int | None:
    try:
        value = round(float(text or "nan"))
    except (ValueError, OverflowError):
        return None
    return value if -1 <= value <= 5 else None


def _clean(words: Iterator[str]) -> tuple[str, ...]:
    kept: dict[str, None] = {}
    for word in words:
        text = texts.line(word)
        if text and len(kept) < KEYWORD_LIMIT:
            kept[text[:256]] = None
    return tuple(kept)


def read_iptc(block: bytes) -> Written:
    """Return what IPTC-IIM records say (2:05 title, 2:25 keywords, 2:55 dates, 2:80 by-line, 2:116 copyright, 2:120 caption)."""
    records: dict[int, list[bytes]] = {}
    encoding = b""
    at = 0
    while at + 5 <= len(block) and block[at] == 0x1C:
        record, dataset, size = struct.unpack_from(">BBH", block, at + 1)
        if size & 0x8000:  # extended size: never used by anything we read
            break
        body = block[at + 5 : at + 5 + size]
        if record == 2:
            records.setdefault(dataset, []).append(body)
        elif (record, dataset) == (1, 90):
            encoding = body
        at += 5 + size

    def text(raw: bytes) -> str:
        return raw.decode("utf-8", "replace") if encoding == _UTF8_MARK else texts.decode(raw)

    def first(dataset: int) -> str | None:
        return text(records[dataset][0]) if dataset in records else None

    return Written(
        title=texts.line(first(5)),
        description=texts.paragraph(first(120)),
        artist=texts.line(first(80)),
        copyright=texts.line(first(116)),
        keywords=_clean(text(raw) for raw in records.get(25, [])),
        created=_iptc_date(first(55), first(60)),
        digitised=_iptc_date(first(62), first(63)),
    )


def _iptc_date(date: str | None, time: str | None) -> tuple[str, ...]:
    """Return ``CCYYMMDD`` and ``HHMMSS+HHMM`` as XMP would write them."""
    if not date:
        return ()
    day = f"{date[:4]}-{date[4:6]}-{date[6:8]}"
    if not time:
        return (day,)
    zone = f"{time[6:9]}:{time[9:11]}" if len(time) >= 11 else ""
    return (f"{day}T{time[:2]}:{time[2:4]}:{time[4:6]}{zone}", day)
