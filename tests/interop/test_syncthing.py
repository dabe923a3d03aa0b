"""Two real Syncthing instances on loopback: what both sides said apart is there when they meet, in identical bytes."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator

import pytest

from tests.interop.machines import Pair, syncthing_pair


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Return two machines that Syncthing keeps alike."""
    pair = syncthing_pair(tmp_path_factory.mktemp("syncthing"))
    with pair.running():
        yield pair


@pytest.fixture
def pair(machines: Pair) -> Pair:
    """Return the machines with one newly scanned photo in the library, in sync."""
    shutil.rmtree(machines.laptop.root / "new", ignore_errors=True)
    for path in machines.laptop.root.glob("*.jpg*"):
        path.unlink()
    machines.laptop.photo("beach.jpg")
    machines.laptop.phototag("scan", "-q")
    machines.settle()
    assert machines.nas.sidecars() == machines.laptop.sidecars()
    return machines


def alike(pair: Pair) -> None:
    """Both machines have the same files of ours, byte for byte, and no conflict copy."""
    assert pair.laptop.copies() == pair.nas.copies() == []
    assert pair.laptop.sidecars() == pair.nas.sidecars()


def test_concurrent_edits_of_one_photo(pair: Pair) -> None:
    with pair.apart(cut=True):
        pair.laptop.phototag("tag-edit", "beach.jpg", "--add", "holiday", "-q")
        pair.laptop.phototag("rate", "5", "beach.jpg", "-q")
        pair.nas.phototag("tag-edit", "beach.jpg", "--add", "family", "-q")
        pair.nas.phototag("caption", "beach.jpg", "The first swim", "-q")
    assert pair.laptop.copies() == pair.nas.copies()
    assert len(pair.laptop.copies()) == 1
    pair.laptop.phototag("sync", "resolve", "--apply", "-q")
    pair.settle()
    alike(pair)
    for machine in (pair.laptop, pair.nas):
        info = machine.info("beach.jpg")
        assert (info["rating"], info["caption"], sorted(info["user_tags"])) == (
            5,
            "The first swim",
            ["family", "holiday"],
        )
    # History went along: the NAS undoes what the laptop said.
    history = json.loads(pair.nas.phototag("log", "--json"))
    rating = next(op["op"] for op in history if op["command"] == "rate")
    pair.nas.phototag("undo", rating, "-q")
    pair.settle()
    assert pair.laptop.info("beach.jpg")["rating"] is None


def test_both_sides_resolve_offline(pair: Pair) -> None:
    with pair.apart():
        pair.laptop.phototag("rate", "5", "beach.jpg", "-q")
        pair.nas.phototag("tag-edit", "beach.jpg", "--add", "family", "-q")
    with pair.apart():
        for machine in (pair.laptop, pair.nas):
            machine.phototag("sync", "resolve", "--apply", "-q")
        assert pair.laptop.sidecars()["beach.jpg.phototag"] == pair.nas.sidecars()["beach.jpg.phototag"]
    alike(pair)
    assert pair.nas.info("beach.jpg")["rating"] == 5


def test_the_next_edit_joins_by_itself(pair: Pair) -> None:
    with pair.apart():
        pair.laptop.phototag("rate", "5", "beach.jpg", "-q")
        pair.nas.phototag("tag-edit", "beach.jpg", "--add", "family", "-q")
    pair.nas.phototag("caption", "beach.jpg", "Hello", "-q")
    pair.settle()
    alike(pair)
    info = pair.laptop.info("beach.jpg")
    assert (info["rating"], info["caption"], info["user_tags"]) == (5, "Hello", ["family"])


def test_rename_on_one_side_and_edit_on_the_other(pair: Pair) -> None:
    with pair.apart():
        for name in ("beach.jpg", "beach.jpg.phototag"):
            (pair.laptop.root / name).rename(pair.laptop.root / f"nice-{name}")
        pair.nas.phototag("rate", "4", "beach.jpg", "-q")
    assert "beach.jpg.phototag" in pair.laptop.sidecars(), "the edited sidecar came back alone"
    pair.laptop.phototag("scan", "-q")
    pair.settle()
    alike(pair)
    assert "beach.jpg.phototag" not in pair.nas.sidecars()
    assert pair.nas.info("nice-beach.jpg")["rating"] == 4


def test_independent_scans_of_the_same_new_folder_make_no_conflict(pair: Pair) -> None:
    with pair.apart():
        for seed, machine in ((1, pair.laptop), (1, pair.nas)):
            for n in range(3):
                machine.photo(f"new/{n}.jpg", seed + n)
                os.utime(machine.root / f"new/{n}.jpg", (1_700_000_000, 1_700_000_000))
            machine.phototag("scan", "-q")
    assert [name for name in pair.laptop.copies() if name.startswith("new/")] == []
    alike(pair)


def test_people_and_other_documents_join_too(pair: Pair) -> None:
    """Each side says something of one person: the document gets a conflict copy as a sidecar does."""
    with pair.apart():
        for name, machine in (("laptop", pair.laptop), ("nas", pair.nas)):
            machine.run(sys.executable, "-c", SAY_PERSON, name)
    assert len(pair.laptop.copies()) == 1
    pair.nas.phototag("sync", "resolve", "--apply", "-q")
    pair.settle()
    alike(pair)
    text = pair.laptop.phototag("dump", ".phototag/people/1.phototag")
    assert "person/laptop" in text
    assert "person/nas" in text


SAY_PERSON = """
import sys
from phototag.handle import Library
from phototag.library.decide import Edit
Library.open(".").decide("people", "say", [Edit("doc:people/1", "person", sys.argv[1], 1)])
"""
