"""The gate: an unchanged folder passes at one compare; anything else is looked at again."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phototag.library.tree import Tree
from phototag.library.walk import Folder
from phototag.scan import gate as gates
from phototag.scan.gate import Gate
from phototag.settings import load

STEPS = frozenset({"mtag/builtin", "exif1"})
LATER = 10**19


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(str(tmp_path), load(str(tmp_path)))


def folder(**changes: object) -> Folder:
    made = Folder("a", 1, ["x.jpg", "y.jpg"], [10, 20], [100, 200], ["x.jpg.phototag", "y.jpg.phototag"])
    return msgspec.structs.replace(made, **changes)


def settled(tree: Tree, **failures: str) -> Gate:
    gate = Gate(tree)
    named = {name.replace("_", "."): why for name, why in failures.items()}
    sidecars = [f"{name}.phototag" for name in ("x.jpg", "y.jpg") if name not in named]
    gate.settle(folder(sidecars=sidecars), STEPS, done={"x.jpg", "y.jpg"} - set(named), failures=named, walked_ns=LATER)
    gate.save()
    return Gate(tree)


def test_a_settled_folder_passes_in_the_next_process(tree: Tree) -> None:
    assert settled(tree).failures(folder(), STEPS) == {}
    assert settled(tree).failures(folder(), STEPS | {"emb/clip"}) is None


def test_fewer_steps_than_were_given_pass_too(tree: Tree) -> None:
    assert settled(tree).failures(folder(), frozenset({"exif1"})) == {}


@pytest.mark.parametrize(
    "change",
    [
        {"sizes": [10, 21]},
        {"mtimes_ns": [100, 201]},
        {"images": ["x.jpg", "z.jpg"]},
        {"sidecars": ["x.jpg.phototag"]},
        {"images": ["x.jpg"], "sizes": [10], "mtimes_ns": [100]},
    ],
)
def test_any_change_needs_a_look(tree: Tree, change: dict[str, object]) -> None:
    assert settled(tree).failures(folder(**change), STEPS) is None


def test_of_a_changed_folder_only_the_changed_image_is_looked_at(tree: Tree) -> None:
    found = settled(tree).unchanged(folder(sizes=[10, 21]))
    assert found.done == {"x.jpg"}


def test_a_removed_sidecar_opens_its_image(tree: Tree) -> None:
    assert settled(tree).unchanged(folder(sidecars=["y.jpg.phototag"])).done == {"y.jpg"}


def test_failures_are_remembered_until_the_file_changes(tree: Tree) -> None:
    gate = settled(tree, x_jpg="damaged")
    assert gate.failures(folder(sidecars=["y.jpg.phototag"]), STEPS) == {"x.jpg": "damaged"}
    assert gate.unchanged(folder(sizes=[11, 20])).failures == {}


def test_a_sidecar_that_arrives_opens_the_image_that_failed(tree: Tree) -> None:
    gate = settled(tree, x_jpg="its content is not here, and no sidecar knows it")
    assert gate.unchanged(folder()).failures == {}
    gate.settle(folder(), STEPS, done={"y.jpg"}, failures={"x.jpg": "damaged"}, walked_ns=LATER)
    assert gate.unchanged(folder(mtimes_ns=[100, 201])).failures == {"x.jpg": "damaged"}


def test_an_image_changed_within_the_clock_tick_is_looked_at_again(tree: Tree) -> None:
    gate = Gate(tree)
    gate.settle(folder(), STEPS, done={"x.jpg", "y.jpg"}, failures={}, walked_ns=150 + gates.RACY_NS)
    assert gate.unchanged(folder()).done == {"x.jpg"}


def test_steps_add_up_only_while_nothing_changed(tree: Tree) -> None:
    gate = settled(tree)
    gate.settle(folder(), frozenset({"emb/clip"}), done={"x.jpg", "y.jpg"}, failures={}, walked_ns=LATER)
    assert gate.failures(folder(), STEPS | {"emb/clip"}) == {}
    grown = folder(images=["n.jpg", "x.jpg", "y.jpg"], sizes=[1, 10, 20], mtimes_ns=[1, 100, 200])
    gate.settle(grown, frozenset({"emb/clip"}), done={"n.jpg", "x.jpg", "y.jpg"}, failures={}, walked_ns=LATER)
    assert gate.unchanged(grown).steps == {"emb/clip"}


def test_a_new_failure_is_one_of_these_steps_alone(tree: Tree) -> None:
    gate, lower = settled(tree), frozenset({"exif1", "max1"})
    grown = folder(images=["n.jpg", "x.jpg", "y.jpg"], sizes=[1, 10, 20], mtimes_ns=[1, 100, 200])
    for steps, expected in ((lower, lower), (STEPS, lower | STEPS)):
        gate.settle(grown, steps, done={"x.jpg", "y.jpg"}, failures={"n.jpg": "too large"}, walked_ns=LATER)
        assert gate.unchanged(grown).steps == expected


@pytest.mark.parametrize("damage", [b"", b"short", b"\0" * 100])
def test_a_damaged_gate_is_an_empty_one(tree: Tree, damage: bytes) -> None:
    settled(tree)
    Path(tree.cache, "gate").write_bytes(damage)
    assert Gate(tree).failures(folder(), STEPS) is None


def test_folders_that_are_gone_are_forgotten(tree: Tree) -> None:
    gate = settled(tree)
    gate.forget_missing("b", [])
    assert gate.failures(folder(), STEPS) == {}
    gate.forget_missing("", [""])
    assert gate.failures(folder(), STEPS) is None


NAME = st.binary(min_size=1, max_size=20).filter(lambda raw: b"\0" not in raw and b"/" not in raw).map(os.fsdecode)
NAMES = st.lists(NAME, unique=True, max_size=8)


@given(NAMES)
@settings(deadline=None)
def test_packing_keeps_every_name_and_number(names: list[str]) -> None:
    sizes, mtimes = list(range(len(names))), [n * 10**9 for n in range(len(names))]
    packed = gates.pack(Folder("", 0, names, sizes, mtimes, []), [])
    assert gates.unpack(packed) == {n: (s, m) for n, s, m in zip(names, sizes, mtimes, strict=True)}
