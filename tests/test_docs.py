"""The docs hold: command lines parse, links lead somewhere, what is said of make is so."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import click
import pytest

from phototag.cli.demo import NEXT
from phototag.cli.main import cli
from tests.require import REPOSITORY

ROOT = REPOSITORY / "phototag"
PAGES = [REPOSITORY / name for name in ("README.md", "CHANGELOG.md", "examples/README.md")]
PAGES += sorted((REPOSITORY / "docs").rglob("*.md"))


def command_lines() -> list[tuple[str, str]]:
    """Return (page, line) of each ``phototag ...`` line in the shell blocks of the docs, and what demo suggests."""
    found = [("demo", line) for line, _ in NEXT]
    for page in PAGES:
        for block in re.findall(r"```sh\n(.*?)```", page.read_text("utf-8"), re.DOTALL):
            for line in block.splitlines():
                command = line.split("  #")[0].split(" | ")[0].strip()
                if command.startswith("phototag"):
                    found.append((page.name, command))
    return found


@pytest.mark.parametrize(("page", "line"), command_lines(), ids=lambda value: value)
def test_command_lines_parse(page: str, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each command and each of its options exists; nothing is run."""
    monkeypatch.chdir(tmp_path)
    words = shlex.split(line)[1:]
    context = click.Context(cli, info_name="phototag")
    command: click.Command = cli
    while isinstance(command, click.Group) and (words or not command.invoke_without_command):
        name = words.pop(0)
        found = command.get_command(context, name)
        assert found is not None, f"no command {name!r}"
        command, context = found, click.Context(found, info_name=name, parent=context)
    for parameter in command.params:  # the docs' folders are not here
        if isinstance(parameter.type, click.Path):
            parameter.type.exists = False
    with command.make_context(context.info_name, words, resilient_parsing=False) as made:
        assert made.command is command


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith(("http://", "https://")):
            continue
        name, _, anchor = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        if not path.exists() or (anchor and anchor not in anchors(path)):
            broken.append(target)
    assert broken == []


def anchors(path: Path) -> set[str]:
    """Return the anchors GitHub makes of the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", path.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def test_make_has_what_the_readme_promises() -> None:
    makefile = (REPOSITORY / "Makefile").read_text("utf-8")
    for verb in ("run", "test", "check", "bench", "clean", "help"):
        assert re.search(rf"^{verb}:.*## ", makefile, re.MULTILINE), verb


def test_the_build_machine_runs_make_test() -> None:
    assert "make test" in (REPOSITORY / ".ci" / "run").read_text("utf-8")


def test_every_promise_of_the_architecture_is_tested() -> None:
    page = (REPOSITORY / "docs" / "architecture.md").read_text("utf-8")
    promises = re.findall(r"^\d\. `(\w+)`", page, re.MULTILINE)
    assert len(promises) == 8
    tests = (REPOSITORY / "tests" / "test_promises.py").read_text("utf-8")
    assert [name for name in promises if f"def test_{name}" not in tests] == []


def test_the_layers_are_those_that_are_checked() -> None:
    """The picture in the architecture names, from top to bottom, every package of the import contract that exists."""
    page = (REPOSITORY / "docs" / "architecture.md").read_text("utf-8")
    picture = page.partition("```text\n")[2].partition("```")[0].splitlines()
    drawn = [re.findall(r"\w+", line[:57] if " | " not in line[57:] else line) for line in picture if line[0] != " "]
    config = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))
    layers = config["tool"]["importlinter"]["contracts"][0]["layers"]
    checked = [[name.split(".")[-1] for name in re.findall(r"phototag\.\w+", layer)] for layer in layers]
    here = [[n for n in layer if (ROOT / n).is_dir() or (ROOT / f"{n}.py").exists()] for layer in checked]
    holding = [[n for n in layer if (ROOT / f"{n}.py").exists() or list((ROOT / n).glob("*.py"))] for layer in here]
    assert [set(layer) for layer in drawn] == [set(layer) for layer in holding]
