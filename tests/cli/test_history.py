"""``tag-edit``, ``rate``, ``caption``, ``log``, ``undo``, ``info --history``: their words, shapes and exit codes."""

from __future__ import annotations

import json
import os
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from phototag.cli.main import run
from phototag.library import sidecars
from phototag.sidecar.model import Exif
from tests.library.replicas import Replica

Out = pytest.CaptureFixture[str]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sealed: Path) -> Path:
    """Return a library with two scanned images of which a model said dog, as the current folder."""
    a = Replica(tmp_path)
    for name in ("x.jpg", "y.jpg"):
        a.scanned(name, name.encode(), labels=("dog", "Sea"))
    monkeypatch.chdir(a.root)
    return a.root


def ask(capsys: Out, *words: str) -> Any:
    capsys.readouterr()
    assert run([*words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def said(capsys: Out, image: str) -> dict[str, Any]:
    info = ask(capsys, "info", image)
    return {"tags": info["user_tags"], "rating": info["rating"], "caption": info["caption"]}


@pytest.mark.usefixtures("root")
def test_many_images_are_one_operation(capsys: Out) -> None:
    done = ask(capsys, "tag-edit", "x.jpg", "y.jpg", "--add", " places / Nice ", "--remove", "DOG")
    assert (done["changed"], done["unchanged"], done["images"]) == (2, 0, [{"path": "x.jpg"}, {"path": "y.jpg"}])
    (op,) = ask(capsys, "log")
    assert op["op"] == done["op"]
    assert set(op) == {"op", "at", "device", "command", "summary", "undone_by"}
    assert said(capsys, "y.jpg")["tags"] == ["places/Nice"]
    again = ask(capsys, "tag-edit", "x.jpg", "--add", "places/Nice")
    assert (again["op"], again["unchanged"]) == (None, 1)
    fields = ask(capsys, "log", "--fields")[0]["changes"]
    assert {"path": "x.jpg", "section": "utag", "key": "dog", "before": None, "after": -1} in fields


def test_what_a_star_names_beside_the_images_gets_no_sidecar(root: Path, capsys: Out) -> None:
    (root / "folder.jpg").mkdir()
    (root / "notes.txt").write_text("no picture")
    before = sorted(os.listdir(root))
    done = ask(capsys, "tag-edit", *sorted(name for name in before if name[0] in "xy"), "--add", "holiday")
    assert [one["path"] for one in done["images"]] == ["x.jpg", "y.jpg"], "sidecars are passed over"
    for name in ("folder.jpg", "notes.txt", "x.jpg.phototag"):
        assert run(["tag-edit", name, "--add", "holiday"]) == 2
    assert sorted(os.listdir(root)) == before


@pytest.mark.usefixtures("root")
def test_a_rejected_tag_of_a_model_comes_back_only_by_a_persons_word(capsys: Out) -> None:
    run(["tag-edit", "x.jpg", "--remove", "dog", "-q"])
    assert "dog" not in [tag["tag"] for tag in ask(capsys, "info", "x.jpg")["tags"]]
    run(["tag-edit", "x.jpg", "--add", "dog", "-q"])
    assert said(capsys, "x.jpg")["tags"] == ["dog"]
    run(["tag-edit", "x.jpg", "--remove", "never-there", "-q"])
    assert len(ask(capsys, "log")) == 2, "a tag that nobody gave is left alone"


@pytest.mark.usefixtures("root")
@pytest.mark.parametrize(
    ("words", "rating"),
    [
        (["5", "x.jpg"], 5),
        (["x.jpg", "3"], 3),
        (["-1", "x.jpg"], -1),
        (["0", "x.jpg"], None),
        (["clear", "x.jpg"], None),
    ],
)
def test_rate(capsys: Out, words: list[str], rating: int | None) -> None:
    run(["rate", "2", "x.jpg", "-q"])
    assert run(["rate", *words, "-q"]) == 0
    assert said(capsys, "x.jpg")["rating"] == rating


@pytest.mark.parametrize("first", [True, False], ids=["said before", "never said"])
def test_what_the_file_embeds_is_taken_away_too(root: Path, capsys: Out, first: bool) -> None:
    a = Replica(root.parent.parent)
    document = a.sidecar("x.jpg")
    document.set_machine("exif", "v1", Exif(rating=4, description="written by a camera"))
    sidecars.write(a.tree, "x.jpg", document)
    if first:
        run(["rate", "2", "x.jpg", "-q"])
        run(["caption", "x.jpg", "mine", "-q"])
    for words in (["rate", "0", "x.jpg"], ["caption", "x.jpg", "--clear"]):
        assert ask(capsys, *words)["changed"] == 1
        assert ask(capsys, *words)["changed"] == 0
    assert said(capsys, "x.jpg") == {"tags": [], "rating": None, "caption": None}
    assert ask(capsys, "list", "has:rating") == ask(capsys, "list", "has:caption") == []
    assert [image["path"] for image in ask(capsys, "list", "rating:0")] == ["x.jpg", "y.jpg"]
    run(["undo", "-q"])
    run(["undo", "-q"])
    left = (2, "mine") if first else (4, "written by a camera")
    assert (said(capsys, "x.jpg")["rating"], said(capsys, "x.jpg")["caption"]) == left


@pytest.mark.usefixtures("root")
def test_caption(capsys: Out) -> None:
    assert run(["caption", "x.jpg", " cafe\u0301 ", "-q"]) == 0
    assert said(capsys, "x.jpg")["caption"] == "café"
    assert run(["caption", "x.jpg", "y.jpg", "--text", "both", "-q"]) == 0
    assert said(capsys, "y.jpg")["caption"] == "both"
    assert run(["caption", "x.jpg", "--clear", "-q"]) == 0
    assert said(capsys, "x.jpg")["caption"] is None


@pytest.mark.parametrize(
    "words", [["rate", "5"], ["caption", "--text", "a\x1b[31m word"], ["tag-edit", "--add", "beach"]], ids=" ".join
)
def test_a_name_that_is_not_utf8_is_edited_shown_and_undone(root: Path, capsys: Out, words: list[str]) -> None:
    name = os.fsdecode(b"caf\xe9.jpg")
    (root / "x.jpg").rename(root / name)
    assert run([words[0], name, *words[1:]]) == 0
    capsys.readouterr()
    (op,) = ask(capsys, "log")
    assert "caf\\xe9.jpg" in op["summary"]
    assert run(["log"]) == 0
    assert "\x1b" not in capsys.readouterr().out
    assert run(["undo"]) == 0


@pytest.mark.usefixtures("root")
@pytest.mark.parametrize(
    "words",
    [
        ["tag-edit", "x.jpg"],
        ["tag-edit", "x.jpg", "--add", " / "],
        ["tag-edit", "x.jpg", "--add", "a\x07b"],
        ["tag-edit", "x.jpg", "--add", "t" * 300],
        ["tag-edit", "x.jpg", "--add", "a", "--remove", "a"],
        ["tag-edit", "nowhere.jpg", "--add", "a"],
        ["rate", "6", "x.jpg"],
        ["rate", "5"],
        ["caption", "x.jpg"],
        ["caption", "x.jpg", "--text", "t", "--clear"],
        ["undo", "ffff"],
        ["undo"],
    ],
)
def test_nonsense_is_a_usage_error_and_changes_nothing(capsys: Out, words: list[str]) -> None:
    assert run(words) == 2
    assert "Traceback" not in capsys.readouterr().err
    assert ask(capsys, "log") == []


@pytest.mark.usefixtures("root")
def test_undo_and_redo(capsys: Out) -> None:
    run(["rate", "5", "x.jpg", "y.jpg", "-q"])
    run(["rate", "1", "y.jpg", "-q"])
    bulk = ask(capsys, "log")[1]["op"]
    done = ask(capsys, "undo", bulk)
    assert (done["undoes"], done["restored"]) == (bulk, 1)
    assert done["kept"] == [{"path": "y.jpg", "section": "user", "key": "rating", "why": "it was changed since"}]
    assert [said(capsys, name)["rating"] for name in ("x.jpg", "y.jpg")] == [None, 1]
    assert ask(capsys, "log")[2]["undone_by"] == done["op"]
    assert run(["undo", bulk]) == 1
    assert "already undone" in capsys.readouterr().err
    ask(capsys, "undo", done["op"])
    assert said(capsys, "x.jpg")["rating"] == 5


@pytest.mark.usefixtures("root")
def test_the_history_of_one_image(capsys: Out) -> None:
    assert run(["log"]) == 0
    assert capsys.readouterr().err == "nothing was decided yet\n"
    assert run(["log", "--image", "X.jpg"]) == 0
    assert capsys.readouterr().err == "nothing was ever said about X.jpg\n"
    run(["rate", "5", "x.jpg", "-q"])
    run(["caption", "x.jpg", "hello", "-q"])
    run(["rate", "2", "y.jpg", "-q"])
    for name in ("x.jpg", "x.jpg.phototag"):
        os.rename(name, f"moved-{name}")
    history = ask(capsys, "info", "moved-x.jpg", "--history")["history"]
    assert [(h["command"], h["key"], h["before"], h["after"]) for h in history] == [
        ("caption", "caption", None, "hello"),
        ("rate", "rating", None, 5),
    ]
    assert run(["info", "moved-x.jpg", "--history"]) == 0
    assert "user/caption: None -> 'hello'" in capsys.readouterr().out
    assert [op["command"] for op in ask(capsys, "log", "--image", "moved-x.jpg")] == ["caption", "rate"]
    assert len(ask(capsys, "log", "-n", "2")) == 2
    assert run(["log"]) == 0
    assert "this device" in capsys.readouterr().out


@pytest.mark.usefixtures("root")
def test_people_read_the_time_of_their_clocks_everywhere(capsys: Out, monkeypatch: pytest.MonkeyPatch) -> None:
    run(["rate", "5", "x.jpg", "-q"])
    at = datetime.fromisoformat(ask(capsys, "log")[0]["at"]).replace(microsecond=0, tzinfo=None) + timedelta(hours=9)
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        for command in (["log"], ["info", "x.jpg"], ["info", "x.jpg", "--history"]):
            assert run(command) == 0
        shown = capsys.readouterr().out
    time.tzset()
    assert shown.count(f"{at:%Y-%m-%d %H:%M:%S}") == 4, shown


def test_a_damaged_sidecar_says_which_and_what_to_do(root: Path, capsys: Out) -> None:
    (root / "x.jpg.phototag").write_bytes(b"junk")
    assert run(["rate", "5", "x.jpg"]) == 4
    error = capsys.readouterr().err
    assert "x.jpg.phototag" in error
    assert "restore it" in error
