"""Write the generated files again, or with ``--check`` say which differ from what the code would write.

A golden sidecar is never written again once it exists: if the code would write other bytes, the format changed and
released files are at stake. Add a new golden beside it, or undo the change.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import cli_reference
import cli_schema
import format_tables
import settings_table
import sidecar_schema

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = "schemas/golden/"
Files = dict[str, bytes]
GENERATORS: tuple[Callable[[Path], Files], ...] = (
    sidecar_schema.files,
    cli_schema.files,
    cli_reference.files,
    format_tables.files,
    settings_table.files,
)


def main(arguments: list[str]) -> int:
    """Write or check every generated file; return the exit code."""
    check = arguments == ["--check"]
    if arguments and not check:
        print(f"usage: {sys.argv[0]} [--check]", file=sys.stderr)
        return 2
    wrong = []
    for generator in GENERATORS:
        for name, data in generator(ROOT).items():
            if not settle(ROOT / name, data, name, check=check):
                wrong.append(name)
    if wrong and check:
        print("out of date, run 'make generate':", *wrong, sep="\n  ", file=sys.stderr)
    return 1 if wrong else 0


def settle(path: Path, data: bytes, name: str, *, check: bool) -> bool:
    """Make ``path`` hold ``data``, or only compare; return whether all is well."""
    old = path.read_bytes() if path.exists() else None
    if old == data:
        return True
    if old is not None and name.startswith(GOLDEN):
        print(f"{name}: the code no longer writes these bytes; goldens never change", file=sys.stderr)
        return False
    if not check:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        print(f"wrote {name}")
    return not check


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
