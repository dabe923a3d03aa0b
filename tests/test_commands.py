"""Every command: found, helped, with examples, and described in the table as it describes itself."""

from __future__ import annotations

import click
import pytest

from phototag import errors
from phototag.cli import commands
from phototag.cli.main import cli
from tests.require import REPOSITORY


def every_command() -> list[tuple[str, click.Command]]:
    """Return (name, command) of all commands, those of groups as ``group command``."""
    found: list[tuple[str, click.Command]] = []

    def add(name: str, command: click.Command) -> None:
        found.append((name, command))
        if isinstance(command, click.Group):
            context = click.Context(command)
            for inner in command.list_commands(context):
                below = command.get_command(context, inner)
                assert below is not None, inner
                add(f"{name} {inner}", below)

    for name in commands.COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        assert command is not None, name
        add(name, command)
    return found


ALL = every_command()
LEAVES = [(name, command) for name, command in ALL if not isinstance(command, click.Group)]


@pytest.mark.parametrize("name", commands.COMMANDS)
def test_table_says_what_the_command_says(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert command.get_short_help_str(limit=500) == commands.COMMANDS[name].help
    assert commands.COMMANDS[name].section in commands.SECTIONS


@pytest.mark.parametrize(("name", "command"), LEAVES, ids=[name for name, _ in LEAVES])
def test_help_has_examples(name: str, command: click.Command) -> None:
    text = command.get_help(click.Context(command, info_name=f"phototag {name}"))
    assert "Examples:" in text
    assert f"phototag {name}" in text.split("Examples:")[1]


@pytest.mark.parametrize(("name", "command"), ALL, ids=[name for name, _ in ALL])
def test_every_option_is_explained(name: str, command: click.Command) -> None:
    bare = [p.name for p in command.params if isinstance(p, click.Option) and not p.hidden and not p.help]
    assert bare == []


def test_every_error_is_documented() -> None:
    page = (REPOSITORY / "docs" / "cli.md").read_text("utf-8")
    kinds = [k for k in vars(errors).values() if isinstance(k, type) and issubclass(k, errors.PhototagError)]
    assert len(kinds) >= 8
    assert [kind.__name__ for kind in kinds if f"`{kind.__name__}` | {kind.exit_code}" not in page] == []


def test_unknown_command_is_answered_with_a_near_one(capsys: pytest.CaptureFixture[str]) -> None:
    from phototag.cli.main import run

    assert run(["sacn"]) == 2
    assert "did you mean scan" in capsys.readouterr().err
