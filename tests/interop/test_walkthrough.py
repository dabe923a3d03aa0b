"""docs/sync.md, run as it stands: every block on its machine, and what it promises to print."""

from __future__ import annotations

import os
import re
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from tests import require
from tests.interop.machines import Machine, syncthing_pair
from tests.require import REPOSITORY

PAGE = (REPOSITORY / "docs" / "sync.md").read_text("utf-8")


class Step(NamedTuple):
    """One block: where it runs, what it runs, what must be printed; or ``apart`` and ``together``."""

    machine: str
    script: str = ""
    expected: tuple[str, ...] = ()


def steps(tool: str) -> list[Step]:
    """Return the steps of the page with ``tool``, in order."""
    found = []
    pattern = r"<!-- (apart|together) -->|<!-- (\w+): (\w+) -->\n```sh\n(.*?)```\n(?:\n```text\n(.*?)```)?"
    for moment, of, machine, script, expected in re.findall(pattern, PAGE, re.DOTALL):
        if moment and tool == "syncthing":
            found.append(Step(moment))
        elif of == tool:
            found.append(Step(machine, script, tuple(expected.splitlines())))
    return found


def run(machine: Machine, step: Step, folder: Path) -> None:
    """Run a block in the folder the page has got to on that machine, and check what it prints."""
    script = f"set -e\nexec 2>&1\n{step.script}"
    cwd, machine.root = machine.root, folder
    try:
        said = machine.run("sh", "-c", script)
    finally:
        machine.root = cwd
    for line in step.expected:
        assert line in said, f"{line!r} is not in what the page's commands print:\n{step.script}\n{said}"


def test_every_shell_block_with_a_machine_is_run() -> None:
    blocks = len(re.findall(r"```sh\n", PAGE))
    assert blocks == sum(bool(step.script) for tool in ("syncthing", "annex") for step in steps(tool))


def test_the_walk_through_with_syncthing(tmp_path: Path) -> None:
    pair = syncthing_pair(tmp_path)
    machines = {"laptop": pair.laptop, "nas": pair.nas}
    pair.laptop.photo("beach.jpg", seed=1)
    pair.laptop.photo("dog.jpg", seed=2)
    with pair.running(), ExitStack() as cut:
        pair.settle()
        for step in steps("syncthing"):
            if step.machine == "apart":
                pair.settle()
                cut.enter_context(pair.apart())
            elif step.machine == "together":
                cut.close()
                pair.settle()
            else:
                run(machines[step.machine], step, machines[step.machine].root)
        pair.settle()
        assert pair.laptop.copies() == pair.nas.copies() == []
        assert pair.laptop.sidecars() == pair.nas.sidecars()
        for machine in machines.values():
            info = machine.info("beach.jpg")
            assert (sorted(info["user_tags"]), info["caption"]) == (["family", "holiday"], "The first swim of the year")
            assert info["rating"] == 5, "the slip was undone from the other machine"
        assert not (pair.nas.root / "dog.jpg.phototag").exists()
        assert (pair.nas.root / "2024/rex.jpg.phototag").exists()


def test_the_walk_through_with_git_annex(tmp_path: Path) -> None:
    require.tool("git")
    require.tool("git-annex")
    laptop, nas = Machine(tmp_path, "laptop"), Machine(tmp_path, "nas")
    laptop.photo("beach.jpg", seed=1)
    laptop.photo("dog.jpg", seed=2)
    nas.root.rmdir()  # the page clones it
    machines = {"laptop": laptop, "nas": nas}
    for step in steps("annex"):
        machine = machines[step.machine]
        machine.environment  # noqa: B018 - makes the shim that stands for an installed phototag
        run(machine, step, machine.root if machine.root.exists() else machine.home)
    assert (nas.root / "dog.jpg").exists()
    assert not os.path.exists(nas.root / "beach.jpg")
    info = laptop.info("beach.jpg")
    assert (info["rating"], info["user_tags"]) == (5, ["family"])
