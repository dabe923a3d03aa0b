"""Exposures read as photographers say them, whatever the camera's fraction."""

from __future__ import annotations

import pytest

from phototag.catalog.exposure import exposure_line, shutter
from phototag.sidecar.model import Exif


@pytest.mark.parametrize(
    ("exact", "said"),
    [
        ((125, 10000), "1/80"),
        ((1, 250), "1/250"),
        ((10, 600), "1/60"),
        ((30, 1), "30"),
        ((6, 10), "0.6"),
        ((4, 10), "0.4"),
    ],
)
def test_shutter(exact: tuple[int, int], said: str) -> None:
    assert shutter(exact) == said


def test_the_whole_line_and_nothing() -> None:
    facts = Exif(exposure=(125, 10000), fnumber=(28, 10), iso=200, focal=(50, 1), focal35=75, bias=(-1, 3), flash=1)
    assert exposure_line(facts) == "1/80 s · f/2.8 · ISO 200 · 50 mm (75 mm in 35 mm terms) · -0.33 EV · flash"
    assert exposure_line(Exif()) == ""
