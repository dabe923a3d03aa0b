import io
from pathlib import Path

import pytest
from PIL import Image

from phototag.errors import ImageError
from phototag.imaging.thumbs import Thumb, ThumbCache, thumbnail
from tests.make import encoded, exif, picture

CONTENT = bytes(range(16))


@pytest.mark.parametrize(
    ("size", "expected"), [((1200, 800), (300, 200)), ((800, 1200), (200, 300)), ((90, 60), (90, 60))]
)
def test_the_longer_side_is_the_one_asked_for(size: tuple[int, int], expected: tuple[int, int]) -> None:
    for fmt in ("JPEG", "PNG"):
        with Image.open(io.BytesIO(thumbnail(encoded(picture(size), fmt), name="a", side_px=300))) as found:
            assert found.format == "WEBP"
            assert found.size == expected


def test_upright() -> None:
    data = encoded(picture((400, 200)), "JPEG", exif=exif(orientation=6))
    with Image.open(io.BytesIO(thumbnail(data, name="a.jpg", side_px=100))) as found:
        assert found.size == (50, 100)


def test_a_strip_keeps_a_pixel() -> None:
    with Image.open(io.BytesIO(thumbnail(encoded(picture((4000, 3)), "PNG"), name="a", side_px=64))) as found:
        assert found.size == (64, 1)


def test_no_picture_no_thumbnail() -> None:
    with pytest.raises(ImageError, match="text"):
        thumbnail(b"words", name="a.jpg", side_px=64)


def test_made_once(tmp_path: Path) -> None:
    cache = ThumbCache(str(tmp_path / "thumbs"))
    made = Thumb(thumbnail(encoded(picture(), "JPEG"), name="a.jpg", side_px=32), CONTENT)
    calls: list[int] = []

    def make() -> Thumb:
        calls.append(1)
        return made

    for _ in range(2):
        assert cache.obtain(CONTENT, 32, make) == made
    assert calls == [1]
    kept = tmp_path / "thumbs" / "00" / f"{CONTENT.hex()}-32.webp"
    assert kept.read_bytes() == made.data
    assert cache.get(CONTENT, 64) is None


def test_a_damaged_entry_is_made_again(tmp_path: Path) -> None:
    cache = ThumbCache(str(tmp_path))
    cache.put(CONTENT, 32, b"RIFF....WEBP")
    Path(cache.path(CONTENT, 32)).write_bytes(b"")
    assert cache.get(CONTENT, 32) is None


def test_a_cache_that_cannot_be_written_is_only_slow(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    cache = ThumbCache(str(tmp_path / "file" / "thumbs"))
    assert cache.put(CONTENT, 32, b"x") is False
    assert cache.obtain(CONTENT, 32, lambda: Thumb(b"made", CONTENT)).data == b"made"


def test_of_another_content_nothing_is_kept(tmp_path: Path) -> None:
    cache, edited = ThumbCache(str(tmp_path)), Thumb(b"RIFF....WEBP", bytes(15) + b"\x01")
    assert cache.obtain(CONTENT, 32, lambda: edited) == edited
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_wanted_is_removed_and_nothing_else(tmp_path: Path) -> None:
    cache, other = ThumbCache(str(tmp_path)), bytes(15) + b"\x01"
    for side_px in (32, 64):
        cache.put(CONTENT, side_px, b"RIFF....WEBP")
        cache.put(other, side_px, b"RIFF....WEBP")
    (tmp_path / "note.txt").write_text("not ours")
    assert cache.prune({CONTENT}) == 2
    assert [cache.get(content, 32) is not None for content in (CONTENT, other)] == [True, False]
    assert (tmp_path / "note.txt").exists()
    assert cache.prune({CONTENT}) == 0
