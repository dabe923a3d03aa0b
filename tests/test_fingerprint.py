import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phototag.fingerprint import content_hash, pixel_hash
from tests.make import encoded, exif, picture


def test_the_content_hash_is_xxh3_128_big_endian() -> None:
    assert content_hash(b"").hex() == "99aa06d3014798d86001c324468d497f"  # the reference implementation's empty input


def segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def test_metadata_of_a_jpeg_does_not_count() -> None:
    data = encoded(picture(seed=1), "JPEG")
    expected = pixel_hash(data)
    for marker, body in (
        (0xE1, b"Exif\0\0..."),
        (0xED, b"Photoshop 3.0\0"),
        (0xE2, b"ICC_PROFILE\0"),
        (0xFE, b"words"),
    ):
        changed = data[:2] + segment(marker, body) + data[2:]
        assert pixel_hash(changed) == expected
        assert content_hash(changed) != content_hash(data)
    assert pixel_hash(data[:2] + b"\xff" + segment(0xFE, b"after a fill byte") + data[2:]) == expected


def test_what_decides_the_pixels_counts() -> None:
    data = encoded(picture(seed=1), "JPEG")
    assert pixel_hash(encoded(picture(seed=2), "JPEG")) != pixel_hash(data)
    assert pixel_hash(encoded(picture(seed=1), "JPEG", quality=60)) != pixel_hash(data)
    adobe = data[:2] + segment(0xEE, b"Adobe\0\x64\0\0\0\0\x02") + data[2:]
    assert pixel_hash(adobe) != pixel_hash(data)
    flipped = bytearray(data)
    flipped[-10] ^= 1
    assert pixel_hash(bytes(flipped)) != pixel_hash(data)


def test_exif_written_by_another_program_does_not_count() -> None:
    plain, described = (
        encoded(picture(seed=1), "JPEG", exif=exif(make=name)) for name in ("Canon", "Nikon Corporation")
    )
    assert pixel_hash(plain) == pixel_hash(described)


def test_metadata_of_a_png_does_not_count() -> None:
    import zlib

    data = encoded(picture(seed=1), "PNG")

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    for kind in (b"tEXt", b"eXIf", b"iTXt", b"tIME"):
        assert pixel_hash(data[:33] + chunk(kind, b"anything") + data[33:]) == pixel_hash(data)
    for kind in (b"tRNS", b"PLTE", b"acTL", b"fcTL", b"fdAT"):
        assert pixel_hash(data[:33] + chunk(kind, b"\0\1\2") + data[33:]) != pixel_hash(data)
    assert pixel_hash(encoded(picture(seed=2), "PNG")) != pixel_hash(data)


def test_the_frames_of_an_animated_png_count() -> None:
    first, others = picture(seed=1), [picture(seed=2), picture(seed=3)]
    animations = [encoded(first, "PNG", save_all=True, append_images=[other]) for other in others]
    assert len({pixel_hash(data) for data in (*animations, encoded(first, "PNG"))}) == 3


def test_the_hash_of_a_plain_png_is_what_it_was() -> None:
    data = bytes.fromhex(
        "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b550000000a49444154789c63680000008200"
        "8177cd72b60000000374455874610062dc49a23b0000000049454e44ae426082"
    )
    assert pixel_hash(data).hex() == "479d521c644f8e0adce336b729662bdd"


@pytest.mark.parametrize("fmt", ["WEBP", "GIF", "BMP", "TIFF"])
def test_other_formats_count_whole(fmt: str) -> None:
    data = encoded(picture(seed=1), fmt)
    assert pixel_hash(data) == content_hash(data)


@settings(deadline=None)
@given(
    data=st.binary(max_size=200), head=st.sampled_from([b"", b"\xff\xd8", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe1"])
)
def test_arbitrary_bytes_have_a_hash_and_their_tail_counts(data: bytes, head: bytes) -> None:
    assert len(pixel_hash(head + data)) == 16
    assert pixel_hash(head + data) == pixel_hash(head + data)


@settings(deadline=None)
@given(cut=st.integers(0, 600))
def test_a_truncated_file_has_another_hash(cut: int) -> None:
    data = encoded(picture(seed=1), "JPEG")
    scan = data.rindex(b"\xff\xda")
    kept = max(scan, len(data) - 1 - cut)
    assert pixel_hash(data[:kept]) != pixel_hash(data)
