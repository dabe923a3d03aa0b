"""The command group: commands are imported only when called, errors become one line and an exit code."""

from __future__ import annotations

import errno
import os
import sys
from importlib import import_module
from typing import Any, cast

import click
from click.shell_completion import CompletionItem

from phototag import errors
from phototag.cli.commands import COMMANDS, SECTIONS


class LazyGroup(click.Group):
    """A group that knows its commands' names and one-line helps without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        module, _, attribute = entry.target.partition(":")
        command = getattr(import_module(module), attribute)
        return cast(click.Command, command)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete the names of commands without importing them."""
        found = [
            CompletionItem(name, help=entry.help) for name, entry in COMMANDS.items() if name.startswith(incomplete)
        ]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command; an unknown one gets the nearest names."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, n=3)
            if near:
                raise click.UsageError(f"no command {args[0]!r}; did you mean {' or '.join(near)}?", ctx) from error
            raise

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; that the reader of a pipe left (| head) is not our failure, as click would have it."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()  # here an error still finds its words
            return result
        except BrokenPipeError:
            _drop_output()
            return 0

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands by section."""
        for section in SECTIONS:
            rows = [(name, entry.help) for name, entry in COMMANDS.items() if entry.section == section]
            if rows:
                with formatter.section(section):
                    formatter.write_dl(rows)


EPILOG = """\b
Examples:
  phototag scan ~/Pictures            tag, embed and index every photo
  phototag query "red sunset"         search it
  phototag serve ~/Pictures           look at it in the browser
"""


@click.group(
    cls=LazyGroup, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.option("--debug", is_flag=True, expose_value=False, help="Show tracebacks.")
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=lambda c, p, v: _version(c, v),
    help="Show the version.",
)
def cli() -> None:
    """Tag, search and sort your photos, offline. Everything known about a photo travels in a sidecar beside it."""


def _version(ctx: click.Context, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from phototag import __version__

        click.echo(f"phototag {__version__}")
        ctx.exit()


_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What a full disk says to ``> file``: ``fsio`` has words of its own for all that it writes."""


def run(argv: list[str] | None = None) -> int:
    """Run the command line and return its exit code (docs/cli.md, "Exit codes")."""
    args = sys.argv[1:] if argv is None else argv
    debug = "--debug" in args
    try:
        result: Any = cli.main(
            args=_global_options_first(args), prog_name="phototag", standalone_mode=False, obj=tuple(args)
        )
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return 130
    except errors.PhototagError as error:
        if debug:
            raise
        return _show(error)
    except Exception as error:
        if debug:
            raise
        if isinstance(error, OSError) and error.errno in _NO_ROOM:
            _drop_output()
            return _show(errors.WriteError(f"the output could not be written: {error.strerror}"))
        return _unexpected(error)
    return result if isinstance(result, int) else 0


def _global_options_first(args: list[str]) -> list[str]:
    """Let ``--debug`` stand anywhere on the line: it belongs to the group."""
    if "--debug" in args and "--" not in args:
        return ["--debug", *[arg for arg in args if arg != "--debug"]]
    return list(args)


def _drop_output() -> None:
    """Let what is still to be written to stdout go nowhere, so that Python does not complain at shutdown."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _show(error: errors.PhototagError) -> int:
    from phototag.fsio import display

    click.echo(f"phototag: {display(str(error))}", err=True)
    if isinstance(error, errors.QueryError):
        from phototag.cli.render import pointing

        click.echo(pointing(error.text, error.at), err=True)
    if error.hint:
        click.echo(f"  {display(error.hint)}", err=True)
    return error.exit_code


def _unexpected(error: Exception) -> int:
    import platform
    import traceback

    from phototag import __version__, fsio, settings

    lines = [f"phototag {__version__}, Python {platform.python_version()}, {platform.platform()}", " ".join(sys.argv)]
    text = "\n".join([*lines, "", *traceback.format_exception(error)])
    where = "run it again with --debug to see where"
    try:
        folder = settings.load().state_dir
        path = os.path.join(folder, "error.log")
        fsio.make_folder(folder)
        fsio.write_atomic(path, text.encode("utf-8", "backslashreplace"))
        where = f"details are in {path}"
    except errors.PhototagError:
        pass
    click.echo(f"phototag: unexpected {type(error).__name__}: {error}", err=True)
    click.echo(f"  {where}; this is a bug, please report it", err=True)
    return 1
