"""Junk in, a picture or a reason out: never another exception, a warning, or a crash."""

import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phototag.errors import ImageError
from phototag.imaging import formats
from phototag.imaging.decode import read_picture
from phototag.imaging.exif import read_exif
from phototag.sidecar.model import Exif
from tests.make import encoded, exif, picture


def seed(fmt: str) -> bytes:
    fields = exif(taken="2024:05:01 10:11:12", make="Canon", lens="50mm", orientation=6, gps=(43.7, 7.26))
    return encoded(picture((24, 18), seed=3), fmt, exif=fields)


SEEDS = {fmt: seed(fmt) for fmt in ("JPEG", "PNG", "WEBP", "TIFF", "AVIF")} | {
    fmt: encoded(picture((24, 18), seed=3), fmt) for fmt in ("GIF", "BMP")
}
FORMATS = sorted({*formats.MIME, "", "other"})

changes = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=12)


def mutated(data: bytes, edits: list[tuple[float, int]], keep: float) -> bytes:
    changed = bytearray(data)
    for where, value in edits:
        changed[int(where * min(len(changed), 600))] = value  # headers are what parsers trip over
    return bytes(changed[: int(len(changed) * keep)])


@pytest.mark.parametrize("fmt", sorted(SEEDS))
@settings(deadline=None, max_examples=60)
@given(edits=changes, keep=st.sampled_from([1.0, 1.0, 0.9, 0.5, 0.1]))
def test_mutated_files(fmt: str, edits: list[tuple[float, int]], keep: float) -> None:
    data = mutated(SEEDS[fmt], edits, keep)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            found = read_picture(data, name=f"a.{fmt.lower()}", side_px=16, max_megapixels=4)
        except ImageError as error:
            assert str(error)
            assert "\n" not in str(error)
        else:
            assert found.rgb.ndim == 3
            assert min(found.rgb.shape) >= 1


@settings(deadline=None, max_examples=200)
@given(data=st.binary(max_size=300), fmt=st.sampled_from(FORMATS))
def test_exif_of_arbitrary_bytes(data: bytes, fmt: str) -> None:
    found, _ = read_exif(data, fmt)
    assert isinstance(found, Exif)


@settings(deadline=None, max_examples=200)
@given(edits=changes, fmt=st.sampled_from(["JPEG", "PNG", "WEBP", "TIFF", "AVIF"]), keep=st.floats(0, 1))
def test_exif_of_mutated_files(edits: list[tuple[float, int]], fmt: str, keep: float) -> None:
    found, gps = read_exif(mutated(SEEDS[fmt], edits, keep), fmt.lower())
    if found.taken is not None:
        assert found.taken[4] == found.taken[7] == "-"
    if gps is not None:
        assert -90 <= gps.lat <= 90
        assert -180 <= gps.lon <= 180


@settings(deadline=None, max_examples=300)
@given(data=st.binary(max_size=64))
def test_sniffing_and_describing_arbitrary_bytes(data: bytes) -> None:
    if not formats.sniff(data, "a.jpg"):
        assert formats.describe(data)
