"""Adding and subtracting meanings, and fusing rankings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phototag.errors import UsageError
from phototag.search.arithmetic import direction
from phototag.search.fusion import fuse
from phototag.search.terms import parse_terms

Floats = npt.NDArray[np.float32]
AXES = {"horse": 0, "stripes": 1, "beach": 2, "people": 3, "./sea.jpg": 4}


def axis(name: str, length: float = 1.0) -> Floats:
    row = np.zeros(5, np.float32)
    row[AXES[name]] = length
    return row


def texts(words: Sequence[str]) -> Floats:
    return np.stack([axis(word, 7.0) for word in words])


def of(text: str) -> Floats:
    return direction(parse_terms(text), texts, lambda path: axis(path, 0.1))


def test_one_term_is_its_own_direction() -> None:
    assert np.allclose(of("horse"), axis("horse"))


def test_terms_count_alike_whatever_their_length() -> None:
    assert np.allclose(of("horse + stripes"), (axis("horse") + axis("stripes")) / np.sqrt(2))
    assert np.allclose(of("beach + ./sea.jpg"), (axis("beach") + axis("./sea.jpg")) / np.sqrt(2))


def test_weights_and_signs() -> None:
    found = of("2:beach + ./sea.jpg - people")
    assert np.allclose(found, (2 * axis("beach") + axis("./sea.jpg") - axis("people")) / np.sqrt(6))
    assert np.allclose(of("2:horse + 2:stripes"), of("horse + stripes"))
    assert abs(float(np.linalg.norm(found)) - 1) < 1e-6 and found.dtype == np.float32


def test_the_order_does_not_matter() -> None:
    assert np.allclose(of("horse + beach - people"), of("beach - people + horse"))


def test_texts_are_embedded_together_and_only_when_there_are_any() -> None:
    asked: list[list[str]] = []

    def spy(words: Sequence[str]) -> Floats:
        asked.append(list(words))
        return texts(words)

    direction(parse_terms("horse + ./sea.jpg - people"), spy, axis)
    direction(parse_terms("./sea.jpg"), spy, axis)
    assert asked == [["horse", "people"]]


def test_terms_that_cancel_out_are_refused() -> None:
    with pytest.raises(UsageError, match="cancel each other out"):
        of("horse - horse")


def test_reciprocal_ranks() -> None:
    fused = fuse([np.array([5, 3, 9], np.uint32), np.array([3, 7], np.uint32)])
    scores = dict(zip(fused.rows.tolist(), fused.scores.tolist(), strict=True))
    assert scores[5] == pytest.approx(0.5)
    assert scores[3] == pytest.approx((61 / 62 + 1) / 2)
    assert max(scores, key=lambda row: scores[row]) == 3
    assert scores[9] < scores[5] and scores[7] < scores[5]


@given(rankings=st.lists(st.lists(st.integers(0, 30), unique=True), max_size=4))
@settings(deadline=None)
def test_fusing_loses_and_invents_nothing(rankings: list[list[int]]) -> None:
    fused = fuse([np.array(ranking, np.uint32) for ranking in rankings])
    assert set(fused.rows.tolist()) == {row for ranking in rankings for row in ranking}
    assert all(0 < score <= 1 for score in fused.scores)
