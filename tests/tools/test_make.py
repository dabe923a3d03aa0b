"""``make run`` and ``make clean`` as a person types them, with an environment that only notes what it is asked."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests import require
from tests.require import REPOSITORY

NOTES = '#!/bin/sh\nprintf "%s|" "$@" >> "$(dirname "$0")/asked"\necho >> "$(dirname "$0")/asked"\n'


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Return a clone whose ``.venv`` is older than ``pyproject.toml`` and whose pip cannot reach anything."""
    root = tmp_path / "a clone"
    shutil.copytree(REPOSITORY / "tools", root / "tools")
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(REPOSITORY / name, root / name)
    (root / ".venv/bin").mkdir(parents=True)
    for name, text in (("python", "#!/bin/sh\nexit 1\n"), ("phototag", NOTES)):
        (root / ".venv/bin" / name).write_text(text)
        (root / ".venv/bin" / name).chmod(0o755)
    stamp = root / ".venv/.run-ready"
    stamp.touch()
    os.utime(stamp, (1_600_000_000, 1_600_000_000))
    return root


def make(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([require.tool("make"), *words], cwd=root, capture_output=True, text=True, check=False)


def asked(root: Path) -> list[list[str]]:
    lines = (root / ".venv/bin/asked").read_text().splitlines()
    return [line.split("|")[:-1] for line in lines]


def test_a_folder_with_any_name_is_scanned_and_shown_without_a_network(clone: Path, tmp_path: Path) -> None:
    photos = tmp_path / 'it\'s `my` "photos" & more'
    photos.mkdir()
    done = make(clone, "run", f"PHOTOS={photos}", "PORT=9000", "OPEN=0")
    assert done.returncode == 0, done.stderr
    assert "going on with what .venv holds" in done.stderr
    assert asked(clone)[1:] == [["scan", str(photos)], ["serve", str(photos), "--port", "9000", "--no-open"]]


def test_an_environment_that_does_not_work_is_an_error(clone: Path) -> None:
    (clone / ".venv/bin/phototag").unlink()
    done = make(clone, "run", "NOSERVE=1")
    assert done.returncode != 0
    assert "going on with what" not in done.stderr


def test_a_folder_that_is_not_there_is_named(clone: Path) -> None:
    done = make(clone, "run", "PHOTOS=nowhere")
    assert done.returncode != 0
    assert "PHOTOS=nowhere is not a folder" in done.stderr


def test_clean_leaves_what_make_did_not_make(clone: Path) -> None:
    for name in ("phototag", "tests", "tools", "examples", "benchmarks", "my photos"):
        (clone / name / "__pycache__").mkdir(parents=True)
    assert make(clone, "clean").returncode == 0
    assert not (clone / ".venv").exists()
    assert not (clone / "tools/__pycache__").exists()
    assert (clone / "my photos/__pycache__").exists()
