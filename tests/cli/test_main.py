"""The group: errors become one line and an exit code, unknown commands get a suggestion, bugs name a log file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from phototag import errors
from phototag.cli import main
from phototag.cli.commands import COMMANDS
from tests.make import phototag


def raising(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    @click.command()
    def boom() -> None:
        raise error

    monkeypatch.setattr(main.LazyGroup, "get_command", lambda self, ctx, name: boom)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.PhototagError("x"), 1),
        (errors.WriteError("x"), 1),
        (errors.UsageError("x"), 2),
        (errors.LibraryError("x"), 4),
        (errors.FormatError("x", reason="magic"), 4),
        (errors.MissingModelError("x"), 5),
        (errors.MissingExtraError("x", "clip"), 5),
        (KeyboardInterrupt(), 130),
    ],
)
def test_exit_codes(
    error: BaseException, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    raising(error, monkeypatch)
    assert main.run(["version"]) == code
    said = capsys.readouterr()
    assert said.out == ""
    assert "Traceback" not in said.err


def test_a_hint_is_shown_and_odd_bytes_are_escaped(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    raising(errors.PhototagError("caf\udce9 is bad", hint="do this"), monkeypatch)
    main.run(["version"])
    assert capsys.readouterr().err == "phototag: caf\\xe9 is bad\n  do this\n"


def test_a_bug_names_its_log_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], sealed: Path
) -> None:
    raising(ZeroDivisionError("oops"), monkeypatch)
    assert main.run(["version"]) == 1
    said = capsys.readouterr().err
    log = sealed / ".local/state/phototag/error.log"
    assert str(log) in said
    assert "ZeroDivisionError: oops" in log.read_text()
    assert "Traceback" not in said


def test_debug_may_stand_anywhere_and_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    raising(ZeroDivisionError("oops"), monkeypatch)
    with pytest.raises(ZeroDivisionError):
        main.run(["version", "--debug"])


def test_an_unknown_command_gets_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["scna"]) == 2
    assert "did you mean scan" in capsys.readouterr().err


def test_every_command_is_where_the_table_says() -> None:
    with click.Context(main.cli) as ctx:
        for name in COMMANDS:
            command = main.cli.get_command(ctx, name)
            assert command is not None
            assert command.name == name


def test_a_closed_pipe_is_no_failure(tmp_path: Path) -> None:
    done = subprocess.run(
        f"{sys.executable} -m phototag --help | true", shell=True, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""


def test_a_reader_that_leaves_is_no_failure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    raising(BrokenPipeError(32, "Broken pipe"), monkeypatch)
    with (tmp_path / "out").open("w") as out:
        monkeypatch.setattr(sys, "stdout", out)
        assert main.run(["version"]) == 0


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("command", ["version", "version --json", "completion bash", "--help"])
def test_output_to_a_full_disk_is_an_error_and_no_bug(command: str, unbuffered: str) -> None:
    done = subprocess.run(
        f"{sys.executable} -m phototag {command} > /dev/full",
        shell=True, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
    )  # fmt: skip
    assert done.stderr == "phototag: the output could not be written: No space left on device\n"
    assert done.returncode == 1


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_disk_that_takes_a_part_of_the_output_only_is_an_error(tmp_path: Path, unbuffered: str) -> None:
    limit = "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
    limit += "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
    code = (
        limit + "import sys; sys.argv = ['phototag', 'version', '--json']; from phototag.__main__ import main; main()"
    )
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    with (tmp_path / "out").open("wb") as out:
        done = subprocess.run([sys.executable, "-c", code], stdout=out, stderr=-1, check=False, env=environment)
    assert (tmp_path / "out").stat().st_size == 100
    assert (done.returncode, done.stderr) == (1, b"phototag: the output could not be written: File too large\n")


@pytest.mark.parametrize(("command", "closed"), [("version", 1), ("version --json", 1), ("list", 2)])
def test_output_that_was_closed_beforehand_is_no_traceback(command: str, closed: int, tmp_path: Path) -> None:
    done = subprocess.run(
        f"{sys.executable} -m phototag {command} {closed}>&-",
        shell=True, capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0 if closed == 1 else 4, "", "")


def test_what_was_asked_to_happen_at_exit_happens() -> None:
    code = "import atexit; from phototag.__main__ import leave; atexit.register(print, 'bye'); print('hi'); leave(3)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.split(), done.stderr) == (3, ["hi", "bye"], "")


def test_threads_are_waited_for_at_exit() -> None:
    code = (
        "import threading, time; from phototag.__main__ import leave\n"
        "threading.Thread(target=lambda: (time.sleep(0.2), print('done'))).start(); leave(3)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (3, "done\n")


def test_ctrl_c_while_it_is_still_starting_leaves_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "click.py").write_text("raise KeyboardInterrupt\n")  # what Ctrl-C does to an import
    code = "import sys; sys.path.insert(0, sys.argv[1]); from phototag.__main__ import main; main()"
    done = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_python_m_runs_it() -> None:
    assert phototag("--version").stdout.startswith("phototag ")
