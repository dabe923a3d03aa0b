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
from phototag.scan import run
from phototag.scan.run import Hooks, scan
from phototag.scan.wanted import Wanted
from phototag.settings import load
from phototag.sidecar import model as fields
from phototag.sidecar.model import Embedding, TagScores
from phototag.sidecar.registers import Document
from tests import make

IMAGES = 6
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


def known(tree: Tree, rel: str) -> Document:
    found = sidecars.read(tree, rel)
    assert found is not None
    return found


GOOD_TAGS, GOOD_VECTOR = Tags(("a",), (0.9,)), np.full(4, 0.5, np.float32)


@pytest.mark.parametrize("odd", [Tags(("a",), (float("nan"),)), Tags(("a", "b"), (0.9,)), Tags((), (0.9,))])
def test_scores_that_are_none_are_the_failure_of_one_image(tree: Tree, odd: Tags) -> None:
    report = scan(tree, "", Wanted(taggers=[Odd(GOOD_TAGS, odd)])).report
    assert (report.written, [one.reason for one in report.failed]) == (
        IMAGES - 1,
        ["the model's answer is not a score for each of its tags"],
    )
    assert list(known(tree, report.failed[0].path).items(fields.MTAG, TagScores)) == []
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


def test_what_other_models_said_of_the_image_is_kept(tree: Tree) -> None:
    wanted = Wanted(taggers=[Odd(GOOD_TAGS, GOOD_TAGS)], embedders=[Odd(GOOD_VECTOR, np.zeros(4))])
    failed = [one.path for one in scan(tree, "", wanted).report.failed]
    assert len(failed) == 1
    document = known(tree, failed[0])
    assert len(list(document.items(fields.MTAG, TagScores))) == 1
    assert list(document.items(fields.EMB, Embedding)) == []
    assert [one.path for one in scan(tree, "", wanted).report.failed] == failed, "it is tried again, and told again"
    assert scan(tree, "", Wanted(taggers=wanted.taggers)).report.written == 0


@pytest.mark.parametrize(("soon_s", "batches"), [(0.0, [2, 2, 2]), (1e9, [2, 4])])
def test_a_slow_model_is_seen_at_work(
    tree: Tree, monkeypatch: pytest.MonkeyPatch, soon_s: float, batches: list[int]
) -> None:
    """What is not quick enough is written batch by batch of the model, each whole, so that the answers stay the same."""
    monkeypatch.setattr(run, "SOON_S", soon_s)
    model, done = Odd(GOOD_TAGS, GOOD_TAGS), list[str]()
    model.batch_size = 2
    real = model.infer

    def infer(batch: Sequence[bool]) -> Any:
        done.append("infer")
        return real(batch)

    monkeypatch.setattr(model, "infer", infer)
    hooks = Hooks(advanced=lambda count: done.append("done"))
    assert scan(tree, "", Wanted(taggers=[model]), hooks=hooks).report.written == IMAGES
    expected = [word for size in batches for word in ["infer"] * (size // 2) + ["done"] * size]
    assert done == expected
