"""Following clusters from run to run."""

from __future__ import annotations

from random import Random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from phototag.clustering.carry import Match, Merge, Split, compare

LABELS = st.lists(st.integers(-1, 5), min_size=0, max_size=60)


def test_renumbered_clusters_are_found_again() -> None:
    old = np.array([0, 0, 0, 1, 1, 2, 2, -1])
    new = np.array([2, 2, 2, 0, 0, 1, 1, -1])
    found = compare(old, new)
    assert {(m.old, m.new) for m in found.matches} == {(0, 2), (1, 0), (2, 1)}
    assert all(m.overlap == 1.0 for m in found.matches)
    assert found.gone == found.fresh == ()


def test_a_split_is_reported_and_carries_no_label() -> None:
    found = compare(np.array([0] * 10), np.array([0] * 5 + [1] * 5))
    assert found.splits == (Split(0, (0, 1)),)
    assert all(m.overlap <= 0.5 for m in found.matches)


def test_a_merge_is_reported() -> None:
    found = compare(np.array([0] * 6 + [1] * 4), np.array([0] * 10))
    assert found.merges == (Merge((0, 1), 0),)
    assert found.matches == (Match(0, 0, 6, 0.6),)


def test_gone_and_fresh() -> None:
    found = compare(np.array([0, 0, 0, -1, -1, -1]), np.array([-1, -1, -1, 0, 0, 0]))
    assert found.gone == (0,)
    assert found.fresh == (0,)


def test_the_assignment_is_the_best_one_not_the_greedy_one() -> None:
    """Old 0 shares most with new 0, but giving it new 1 lets old 1 live on in new 0."""
    old = np.array([0] * 6 + [0] * 5 + [1] * 9)
    new = np.array([0] * 6 + [1] * 5 + [0] * 9)
    found = compare(old, new)
    assert (1, 0) in {(m.old, m.new) for m in found.matches}


def test_no_photos_in_common() -> None:
    found = compare(np.zeros(0, np.int64), np.zeros(0, np.int64))
    assert found.matches == ()


@settings(deadline=None, max_examples=60)
@given(LABELS, st.randoms(use_true_random=False))
def test_a_matching_is_one_to_one(old: list[int], random: Random) -> None:
    new = list(old)
    random.shuffle(new)
    found = compare(np.array(old, np.int64), np.array(new, np.int64))
    assert len({m.old for m in found.matches}) == len({m.new for m in found.matches}) == len(found.matches)
    assert all(0.5 <= m.overlap <= 1.0 for m in found.matches)


@settings(deadline=None, max_examples=60)
@given(LABELS)
def test_a_run_compared_with_itself_changes_nothing(labels: list[int]) -> None:
    array = np.array(labels, np.int64)
    found = compare(array, array)
    assert {(m.old, m.new) for m in found.matches} == {(one, one) for one in set(labels) if one >= 0}
    assert (found.splits, found.merges) == ((), ())
