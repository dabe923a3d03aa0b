"""The scope of a run speaks of filters as everything else does; a bare word is a folder."""

from __future__ import annotations

import os

import pytest

from phototag.clustering.scope import parse_scope, scope_of_folder
from phototag.errors import UsageError
from phototag.search.filters import Filters


def test_filters_and_folders() -> None:
    assert parse_scope("") == Filters()
    assert parse_scope("2024/alps 'My photos' tag:a tag:b 'person:Ada L' rating:>=3 category:Sea") == Filters(
        path=("2024/alps", "My photos"), tags=("a", "b"), people=("Ada L",), rating=">=3", categories=("Sea",)
    )


@pytest.mark.parametrize("folder", ["2024", "My photos", "col/2024: Alps", "tag:night", 'it\'s "odd"', "path:x"])
def test_a_folder_is_a_folder_whatever_it_is_called(folder: str) -> None:
    assert parse_scope(scope_of_folder(folder)) == Filters(path=(folder,))


def test_a_folder_that_no_run_can_keep() -> None:
    with pytest.raises(UsageError, match=r"dir\\xff is not UTF-8"):
        scope_of_folder(os.fsdecode(b"dir\xff"))


@pytest.mark.parametrize("text", ["tga:x", "tag:", "cluster:many", "'open"])
def test_mistakes(text: str) -> None:
    with pytest.raises(UsageError, match=r"scope|whole number"):
        parse_scope(text)
