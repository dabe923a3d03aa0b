"""Each built-in tag fires on a picture made for it and stays off on its opposite."""

from __future__ import annotations

import pytest
from PIL import Image

from phototag.errors import UsageError
from phototag.imaging.picture import Picture
from phototag.models import registry
from phototag.models.builtin import colour
from phototag.models.builtin.analyser import FLOOR, BuiltinTagger
from phototag.settings import Settings
from phototag.sidecar.model import Exif
from tests.models import draw

TAGGER = BuiltinTagger()


def scores(picture: Picture) -> dict[str, float]:
    """Return every stored score."""
    tags = TAGGER.infer([TAGGER.prepare(picture)])[0]
    return dict(zip(tags.labels, tags.scores, strict=True))


def on(picture: Picture) -> set[str]:
    """Return the tags above their thresholds."""
    return {label for label, score in scores(picture).items() if score > TAGGER.thresholds.of(label)}


@pytest.mark.parametrize(
    ("term", "hexes"),
    [
        ("red", ("ff0000", "b22222", "dc143c")),
        ("orange", ("ffa500", "ff7f00")),
        ("yellow", ("ffff00", "ffd700", "f0e68c")),
        ("green", ("008000", "228b22", "7cfc00")),
        ("blue", ("0000ff", "4169e1", "87ceeb", "000080")),
        ("purple", ("800080", "663399", "9370db")),
        ("pink", ("ffc0cb", "ff69b4", "ff1493")),
        ("brown", ("8b4513", "a0522d", "654321")),
        ("black", ("000000", "101010")),
        ("grey", ("808080", "a9a9a9", "696969")),
        ("white", ("ffffff", "f5f5f5")),
    ],
)
def test_a_plain_colour_has_its_own_name_and_no_other(term: str, hexes: tuple[str, ...]) -> None:
    for code in hexes:
        found = on(draw.picture(draw.plain(f"#{code}"))) & set(colour.TERMS)
        assert found == {term}, code


def test_colour_scores_are_shares() -> None:
    image = draw.plain("#0000ff", (400, 200))
    image.paste((255, 0, 0), (0, 0, 100, 200))
    found = scores(draw.picture(image))
    assert found["red"] == pytest.approx(0.25, abs=0.01)
    assert found["blue"] == pytest.approx(0.75, abs=0.01)


def test_black_and_white_needs_the_whole_picture_grey() -> None:
    scene = draw.scene()
    assert "black-and-white" in on(draw.picture(scene.convert("L")))
    assert "black-and-white" in on(draw.picture(scene.convert("L").convert("RGB")))
    assert "black-and-white" not in on(draw.picture(scene))
    with_a_red_dot = scene.convert("L").convert("RGB")
    with_a_red_dot.paste((220, 20, 30), (150, 100, 220, 160))
    assert "black-and-white" not in on(draw.picture(with_a_red_dot))


def test_dark_bright_and_low_contrast() -> None:
    scene = draw.scene()
    dark = on(draw.picture(scene.point(lambda v: v // 6)))
    bright = on(draw.picture(scene.point(lambda v: 215 + v // 7)))
    dull = on(draw.picture(scene.point(lambda v: 110 + v // 12)))
    plain = on(draw.picture(scene))
    assert "dark" in dark and "bright" not in dark
    assert "bright" in bright and "dark" not in bright
    assert "low-contrast" in dull
    assert not {"dark", "bright", "low-contrast"} & plain


def test_blurry_and_sharp_exclude_each_other() -> None:
    scene = draw.scene(2)
    sharp, soft = on(draw.picture(scene)), on(draw.picture(draw.blurred(scene)))
    assert "sharp" in sharp and "blurry" not in sharp
    assert "blurry" in soft and "sharp" not in soft


def test_a_picture_without_edges_is_neither_blurry_nor_sharp() -> None:
    found = scores(draw.picture(draw.plain("#88aacc")))
    assert "blurry" not in found
    assert "sharp" not in found


def test_noise() -> None:
    soft = draw.blurred(draw.scene(4), 2)
    assert "noisy" in on(draw.picture(draw.noisy(soft)))
    assert "noisy" not in on(draw.picture(soft))


def test_a_page_is_a_document_and_a_photo_is_not() -> None:
    assert "document" in on(draw.picture(draw.page()))
    for other in (draw.scene(), draw.plain("#ffffff"), draw.graphic()):
        assert "document" not in on(draw.picture(other))


@pytest.mark.parametrize(
    "exif",
    [Exif(software="VueScan 9 x64 (9.8)"), Exif(make="Canon", model="CanoScan 9000F"), Exif(model="HP Scanjet G4050")],
)
def test_a_scanner_in_the_metadata_makes_a_scan_and_no_document_of_a_photo(exif: Exif) -> None:
    assert on(draw.picture(draw.scene(), exif=exif)) & {"scan", "document"} == {"scan"}
    assert on(draw.picture(draw.page(), exif=exif)) >= {"scan", "document"}


def test_a_camera_makes_no_scan() -> None:
    camera = Exif(make="Canon", model="EOS R5", software="Landscape Pro 3")
    assert "scan" not in on(draw.picture(draw.scene(), exif=camera))


def test_a_chart_is_a_drawing_and_a_photo_is_not() -> None:
    assert "drawing" in on(draw.picture(draw.graphic(), format="png"))
    assert "drawing" not in on(draw.picture(draw.scene()))
    lens = Exif(exposure=(1, 60), fnumber=(28, 10))
    assert "drawing" not in on(draw.picture(draw.plain("#c0c4c8"), exif=lens)), "a wall seen by a camera"


@pytest.mark.parametrize("name", ["Screenshot 2024-05-01.png", "Bildschirmfoto 2023.png", "Screen_Shot_1.png"])
def test_a_screenshot_by_name(name: str) -> None:
    assert "screenshot" in on(draw.picture(draw.scene(), name=name))


def test_a_screenshot_by_size_and_flatness() -> None:
    screen = draw.graphic((1170, 2532))
    assert "screenshot" in on(draw.picture(screen, format="png", name="IMG_2.png"))
    assert "screenshot" not in on(draw.picture(screen, format="png", name="IMG_2.png", exif=Exif(exposure=(1, 9))))
    assert "screenshot" not in on(draw.picture(draw.scene(size=(1080, 1920)), name="IMG_3.jpg"))


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((400, 300), {"landscape"}),
        ((300, 400), {"portrait"}),
        ((300, 302), {"square"}),
        ((900, 300), {"landscape", "panorama"}),
        ((200, 900), {"portrait", "panorama"}),
    ],
)
def test_the_shape_of_the_frame(size: tuple[int, int], expected: set[str]) -> None:
    shapes = {"landscape", "portrait", "square", "panorama"}
    assert on(draw.picture(draw.scene(size=size))) & shapes == expected


def test_scores_below_the_floor_are_not_stored_and_the_rest_is_best_first() -> None:
    tags = TAGGER.prepare(draw.picture(draw.scene()))
    assert min(tags.scores) >= FLOOR
    assert list(tags.scores) == sorted(tags.scores, reverse=True)
    assert max(tags.scores) <= 1.0


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (3, 3), (9, 2), (5000, 8)])
def test_no_size_is_too_odd(size: tuple[int, int]) -> None:
    found = scores(draw.picture(Image.new("RGB", size, "#3366cc")))
    assert found["blue"] == pytest.approx(1.0)


def test_the_builtin_tagger_has_no_vocabulary(tmp_path: object) -> None:
    with pytest.raises(UsageError, match="measures"):
        registry.open_tagger("builtin", Settings(models_dir=str(tmp_path)), registry.Options(vocabulary=("dog",)))
