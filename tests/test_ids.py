"""Stamps: an edit made after seeing a value wins, whatever the clocks say."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from phototag import ids

MS = st.integers(0, 10**13)


@given(MS, st.integers(0, 1 << 61))
def test_an_edit_comes_after_everything_it_saw(now_ms: int, seen: int) -> None:
    stamp = ids.Clock(b"device", lambda: now_ms).stamp_after(seen)
    assert seen < stamp < ids.STAMP_LIMIT
    assert stamp >= now_ms << 16


@given(MS)
def test_a_stamp_holds_its_milliseconds(now_ms: int) -> None:
    assert ids.stamp_ms(ids.Clock(b"device", lambda: now_ms).stamp_after(0)) == max(now_ms, 0)


def test_device_ids_are_random_and_short() -> None:
    made = {ids.new_device() for _ in range(50)}
    assert len(made) == 50
    assert all(ids.is_device_text(one.hex()) for one in made)
    assert not ids.is_device_text("0123456789AB")
    assert not ids.is_device_text("../../etc")
