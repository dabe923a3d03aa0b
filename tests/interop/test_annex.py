"""Two real git-annex clones: sidecars merge in git, photos are annexed, absent ones stay known and searchable."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests import require
from tests.interop.machines import Machine


@pytest.fixture
def clones(tmp_path: Path) -> tuple[Machine, Machine]:
    """Return two clones of one annex, remotes of each other, with one scanned photo in sync."""
    require.tool("git")
    require.tool("git-annex")
    laptop, nas = Machine(tmp_path, "laptop"), Machine(tmp_path, "nas")
    laptop.photo("beach.jpg")
    for command in ("git init -q -b main", "git annex init -q laptop"):
        laptop.run(*command.split())
    laptop.phototag("scan", "-q")
    laptop.phototag("sync", "setup", "annex", "-q")
    commit(laptop)
    nas.run("git", "clone", "-q", str(laptop.root), ".")
    nas.run("git", "annex", "init", "-q", "nas")
    laptop.run("git", "remote", "add", "nas", str(nas.root))
    nas.run("git", "remote", "rename", "origin", "laptop")
    nas.phototag("sync", "setup", "annex", "-q")
    sync(nas, laptop)
    return laptop, nas


def commit(machine: Machine) -> None:
    machine.run("git", "annex", "add", "-q", ".")
    machine.run("git", "add", "-A")
    machine.run("git", "commit", "-qm", "words", check=False)


def sync(*machines: Machine) -> None:
    """Sync each in turn, as people do."""
    for machine in machines:
        commit(machine)
        machine.run("git", "annex", "sync", "-q", "--no-content", check=False)


def alike(laptop: Machine, nas: Machine) -> None:
    assert laptop.copies() == nas.copies() == []
    assert laptop.sidecars() == nas.sidecars()


def test_photos_are_annexed_and_sidecars_are_not(clones: tuple[Machine, Machine]) -> None:
    laptop, nas = clones
    assert (laptop.root / "beach.jpg").is_symlink()
    assert not (laptop.root / "beach.jpg.phototag").is_symlink()
    assert "git annex" not in laptop.phototag("sync", "resolve")
    assert (nas.root / "beach.jpg").is_symlink()
    assert not (nas.root / "beach.jpg").exists()
    alike(laptop, nas)


def test_an_absent_photo_is_searchable_and_can_be_fetched(clones: tuple[Machine, Machine]) -> None:
    _, nas = clones
    nas.phototag("tag-edit", "beach.jpg", "--add", "dog", "-q")
    assert nas.info("beach.jpg")["present"] is False
    report = json.loads(nas.phototag("scan", "--json", "-q"))
    assert report["failed"] == []
    nas.run("sh", "-c", "phototag query dog --absent --print0 -q | xargs -0 git annex get -q")
    assert (nas.root / "beach.jpg").exists()
    assert nas.phototag("list", "--absent", "--paths", "-q") == ""
    assert json.loads(nas.phototag("index", "verify", "--json"))["ok"]
    nas.run("git", "annex", "drop", "-q", "--force", "beach.jpg")
    assert nas.phototag("list", "--absent", "--paths", "-q") == "beach.jpg\n"
    nas.run("git", "annex", "get", "-q", "beach.jpg")
    assert json.loads(nas.phototag("scan", "--json", "-q"))["failed"] == []  # the sidecar learns the annex's key
    assert json.loads(nas.phototag("scan", "--json", "-q"))["written"] == 0
    assert nas.info("beach.jpg")["present"] is True
    assert nas.info("beach.jpg")["user_tags"] == ["dog"]


def test_concurrent_edits(clones: tuple[Machine, Machine]) -> None:
    laptop, nas = clones
    laptop.phototag("rate", "5", "beach.jpg", "-q")
    nas.phototag("tag-edit", "beach.jpg", "--add", "family", "-q")
    sync(laptop, nas, laptop)
    alike(laptop, nas)
    for machine in clones:
        info = machine.info("beach.jpg")
        assert (info["rating"], info["user_tags"]) == (5, ["family"])
    # Each device's journal came along: the NAS undoes what the laptop said.
    history = json.loads(nas.phototag("log", "--json"))
    rating = next(op["op"] for op in history if op["command"] == "rate")
    nas.phototag("undo", rating, "-q")
    sync(nas, laptop)
    assert laptop.info("beach.jpg")["rating"] is None


def test_add_add(clones: tuple[Machine, Machine]) -> None:
    laptop, nas = clones
    for machine, tag in ((laptop, "one"), (nas, "two")):
        machine.photo("new.jpg", seed=7)
        machine.phototag("scan", "-q")
        machine.phototag("tag-edit", "new.jpg", "--add", tag, "-q")
    sync(laptop, nas, laptop)
    alike(laptop, nas)
    assert sorted(laptop.info("new.jpg")["user_tags"]) == ["one", "two"]


def test_rename_and_edit(clones: tuple[Machine, Machine]) -> None:
    laptop, nas = clones
    (laptop.root / "2024").mkdir()
    for name in ("beach.jpg", "beach.jpg.phototag"):
        laptop.run("git", "mv", name, f"2024/{name}")
    nas.phototag("rate", "3", "beach.jpg", "-q")
    sync(laptop, nas, laptop)
    for machine in clones:
        machine.phototag("scan", "-q")
    sync(laptop, nas, laptop)
    alike(laptop, nas)
    assert nas.info("2024/beach.jpg")["rating"] == 3
    assert "beach.jpg.phototag" not in nas.sidecars()


def test_a_photo_moved_without_its_sidecar_while_absent(clones: tuple[Machine, Machine]) -> None:
    _, nas = clones
    nas.phototag("rate", "2", "beach.jpg", "-q")
    (nas.root / "beach.jpg").rename(nas.root / "moved.jpg")
    assert (
        json.loads(nas.phototag("scan", "--json", "-q"))["moved"] == 1
    )  # scanned before it was added: git has the key
    assert nas.info("moved.jpg")["rating"] == 2


def test_an_unlocked_photo_moved_without_its_sidecar_while_absent(clones: tuple[Machine, Machine]) -> None:
    _, nas = clones
    nas.run("git", "annex", "adjust", "-q", "--unlock")
    nas.run("git", "annex", "get", "-q", "beach.jpg")
    nas.phototag("scan", "-q")
    nas.phototag("rate", "2", "beach.jpg", "-q")
    nas.run("git", "annex", "drop", "-q", "--force", "beach.jpg")
    nas.run("git", "mv", "beach.jpg", "moved [1].jpg")
    nas.run("git", "commit", "-qm", "Moved")
    assert json.loads(nas.phototag("scan", "--json", "-q"))["moved"] == 1
    info = nas.info("moved [1].jpg")
    assert (info["rating"], info["present"]) == (2, False)


def test_two_photos_added_under_one_name(clones: tuple[Machine, Machine]) -> None:
    for n, machine in enumerate(clones):
        machine.photo("new.jpg", seed=20 + n)
        machine.phototag("scan", "-q")
        machine.phototag("rate", str(n + 1), "new.jpg", "-q")
    laptop, nas = clones
    sync(laptop, nas, laptop)  # git-annex gives both another name
    for machine in clones:
        machine.run("git", "annex", "get", "-q", ".")
    for _ in range(2):  # what is said of one of them waits on the clone that merged, and syncs from there
        for machine in clones:
            machine.phototag("scan", "-q")
        sync(laptop, nas, laptop)
    for machine in clones:
        names = sorted(path.name for path in machine.root.glob("new.variant-*.jpg"))
        assert sorted(machine.info(name)["rating"] for name in names) == [1, 2]
    assert laptop.sidecars() == nas.sidecars()


def test_the_driver_was_missing_and_then_repaired(clones: tuple[Machine, Machine]) -> None:
    laptop, nas = clones
    for machine in clones:
        machine.run("git", "config", "--unset", "merge.phototag.driver")
    laptop.phototag("rate", "5", "beach.jpg", "-q")
    nas.phototag("tag-edit", "beach.jpg", "--add", "family", "-q")
    sync(laptop, nas, laptop, nas)
    said = nas.run("sh", "-c", "phototag sync resolve 2>&1")
    assert "phototag sync setup annex" in said
    for machine in clones:
        machine.phototag("sync", "setup", "annex", "-q")
        machine.phototag("sync", "resolve", "--apply", "-q")
    sync(laptop, nas, laptop, nas)
    alike(laptop, nas)
    for machine in clones:
        info = machine.info("beach.jpg")
        assert (info["rating"], info["user_tags"]) == (5, ["family"])


def test_an_adjusted_unlocked_branch(clones: tuple[Machine, Machine]) -> None:
    laptop, nas = clones
    nas.phototag("rate", "4", "beach.jpg", "-q")
    sync(nas, laptop)
    nas.run("git", "annex", "adjust", "-q", "--unlock")
    assert (nas.root / "beach.jpg").read_bytes().startswith(b"/annex/objects/")
    before = nas.sidecars()
    assert json.loads(nas.phototag("scan", "--json", "-q"))["failed"] == []
    assert nas.sidecars() == before
    info = nas.info("beach.jpg")
    assert (info["present"], info["rating"]) == (False, 4)
    assert nas.phototag("list", "--absent", "--paths", "-q") == "beach.jpg\n"
    nas.run("git", "annex", "get", "-q", "beach.jpg")
    assert nas.phototag("list", "--absent", "--paths", "-q") == ""
    assert json.loads(nas.phototag("scan", "--json", "-q"))["failed"] == []
    assert nas.info("beach.jpg")["present"] is True
    assert laptop.info("beach.jpg")["rating"] == 4


def test_unlocking_changes_nothing(clones: tuple[Machine, Machine]) -> None:
    laptop, _ = clones
    laptop.run("git", "annex", "unlock", "-q", "beach.jpg")
    before = laptop.sidecars()
    laptop.phototag("scan", "-q")
    assert laptop.sidecars() == before
    assert not (laptop.root / "beach.jpg").is_symlink()
