"""``none of these`` of one vocabulary beside the tags of another, from the index and straight from the sidecars."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phototag.index.direct import Direct
from phototag.index.nothing import Output, counting
from phototag.index.refresh import refresh
from phototag.library import sidecars
from phototag.library.tree import Tree
from phototag.models.protocols import NONE_FITS, Thresholds
from phototag.sidecar import model
from phototag.sidecar.model import TagScores
from tests.index import sidecars_made as made

FIRST, SECOND, OTHER = "clip@1#00000001", "clip@1#00000002", "other@1#00000001"


def add(tree: Tree, rel: str, outputs: dict[str, dict[str, float]], *, user_tags: dict[str, int] | None = None) -> None:
    made.add(tree, rel, user_tags=user_tags)
    document = sidecars.read(tree, rel)
    assert document is not None
    for space, scored in outputs.items():
        scores = np.array([round(score * model.SCORE_SCALE) for score in scored.values()], "<u2").tobytes()
        document.set_machine(model.MTAG, space, TagScores(made.pixels(rel)[:8], tuple(scored), scores))
    sidecars.write(tree, rel, document)


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    tree = made.library(tmp_path)
    add(tree, "both-say-so.jpg", {FIRST: {NONE_FITS: 0.9}, SECOND: {NONE_FITS: 0.8}})
    add(tree, "one-fits.jpg", {FIRST: {NONE_FITS: 1.0}, SECOND: {"circle": 0.9, NONE_FITS: 0.1}})
    add(tree, "another-model.jpg", {FIRST: {NONE_FITS: 1.0}, OTHER: {"sea": 0.9}})
    refresh(tree)
    add(tree, "denied.jpg", {FIRST: {NONE_FITS: 1.0}, SECOND: {"circle": 0.9}}, user_tags={"circle": 0})
    add(tree, "below.jpg", {FIRST: {NONE_FITS: 1.0}, SECOND: {"circle": 0.4, NONE_FITS: 0.6}})
    refresh(tree)
    return tree


def test_it_counts_where_no_vocabulary_of_the_model_fits(tree: Tree) -> None:
    index = made.opened(tree)
    rows = np.flatnonzero(index.tags.mask(NONE_FITS)).tolist()
    assert sorted(index.paths(rows)) == ["another-model.jpg", "below.jpg", "both-say-so.jpg"]
    assert index.tags.counts(index.alive)[NONE_FITS] == 3


@pytest.mark.parametrize("least", [None, 0.35, 0.7])
def test_records_and_sidecars_say_the_same(tree: Tree, least: float | None) -> None:
    for space in (FIRST, SECOND, OTHER) if least is not None else ():
        made.thresholds(tree, space, Thresholds(default=least or 0.0))
    index, direct = made.opened(tree), Direct(tree)
    for row in range(index.size):
        record = index.record(row)
        alone = direct.record(record.path)
        assert alone is not None
        assert [(t.tag, t.model) for t in record.tags] == [(t.tag, t.model) for t in alone.tags]
        assert (NONE_FITS in [tag.tag for tag in record.tags]) == index.tags.mask(NONE_FITS)[row]


OUTPUTS = st.lists(
    st.tuples(st.sampled_from("mn"), st.lists(st.sampled_from(["a", "b", NONE_FITS]), unique=True)), max_size=4
)


@given(made_of=OUTPUTS)
@settings(max_examples=100)
def test_only_none_of_these_is_ever_left_out(made_of: list[tuple[str, list[str]]]) -> None:
    outputs = [Output(name, [(tag, 0.9) for tag in tags]) for name, tags in made_of]
    found = list(counting(outputs))
    everything = [(output.model, tag, score) for output in outputs for tag, score in output.tags]
    assert [one for one in found if one[1] != NONE_FITS] == [one for one in everything if one[1] != NONE_FITS]
    for name in "mn":
        mine = [output for output in outputs if output.model == name]
        tagged = sum(any(tag != NONE_FITS for tag, _ in output.tags) for output in mine)
        if tagged == 0:
            assert found.count((name, NONE_FITS, 0.9)) == everything.count((name, NONE_FITS, 0.9))
        if tagged > 1:
            assert (name, NONE_FITS, 0.9) not in found
