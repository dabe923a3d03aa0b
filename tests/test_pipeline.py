"""The pipeline: ordered, bounded, stopped cleanly, and an item's error is its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phototag.errors import BrokenModelError, ImageError
from phototag.pipeline import Bounds, bounds, infer_each, run


def test_results_come_in_order_whatever_the_threads() -> None:
    def work(item: int, data: str) -> str:
        time.sleep(0.002 * (item % 3))
        return data + "!"

    outcomes = list(run(((n, 1) for n in range(40)), str, work, Bounds(4, 12)))
    assert [outcome.result for outcome in outcomes] == [f"{n}!" for n in range(40)]


def test_an_error_costs_its_item_only() -> None:
    def read(item: int) -> int:
        if item == 3:
            raise OSError("gone")
        return item

    def work(item: int, data: int) -> int:
        return 10 // (data - 5)

    outcomes = list(run(((n, 1) for n in range(8)), read, work, Bounds(2, 4)))
    assert [outcome.item for outcome in outcomes] == list(range(8))
    assert {o.item: type(o.error) for o in outcomes if o.error} == {3: OSError, 5: ZeroDivisionError}


def test_bytes_in_flight_stay_within_the_budget() -> None:
    lock = threading.Lock()
    flying = [0]
    peak = [0]

    def read(item: int) -> int:
        with lock:
            flying[0] += 40
            peak[0] = max(peak[0], flying[0])
        return item

    for _ in run(((n, 40) for n in range(50)), read, lambda item, data: data, Bounds(2, 100, budget_bytes=100)):
        with lock:
            flying[0] -= 40
    assert peak[0] <= 100


def test_a_single_item_over_the_budget_goes_through() -> None:
    outcomes = list(run([(1, 1000), (2, 1000)], str, lambda item, data: data, Bounds(1, 4, budget_bytes=10)))
    assert [o.result for o in outcomes] == ["1", "2"]


def test_after_stop_what_is_in_flight_is_finished_and_nothing_begun() -> None:
    stopped = threading.Event()
    seen = []
    for outcome in run(((n, 1) for n in range(100)), str, lambda i, d: d, Bounds(1, 5), stopped.is_set):
        seen.append(outcome.item)
        stopped.set()
    assert seen == list(range(len(seen)))
    assert 1 <= len(seen) <= 6


@given(st.lists(st.integers(0, 9), max_size=30))
@settings(deadline=None, max_examples=60)
def test_a_poisoned_item_costs_itself_not_its_batch(items: list[int]) -> None:
    def infer(batch: Sequence[int]) -> list[int]:
        if 7 in batch:
            raise ValueError("poison")
        return [item * 2 for item in batch]

    results = infer_each(infer, items)
    assert [r if isinstance(r, int) else type(r) for r in results] == [ValueError if i == 7 else i * 2 for i in items]


def test_what_is_wrong_with_the_model_is_not_blamed_on_the_images() -> None:
    calls = []

    def infer(batch: Sequence[int]) -> list[int]:
        calls.append(len(batch))
        raise BrokenModelError("cannot load visual.onnx")

    with pytest.raises(BrokenModelError):
        infer_each(infer, range(8))
    assert calls == [8]

    def poisoned(batch: Sequence[int]) -> list[int]:
        if 3 in batch:
            raise ImageError("the model's answer is not a number")
        return list(batch)

    assert [type(result) for result in infer_each(poisoned, range(5))] == [int, int, int, ImageError, int]


def test_bounds_default_to_the_cores() -> None:
    assert bounds().threads >= 1
    assert bounds(3).threads == 3
