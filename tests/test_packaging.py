"""What is shipped: the wheel and the source archive hold what they should and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

from tests.require import REPOSITORY


def shipped(builder: Any) -> set[str]:
    """Return the paths inside of the archive that ``builder`` would write, without its metadata."""
    return {file.distribution_path for file in builder.recurse_included_files()}


def test_the_wheel_holds_every_file_of_the_package(require_module: Callable[[str], ModuleType]) -> None:
    require_module("hatchling")
    from hatchling.builders.wheel import WheelBuilder

    ours = {
        path.relative_to(REPOSITORY).as_posix()
        for path in (REPOSITORY / "phototag").rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert {"phototag/py.typed", "phototag/serve/static/viewer.js"} <= ours
    assert shipped(WheelBuilder(str(REPOSITORY))) == ours


def test_the_source_archive_holds_what_is_named_and_no_tests(require_module: Callable[[str], ModuleType]) -> None:
    """A pattern without a leading slash once brought ``tests/docs`` along."""
    require_module("hatchling")
    from hatchling.builders.sdist import SdistBuilder

    found = shipped(SdistBuilder(str(REPOSITORY)))
    assert {path.partition("/")[0] for path in found} == {"phototag", "docs", "schemas", "examples", "CHANGELOG.md"}
