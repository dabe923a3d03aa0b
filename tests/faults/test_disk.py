"""Full disks and folders that cannot be written: a plain error, the right exit code, nothing lost."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from phototag.sidecar.registers import Document
from tests import locking, make


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system of 1 MB; skip where that is not allowed."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    if os.geteuid() != 0 or mount is None:
        pytest.skip("mounting a small file system needs root; tests/scan fakes the full disk")
    done = subprocess.run(
        [mount, "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def fill(folder: Path, *, leave: int) -> Path:
    """Fill the disk but for ``leave`` bytes; return the file that takes the room."""
    stat = os.statvfs(folder)
    ballast = folder / "ballast"
    ballast.write_bytes(b"\0" * max(stat.f_bavail * stat.f_frsize - leave, 0))
    return ballast


def test_disk_full_in_a_scan(small_disk: Path) -> None:
    make.photos(small_disk / "photos", 24)
    ballast = fill(small_disk, leave=48 * 1024)
    done = make.phototag("scan", str(small_disk / "photos"), check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "disk is full" in done.stderr
    assert "Traceback" not in done.stderr
    for path in small_disk.rglob("*.jpg.phototag"):
        Document.decode(path.read_bytes())
    ballast.unlink()
    make.phototag("scan", str(small_disk / "photos"))
    assert len(list(small_disk.rglob("*.jpg.phototag"))) == 24
    assert list(small_disk.rglob("*.tmp")) == []


def test_disk_full_in_a_decision(small_disk: Path) -> None:
    photos = make.photos(small_disk / "photos", 2)
    make.phototag("scan", str(small_disk / "photos"))
    sidecar = Path(f"{photos[0]}.phototag")
    before = sidecar.read_bytes()
    ballast = fill(small_disk, leave=0)
    done = make.phototag("caption", str(photos[0]), "--text", "x" * 9000, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "disk is full" in done.stderr
    assert sidecar.read_bytes() == before
    ballast.unlink()
    make.phototag("caption", str(photos[0]), "sea")
    assert Document.decode(sidecar.read_bytes()).get("user", "caption", str) == "sea"


@pytest.fixture
def read_only_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount the folder of a library read-only; skip where that is not allowed."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("mounting read-only needs root")
    if subprocess.run(["mount", "-t", "tmpfs", "tmpfs", folder], check=False, capture_output=True).returncode != 0:
        pytest.skip("no file system can be mounted here")
    make.photos(folder / "photos", 3)
    subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
    yield folder / "photos"
    subprocess.run(["umount", "-l", folder], check=True)


def test_read_only_library_is_used_through_an_overlay(read_only_disk: Path) -> None:
    done = make.phototag("scan", str(read_only_disk))
    assert "overlay" in done.stderr
    make.phototag("rate", "4", str(read_only_disk / "b" / "IMG_0000.jpg"))
    listed = make.phototag("list", "--rating", "4", "--paths", cwd=read_only_disk)
    assert listed.stdout == "b/IMG_0000.jpg\n"
    assert not list(read_only_disk.rglob("*.phototag"))


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[Path]:
    """Make a library of which one folder, ``a``, cannot be written, also not by root."""
    make.photos(tmp_path / "photos", 4)
    folder = tmp_path / "photos" / "a"
    with locking.locked(folder):
        yield folder


def test_a_folder_without_permission_costs_only_its_images(locked: Path) -> None:
    done = make.phototag("scan", str(locked.parent), check=False)
    assert "a/IMG_0001.jpg: cannot write" in done.stdout, done.stdout + done.stderr
    assert "permission denied" in done.stdout
    assert "Traceback" not in done.stderr
    assert len(list((locked.parent / "b").glob("*.phototag"))) == 2
    refused = make.phototag("rate", "3", str(locked / "IMG_0001.jpg"), check=False)
    assert refused.returncode == 1
    assert "permission denied" in refused.stderr
