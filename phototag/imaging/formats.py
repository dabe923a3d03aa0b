"""Which files are pictures: by name for the walk, by bytes for the decoder. The bytes win."""

from __future__ import annotations

import struct

from phototag.errors import ImageError

JPEG, PNG, WEBP, GIF, TIFF, BMP, AVIF, HEIF, RAW = "jpeg", "png", "webp", "gif", "tiff", "bmp", "avif", "heif", "raw"

RAW_SUFFIXES = frozenset(
    [
        ".3fr",
        ".arw",
        ".cr2",
        ".cr3",
        ".crw",
        ".dcr",
        ".dng",
        ".erf",
        ".fff",
        ".iiq",
        ".k25",
        ".kdc",
        ".mef",
        ".mos",
        ".mrw",
        ".nef",
        ".nrw",
        ".orf",
        ".pef",
        ".raf",
        ".raw",
        ".rw2",
        ".rwl",
        ".sr2",
        ".srf",
        ".srw",
        ".x3f",
    ]
)
HEIF_SUFFIXES = frozenset({".heic", ".heif", ".hif"})
SUFFIXES = (
    frozenset(
        [".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".webp", ".gif", ".tif", ".tiff", ".bmp", ".dib", ".avif"]
    )
    | HEIF_SUFFIXES
    | RAW_SUFFIXES
)

MIME = {
    JPEG: "image/jpeg",
    PNG: "image/png",
    WEBP: "image/webp",
    GIF: "image/gif",
    TIFF: "image/tiff",
    BMP: "image/bmp",
    AVIF: "image/avif",
    HEIF: "image/heif",
    RAW: "image/x-dcraw",
}
"""Media type of each format."""

_HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"mif2", b"heif"})
_RAW_MAGIC = (b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"FUJIFILM", b"FOVb", b"\0MRM")
_DNG_VERSION = 0xC612
_UTF16 = (b"\xff\xfe", b"\xfe\xff")

_OTHER = (
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"8BPS", "a Photoshop document"),
    (b"\xff\x0a", "a JPEG XL image, which is not read yet"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL image, which is not read yet"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 image, which is not read"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x7fELF", "a program"),
    (b"\0\0\x01\0", "an icon"),
    (b"OggS", "an Ogg file"),
    (b"ID3", "an MP3 file"),
    (b"\x1aE\xdf\xa3", "a Matroska video"),
)


def is_image_name(name: str) -> bool:
    """Say whether ``name`` has the suffix of a picture that phototag reads."""
    dot = name.rfind(".")
    return dot > 0 and name[dot:].lower() in SUFFIXES


def suffix(name: str) -> str:
    """Return the suffix of ``name``, lower-case with its dot; empty where there is none."""
    dot = name.rfind(".")
    return name[dot:].lower() if dot > 0 else ""


def sniff(data: bytes, name: str = "") -> str:
    """Return the format of ``data`` from its first bytes, empty when it is no picture we read.

    Many camera RAW files are TIFF inside and cannot be told by their first bytes: there the suffix of ``name``, or
    a DNGVersion tag, decides.
    """
    head = data[:16]
    if head[:3] == b"\xff\xd8\xff":
        return JPEG
    if head[:8] == b"\x89PNG\r\n\x1a\n":
        return PNG
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return WEBP
    if head[:6] in (b"GIF87a", b"GIF89a"):
        return GIF
    if head[4:8] == b"ftyp":
        return _sniff_ftyp(data)
    if head.startswith(_RAW_MAGIC) or head[6:14] == b"HEAPCCDR":
        return RAW
    if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return RAW if suffix(name) in RAW_SUFFIXES or head[8:10] == b"CR" or _is_dng(data) else TIFF
    if (
        head[:2] == b"BM"
        and len(data) >= 18
        and struct.unpack_from("<I", data, 14)[0] in (12, 16, 40, 52, 56, 64, 108, 124)
    ):
        return BMP
    return ""


def format_of(data: bytes, name: str) -> str:
    """Return the format of ``data`` as ``sniff`` does. Raises ImageError that says what it is instead."""
    found = sniff(data, name)
    if not found:
        what = describe(data)
        raise ImageError(what if what.startswith("empty") else f"not a picture: it is {what}")
    return found


def describe(data: bytes) -> str:
    """Say what ``data`` is when ``sniff`` does not know it: the end of "this is not a picture: it is ..."."""
    if not data:
        return "empty (0 bytes)"
    if data.startswith(b"/annex/objects/"):
        return "a git-annex pointer; its content is not on this machine"
    if data.startswith(b"version https://git-lfs."):
        return "a Git LFS pointer; its content is not on this machine"
    for magic, text in _OTHER:
        if data.startswith(magic):
            return text
    if data[4:8] == b"ftyp":
        return "a video or audio file"
    if not data[:4096].strip(b"\0"):
        return "filled with zero bytes"
    return _describe_text(data[:4096]) or "not in a format that phototag reads"


def _describe_text(head: bytes) -> str:
    try:
        text = head.decode("utf-16" if head[:2] in _UTF16 else "utf-8-sig", "strict" if len(head) < 4096 else "ignore")
    except UnicodeDecodeError:
        return ""
    start = text.lstrip().lower()
    if "<svg" in start and start.startswith(("<svg", "<?xml", "<!")):
        return "an SVG drawing, which is not read"
    if start.startswith(("<!doctype html", "<html")):
        return "a web page"
    if any(ord(char) < 32 and char not in "\t\r\n\f\x1b" for char in text):
        return ""
    return "a text file"


def _sniff_ftyp(data: bytes) -> str:
    size = min(struct.unpack_from(">I", data)[0], 256)
    brands = [data[8:12], *(data[at : at + 4] for at in range(16, size - 3, 4))]
    if brands[0] == b"crx ":
        return RAW
    if b"avif" in brands or b"avis" in brands:
        return AVIF
    return HEIF if any(brand in _HEIF_BRANDS for brand in brands) else ""


def _is_dng(data: bytes) -> bool:
    """Say whether the first directory of a TIFF holds DNGVersion."""
    order = "<" if data[:2] == b"II" else ">"
    try:
        at = struct.unpack_from(order + "I", data, 4)[0]
        count = min(struct.unpack_from(order + "H", data, at)[0], 512)
        tags = (struct.unpack_from(order + "H", data, at + 2 + 12 * index)[0] for index in range(count))
        return _DNG_VERSION in tags
    except struct.error:
        return False
