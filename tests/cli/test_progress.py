"""What progress says on a terminal."""

from __future__ import annotations

import io
import sys

import pytest

from phototag.cli.progress import Progress


class Terminal(io.StringIO):
    """A stderr that is one."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("columns", [48, 80])
def test_the_time_left_is_that_of_the_whole_run_and_not_of_the_last_burst(
    columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    terminal = Terminal()
    monkeypatch.setattr("phototag.cli.progress.time.monotonic", lambda: now[0])
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", str(columns))
    shown = Progress("scan", quiet=False)
    shown.start(10_000)
    now[0] += 4
    for _ in range(64):  # a batch is written: 64 photos within milliseconds
        shown.advance(1)
    assert shown._bar is not None
    shown._bar.refresh()
    assert shown.line() == "scan: 64 of 10,000 (16.0/s, 10 min 21 s left)"
    shown.close()
    assert "16.0/s, 10 min 21 s left" in terminal.getvalue()
    assert ("━" in terminal.getvalue()) == (columns == 80)  # numbers first
