"""``scan`` and its single steps as a person types them."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests import make, require
from tests.make import phototag


def test_first_and_second_run(tmp_path: Path) -> None:
    make.photos(tmp_path / "p", 4)
    first = phototag("scan", tmp_path / "p", "--json")
    report = json.loads(first.stdout)
    assert {k: report[k] for k in ("found", "unchanged", "written", "moved", "failed")} == {
        "found": 4, "unchanged": 0, "written": 4, "moved": 0, "failed": [],
    }  # fmt: skip
    assert "made a library of" in first.stderr
    second = json.loads(phototag("scan", tmp_path / "p", "--json", "-q").stdout)
    assert (second["written"], second["unchanged"]) == (0, 4)


def test_a_folder_inside_is_scanned_alone(tmp_path: Path) -> None:
    make.photos(tmp_path, 4)
    phototag("init", tmp_path)
    assert json.loads(phototag("scan", tmp_path / "a", "--json").stdout)["found"] == 2
    assert not (tmp_path / "a" / ".phototag").exists()


def test_failures_are_listed_and_strict_exits_3(tmp_path: Path) -> None:
    make.photos(tmp_path, 2)
    (tmp_path / "bad.jpg").write_bytes(b"nothing")
    with open(os.fsencode(tmp_path) + b"/caf\xe9.jpg", "wb") as file:
        file.write(b"")
    shown = phototag("scan", tmp_path)
    assert "2 failed" in shown.stdout
    assert "bad.jpg: " in shown.stdout
    assert "caf\\xe9.jpg: the file is empty" in shown.stdout
    strict = phototag("scan", tmp_path, "--strict", "--json", check=False)
    assert strict.returncode == 3
    failed = {one["path"]: one for one in json.loads(strict.stdout)["failed"]}
    assert failed["caf\ufffd.jpg"]["path_bytes"] == "Y2Fm6S5qcGc="


def test_an_unknown_model_touches_nothing(tmp_path: Path) -> None:
    make.photos(tmp_path, 1)
    done = phototag("scan", tmp_path, "--tagger", "no-such", check=False)
    assert done.returncode == 2
    assert "no model is called" in done.stderr
    assert not list(tmp_path.rglob("*.jpg.phototag"))


def test_weights_that_are_missing_exit_5_with_the_command(tmp_path: Path) -> None:
    make.photos(tmp_path, 1)
    done = phototag("scan", tmp_path, "--tagger", "ram++", check=False)
    assert done.returncode == 5
    assert "phototag models fetch ram_plus" in done.stderr


def test_the_single_steps(tmp_path: Path) -> None:
    make.photos(tmp_path, 2)
    assert json.loads(phototag("tag", tmp_path, "--json").stdout)["written"] == 2
    assert json.loads(phototag("embed", tmp_path, "--json").stdout)["written"] == 2
    assert json.loads(phototag("exif-backfill", tmp_path, "--json").stdout)["written"] == 2
    hashed = json.loads(phototag("scan", tmp_path, "--json", "--no-geo").stdout)
    assert hashed["written"] == 2, "the single steps leave the perceptual hash to the scan"
    phototag("scan", tmp_path)  # what none of the steps does: the perceptual hash
    assert json.loads(phototag("scan", tmp_path, "--json").stdout)["written"] == 0


def test_one_ctrl_c_finishes_what_is_in_flight_and_tells_how_to_resume(tmp_path: Path) -> None:
    for number in range(60):
        make.jpeg(tmp_path / f"{number:03}.jpg", size=(2400, 1800), seed=number + 1)
    line = ["tag", "--tagger", "builtin", "--threads", "1", str(tmp_path)]
    process = subprocess.Popen(
        [sys.executable, "-m", "phototag", *line],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 300
    while process.poll() is None and not (tmp_path / ".phototag" / "policy.phototag").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)  # the policy is written just before the first photo is read
    out, err = process.communicate(timeout=600)
    if process.returncode == 0:  # a machine so quick that everything was done
        assert "60 written" in out
        return
    assert process.returncode == 130, err
    assert f"resume with: phototag {shlex.join(line)}" in out
    assert "Traceback" not in err
    report = json.loads(phototag("scan", tmp_path, "--json").stdout)
    assert report["written"] + report["unchanged"] == 60
    assert report["failed"] == []


def test_a_damaged_sidecar_keeps_no_other_photo_from_its_place(tmp_path: Path) -> None:
    require.module("reverse_geocoder")
    for name in ("a.jpg", "b.jpg"):
        make.jpeg(tmp_path / name, seed=1, gps=(43.7, 7.25))
    phototag("scan", tmp_path, "--no-geo")
    (tmp_path / "a.jpg.phototag").write_bytes(b"junk")
    done = phototag("geo-tag", tmp_path, "--json", "--strict", check=False)
    report = json.loads(done.stdout)
    assert (done.returncode, report["written"], report["unchanged"]) == (3, 1, 0)
    assert [one["path"] for one in report["failed"]] == ["a.jpg"]


def test_a_photo_is_no_folder_to_scan(tmp_path: Path) -> None:
    (photo,) = make.photos(tmp_path, 1)
    done = phototag("scan", photo, check=False)
    assert done.returncode == 2
    assert "is a file" in done.stderr
    assert not (tmp_path / ".phototag").exists()


@pytest.mark.parametrize("command", ["scan", "init"])
def test_a_folder_made_for_its_settings_becomes_a_library(command: str, tmp_path: Path) -> None:
    make.photos(tmp_path, 1)
    (tmp_path / ".phototag").mkdir()
    (tmp_path / ".phototag" / "config.toml").write_text("threads = 1\n")
    assert "made a library" in phototag(command, tmp_path / "b").stderr
    assert (tmp_path / ".phototag" / "library.phototag").exists()
    assert len(json.loads(phototag("init", tmp_path, "--json").stdout)["library"]) == 32
