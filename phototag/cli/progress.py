"""Progress on stderr: a bar with rate and time left on a terminal, a plain line every few seconds otherwise."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

EVERY_S = 5.0
"""Between two plain lines."""
ROOM_FOR_A_BAR = 70
"""Columns: in a narrower terminal the numbers need them all."""


class Progress:
    """One task with a known total; ``advance`` may be called as often as one likes."""

    def __init__(self, label: str, *, quiet: bool) -> None:
        self.label, self.quiet = label, quiet
        self.total, self.done = 0, 0
        self.begun = self.shown = time.monotonic()
        self._bar: RichProgress | None = None
        self._task: Any = None

    def look(self, found: int) -> None:
        """Show that the walk has found ``found`` images so far."""
        if self._due():
            click.echo(f"{self.label}: found {found:,} images so far", err=True)

    def start(self, total: int) -> None:
        """Begin, with ``total`` steps ahead."""
        self.total, self.begun, self.shown = total, time.monotonic(), time.monotonic()
        if not self.quiet and total and sys.stderr.isatty():
            self._bar = _bar(self)
            self._task = self._bar.add_task(self.label, total=total)
            self._bar.start()

    def advance(self, count: int) -> None:
        """Note ``count`` more steps."""
        self.done += count
        if self._bar is not None:
            self._bar.advance(self._task, count)
        elif self._due():
            click.echo(self.line(), err=True)

    def notice(self, text: str) -> None:
        """Print a line above the bar."""
        if not self.quiet:
            from phototag.fsio import display

            if self._bar is not None:
                self._bar.console.print(display(text), markup=False, highlight=False)
            else:
                click.echo(display(text), err=True)

    def line(self) -> str:
        """Return the plain line: how far, how fast, how long still."""
        return f"{self.label}: {self.done:,} of {self.total:,} ({self.pace()})"

    def pace(self) -> str:
        """Return how fast it goes and how long still, on the average since the start.

        Steps come in bursts (a batch of photos at once), so the last few alone would say anything.
        """
        rate = self.done / max(time.monotonic() - self.begun, 1e-9)
        left = "" if rate == 0 else f", {duration(max(self.total - self.done, 0) / rate)} left"
        return f"{rate:.1f}/s{left}"

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _due(self) -> bool:
        if self.quiet or self._bar is not None or time.monotonic() - self.shown < EVERY_S:
            return False
        self.shown = time.monotonic()
        return True


@contextmanager
def progress(label: str, *, quiet: bool) -> Iterator[Progress]:
    """Show progress while the block runs."""
    shown = Progress(label, quiet=quiet)
    try:
        yield shown
    finally:
        shown.close()


@contextmanager
def graceful_stop(tell: Callable[[str], None]) -> Iterator[Callable[[], bool]]:
    """Give a function that turns true on the first Ctrl-C (or SIGTERM); a second Ctrl-C stops at once."""
    asked: list[int] = []

    def ask(number: int, frame: FrameType | None) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)
        tell("stopping: finishing the images in flight (Ctrl-C again to stop at once)")

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def duration(seconds: float) -> str:
    """Return ``seconds`` as a person says it: ``8 s``, ``3 min 20 s``, ``2 h 5 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _bar(shown: Progress) -> RichProgress:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, Task, TextColumn
    from rich.progress import Progress as RichProgress
    from rich.text import Text

    class Pace(ProgressColumn):
        """How fast, how long still."""

        def render(self, task: Task) -> Text:
            """Return what the plain line says."""
            return Text(shown.pace(), no_wrap=True)

    console = Console(stderr=True)
    bar = [BarColumn()] if console.width >= ROOM_FOR_A_BAR else []
    return RichProgress(
        TextColumn("{task.description}"), *bar, MofNCompleteColumn(), Pace(), console=console, transient=True
    )
