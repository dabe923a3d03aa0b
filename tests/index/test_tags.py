"""Tags: thresholds and the owner's word, applied when read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phototag.index import tags as tags_module
from phototag.index.reader import Index
from phototag.index.refresh import refresh
from phototag.index.thresholds import limit_of
from phototag.library.tree import Tree
from phototag.models.protocols import Thresholds
from tests.index import sidecars_made as made


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    tree = made.library(tmp_path)
    made.add(tree, "0.jpg", tags={"sea": 0.9, "sky": 0.6, "dog": 0.2}, other_tags={"sea": 0.95})
    made.add(tree, "1.jpg", tags={"sea": 0.7, "dog": 0.9}, user_tags={"dog": -1, "mine": 1})
    made.add(tree, "2.jpg", tags={"sky": 0.8}, user_tags={"sea": 1, "gone": 0})
    refresh(tree)
    made.add(tree, "3.jpg", tags={"sea": 0.55, "sky": 0.51})
    refresh(tree)
    return tree


def having(index: Index, *tags: str) -> list[str]:
    return sorted(index.paths(np.flatnonzero(index.tags.all_of(tags)).tolist()))


def test_who_has_what(tree: Tree) -> None:
    index = made.opened(tree)
    assert len(index.segments) == 2
    assert having(index, "sea") == ["0.jpg", "1.jpg", "2.jpg", "3.jpg"]
    assert having(index, "sea", "sky") == ["0.jpg", "2.jpg", "3.jpg"]
    assert having(index, "dog") == []
    assert having(index, "mine") == ["1.jpg"]
    assert having(index, "gone") == []
    assert having(index, "never") == []
    assert having(index) == ["0.jpg", "1.jpg", "2.jpg", "3.jpg"]


def test_the_case_of_a_tag_matters_only_where_an_image_has_it_so(tmp_path: Path) -> None:
    tree = made.library(tmp_path)
    made.add(tree, "0.jpg", tags={"sea": 0.9, "Sea": 0.1}, user_tags={"Été": 1})
    made.add(tree, "1.jpg", user_tags={"SEA": 1})
    refresh(tree)
    index = made.opened(tree)
    assert having(index, "sea") == ["0.jpg"]
    assert having(index, "Sea") == ["0.jpg", "1.jpg"]  # below its threshold, so no image has it
    assert having(index, "e\u0301te\u0301") == ["0.jpg"]
    assert having(index, "É*") == ["0.jpg"]
    assert having(index, "s*") == having(index, "*") == ["0.jpg", "1.jpg"]
    Path(tree.sidecar("1.jpg")).unlink()
    made.add(tree, "1.jpg", user_tags={"*": 1})
    refresh(tree)
    assert having(made.opened(tree), "*") == ["1.jpg"]
    assert having(made.opened(tree), "SEA") == ["0.jpg"]  # nor one that is gone


def test_records_agree_with_postings(tree: Tree) -> None:
    index = made.opened(tree)
    for tag in index.tags.labels():
        by_record = []
        for row in range(index.size):
            record = index.record(row)
            if tag in record.user_tags or any(t.tag == tag for t in record.tags):
                by_record.append(record.path)
        assert sorted(by_record) == having(index, tag), tag


def test_the_best_score_of_several_models_counts_and_each_is_shown(tree: Tree) -> None:
    index = made.opened(tree)
    row = index.row_of("0.jpg")
    assert row is not None
    posting = index.tags.posting("sea")
    assert posting.scores[posting.rows.tolist().index(row)] == pytest.approx(0.95, abs=1e-4)
    assert [(t.tag, t.model) for t in index.record(row).tags] == [("sea", "other"), ("sea", "eyes"), ("sky", "eyes")]
    assert index.tags.counts(index.alive)["sea"] == 4


def test_thresholds_are_applied_when_read(tree: Tree) -> None:
    made.thresholds(tree, made.TAGGER, Thresholds(default=0.1, per_tag={"sky": 0.7}))
    index = made.opened(tree)
    assert having(index, "dog") == ["0.jpg"]
    assert having(index, "sky") == ["2.jpg"]
    counts = index.tags.counts(index.alive)
    assert (counts["sky"], counts["dog"], counts["mine"]) == (1, 1, 1)
    assert "gone" not in counts


def test_a_score_that_is_asked_for_stands_for_every_threshold(tree: Tree) -> None:
    made.thresholds(tree, made.TAGGER, Thresholds(default=0.99))
    index = made.opened(tree)

    def tagged(least: float, tag: str) -> list[str]:
        return sorted(index.paths(index.tags.from_score(least).posting(tag).rows.tolist()))

    assert having(index, "sky") == []
    assert tagged(0.51, "sky") == ["0.jpg", "2.jpg", "3.jpg"]
    assert tagged(0.6, "sky") == ["0.jpg", "2.jpg"]
    assert tagged(0.9, "sky") == []
    assert tagged(0.1, "dog") == ["0.jpg"], "the owner took it from the other"
    assert tagged(1.0, "sea") == ["2.jpg"], "what the owner said has every score"
    row = index.row_of("3.jpg")
    assert row is not None
    assert index.record(row).tags == []
    assert [tag.tag for tag in index.record(row, least=0.53).tags] == ["sea"]


def test_a_score_counts_only_above_its_threshold() -> None:
    assert limit_of(0.5) == 32767
    assert limit_of(0.2) == 13107  # 0.2 * 65535 exactly: a score of 0.2 is not above 0.2
    assert limit_of(0.0) == 0
    assert limit_of(-0.1) == -1
    assert limit_of(2.0) == 65535


def test_outputs_of_earlier_pixels_do_not_count(tmp_path: Path) -> None:
    tree = made.library(tmp_path)
    document = made.add(tree, "x.jpg", tags={"sea": 0.9}, seed=1)
    px = made.pixels("x.jpg", 7)
    from phototag.library import sidecars
    from phototag.sidecar import model

    document.set_machine("id", "content", model.Content(px, px, 7))
    sidecars.write(tree, "x.jpg", document)
    refresh(tree)
    index = made.opened(tree)
    assert index.record(0).tags == []
    assert index.spaces == []


said = st.dictionaries(st.sampled_from("abcd"), st.floats(0, 1), max_size=4)
owned = st.dictionaries(st.sampled_from("abcde"), st.sampled_from([1, 0, -1]), max_size=3)


@given(st.lists(st.tuples(said, said, owned), min_size=1, max_size=6), st.floats(0, 1), st.integers(0, 5))
@settings(deadline=None, max_examples=40)
def test_postings_counts_and_records_say_the_same(
    images: list[tuple[dict[str, float], dict[str, float], dict[str, int]]], limit: float, split: int
) -> None:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        tree = made.library(Path(folder))
        made.thresholds(tree, made.TAGGER, Thresholds(default=limit))
        for number, (tags, other, user) in enumerate(images):
            made.add(tree, f"{number}.jpg", tags=tags, other_tags=other, user_tags=user)
            if number == split:
                refresh(tree)
        refresh(tree)
        index = made.opened(tree)
        expected: dict[str, set[int]] = {}
        for row in range(index.size):
            if index.alive[row]:
                record = index.record(row)
                for tag in {*record.user_tags, *(t.tag for t in record.tags)}:
                    expected.setdefault(tag, set()).add(row)
        for tag in "abcde":
            assert set(index.tags.posting(tag).rows.tolist()) == expected.get(tag, set())
            assert set(np.flatnonzero(index.tags.mask(tag)).tolist()) == expected.get(tag, set())
        assert index.tags.counts(index.alive) == {tag: len(rows) for tag, rows in expected.items()}
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(tags_module, "FEW", 2.0)  # the other way of counting
            assert index.tags.counts(index.alive) == {tag: len(rows) for tag, rows in expected.items()}
