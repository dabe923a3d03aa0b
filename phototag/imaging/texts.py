"""Text as cameras and programs left it, made fit to read: NULs, padding, odd encodings."""

from __future__ import annotations

import re
import unicodedata

TEXT_LIMIT = 4096
"""Characters kept of one text: a sidecar is small."""

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff\ud800-\udfff]+")
_SPACES = re.compile(r"\s+")

PLACEHOLDERS = frozenset(
    [
        "olympus digital camera",
        "sony dsc",
        "dcim",
        "digicam",
        "minolta digital camera",
        "konica minolta digital camera",
        "samsung",
        "samsung digital camera",
        "lead technologies inc. v1.01",
        "default",
        "none",
        "unknown",
        "untitled",
        "screenshot",
        "<unknown>",
        "---",
        "???",
        "polaroid",
        "maginon digital camera",
        "kodak digital still camera",
        "my beautiful picture",
        "jd800",
        "mamiya digital camera",
        "exif_jpeg_picture",
        "exif jpeg picture",
        "exif_jpeg_t422",
        "exif_image",
        "exif-jpeg",
        "exif",
        "picture",
        "cof",
        "edf",
        "hdr",
        "ptr",
        "ptfb",
        "dav",
    ]
)
"""What cameras write into the description when nobody described anything."""


def decode(raw: bytes) -> str:
    """Return ``raw`` as text: UTF-8 where it is, else Windows-1252 as most old software wrote."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace").replace("\ufffd", "")


def line(value: object) -> str | None:
    """Return bytes or text as one clean line up to its first NUL, None when nothing is left."""
    if isinstance(value, bytes):
        value = decode(value.split(b"\0", 1)[0])
    if not isinstance(value, str):
        return None
    text = _SPACES.sub(" ", _CONTROL.sub(" ", value)).strip()
    return unicodedata.normalize("NFC", text)[:TEXT_LIMIT] or None


def paragraph(value: object) -> str | None:
    """Return bytes or text with its line breaks, None when nothing but a camera's placeholder is left."""
    if isinstance(value, bytes):
        value = decode(value.split(b"\0", 1)[0])
    if not isinstance(value, str):
        return None
    text = _CONTROL.sub("", value.replace("\r\n", "\n").replace("\r", "\n")).strip()
    return None if text.lower() in PLACEHOLDERS else unicodedata.normalize("NFC", text)[:TEXT_LIMIT] or None


def utf16(raw: bytes) -> str | None:
    """Return a Windows XP tag (UTF-16 little-endian) as one line."""
    return line(raw[: len(raw) // 2 * 2].decode("utf-16-le", "replace").split("\0", 1)[0])


def without_repeats(make: str | None, model: str | None) -> str | None:
    """Return ``model`` with a maker named twice named once: ``Canon Canon EOS 5D`` is ``Canon EOS 5D``."""
    if model and make:
        doubled = f"{make} {make} ".lower()
        while model.lower().startswith(doubled):
            model = model[len(make) + 1 :]
    return model
