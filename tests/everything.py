"""Every command line once, in an order that makes sense, for tests that say "after the whole command set"."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest

from phototag.cli.main import run as run_cli

FIRST, SECOND = "b/IMG_0000.jpg", "a/IMG_0001.jpg"
"""Two of the images of ``tests.make.photos``."""

ELSEWHERE = {
    "serve": "runs until it is stopped: tests/serve",
    "demo": "makes photos of its own: tests/demo",
    "models fetch": "the one command that uses the network: tests/models",
    "models convert": "needs a model that was fetched: tests/models",
    "models use": "needs a model that was fetched: tests/models",
    "clusters diff": "needs two runs by their ids: tests/cli",
    "clusters use": "needs a run's id: tests/cli",
    "rename": "needs a cluster: tests/cli",
    "rename-bulk": "needs a file: tests/cli",
}
"""Commands that are not in the set, and where they are tested."""

COMMAND_LINES: tuple[str, ...] = (
    "version",
    "init",
    "scan",
    "scan --force --no-geo",
    "tag --force",
    "embed --force",
    "exif-backfill",
    "geo-tag",
    f"tag-edit {FIRST} --add holiday --remove sharp",
    f"rate 4 {FIRST} {SECOND}",
    f"caption {FIRST} sea",
    "log",
    "undo",
    "completion bash",
    "query holiday",
    "query holiday -tag:sharp OR rating:>=3",
    "list --tag holiday --json",
    "list --after 2020 --print0",
    f"similar {FIRST}",
    f"info {FIRST}",
    "stats",
    "export --format csv",
    "export --format jsonl --strip gps,faces,people",
    "cluster --min-size 2",
    "clusters",
    "clusters runs",
    "assign",
    "report --out ../report",
    "duplicates",
    "duplicates --near --json",
    "duplicates --near --apply --keep oldest",
    "index rebuild",
    "index refresh",
    "index status",
    "index verify",
    "relink",
    "relink --apply",
    "doctor",
    "doctor --fix",
    "sync resolve",
    "sync resolve --apply",
    "sync setup syncthing",
    "models list",
    "models path",
    "models verify",
    "sidecar push",
    "sidecar move --layout tree --apply",
    "list --json",
    "sidecar move --layout beside --apply",
    f"dump {FIRST}.phototag",
    f"merge-driver {FIRST}.phototag {FIRST}.phototag {FIRST}.phototag {FIRST}.phototag",
    "scan",
)
MAY_FAIL = ("undo", "cluster", "assign", "rename", "geo-tag", "models")
"""Commands that a tiny library, or a machine without extras, may refuse with a plain error."""


def run(line: str) -> int:
    """Run one command line in this process, in the current folder; return its exit code."""
    code = run_cli(shlex.split(line))
    sys.stdout.flush()
    return code


def run_all(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run every command line in ``library``; a failure that is not allowed fails the test."""
    monkeypatch.chdir(library)
    for line in COMMAND_LINES:
        code = run(line)
        assert code == 0 or line.split()[0] in MAY_FAIL, f"phototag {line} ended with {code}"
