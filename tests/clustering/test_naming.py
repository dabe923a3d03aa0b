"""Names: the telling words, place and season where they set apart, never twice the same."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from phototag.clustering.naming import name_clusters
from tests.clustering.made import words


def test_the_telling_tag_wins_over_the_common_one() -> None:
    tags = [["outdoor", "beach"]] * 10 + [["outdoor", "forest"]] * 10
    found = name_clusters(np.array([0] * 10 + [1] * 10), words(tags))
    assert [named.terms[0].term for named in found] == ["beach", "forest"]
    assert "beach" in found[0].name
    assert found[0].terms[0].weight > 0.5


def test_equal_names_are_told_apart_by_further_terms() -> None:
    tags = [["dog", "sofa"]] * 5 + [["dog", "snow"]] * 5
    names = [named.name for named in name_clusters(np.array([0] * 5 + [1] * 5), words(tags))]
    assert len(set(names)) == 2


def test_nothing_to_tell_apart_gets_a_number() -> None:
    names = [named.name for named in name_clusters(np.array([0, 0, 1, 1]), words([["dog"]] * 4))]
    assert names == ["dog", "dog 2"]


def test_without_tags_a_cluster_still_has_a_name() -> None:
    names = [named.name for named in name_clusters(np.array([0, 0, 1, 1]), words([[]] * 4))]
    assert names == ["untagged", "untagged 2"]


def test_place_and_season_only_where_they_distinguish() -> None:
    tags = [["beach"]] * 8 + [["town"]] * 8
    places = ["Nice"] * 8 + ["Paris", "Lyon", "Nice", "Lille"] * 2
    months = [7] * 8 + [1, 4, 7, 10] * 2
    found = name_clusters(np.array([0] * 8 + [1] * 8), words(tags, places=places, months=months))
    assert found[0].name == "beach · Nice in summer"
    assert found[1].name == "town"


def test_a_place_that_everything_shares_says_nothing() -> None:
    tags = [["beach"]] * 4 + [["town"]] * 4
    found = name_clusters(np.array([0] * 4 + [1] * 4), words(tags, places=["Nice"] * 8))
    assert [named.name for named in found] == ["beach", "town"]


def test_july_is_winter_in_the_south() -> None:
    tags = [["beach"]] * 4 + [["town"]] * 4
    found = name_clusters(np.array([0] * 4 + [1] * 4), words(tags, months=[7] * 4 + [1] * 4, south=True))
    assert [named.name for named in found] == ["beach in winter", "town in summer"]


def test_a_tag_that_repeats_another_is_left_out() -> None:
    found = name_clusters(np.array([0, 0, 1]), words([["beach chair", "beach"]] * 2 + [["cat"]]))
    assert found[0].name in ("beach", "beach chair")


def test_all_noise_has_no_names() -> None:
    assert name_clusters(np.array([-1, -1]), words([["dog"], []])) == []


@settings(deadline=None, max_examples=80)
@given(
    st.lists(st.tuples(st.integers(-1, 6), st.lists(st.sampled_from("abcde"), max_size=3, unique=True)), max_size=40)
)
def test_no_two_clusters_share_a_name(photos: list[tuple[int, list[str]]]) -> None:
    labels = np.array([label for label, _ in photos], np.int64)
    names = [named.name.casefold() for named in name_clusters(labels, words([tags for _, tags in photos]))]
    assert len(set(names)) == len(names) == labels.max(initial=-1) + 1
