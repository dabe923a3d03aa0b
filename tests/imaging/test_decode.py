import io
import re
import struct
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image, ImageCms

from phototag.errors import ImageError
from phototag.imaging.decode import Size, read_picture, read_size
from phototag.imaging.picture import Picture
from tests.make import encoded, exif, picture

RED, BLUE = (230, 20, 20), (20, 20, 230)


def read(data: bytes, *, name: str = "a.jpg", side_px: int = 64, **options: float) -> Picture:
    return read_picture(data, name=name, side_px=side_px, **options)


def quarters(size: tuple[int, int] = (80, 60)) -> Image.Image:
    """Red top left, blue top right, black bottom left, white bottom right."""
    image = Image.new("RGB", size, (255, 255, 255))
    width, height = size[0] // 2, size[1] // 2
    image.paste(RED, (0, 0, width, height))
    image.paste(BLUE, (width, 0, size[0], height))
    image.paste((0, 0, 0), (0, height, width, size[1]))
    return image


def colour_at(found: Picture, x: float, y: float) -> list[int]:
    height, width = found.rgb.shape[:2]
    return [int(v) for v in found.rgb[int(y * height), int(x * width)]]


def near(found: list[int], wanted: tuple[int, int, int], within: int = 12) -> bool:
    return all(abs(a - b) <= within for a, b in zip(found, wanted, strict=True))


@pytest.mark.parametrize("fmt", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF"])
def test_every_format_gives_the_same_upright_picture(fmt: str) -> None:
    found = read(encoded(quarters(), fmt), name="wrong.suffix")
    assert found.rgb.dtype == np.uint8
    assert found.rgb.shape == (60, 80, 3)
    assert (found.width_px, found.height_px, found.truncated, found.frames) == (80, 60, False, 1)
    assert found.format == fmt.lower()
    assert near(colour_at(found, 0.2, 0.2), RED, 25)
    assert near(colour_at(found, 0.8, 0.2), BLUE, 25)
    assert near(colour_at(found, 0.8, 0.8), (255, 255, 255))


@pytest.mark.parametrize("fmt", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied(fmt: str, orientation: int) -> None:
    inverse = {1: None, 2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}[orientation]
    stored = quarters() if inverse is None else quarters().transpose(Image.Transpose(inverse))
    found = read(encoded(stored, fmt, exif=exif(orientation=orientation)))
    assert (found.width_px, found.height_px) == (80, 60)
    assert found.rgb.shape == (60, 80, 3)
    assert found.exif.orientation == orientation
    assert near(colour_at(found, 0.2, 0.2), RED, 25)
    assert near(colour_at(found, 0.8, 0.2), BLUE, 25)
    assert near(colour_at(found, 0.2, 0.8), (0, 0, 0), 25)


@pytest.mark.parametrize("fmt", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_header_alone_tells_the_size_that_decoding_finds(fmt: str, orientation: int) -> None:
    data = encoded(quarters(), fmt, **({} if fmt in ("GIF", "BMP") else {"exif": exif(orientation=orientation)}))
    found = read(data)
    assert read_size(data, name="a.jpg") == Size(found.width_px, found.height_px, found.format, 1)


@pytest.mark.parametrize("fmt", ["WEBP", "GIF", "PNG", "AVIF"])
def test_the_header_alone_tells_an_animation(fmt: str) -> None:
    frames = [quarters(), quarters().rotate(180), quarters().rotate(90)]
    data = encoded(frames[0], fmt, save_all=True, append_images=frames[1:])
    assert read_size(data, name="a").frames == read(data).frames == 3


def test_the_header_is_held_to_the_same_limits() -> None:
    data = encoded(quarters(), "PNG")
    with pytest.raises(ImageError, match="above the limit"):
        read_size(data, name="a.png", max_megapixels=0.004)
    for broken in (b"pixels", data[:20], b"\xff\xd8\xff\xe0 and then nothing"):
        with pytest.raises(ImageError):
            read_size(broken, name="a.png")


@pytest.mark.parametrize("fmt", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(
    ("size", "side_px"), [((1000, 700), 64), ((640, 640), 160), ((300, 200), 384), ((4000, 20), 64)]
)
def test_scaled_to_at_least_the_side_asked_for(fmt: str, size: tuple[int, int], side_px: int) -> None:
    found = read(encoded(quarters(size), fmt), side_px=side_px)
    shorter = min(found.rgb.shape[:2])
    assert shorter >= min(side_px, *size)
    assert shorter < 2 * side_px
    assert (found.width_px, found.height_px) == size
    assert abs(found.rgb.shape[1] / found.rgb.shape[0] / (size[0] / size[1]) - 1) < 0.1


@pytest.mark.parametrize("fmt", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "AVIF"])
def test_too_many_megapixels_are_refused_before_decoding(fmt: str) -> None:
    with pytest.raises(ImageError, match=r"1000 x 500 pixels, above the limit of 0\.4 megapixels"):
        read(encoded(quarters((1000, 500)), fmt), max_megapixels=0.4)


def test_a_decompression_bomb_costs_nothing() -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    bomb = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )
    with pytest.raises(ImageError, match="3"):
        read(bomb)


def test_pillow_has_no_say_in_what_is_too_large() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = read(encoded(Image.new("1", (13_400, 13_400)), "PNG"), max_megapixels=300)  # above Pillow's own limit
    assert found.width_px == 13_400


def test_sixteen_bits_keep_the_upper_byte() -> None:
    ramp = np.linspace(0, 65535, 64 * 64).astype(np.uint16).reshape(64, 64)
    for fmt in ("PNG", "TIFF"):
        found = read(encoded(Image.fromarray(ramp), fmt))
        assert found.grey
        assert int(found.rgb[0, 0, 0]) == 0
        assert int(found.rgb[-1, -1, 0]) == 255
        assert abs(int(found.rgb[32, 0, 0]) - 128) <= 1


def test_float_and_integer_rasters_become_visible() -> None:
    unit = np.linspace(0, 1, 64 * 64, dtype=np.float32).reshape(64, 64)
    found = read(encoded(Image.fromarray(unit), "TIFF"))
    assert (int(found.rgb.min()), int(found.rgb.max())) == (0, 255)
    signed = np.linspace(-70_000, 70_000, 64 * 64).astype(np.int32).reshape(64, 64)
    found = read(encoded(Image.fromarray(signed), "TIFF"))
    assert (int(found.rgb.min()), int(found.rgb.max())) == (0, 255)
    holes = unit.copy()
    holes[0, 0] = np.nan
    assert int(read(encoded(Image.fromarray(holes), "TIFF")).rgb[0, 0, 0]) == 0


def test_cmyk_of_adobe_is_not_inverted() -> None:
    cmyk = quarters().convert("CMYK")
    found = read(encoded(cmyk, "JPEG", quality=95))  # Pillow writes an Adobe marker and inverted values, as Photoshop
    assert near(colour_at(found, 0.2, 0.2), RED, 40)
    assert near(colour_at(found, 0.8, 0.8), (255, 255, 255), 8)
    assert near(colour_at(read(encoded(cmyk, "TIFF")), 0.2, 0.2), RED, 40)


def test_transparency_is_composited_on_white() -> None:
    image = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
    image.paste((*RED, 255), (0, 0, 20, 40))
    for fmt in ("PNG", "WEBP", "TIFF", "AVIF"):
        found = read(encoded(image, fmt))
        assert found.alpha, fmt
        assert near(colour_at(found, 0.9, 0.5), (255, 255, 255)), fmt
        assert near(colour_at(found, 0.1, 0.5), RED, 25), fmt
    assert not read(encoded(image.convert("RGB"), "PNG")).alpha


def test_palette_with_alpha_and_grey_with_alpha() -> None:
    palette = Image.new("P", (40, 40), 1)
    palette.putpalette([0, 0, 0, *RED])
    palette.paste(0, (0, 0, 20, 40))
    found = read(encoded(palette, "PNG", transparency=0))
    assert found.alpha
    assert near(colour_at(found, 0.1, 0.5), (255, 255, 255))
    assert near(colour_at(found, 0.9, 0.5), RED)
    found = read(encoded(palette, "GIF", transparency=0))
    assert near(colour_at(found, 0.1, 0.5), (255, 255, 255))
    grey = Image.new("LA", (40, 40), (10, 0))
    found = read(encoded(grey, "PNG"))
    assert (found.grey, found.alpha) == (True, True)
    assert near(colour_at(found, 0.5, 0.5), (255, 255, 255))


def test_one_bit_and_grey() -> None:
    assert read(encoded(quarters().convert("1"), "PNG")).grey
    assert read(encoded(quarters().convert("L"), "JPEG")).grey
    assert not read(encoded(quarters(), "JPEG")).grey


@pytest.mark.parametrize("fmt", ["GIF", "PNG", "WEBP", "AVIF"])
def test_an_animation_shows_its_first_frame(fmt: str) -> None:
    frames = [Image.new("RGB", (40, 30), colour) for colour in (RED, BLUE, (0, 0, 0))]
    found = read(encoded(frames[0], fmt, save_all=True, append_images=frames[1:], duration=100))
    assert found.frames == 3
    assert near(colour_at(found, 0.5, 0.5), RED, 25)


def test_frames_of_a_gif_without_times_are_counted() -> None:
    frames = [Image.new("RGB", (40, 30), colour) for colour in (RED, BLUE, (0, 0, 0))]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=100)
    data = re.sub(b"\x21\xf9\x04.{4}\0", b"", data, flags=re.DOTALL)
    assert read(data).frames == 3
    assert read(encoded(quarters(), "GIF")).frames == 1


def test_pages_of_a_tiff_are_counted_but_not_a_smaller_copy_of_one() -> None:
    pages = quarters(), Image.new("RGB", (40, 30), BLUE)
    found = read(encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:]))
    assert (found.frames, colour_at(found, 0.1, 0.1)) == (2, colour_at(read(encoded(pages[0], "TIFF")), 0.1, 0.1))
    small = quarters().resize((20, 15))
    small.encoderinfo = {"tiffinfo": {254: 1}}
    assert read(encoded(quarters(), "TIFF", save_all=True, append_images=[small])).frames == 1


def test_wide_gamut_becomes_srgb() -> None:
    image = Image.new("RGB", (64, 64), (0, 255, 0))
    plain = read(encoded(image, "PNG"))
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for profile in (lab, srgb, b"junk", b""):  # for another mode, sRGB itself, broken, none: the pixels stay
        assert np.array_equal(read(encoded(image, "PNG", icc_profile=profile)).rgb, plain.rgb)
    linear = _linear_profile()
    grey = Image.new("RGB", (64, 64), (55, 55, 55))  # 0.216 of full light: middle grey
    found = read(encoded(grey, "PNG", icc_profile=linear))
    assert near(colour_at(found, 0.5, 0.5), (128, 128, 128), 2)
    again = read(encoded(grey, "PNG", icc_profile=linear))
    assert np.array_equal(found.rgb, again.rgb)


def _linear_profile() -> bytes:
    """Return sRGB's profile with straight curves and another name: a tiny profile whose effect is known."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = struct.unpack_from(">I", data, 128)[0]
    for index in range(count):
        name, at, size = struct.unpack_from(">4sII", data, 132 + 12 * index)
        if name in (b"rTRC", b"gTRC", b"bTRC"):
            data[at : at + 12] = b"curv\0\0\0\0\0\0\0\0"
        elif name == b"desc":
            data[at + 28 : at + size] = b"\0L" * ((size - 28) // 2)
    return bytes(data)


@pytest.mark.parametrize("progressive", [False, True])
def test_a_truncated_jpeg_is_decoded_as_far_as_it_goes(progressive: bool) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (200, 300, 3), dtype=np.uint8)
    noise[:60] = RED
    data = encoded(Image.fromarray(noise), "JPEG", progressive=progressive)
    found = read(data[: len(data) * 6 // 10], side_px=200)
    assert found.truncated
    assert (found.width_px, found.height_px) == (300, 200)
    assert near(colour_at(found, 0.5, 0.1), RED, 30)
    if not progressive:
        assert near(colour_at(found, 0.5, 0.97), (128, 128, 128), 3)
    assert not read(data).truncated


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_jpeg_that_no_row_can_be_had_of_is_no_black_picture(mode: str) -> None:
    data = encoded(quarters().convert(mode), "JPEG").replace(b"\xff\xdb", b"\xff\xef")  # its tables are passed over
    with pytest.raises(ImageError, match="no part of the picture can be read"):
        read(data)


def test_a_lossy_webp_that_was_cut_short_shows_what_is_there() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (400, 300, 3), dtype=np.uint8)
    noise[:120] = RED
    data = encoded(Image.fromarray(noise), "WEBP", quality=80)
    found = read(data[: len(data) * 7 // 10], side_px=300)
    assert (found.truncated, found.width_px, found.height_px) == (True, 300, 400)
    assert near(colour_at(found, 0.5, 0.1), RED, 30)
    with pytest.raises(ImageError, match="WEBP"):
        read(data[: len(data) // 4])


@pytest.mark.parametrize("fmt", ["PNG", "BMP", "GIF"])
def test_other_truncated_files(fmt: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (200, 300, 3), dtype=np.uint8)
    data = encoded(Image.fromarray(noise), fmt)
    assert read(data[: len(data) // 2]).truncated
    assert not read(data).truncated


@pytest.mark.parametrize("fmt", ["JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "AVIF"])
def test_a_head_without_a_picture_is_an_error(fmt: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (200, 300, 3), dtype=np.uint8)
    data = encoded(Image.fromarray(noise), fmt)
    for size in (20, 26, 40):
        with pytest.raises(ImageError):
            read(data[:size])


def test_a_broken_text_chunk_does_not_hide_a_png() -> None:
    data = encoded(quarters(), "PNG")
    bad = struct.pack(">I", 4) + b"tEXtabcd" + b"\0\0\0\0"  # wrong checksum
    found = read(data[:33] + bad + data[33:])
    assert near(colour_at(found, 0.2, 0.2), RED)


def test_reasons_say_what_is_wrong() -> None:
    for data, words in ((b"", "empty"), (b"<svg/>", "SVG"), (b"text", "a text file"), (b"\xff\xd8\xff\xe0", "JPEG")):
        with pytest.raises(ImageError, match=words) as caught:
            read(data)
        assert "\n" not in str(caught.value)


def test_missing_extras_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    monkeypatch.setitem(sys.modules, "rawpy", None)
    with pytest.raises(ImageError, match=r"phototag\[heic\]"):
        read(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", name="a.heic")
    with pytest.raises(ImageError, match=r"phototag\[raw\]"):
        read(b"II*\0" + b"\0" * 40, name="a.nef")


def test_heic(require_module: object) -> None:
    from tests.require import module

    pillow_heif = module("pillow_heif")
    out = io.BytesIO()
    pillow_heif.from_pillow(quarters()).save(out, quality=90)
    found = read(out.getvalue(), name="a.heic")
    assert (found.format, found.width_px, found.height_px) == ("heif", 80, 60)
    assert read_size(out.getvalue(), name="a.heic") == Size(80, 60, "heif", 1)
    assert near(colour_at(found, 0.2, 0.2), RED, 30)


def test_a_dng_that_is_a_plain_tiff_is_shown() -> None:
    from tests.require import module

    module("rawpy")
    found = read(encoded(quarters(), "TIFF"), name="a.dng")
    assert near(colour_at(found, 0.2, 0.2), RED)


def test_threads_give_the_same_pixels() -> None:
    files = [encoded(picture((400, 300), seed=seed), fmt) for seed in range(1, 5) for fmt in ("JPEG", "PNG", "WEBP")]
    once = [read(data).rgb for data in files]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(3):
            for expected, found in zip(once, pool.map(read, files), strict=True):
                assert np.array_equal(expected, found.rgb)
