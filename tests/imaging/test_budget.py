"""The pixel budget: the sum stays within it, a larger one goes alone, nobody waits for ever."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from phototag.imaging import formats
from phototag.imaging.budget import PixelBudget, decoded_px
from tests import make


def test_the_sum_in_flight_stays_within_the_budget_or_is_one() -> None:
    budget, lock, flying, seen = PixelBudget(100), threading.Lock(), [], []

    def use(count: int) -> None:
        with budget.take(count):
            with lock:
                flying.append(count)
                seen.append(list(flying))
            threading.Event().wait(0.002)
            with lock:
                flying.remove(count)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(use, [30, 40, 250, 60, 10, 100, 90, 5, 250, 20] * 3))
    assert len(seen) == 30
    assert all(sum(one) <= 100 or len(one) == 1 for one in seen)


def test_an_error_gives_its_share_back() -> None:
    budget = PixelBudget(10)
    for _ in range(3):
        try:
            with budget.take(10):
                raise ValueError
        except ValueError:
            pass
    with budget.take(10):
        pass


def test_a_baseline_jpeg_costs_its_scaled_size_and_a_progressive_one_its_coefficients() -> None:
    plain = make.encoded(make.picture((800, 600)))
    progressive = make.encoded(make.picture((800, 600)), progressive=True)
    assert decoded_px(plain, formats.JPEG, 800, 600, 75) == 800 * 600 // 64
    assert decoded_px(plain, formats.JPEG, 800, 600, 600) == 800 * 600
    assert decoded_px(progressive, formats.JPEG, 800, 600, 75) == 800 * 600 // 64 + 800 * 600 * 3 // 4
    assert decoded_px(b"", formats.PNG, 800, 600, 75) == 800 * 600
