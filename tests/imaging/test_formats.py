import pytest

from phototag.imaging import formats
from phototag.imaging.formats import describe, is_image_name, sniff
from tests.make import encoded, picture


@pytest.mark.parametrize(
    "name", ["a.jpg", "A.JPG", "b.JpEg", "x.heic", "x.HIF", "r.CR3", "r.nef", "s.dng", "a.b.avif", "\udcff.png"]
)
def test_pictures_are_known_by_their_suffix(name: str) -> None:
    assert is_image_name(name)


@pytest.mark.parametrize(
    "name", ["", "jpg", ".jpg", "a.jpg.phototag", "a.jpg.xmp", "a.svg", "movie.mp4", "a.jpg ", "a.jpg~", "a.psd"]
)
def test_other_names_are_not(name: str) -> None:
    assert not is_image_name(name)


@pytest.mark.parametrize(
    ("pillow", "expected"),
    [
        ("JPEG", "jpeg"),
        ("PNG", "png"),
        ("WEBP", "webp"),
        ("GIF", "gif"),
        ("TIFF", "tiff"),
        ("BMP", "bmp"),
        ("AVIF", "avif"),
    ],
)
def test_the_bytes_tell_the_format(pillow: str, expected: str) -> None:
    assert sniff(encoded(picture(), pillow), "wrong.name") == expected
    assert expected in formats.MIME


def test_tiff_inside_a_raw_suffix_is_raw() -> None:
    data = encoded(picture(), "TIFF")
    assert sniff(data, "IMG.NEF") == "raw"
    assert sniff(data, "scan.tif") == "tiff"


def test_heif_brands() -> None:
    assert sniff(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic") == "heif"
    assert sniff(b"\0\0\0\x1cftypmif1\0\0\0\0mif1avif    ") == "avif"
    assert sniff(b"\0\0\0\x18ftypcrx \0\0\0\1crx isom") == "raw"
    assert sniff(b"\0\0\0\x18ftypisom\0\0\0\0isommp42") == ""


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty (0 bytes)"),
        (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
        (b"\xef\xbb\xbf<svg/>", "SVG"),
        (b"hello, this is text", "a text file"),
        ("grüße".encode("utf-16"), "a text file"),
        (b"<!DOCTYPE html><html>", "a web page"),
        (b"%PDF-1.7", "a PDF document"),
        (b"8BPS\0\1", "Photoshop"),
        (b"/annex/objects/SHA256E-s1--ab.jpg\n", "git-annex pointer"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
        (b"\0" * 100, "zero bytes"),
        (b"\x93\x00\xf1\x17\xff", "not in a format"),
        (b"\0\0\0\x18ftypisom\0\0\0\0isommp42", "a video"),
        (b"\xff\x0a\0\0", "JPEG XL"),
    ],
)
def test_what_it_is_instead(data: bytes, words: str) -> None:
    assert sniff(data, "a.jpg") == ""
    assert words in describe(data)
