"""Several phototag processes on one library at once: nothing is lost."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from phototag.sidecar.registers import Document
from tests import make


def start(*words: str, cwd: Path) -> subprocess.Popen[str]:
    """Start a command as a process of its own."""
    command = [sys.executable, "-m", "phototag", *words]
    return subprocess.Popen(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(processes: list[subprocess.Popen[str]]) -> None:
    """Wait for all; a failure shows its output."""
    for process in processes:
        out, errors = process.communicate(timeout=600)
        assert process.returncode == 0, out + errors


def test_two_scans_at_once(tmp_path: Path) -> None:
    make.photos(tmp_path, 30)
    finish([start("scan", "-q", ".", cwd=tmp_path) for _ in range(2)])
    sidecars = list(tmp_path.rglob("*.jpg.phototag"))
    assert len(sidecars) == 30
    before = {path: path.read_bytes() for path in sidecars}
    finish([start("scan", "-q", "--force", ".", cwd=tmp_path) for _ in range(2)])
    assert {path: path.read_bytes() for path in sidecars} == before
    assert not list(tmp_path.rglob("*.tmp"))


def test_edits_during_a_scan(tmp_path: Path) -> None:
    photos = make.photos(tmp_path, 12)
    finish([start("scan", "-q", ".", cwd=tmp_path)])
    scans = [start("scan", "-q", "--force", ".", cwd=tmp_path)]
    edits = [start("tag-edit", "-q", str(photos[n]), "--add", f"tag{n}", cwd=tmp_path) for n in range(4)]
    finish([*scans, *edits])
    for number in range(4):
        document = Document.decode(Path(f"{photos[number]}.phototag").read_bytes())
        assert document.keys("utag") == [f"tag{number}"]
        assert document.keys("mtag")


def test_many_edits_of_one_image_at_once(tmp_path: Path) -> None:
    (photo,) = make.photos(tmp_path, 1)
    finish([start("scan", "-q", ".", cwd=tmp_path)])
    finish([start("tag-edit", "-q", str(photo), "--add", f"tag{n}", cwd=tmp_path) for n in range(6)])
    document = Document.decode(Path(f"{photo}.phototag").read_bytes())
    assert document.keys("utag") == [f"tag{n}" for n in range(6)]
    log = make.phototag("log", "--json", cwd=tmp_path)
    assert log.stdout.count('"op"') == 6
