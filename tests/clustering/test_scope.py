"""The scope of a run speaks of filters as everything else does; a bare word is a folder."""

from __future__ import annotations

import pytest

from phototag.clustering.scope import parse_scope
from phototag.errors import UsageError
from phototag.search.filters import Filters


def test_filters_and_folders() -> None:
    assert parse_scope("") == Filters()
    assert parse_scope("2024/alps 'My photos' tag:a tag:b 'person:Ada L' rating:>=3 category:Sea") == Filters(
        path=("2024/alps", "My photos"), tags=("a", "b"), people=("Ada L",), rating=">=3", categories=("Sea",)
    )


@pytest.mark.parametrize("text", ["tga:x", "tag:", "cluster:many", "'open"])
def test_mistakes(text: str) -> None:
    with pytest.raises(UsageError, match=r"scope|whole number"):
        parse_scope(text)
