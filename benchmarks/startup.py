"""``phototag --help`` and ``version`` against a bare ``import click, msgspec`` process."""

from __future__ import annotations

import sys

from benchmarks.row import Row, process, side_by_side


def rows() -> list[Row]:
    """Measure both commands."""
    bare = process([sys.executable, "-c", "import click, msgspec"])
    made = []
    for args in (["--help"], ["version"]):
        ours, theirs, ratio = side_by_side(process([sys.executable, "-m", "phototag", *args]), bare, runs=15)
        detail = f"{ours * 1000:.0f} ms, bare {theirs * 1000:.0f} ms"
        made.append(Row(f"phototag {args[0]}", ratio, 1.3, detail=detail))
    return made
