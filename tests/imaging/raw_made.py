"""A DNG written by hand: a sensor's mosaic of dark left and bright right, with or without an embedded preview."""

import io
import struct

import numpy as np
from PIL import Image

Entry = tuple[int, int, int, bytes]
DARK, BRIGHT = 4000, 60000


def shorts(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}H", *values)


def longs(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}I", *values)


def dng(width: int = 96, height: int = 64, *, orientation: int = 1, preview: bytes = b"") -> bytes:
    """Return the file; ``preview`` is a JPEG kept in its first directory."""
    mosaic = np.full((height, width), DARK, "<u2")
    mosaic[:, width // 2 :] = BRIGHT
    out = bytearray(b"II*\0\0\0\0\0")

    def put(data: bytes) -> int:
        if len(out) % 2:
            out.append(0)
        out.extend(data)
        return len(out) - len(data)

    def directory(entries: list[Entry]) -> int:
        rows = b""
        for tag, kind, count, value in sorted(entries):
            inline = longs(put(value)) if len(value) > 4 else value.ljust(4, b"\0")
            rows += struct.pack("<HHI", tag, kind, count) + inline
        return put(struct.pack("<H", len(entries)) + rows + b"\0\0\0\0")

    sensor = _sensor(width, height, put(mosaic.tobytes()))
    if preview:
        with Image.open(io.BytesIO(preview)) as image:
            shown = _preview(image.size, put(preview), len(preview))
        first = directory(_camera(orientation) + shown + [(330, 4, 1, longs(directory(sensor)))])
    else:
        first = directory(_camera(orientation) + sensor)
    out[4:8] = longs(first)
    return bytes(out)


def _sensor(width: int, height: int, at: int) -> list[Entry]:
    return [
        (254, 4, 1, longs(0)),
        (256, 4, 1, longs(width)),
        (257, 4, 1, longs(height)),
        (258, 3, 1, shorts(16)),
        (259, 3, 1, shorts(1)),
        (262, 3, 1, shorts(32803)),  # a colour filter array
        (273, 4, 1, longs(at)),
        (277, 3, 1, shorts(1)),
        (278, 4, 1, longs(height)),
        (279, 4, 1, longs(2 * width * height)),
        (33421, 3, 2, shorts(2, 2)),
        (33422, 1, 4, bytes([0, 1, 1, 2])),
        (50714, 4, 1, longs(0)),
        (50717, 4, 1, longs(65535)),
    ]


def _preview(size: tuple[int, int], at: int, length: int) -> list[Entry]:
    return [
        (254, 4, 1, longs(1)),
        (256, 4, 1, longs(size[0])),
        (257, 4, 1, longs(size[1])),
        (258, 3, 3, shorts(8, 8, 8)),
        (259, 3, 1, shorts(7)),
        (262, 3, 1, shorts(6)),
        (273, 4, 1, longs(at)),
        (277, 3, 1, shorts(3)),
        (278, 4, 1, longs(size[1])),
        (279, 4, 1, longs(length)),
    ]


def _camera(orientation: int) -> list[Entry]:
    def ratio(*values: int) -> bytes:
        return b"".join(struct.pack("<ii", value, 1) for value in values)

    return [
        (271, 2, 5, b"Test\0"),
        (272, 2, 6, b"Model\0"),
        (274, 3, 1, shorts(orientation)),
        (50706, 1, 4, bytes([1, 4, 0, 0])),
        (50707, 1, 4, bytes([1, 1, 0, 0])),
        (50708, 2, 11, b"Test Model\0"),
        (50721, 10, 9, ratio(1, 0, 0, 0, 1, 0, 0, 0, 1)),
        (50728, 5, 3, ratio(1, 1, 1)),
        (50778, 3, 1, shorts(21)),
    ]
