"""The main job on real photos and on every odd file we know: it scans to the end, then every command answers."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from phototag.sidecar.naming import sidecar_name
from phototag.sidecar.registers import Document
from tests import make, require
from tests.conftest import point_home

pytestmark = pytest.mark.xdist_group("everything")
"""One process, so that what they share is made once."""
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>'
BYTES_NAME = b"caf\xe9.jpg"
LONG_NAME = "l" * 246 + ".jpg"


def add_odd_files(folder: Path) -> None:
    """Put into ``folder`` what real trees hold besides photos."""
    good = make.encoded(make.picture(seed=5), quality=80)
    folder.mkdir()
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "vector.jpg").write_bytes(SVG)
    (folder / "text.png").write_bytes(b"this is not an image\n" * 40)
    (folder / "cut.jpg").write_bytes(good[: len(good) * 2 // 3])
    (folder / "dangling.jpg").symlink_to("nowhere.jpg")
    (folder / "loop.jpg").symlink_to("loop.jpg")
    (folder / "broken-disk.jpg").symlink_to("/proc/self/mem")  # opens well; reading it is an I/O error
    (folder / "folder.jpg").mkdir()
    os.mkfifo(folder / "pipe.jpg")
    (folder / LONG_NAME).write_bytes(good)
    (folder / os.fsdecode(BYTES_NAME)).write_bytes(good)
    (folder / "new\nline.jpg").write_bytes(make.encoded(make.picture(seed=6), quality=80))
    (folder / "-dash.jpg").write_bytes(make.encoded(make.picture(seed=7), quality=80))
    (folder / "really-a-png.jpg").write_bytes(make.encoded(make.picture(seed=8), "PNG"))
    (folder / "grey16.png").write_bytes(make.encoded(make.picture(seed=9).convert("I;16"), "PNG"))
    (folder / "cmyk.jpg").write_bytes(make.encoded(make.picture(seed=10).convert("CMYK"), quality=80))
    palette = make.picture(seed=11).convert("P")
    (folder / "palette.png").write_bytes(make.encoded(palette, "PNG", transparency=0))
    frames = [make.picture(seed=seed) for seed in (12, 13, 14)]
    (folder / "moving.gif").write_bytes(make.encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    make.jpeg(folder / "when.jpg", seed=15, taken="0000:00:00 00:00:00", model="\x00\x00junk")
    (folder / ".hidden").mkdir()
    (folder / ".hidden" / "no.jpg").write_bytes(good)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the home of all tests here: they share one library, so they share its cache."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(autouse=True)
def at_home(home: Path, sealed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Be at that home."""
    point_home(monkeypatch, home)


@pytest.fixture(scope="module")
def library(home: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """Return the shared photos and the odd files, scanned once, and what the scan said."""
    root = tmp_path_factory.mktemp("everything") / "photos"
    if require.SHARED_DATA.exists():
        shutil.copytree(require.SHARED_DATA / "photos", root, symlinks=True)
    else:
        make.photos(root, 6)
    for path in (root, *root.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() else 0o644)
    add_odd_files(root / "odd")
    with pytest.MonkeyPatch.context() as patch:
        point_home(patch, home)
        done = make.phototag("scan", "--json", str(root))
    assert "Warning" not in done.stderr
    assert "Traceback" not in done.stderr
    return root, json.loads(done.stdout)


def name_of(entry: dict[str, str]) -> str:
    """Return the path of an entry of a JSON answer, whatever its bytes."""
    return os.fsdecode(base64.b64decode(entry["path_bytes"])) if "path_bytes" in entry else entry["path"]


def test_each_file_has_a_sidecar_or_a_named_reason(library: tuple[Path, dict[str, Any]]) -> None:
    root, report = library
    failed = {name_of(one): one["reason"] for one in report["failed"]}
    assert all(reason and "\n" not in reason for reason in failed.values())
    images = failed.keys() - {"odd/loop.jpg", "odd/pipe.jpg"}  # named, but no files
    assert report["found"] == report["written"] + report["unchanged"] + len(images)
    assert report["found"] >= 12
    for name in ("empty.jpg", "vector.jpg", "text.png", "broken-disk.jpg", "loop.jpg", "pipe.jpg", "dangling.jpg"):
        assert f"odd/{name}" in failed
    for name in ("cut.jpg", LONG_NAME, os.fsdecode(BYTES_NAME), "new\nline.jpg", "-dash.jpg", "grey16.png", "cmyk.jpg"):
        assert f"odd/{name}" not in failed, failed
        document = Document.decode((root / "odd" / sidecar_name(name)).read_bytes())
        assert document.get("id", "name", bytes) == os.fsencode(name)
        assert document.keys("mtag")
        assert document.keys("emb")
    assert Document.decode((root / "odd" / "when.jpg.phototag").read_bytes()).keys("exif") == ["v1"]
    assert not (root / "odd" / ".hidden" / "no.jpg.phototag").exists()


def test_a_second_scan_writes_nothing(library: tuple[Path, dict[str, Any]]) -> None:
    root, first = library
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*.phototag")}
    again = json.loads(make.phototag("scan", "--json", str(root)).stdout)
    assert again["written"] == 0
    assert [name_of(one) for one in again["failed"]] == [name_of(one) for one in first["failed"]]
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*.phototag")} == before


def test_strict_tells_scripts(library: tuple[Path, dict[str, Any]]) -> None:
    root, _ = library
    assert make.phototag("scan", "-q", "--strict", str(root), check=False).returncode == 3


def test_bytes_in_names_travel_through_pipes(library: tuple[Path, dict[str, Any]]) -> None:
    root, _ = library
    listed = make.phototag("list", "odd", "--print0", cwd=root).stdout.split("\0")
    for name in (os.fsdecode(BYTES_NAME), "new\nline.jpg", LONG_NAME):
        assert f"odd/{name}" in listed
    shown = json.loads(make.phototag("info", os.path.join("odd", os.fsdecode(BYTES_NAME)), "--json", cwd=root).stdout)
    assert name_of(shown) == f"odd/{os.fsdecode(BYTES_NAME)}"


@pytest.mark.parametrize(
    "line",
    [
        "list --json",
        "list --tag landscape --sort -taken --json",
        "list --camera Canon --json",
        "query canon --json",
        "similar odd/cut.jpg --json",
        "info odd/cut.jpg --json",
        "stats --json",
        "export --format json",
        "index status --json",
        "index verify --json",
        "log --json",
        "version --json",
    ],
)
def test_every_question_is_answered(line: str, library: tuple[Path, dict[str, Any]]) -> None:
    root, _ = library
    done = make.phototag(*line.split(), cwd=root)
    json.loads(done.stdout)
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("fmt", ["csv", "jsonl", "parquet"])
def test_every_export_is_written(fmt: str, library: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    root, _ = library
    out = tmp_path / f"all.{fmt}"
    make.phototag("export", "--format", fmt, "--out", str(out), cwd=root)
    assert out.stat().st_size > 500


def test_an_unreadable_file_costs_only_itself(tmp_path: Path) -> None:
    photos = make.photos(tmp_path, 3)
    photos[0].chmod(0)
    report = json.loads(make.phototag("scan", "--json", str(tmp_path), bound_by_permissions=True).stdout)
    assert report["written"] == 2
    assert "permission" in report["failed"][0]["reason"].lower()


def test_make_run_ends_with_a_library(tmp_path: Path) -> None:
    """``make run`` on a folder, from anywhere and without a home, as the README says it; the viewer is left out."""
    make_tool = require.tool("make")
    if not (require.REPOSITORY / ".venv" / ".run-ready").exists():
        pytest.skip("no .venv made by 'make run' or 'make test' here")
    photos = tmp_path / 'My "photos" `x`'
    make.photos(photos, 3)
    done = subprocess.run(
        [make_tool, "-C", require.REPOSITORY, "run", f"PHOTOS={photos}", "NOSERVE=1"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "HOME"}},
    )
    assert done.returncode == 0, done.stderr
    assert "3 images: 3 written" in done.stdout
    advice = next(line for line in done.stdout.splitlines() if line.startswith("  cd "))
    there = subprocess.run(["bash", "-c", f"{advice} && pwd -P"], capture_output=True, text=True, check=True)
    assert Path(there.stdout.removesuffix("\n")) == photos.resolve()
    assert len(list(photos.rglob("*.jpg.phototag"))) == 3
