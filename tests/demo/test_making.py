"""The sample library: complete, deterministic, with the flaws it promises; nothing is written over."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageFile

from phototag.demo import album, cameras, canvas, making, screens

pytestmark = pytest.mark.xdist_group("demo")
"""One process, so that what they share is made once."""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    made = making.make(str(folder))
    assert made.written == made.files == len([p for p in folder.rglob("*") if p.is_file()])
    assert 55 <= made.files <= 70
    assert made.size_bytes < 25_000_000
    return folder


def test_shots_carry_date_camera_and_place(library: Path) -> None:
    with Image.open(library / "2021/New York/DSCF2109.jpg") as image:
        exif = image.getexif()
        inner = exif.get_ifd(ExifTags.IFD.Exif)
        gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
    assert exif[ExifTags.Base.Model] == "X-T4"
    assert inner[ExifTags.Base.DateTimeOriginal] == "2021:11:12 22:15:40"
    assert inner[ExifTags.Base.OffsetTimeOriginal] == "-05:00"
    assert inner[ExifTags.Base.ExposureTime] == 8
    assert gps[ExifTags.GPS.GPSLatitudeRef] == "N"
    assert gps[ExifTags.GPS.GPSLongitudeRef] == "W"


def test_copies_are_copies(library: Path) -> None:
    for copy, master in (("Backup/IMG_0633.jpg", making.SUNSET_AT_SEA), ("Backup/IMG_0437 (1).jpg", making.LAKE)):
        assert (library / copy).read_bytes() == (library / master).read_bytes()


def test_near_copies_look_alike_but_differ(library: Path) -> None:
    def small(name: str) -> np.ndarray:
        with Image.open(library / name) as image:
            return np.asarray(image.convert("L").resize((32, 21)), float)

    bridge = small(making.BRIDGE)
    for name in ("2021/San Francisco/DSCF2240-edited.jpg", "Phone/IMG-20211120-WA0003.jpg"):
        assert np.abs(bridge - small(name)).mean() < 3
        assert (library / name).read_bytes() != (library / making.BRIDGE).read_bytes()


def test_one_file_is_cut_short(library: Path) -> None:
    with Image.open(library / "Phone/broken-transfer.jpg") as image, pytest.raises(OSError, match="truncated"):
        image.load()
    assert not ImageFile.LOAD_TRUNCATED_IMAGES


def test_nothing_is_written_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(making, "SHOTS", ())
    monkeypatch.setattr(making, "burst", list)
    monkeypatch.setattr(making, "copies", lambda masters: iter(()))
    mine = tmp_path / "Documents" / "visitors.png"
    mine.parent.mkdir()
    mine.write_bytes(b"mine")
    made = making.make(str(tmp_path))
    assert mine.read_bytes() == b"mine"
    assert made.written == made.files - 1
    assert making.make(str(tmp_path)).written == 0


def test_the_same_seed_is_the_same_picture() -> None:
    shot = album.SHOTS[0]

    def digest(seed: int) -> str:
        drawn = canvas.Canvas(160, 107, seed)
        shot.draw(drawn)
        return hashlib.sha256(drawn.image().tobytes()).hexdigest()

    assert digest(1) == digest(1) != digest(2)


@pytest.mark.parametrize("shot", album.SHOTS, ids=lambda s: s.path)
def test_every_scene_fills_its_canvas(shot: album.Shot) -> None:
    drawn = canvas.Canvas(shot.size[0] // 10, shot.size[1] // 10, 3)
    shot.draw(drawn)
    pixels = np.asarray(drawn.image())
    assert pixels.shape == (shot.size[1] // 10, shot.size[0] // 10, 3)
    assert pixels.std() > 8


def test_paths_and_moments_are_distinct() -> None:
    assert len({shot.path for shot in album.SHOTS}) == len(album.SHOTS)
    assert len({shot.taken for shot in album.SHOTS}) == len(album.SHOTS)


def test_positions_survive_exif() -> None:
    for lat, lon in cameras.PLACES.values():
        d, m, s = map(float, cameras.degrees(lat))
        assert d + m / 60 + s / 3600 == pytest.approx(abs(lat), abs=1e-5)
        d, m, s = map(float, cameras.degrees(lon))
        assert d + m / 60 + s / 3600 == pytest.approx(abs(lon), abs=1e-5)


def test_the_chart_is_transparent_at_its_rim() -> None:
    chart = screens.bar_chart(1)
    assert chart.mode == "RGBA"
    assert chart.getpixel((2, 2)) == (255, 255, 255, 0)
