"""Two machines that scan the same photos with the same models write the same bytes, so that sync has nothing to do."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tests import make
from tests.interop.machines import Machine
from tests.require import shared


def scanned(machine: Machine, source: Path, *, mtime: int, threads: int, **environment: str) -> dict[str, bytes]:
    """Copy ``source`` into the library, scan it as a machine set up so would, and return all sidecars."""
    for path in sorted(source.rglob("*")):
        if path.is_file():
            target = machine.root / path.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
            os.utime(target, (mtime, mtime))
    settings = [f"{name}={value}" for name, value in environment.items()]
    machine.run("env", *settings, "phototag", "scan", "-q", "--threads", str(threads))
    return {name: data for name, data in machine.sidecars().items() if not name.startswith(".phototag/")}


def test_the_same_photos_give_the_same_bytes(tmp_path: Path) -> None:
    source = tmp_path / "source"
    for n in range(12):
        path = source / f"{n % 3}" / f"fotö {n}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        taken = f"2024:0{n % 9 + 1}:11 12:13:14"
        path.write_bytes(make.encoded(make.picture((320, 240), seed=n), exif=make.exif(taken=taken, gps=(43.7, 7.26))))
    one, other = Machine(tmp_path, "one"), Machine(tmp_path / "deep" / "elsewhere", "other")
    first = scanned(one, source, mtime=1_000_000_000, threads=1, TZ="Pacific/Auckland", LC_ALL="C", PYTHONHASHSEED="1")
    second = scanned(
        other, source, mtime=1_700_000_000, threads=4, TZ="America/New_York", LC_ALL="C.UTF-8", PYTHONHASHSEED="2"
    )
    assert len(first) == 12
    assert first == second


def test_the_shared_photos_give_the_same_bytes(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    photos = [path for path in sorted(shared("photos").rglob("*")) if path.is_file() and not path.is_symlink()]
    for path in [p for p in photos if 0 < p.stat().st_size < 400_000][:40]:
        shutil.copyfile(path, source / path.name)
    one, other = Machine(tmp_path, "one"), Machine(tmp_path / "deep", "other")
    first = scanned(one, source, mtime=1_000_000_000, threads=1, TZ="Asia/Tokyo", LC_ALL="C")
    second = scanned(other, source, mtime=1_700_000_000, threads=3, TZ="UTC", LC_ALL="C.UTF-8")
    assert len(first) > 10
    assert first == second
