"""``phototag doctor``: each thing that can be wrong is found, named with what mends it, and mended where that is safe."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest

from phototag import fsio
from phototag.cli.main import run
from phototag.cli.shapes import shapes
from phototag.sidecar import codec
from phototag.upkeep import health
from tests import require
from tests.library.replicas import Replica
from tests.make import phototag

COPY = ".sync-conflict-20240501-101500-ABCDEFG.phototag"
Out = pytest.CaptureFixture[str]


@pytest.fixture
def a(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Replica:
    """Return a library with two scanned images, as the current folder."""
    a = Replica(tmp_path)
    a.scanned("x.jpg")
    a.scanned("2024/y.jpg", b"y")
    monkeypatch.chdir(a.root)
    return a


def doctor(capsys: Out, *words: str) -> tuple[int, Any]:
    """Return the exit code and the JSON of ``phototag doctor``, held to its published shape."""
    capsys.readouterr()
    code = run(["doctor", *words, "--json", "-q"])
    found = json.loads(capsys.readouterr().out)
    msgspec.convert(found, shapes()["doctor"])
    return code, found


def test_a_library_in_order_is_well(a: Replica, capsys: Out) -> None:
    assert doctor(capsys) == (0, {"ok": True, "problems": [], "fixed": 0})
    assert run(["doctor"]) == 0
    assert "all is well" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["x.jpg.phototag", ".phototag/people/1.phototag"])
def test_a_sidecar_that_is_a_link_is_named(a: Replica, capsys: Out, tmp_path: Path, name: str) -> None:
    Path(name).parent.mkdir(exist_ok=True)
    (tmp_path / "object").write_bytes(Path("x.jpg.phototag").read_bytes())
    Path(name).unlink(missing_ok=True)
    Path(name).symlink_to(tmp_path / "object")
    code, found = doctor(capsys)
    (problem,) = found["problems"]
    assert (code, problem["path"], problem["what"]) == (4, name, "is a symbolic link, not a sidecar")
    assert "git annex unannex" in problem["mend"]


def test_what_git_refuses_is_told(a: Replica, capsys: Out, monkeypatch: pytest.MonkeyPatch) -> None:
    require.tool("git")
    subprocess.run(["git", "init", "-q"], check=True)
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    code, found = doctor(capsys)
    (problem,) = found["problems"]
    assert (code, problem["path"]) == (4, "")
    assert "dubious ownership" in problem["what"]
    assert problem["mend"].startswith("git config --global --add safe.directory ")
    assert run(["sync", "setup", "git"]) == 1
    told = capsys.readouterr().err
    assert "dubious ownership" in told
    assert "safe.directory" in told
    assert "make it one" not in told


@pytest.mark.parametrize(
    ("data", "what", "mend"),
    [
        (b"", "empty", "restore it"),
        (b"junk" * 20, "first bytes", "restore it"),
        (b"/annex/objects/SHA256E-s1--0.phototag\n", "pointer", "git annex get"),
        (codec.encode({}, version=2), "newer", "upgrade phototag"),
    ],
    ids=["empty", "junk", "pointer", "newer"],
)
@pytest.mark.parametrize("name", ["2024/y.jpg.phototag", ".phototag/people/1.phototag"])
def test_a_file_that_cannot_be_read_is_named_with_what_to_do(
    a: Replica, capsys: Out, name: str, data: bytes, what: str, mend: str
) -> None:
    Path(name).parent.mkdir(exist_ok=True)
    Path(name).write_bytes(data)
    code, found = doctor(capsys)
    (problem,) = found["problems"]
    assert (code, found["ok"], problem["path"]) == (4, False, name)
    assert what in problem["what"]
    assert mend in problem["mend"]
    assert Path(name).read_bytes() == data


def test_copies_and_leftovers_are_found_and_mended(a: Replica, capsys: Out) -> None:
    b_words = a.sidecar("x.jpg")
    b_words.put("utag", "beach", 1 << 50, b"\x02" * 6, b"\x01")
    Path(f"x.jpg{COPY}").write_bytes(b_words.encode())
    name = f"{fsio.TEMP_PREFIX}0123456789ab.tmp"
    left = [Path(folder, name) for folder in ("2024", ".phototag", ".phototag/people")]
    for path in left:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"half")
    code, found = doctor(capsys)
    assert (code, {one["path"] for one in found["problems"]}) == (4, {f"x.jpg{COPY}", *map(str, left)})
    assert {one["mend"] for one in found["problems"]} == {health.FIX}
    assert all(path.exists() for path in left)
    assert doctor(capsys, "--fix") == (0, {"ok": True, "problems": [], "fixed": 4})
    assert (a.tags("x.jpg"), [path.exists() for path in left]) == ({"beach": 1}, [False] * 3)


def test_a_clone_without_the_merge_driver_is_found_and_mended(a: Replica, capsys: Out) -> None:
    require.tool("git")
    subprocess.run(["git", "init", "-q"], cwd=a.root, check=True)
    _, found = doctor(capsys)
    (problem,) = found["problems"]
    assert (problem["path"], problem["mend"]) == ("", "phototag sync setup git")
    assert "merge driver" in problem["what"]
    code, found = doctor(capsys, "--fix")
    assert (code, found["ok"], found["fixed"] > 0) == (0, True, True)
    assert "merge=phototag" in (a.root / ".gitattributes").read_text()


def test_a_cache_inside_a_syncthing_folder_must_be_ignored(a: Replica, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = msgspec.structs.replace(
        a.tree, settings=msgspec.structs.replace(a.tree.settings, cache_dir=str(a.root / ".cache"))
    )
    assert list(health.examine(tree)) == []  # nothing syncs here
    (a.root / ".stfolder").mkdir()
    (problem,) = health.examine(tree)
    assert problem.mend == "phototag sync setup syncthing"


@pytest.mark.parametrize("command", ["doctor", "sync resolve", "scan", "relink", "rate 3 x.jpg"])
def test_a_folder_that_is_closed_to_us_stops_nothing(a: Replica, command: str) -> None:
    (a.root / "2024").chmod(0)
    try:
        done = phototag(*command.split(), check=False, bound_by_permissions=True)
    finally:
        (a.root / "2024").chmod(0o755)
    assert "unexpected" not in done.stderr
    assert done.returncode == (4 if command == "doctor" else 0)
    assert command not in ("doctor", "scan") or "2024: cannot read the folder: Permission denied" in done.stdout


def test_names_that_never_sync_are_said(a: Replica, capsys: Out) -> None:
    name = os.fsdecode(b"caf\xe9.jpg")
    shutil.copy("x.jpg", name)
    code, found = doctor(capsys)
    (problem,) = found["problems"]
    assert (code, "path_bytes" in problem) == (4, True)
    assert "UTF-8" in problem["what"]


@pytest.mark.parametrize("name", ["library", "policy", "people/1", "purge/1"])
def test_a_damaged_document_stops_nothing_after_fix(a: Replica, capsys: Out, name: str) -> None:
    path = a.root / f".phototag/{name}.phototag"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"junk" * 20)
    assert run(["doctor"]) == 4
    said = capsys.readouterr()
    assert "doctor --fix" in said.out + said.err
    assert doctor(capsys, "--fix") == (0, {"ok": True, "problems": [], "fixed": 1})
    assert [kept.read_bytes() for kept in path.parent.glob("*.corrupt-*.bin")] == [b"junk" * 20]
    assert run(["rate", "5", "x.jpg"]) == 0
    assert a.rating("x.jpg") == 5
