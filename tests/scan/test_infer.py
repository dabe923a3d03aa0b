"""What a model answers, other people's too: nothing gets into a sidecar that no reader could use."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from phototag.errors import BrokenModelError
from phototag.imaging.picture import Picture
from phototag.library import sidecars
from phototag.library.tree import Tree
from phototag.models.protocols import ModelInfo, Tags, Thresholds
from phototag.scan.run import scan
from phototag.scan.wanted import Wanted
from phototag.settings import load
from tests import make

IMAGES = 3
BAD = "IMG_0001"
"""The image that gets the odd answer."""


class Odd:
    """A tagger or an embedder that answers ``odd`` to one image and ``good`` to the others."""

    def __init__(self, good: Any, odd: Any) -> None:
        self.info = ModelInfo("odd", "1", "00000000")
        self.side_px, self.batch_size, self.dim, self.thresholds = 16, 8, 4, Thresholds(0.5)
        self.good, self.odd = good, odd

    def prepare(self, picture: Picture) -> bool:
        return BAD in picture.name

    def infer(self, batch: Sequence[bool]) -> Any:
        return [self.odd if bad else self.good for bad in batch]


class Short(Odd):
    """Leaves the last one out."""

    def infer(self, batch: Sequence[bool]) -> Any:
        return super().infer(batch)[:-1]


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    root = tmp_path / "library"
    root.mkdir()
    make.photos(root, IMAGES)
    return Tree(str(root), load(str(root)))


GOOD_TAGS, GOOD_VECTOR = Tags(("a",), (0.9,)), np.full(4, 0.5, np.float32)


@pytest.mark.parametrize("odd", [Tags(("a",), (float("nan"),)), Tags(("a", "b"), (0.9,)), Tags((), (0.9,))])
def test_scores_that_are_none_are_the_failure_of_one_image(tree: Tree, odd: Tags) -> None:
    report = scan(tree, "", Wanted(taggers=[Odd(GOOD_TAGS, odd)])).report
    assert (report.written, [one.reason for one in report.failed]) == (
        IMAGES - 1,
        ["the model's answer is not a score for each of its tags"],
    )
    assert sidecars.read(tree, report.failed[0].path) is None
    assert scan(tree, "", Wanted()).report.failed == [], "nothing is wrong with the image itself"


@pytest.mark.parametrize("odd", [np.full(4, np.nan), np.zeros(4), np.full(4, 1e9), np.full((2, 2), 0.5)])
def test_vectors_that_are_none_are_the_failure_of_one_image(tree: Tree, odd: Any) -> None:
    report = scan(tree, "", Wanted(embedders=[Odd(GOOD_VECTOR, odd)])).report
    assert (report.written, [one.reason for one in report.failed]) == (
        IMAGES - 1,
        ["the model's answer is not a vector of length 1"],
    )


def test_a_model_that_leaves_images_out_ends_the_run_by_its_name(tree: Tree) -> None:
    with pytest.raises(BrokenModelError, match=f"odd gives {IMAGES - 1} answers to {IMAGES} images"):
        scan(tree, "", Wanted(taggers=[Short(GOOD_TAGS, GOOD_TAGS)]))
