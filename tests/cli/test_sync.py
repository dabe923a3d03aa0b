"""``sync``, ``relink``, ``sidecar``, ``dump``: plans first, shapes as published, what they say."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest

from phototag.cli.main import run
from phototag.cli.shapes import shapes
from tests import require
from tests.library.replicas import Replica

Out = pytest.CaptureFixture[str]
COPY = ".sync-conflict-20240501-101500-ABCDEFG.phototag"


@pytest.fixture
def a(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Replica:
    """Return a library with one scanned image, as the current folder."""
    a = Replica(tmp_path)
    a.scanned("x.jpg")
    monkeypatch.chdir(a.root)
    return a


def ask(capsys: Out, shape: str, *words: str) -> Any:
    """Return the JSON of a command, held to its published shape."""
    capsys.readouterr()
    assert run([*words, "--json", "-q"]) == 0
    found = json.loads(capsys.readouterr().out)
    msgspec.convert(found, shapes()[shape])
    return found


def test_resolve_is_a_plan_until_applied(a: Replica, capsys: Out) -> None:
    shutil.copy("x.jpg.phototag", f"x.jpg{COPY}")
    Path(f"x.jpg.variant-1a2b{COPY[-9:]}").write_bytes(b"junk")
    plan = ask(capsys, "sync resolve", "sync", "resolve")
    assert [one["path"] for one in plan["found"]] == [f"x.jpg{COPY}", "x.jpg.variant-1a2b.phototag"]
    assert os.path.exists(f"x.jpg{COPY}")
    done = ask(capsys, "sync resolve", "sync", "resolve", "--apply")
    assert done["joined"] == 1
    assert "first bytes" in done["kept_aside"][0]["reason"]
    assert Path(done["kept_aside"][0]["path"]).read_bytes() == b"junk"
    assert ask(capsys, "sync resolve", "sync", "resolve", "--apply")["joined"] == 0


def test_resolve_restores_what_the_journal_knows(a: Replica, capsys: Out) -> None:
    before = Path("x.jpg.phototag").read_bytes()
    a.rate("x.jpg", 4)
    Path("x.jpg.phototag").write_bytes(before)
    assert ask(capsys, "sync resolve", "sync", "resolve")["lost"] == [{"path": "x.jpg"}]
    assert run(["sync", "resolve"]) == 0
    assert "restore  x.jpg  (the journal knows more" in capsys.readouterr().out
    assert ask(capsys, "sync resolve", "sync", "resolve", "--apply")["recalled"] == 1
    assert a.rating("x.jpg") == 4
    assert ask(capsys, "sync resolve", "sync", "resolve", "--apply")["recalled"] == 0


def test_any_command_that_writes_joins_first_and_says_so(a: Replica, capsys: Out) -> None:
    b_words = a.sidecar("x.jpg")
    b_words.put("utag", "beach", 1 << 50, b"\x02" * 6, b"\x01")
    Path(f"x.jpg{COPY}").write_bytes(b_words.encode())
    assert run(["rate", "4", "x.jpg"]) == 0
    assert "joined 1 conflict copy" in capsys.readouterr().err
    assert (a.rating("x.jpg"), a.tags("x.jpg")) == (4, {"beach": 1})


def test_relink_is_a_plan_until_applied(a: Replica, capsys: Out) -> None:
    os.rename("x.jpg", "neu.jpg")
    plan = ask(capsys, "relink", "relink")
    assert plan["moves"] == [
        {"from": {"path": "x.jpg"}, "to": {"path": "neu.jpg"}, "why": "content", "copy": False, "certain": True}
    ]
    assert run(["relink"]) == 0
    assert "move  x.jpg  ->  neu.jpg  same content" in capsys.readouterr().out
    assert ask(capsys, "relink --apply", "relink", "--apply")["moved"] == 1
    assert ask(capsys, "relink", "relink") == {"moves": [], "parks": [], "orphans": [], "spent": []}
    os.unlink("neu.jpg")
    assert [one["path"] for one in ask(capsys, "relink", "relink")["orphans"]] == ["neu.jpg"]


def test_layouts(a: Replica, capsys: Out) -> None:
    plan = ask(capsys, "sidecar move", "sidecar", "move", "--layout", "tree")
    assert [one["path"] for one in plan["found"]] == ["x.jpg.phototag"]
    assert ask(capsys, "sidecar move", "sidecar", "move", "--layout", "tree", "--apply")["carried"] == 1
    assert ask(capsys, "sidecar push", "sidecar", "push") == {"carried": 0, "failed": [], "found": []}


def test_setup(a: Replica, capsys: Out) -> None:
    assert ask(capsys, "sync setup", "sync", "setup", "syncthing") == {"settings": [], "warnings": []}
    assert run(["sync", "setup", "git"]) == 1
    assert "git -C" in capsys.readouterr().err
    require.tool("git")
    os.system("git init -q")
    first = ask(capsys, "sync setup", "sync", "setup", "git")
    assert not any(setting["done"] for setting in first["settings"])
    again = ask(capsys, "sync setup", "sync", "setup", "git")
    assert all(setting["done"] for setting in again["settings"])


def test_dump(a: Replica, capsys: Out) -> None:
    a.rate("x.jpg", 4)
    assert ask(capsys, "dump", "dump", "x.jpg.phototag")["sections"]["user"]["rating"]["value"] == 4
    assert run(["dump", "x.jpg.phototag"]) == 0
    assert "\nuser/rating = 4  # 616161616161 " in capsys.readouterr().out


def test_history(a: Replica, capsys: Out) -> None:
    a.rate("x.jpg", 4)
    found = ask(capsys, "info", "info", "x.jpg", "--history")
    msgspec.convert(found["history"], shapes()["info --history"])
    assert found["history"][0]["after"] == 4
