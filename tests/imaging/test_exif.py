import struct
import zlib

import pytest
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from phototag.imaging.exif import read_exif
from phototag.sidecar.model import Exif, Gps
from tests.imaging.blocks_made import (
    XMP,
    XMP_HEAD,
    Entry,
    exif_jpeg,
    iptc,
    jpeg_with,
    of,
    png_with,
    rationals,
    short,
    text,
    tiff,
)
from tests.make import encoded, exif, picture


def place(*entries: Entry) -> Gps | None:
    return read_exif(exif_jpeg(tiff(gps=list(entries))), "jpeg")[1]


NORTH, EAST = text(1, b"N\0"), text(3, b"E\0")
LAT, LON = rationals(2, (43, 1), (30, 1), (0, 1)), rationals(4, (7, 1), (15, 1), (36, 1))


@pytest.mark.parametrize("fmt", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_every_format_carries_it(fmt: str) -> None:
    made = exif(
        taken="2024:05:01 10:11:12", offset="+02:00", make="Canon", model="EOS 80D", lens="EF 50mm", gps=(43.7, -7.26),
        ExposureTime=IFDRational(1, 250), FNumber=IFDRational(28, 10), ISOSpeedRatings=200, SubsecTimeOriginal="07",
    )  # fmt: skip
    found, where = read_exif(encoded(picture(), fmt, exif=made.tobytes()), fmt.lower())
    assert (found.taken, found.offset) == ("2024-05-01T10:11:12.07", "+02:00")
    assert (found.make, found.model, found.lens, found.iso) == ("Canon", "EOS 80D", "EF 50mm", 200)
    assert found.exposure == (1, 250)
    assert found.fnumber in ((28, 10), (14, 5))  # Pillow reduces what it writes
    assert where is not None
    assert where.lat == pytest.approx(43.7, abs=1e-5)
    assert where.lon == pytest.approx(-7.26, abs=1e-5)


def test_heif_gives_exif_and_no_second_rotation() -> None:
    from tests.require import module

    heif = module("pillow_heif")
    import io

    out = io.BytesIO()
    heif.from_pillow(picture()).save(out, exif=exif(make="Apple", orientation=6).tobytes())
    found, _ = read_exif(out.getvalue(), "heif")
    assert found.make == "Apple"
    assert found.orientation in (None, 1)


@pytest.mark.parametrize("order", ["<", ">"])
def test_rationals_stay_exact_in_both_byte_orders(order: str) -> None:
    found = of(
        shot=[
            rationals(0x829A, (10, 5000), order=order),
            rationals(0x829D, (56, 10), order=order),
            rationals(0x9204, (-2, 6), order=order, signed=True),
            rationals(0x920A, (500, 10), order=order),
        ],
        order=order,
    )
    assert found.exposure == (10, 5000)
    assert found.fnumber == (56, 10)
    assert found.bias == (-2, 6)
    assert found.focal == (500, 10)


@pytest.mark.parametrize("pair", [(1, 0), (0, 0), (0, 5)])
def test_impossible_exposures_are_left_out(pair: tuple[int, int]) -> None:
    assert of(shot=[rationals(0x829A, pair)]).exposure is None


def test_an_infinite_distance_is_left_out() -> None:
    assert of(shot=[rationals(0x9206, (0xFFFFFFFF, 1))]).distance is None
    assert of(shot=[rationals(0x9206, (25, 10))]).distance == (25, 10)


def test_text_is_cleaned() -> None:
    found = of([text(0x10F, b"Canon\0\0\0"), text(0x110, b"Canon Canon EOS  5D \0junk")])
    assert (found.make, found.model) == ("Canon", "Canon EOS 5D")
    assert of([text(0x13B, b"Jos\xe9\0")]).artist == "José"
    assert of([text(0x13B, "José".encode() + b"\0")]).artist == "José"
    assert of([text(0x10E, b"OLYMPUS DIGITAL CAMERA         \0")]).description is None
    assert of([text(0x10E, b"  two\r\nlines \0")]).description == "two\nlines"
    assert of([text(0x10F, b"\0\0\0\0")]).make is None
    assert of([text(0x10F, b"\x01\x02  \x03\0")]).make is None


def test_orientation_outside_one_to_eight_is_left_out() -> None:
    assert [of([short(0x112, value)]).orientation for value in (0, 1, 8, 9, 65535)] == [None, 1, 8, None, None]


def test_iso_beyond_sixteen_bits() -> None:
    assert of(shot=[short(0x8827, 65535), (0x8833, 4, 1, struct.pack("<I", 102400))]).iso == 102400
    assert of(shot=[short(0x8827, 0)]).iso is None


@pytest.mark.parametrize("tag", [0x8827, 0x8832, 0xA405, 0x9209])
@pytest.mark.parametrize(
    "value",
    [
        (4, struct.pack("<I", 0xFFFFFFFF)),
        (9, struct.pack("<i", -5)),
        (12, struct.pack("<d", 1e30)),
        (12, struct.pack("<d", -1e10)),
    ],
)
def test_numbers_that_no_camera_means_are_left_out(tag: int, value: tuple[int, bytes]) -> None:
    found = of(shot=[(tag, value[0], 1, value[1])])
    assert (found.iso, found.focal35, found.flash) == (None, None, None)


def test_gps() -> None:
    found = place(NORTH, LAT, EAST, LON)
    assert found == Gps(lat=43.5, lon=7.26)
    south = place(text(1, b"S\0"), LAT, text(3, b"w\0"), LON)
    assert south is not None
    assert (south.lat, south.lon) == (-43.5, -7.26)


@pytest.mark.parametrize(
    "entries",
    [
        (LAT, EAST, LON),  # no letter: north or south is not ours to guess
        (NORTH, LAT, EAST),
        (NORTH, rationals(2, (91, 1), (0, 1), (0, 1)), EAST, LON),
        (NORTH, rationals(2, (43, 0), (0, 1), (0, 1)), EAST, LON),
        (NORTH, rationals(2, (43, 1), (75, 1), (0, 1)), EAST, LON),
        (NORTH, LAT, EAST, rationals(4, (181, 1), (0, 1), (0, 1))),
        (NORTH, rationals(2, (0, 1), (0, 1), (0, 1)), EAST, rationals(4, (0, 1), (0, 1), (0, 1))),
        (NORTH, rationals(2, (0, 0), (0, 0), (0, 0)), EAST, rationals(4, (0, 0), (0, 0), (0, 0))),
        (NORTH, text(2, b"43.5\0"), EAST, LON),
        (NORTH, (2, 12, 3, struct.pack("<3d", float("nan"), 0, 0)), EAST, LON),
    ],
)
def test_impossible_positions_are_left_out(entries: tuple[Entry, ...]) -> None:
    assert place(*entries) is None


def test_seconds_that_were_not_measured() -> None:
    found = place(NORTH, rationals(2, (43, 1), (3000, 100), (0, 0)), EAST, LON)
    assert found is not None
    assert found.lat == 43.5


def test_altitude_direction_and_time() -> None:
    found = place(
        NORTH, LAT, EAST, LON, (5, 1, 1, b"\x01"), rationals(6, (1205, 10)), text(0x10, b"T\0"), rationals(0x11, (2705, 10)),
        text(0x1D, b"2024:05:01\0"), rationals(7, (8, 1), (9, 1), (10, 1)),
    )  # fmt: skip
    assert found == Gps(lat=43.5, lon=7.26, alt=-120.5, direction=270.5, utc="2024-05-01T08:09:10")
    odd = place(NORTH, LAT, EAST, LON, rationals(6, (900_000, 1)), text(0x10, b"M\0"), rationals(0x11, (10, 1)))
    assert odd == Gps(lat=43.5, lon=7.26)


@pytest.mark.parametrize(
    ("data", "fmt"),
    [
        (jpeg_with((0xE1, XMP_HEAD + XMP)), "jpeg"),
        (png_with((b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP)), "png"),
        (png_with((b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(XMP))), "png"),
        (b"RIFF\0\0\0\0WEBPXMP " + struct.pack("<I", len(XMP)) + XMP, "webp"),
        (b"GIF89a....\x21\xff\x0bXMP DataXMP" + XMP + b"\x01\xff\xfe\xfd", "gif"),
    ],
)
def test_xmp_packets(data: bytes, fmt: str) -> None:
    found, _ = read_exif(data, fmt)
    assert found.keywords == ("Café", "sea & sun")
    assert (found.title, found.description, found.rating, found.burst) == ("A title", "What it shows", 4, "b-1")


def test_xmp_with_entities_is_not_parsed() -> None:
    evil = XMP.replace(b"<x:xmpmeta", b'<!DOCTYPE x [<!ENTITY a "b">]><x:xmpmeta').replace(b"A title", b"&a;")
    assert read_exif(jpeg_with((0xE1, XMP_HEAD + evil)), "jpeg")[0].title is None
    inner = XMP.replace(b"<rdf:RDF", b'<!DOCTYPE x [<!ENTITY a "b">]><rdf:RDF')
    assert read_exif(jpeg_with((0xE1, XMP_HEAD + inner)), "jpeg")[0] == Exif()


def test_iptc() -> None:
    data = jpeg_with((0xED, iptc((2, 5, b"Title"), (2, 25, b"one"), (2, 25, b"tw\xf6"), (2, 120, b"Caption"))))
    found, _ = read_exif(data, "jpeg")
    assert (found.title, found.description, found.keywords) == ("Title", "Caption", ("one", "twö"))
    marked = jpeg_with((0xED, iptc((1, 90, b"\x1b%G"), (2, 25, "Zoë".encode()))))
    assert read_exif(marked, "jpeg")[0].keywords == ("Zoë",)


def test_iptc_in_a_tiff_is_read_though_it_is_called_numbers() -> None:
    block = iptc((2, 25, b"harbour"), (2, 80, b"Ada"))[26:]
    block += b"\0" * (-len(block) % 4)
    found, _ = read_exif(tiff([(0x83BB, 4, len(block) // 4, block)]), "tiff")
    assert (found.keywords, found.artist) == (("harbour",), "Ada")


def test_a_big_tiff_is_read() -> None:
    import io

    out = io.BytesIO()
    made = exif(make="Epson", model="V850", taken="2024:05:01 10:11:12")
    picture().save(out, "TIFF", exif=made, big_tiff=True)
    assert out.getvalue()[:4] == b"II\x2b\0"
    found, _ = read_exif(out.getvalue(), "tiff")
    assert (found.make, found.model, found.taken) == ("Epson", "V850", "2024-05-01T10:11:12")


def test_text_of_exif_3_is_read() -> None:
    name = "Zoë\0".encode()
    assert of([(0x13B, 129, len(name), name)]).artist == "Zoë"


@pytest.mark.parametrize(("ref", "metres"), [(0, 400.0), (1, -400.0), (2, 400.0), (3, -400.0)])
def test_every_reference_of_an_altitude(ref: int, metres: float) -> None:
    found = place(NORTH, LAT, EAST, LON, (5, 1, 1, bytes([ref])), rationals(6, (400, 1)))
    assert found is not None
    assert found.alt == metres


def test_windows_keywords_and_rating() -> None:
    words = "red; blue;red".encode("utf-16-le") + b"\0\0"
    found = of([(0x9C9E, 1, len(words), words), short(0x4746, 3)])
    assert (found.keywords, found.rating) == (("red", "blue"), 3)


def test_apple_bursts() -> None:
    value = b"12345678-AAAA\0"
    entry = struct.pack(">HHHII", 1, 0x000B, 2, len(value), 14 + 2 + 12 + 4) + b"\0\0\0\0" + value
    note = b"Apple iOS\0\0\1MM" + entry
    assert of(shot=[(0x927C, 7, len(note), note)]).burst == "12345678-AAAA"


def test_a_directory_that_points_at_itself_ends() -> None:
    block = bytearray(tiff([short(0x112, 6)], [short(0x8827, 100)]))
    block[-20:] = b"\xff" * 20
    looped = tiff([short(0x112, 6), (0x8769, 4, 1, struct.pack("<I", 8)), (0x8825, 4, 1, struct.pack("<I", 8))])
    assert read_exif(exif_jpeg(looped), "jpeg")[0].orientation == 6
    assert read_exif(exif_jpeg(bytes(block)), "jpeg")[1] is None


def test_nothing_is_nothing() -> None:
    for fmt in ("jpeg", "png", "webp", "gif", "tiff", "bmp", "avif", "heif", "raw", "other"):
        assert read_exif(b"", fmt) == (Exif(), None)
    assert read_exif(encoded(Image.new("RGB", (2, 2)), "JPEG"), "jpeg") == (Exif(), None)
