"""A scan killed with SIGKILL at random moments: every sidecar whole, nothing left over, the next scan completes."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from phototag import fsio
from phototag.sidecar.registers import Document
from tests import make

pytestmark = pytest.mark.xdist_group("killed")
"""One process, so that what they share is made once."""
ROUNDS = int(os.environ.get("PHOTOTAG_TEST_KILLS", "12"))
"""The full measure is 50; a dozen finds the usual mistakes and fits into every run of the tests."""
IMAGES = 60


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("originals")
    for number in range(IMAGES):
        make.jpeg(root / f"{number % 5}" / f"{number:03}.jpg", size=(320, 240), seed=number + 1, model="X100")
    return root


def links_to(originals: Path, folder: Path) -> None:
    """Fill ``folder`` with hard links to the originals: new every round, and quick."""
    for path in originals.rglob("*.jpg"):
        target = folder / path.relative_to(originals)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.link(path, target)


def start(folder: Path, *words: str) -> subprocess.Popen[bytes]:
    """Start a scan as a process of its own."""
    command = [sys.executable, "-m", "phototag", "scan", "-q", "--threads", "2", *words, str(folder)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def whole_sidecars(folder: Path) -> int:
    """Return how many sidecars there are; fail where one cannot be read."""
    found = list(folder.rglob("*.jpg.phototag"))
    for path in found:
        assert Document.decode(path.read_bytes()).keys("id") == ["birth", "content", "name"]
    return len(found)


def leftovers(folder: Path) -> list[str]:
    """Return temporary files below ``folder``."""
    return [str(path) for path in folder.rglob("*") if fsio.is_temp_name(path.name)]


@pytest.fixture(scope="module")
def duration_s(originals: Path, tmp_path_factory: pytest.TempPathFactory) -> float:
    """Return how long one undisturbed scan takes."""
    folder = tmp_path_factory.mktemp("calm") / "photos"
    links_to(originals, folder)
    begun = time.monotonic()
    process = start(folder)
    process.communicate()
    assert process.returncode == 0
    assert whole_sidecars(folder) == IMAGES
    return time.monotonic() - begun


@pytest.mark.slow
@pytest.mark.parametrize("number", range(ROUNDS))
def test_killed_at_a_random_moment(number: int, originals: Path, duration_s: float, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    links_to(originals, folder)
    process = start(folder)
    # From just after the imports to just before the end, evenly, with some chance.
    share = 0.25 + 0.75 * (number + random.Random(number).random()) / ROUNDS
    time.sleep(duration_s * share)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    whole_sidecars(folder)
    again = start(folder)
    _, errors = again.communicate(timeout=600)
    assert again.returncode == 0, errors
    assert whole_sidecars(folder) == IMAGES
    assert leftovers(folder) == []
    make.phototag("index", "verify", str(folder))
