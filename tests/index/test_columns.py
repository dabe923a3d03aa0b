"""Arrow columns read as numpy: finding a text among rows."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from phototag.index import columns

TEXTS = st.lists(st.text("ab\u00e9", max_size=3), min_size=1, max_size=8)


@given(texts=TEXTS, wanted=st.text("ab\u00e9", max_size=3), ends=st.tuples(st.integers(0, 8), st.integers(0, 8)))
def test_a_text_is_found_in_the_rows_that_are_asked_for(texts: list[str], wanted: str, ends: tuple[int, int]) -> None:
    first, last = sorted(min(end, len(texts)) for end in ends)
    found = list(columns.find(pa.array(texts, pa.string()), wanted, first, last - first))
    assert found == [row for row in range(first, last) if texts[row] == wanted]
