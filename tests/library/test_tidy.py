"""What a scan does before it works, seen through the command line on real images."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from phototag.cli.main import run
from phototag.library import documents, moves, tidy
from phototag.library.walk import walk
from tests import make
from tests.library.replicas import Replica


@pytest.fixture
def library(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "photos"
    root.mkdir()
    for n in range(3):
        (root / f"{n}.jpg").write_bytes(make.encoded(make.picture(seed=n + 1)))
    monkeypatch.chdir(root)
    assert run(["scan", "-q", str(root)]) == 0
    capfdbinary.readouterr()
    return root


def scan(capfdbinary: pytest.CaptureFixture[bytes]) -> dict[str, Any]:
    assert run(["scan", "--json", "-q"]) == 0
    found = json.loads(capfdbinary.readouterr().out)
    assert isinstance(found, dict)
    return found


def test_a_scan_follows_a_moved_picture_and_computes_nothing_again(
    library: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    run(["rate", "5", "1.jpg", "-q"])
    (library / "1.jpg").rename(library / "neu.jpg")
    found = scan(capfdbinary)
    assert (found["moved"], found["found"], found["failed"]) == (1, 3, [])
    assert not (library / "1.jpg.phototag").exists()
    run(["info", "neu.jpg", "--json"])
    assert json.loads(capfdbinary.readouterr().out)["rating"] == 5
    assert scan(capfdbinary) | {"seconds": 0} == {
        "found": 3, "unchanged": 3, "written": 0, "moved": 0, "failed": [], "seconds": 0,
    }  # fmt: skip


def test_a_scan_joins_conflict_copies(library: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    shutil.copy("1.jpg.phototag", "1.jpg.sync-conflict-20240501-101500-ABCDEFG.phototag")
    scan(capfdbinary)
    assert sorted(os.listdir()) == sorted(
        [".phototag", *(f"{n}.jpg" for n in range(3)), *(f"{n}.jpg.phototag" for n in range(3))]
    )


def test_an_absent_annexed_picture_is_no_failure_and_keeps_its_words(
    library: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    run(["tag-edit", "1.jpg", "--add", "dog", "-q"])
    before = (library / "1.jpg.phototag").read_bytes()
    (library / "1.jpg").unlink()
    (library / "1.jpg").symlink_to(".git/annex/objects/xx/yy/SHA256E-s9--00.jpg/SHA256E-s9--00.jpg")
    (library / "2.jpg").write_bytes(b"/annex/objects/SHA256E-s9--11.jpg\n")
    assert scan(capfdbinary)["failed"] == []
    assert (library / "1.jpg.phototag").read_bytes() == before
    capfdbinary.readouterr()
    assert run(["list", "--absent", "--paths"]) == 0
    assert capfdbinary.readouterr().out.split() == [b"1.jpg", b"2.jpg"]
    assert run(["list", "--tag", "dog", "--absent", "--print0"]) == 0
    assert capfdbinary.readouterr().out == b"1.jpg\0"


def test_an_absent_picture_nobody_knows_is_a_failure_with_a_way_forward(
    library: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    (library / "new.jpg").symlink_to(".git/annex/objects/xx/yy/SHA256E-s9--22.jpg/SHA256E-s9--22.jpg")
    (failed,) = scan(capfdbinary)["failed"]
    assert failed["path"] == "new.jpg"
    assert "git annex get" in failed["reason"]


def test_a_tidy_library_costs_no_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a = Replica(tmp_path)
    a.scanned("a.jpg")
    a.image("new.jpg")
    monkeypatch.setattr(moves, "relink", lambda *args: pytest.fail("looked for strays"))
    assert not tidy.tidy(a.tree, list(walk(a.tree)), set()).changed


def test_of_two_sidecars_for_one_place_the_image_has_its_own(tmp_path: Path) -> None:
    """Two pictures swapped names here; another device said something under the old names: its sidecar won the place."""
    a = Replica(tmp_path)
    for n, rel in enumerate(("a.jpg", "b.jpg")):
        a.rate(a.scanned(rel, b"x" * (n + 1)), n + 1)
    first = (a.root / "a.jpg.phototag").read_bytes()
    second = (a.root / "b.jpg.phototag").read_bytes()
    for old, new in (("a.jpg", "t"), ("b.jpg", "a.jpg"), ("t", "b.jpg")):
        (a.root / old).rename(a.root / new)
    moves.relink(a.tree)
    (a.root / "a.jpg.phototag").write_bytes(first)
    (a.root / "a.jpg.sync-conflict-20240501-101500-ABCDEFG.phototag").write_bytes(second)
    assert tidy.tidy(a.tree, list(walk(a.tree)), set()).changed
    assert (a.rating("a.jpg"), a.rating("b.jpg")) == (2, 1)
    assert documents.list_documents(a.tree, "orphans") == []
