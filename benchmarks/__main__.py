"""``python -m benchmarks [NAME...]``: run the scripts and print one table; ``--list`` names them, ``--json`` for programs.

Every script runs in a process of its own, so that the memory and threads of one do not weigh on the next.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

import msgspec

from benchmarks.row import Row

_RUN = (
    "import sys, importlib, msgspec; "
    "sys.stdout.buffer.write(msgspec.json.encode(importlib.import_module(sys.argv[1]).rows()))"
)


def main() -> int:
    """Run what the command line names, everything by default; return 1 where a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--list", action="store_true", help="name the scripts")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    options = parser.parse_args()
    known = scripts()
    if options.list:
        print(*known, sep="\n")
        return 0
    if unknown := set(options.names) - set(known):
        parser.error(f"no script is called {', '.join(sorted(unknown))}; see --list")
    rows: list[Row] = []
    failed = []
    # An installed phototag has its bytecode, as its peers have: where that is not written, every process that a
    # command starts would compile our modules again.
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    for name in options.names or known:
        begun = time.monotonic()
        print(f"{name} ...", file=sys.stderr, flush=True)
        command = [sys.executable, "-c", _RUN, f"benchmarks.{name}"]
        done = subprocess.run(command, stdout=subprocess.PIPE, env=env, check=False)
        if done.returncode:
            failed.append(name)
            continue
        rows += msgspec.json.decode(done.stdout, type=list[Row])
        print(f"{name}: {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
    if options.json:
        print(msgspec.json.encode(rows).decode())
    else:
        print(table(rows))
    for name in failed:
        print(f"{name} failed", file=sys.stderr)
    return 1 if failed or not all(row.passed for row in rows) else 0


def scripts() -> list[str]:
    """Return the modules of this package that measure something: those with ``rows()``."""
    folder = Path(__file__).parent
    return sorted(path.stem for path in folder.glob("*.py") if "\ndef rows(" in path.read_text("utf-8"))


def table(rows: list[Row]) -> str:
    """Return the table: what, measured, target, whether it is met, detail."""
    lines = [("what", "measured", "target", "", "detail")]
    for row in rows:
        sign = ">=" if row.at_least else "<="
        target = f"{sign} {row.limit:g} {row.unit}"
        lines.append((row.name, f"{row.value:.3g} {row.unit}", target, "pass" if row.passed else "MISS", row.detail))
    widths = [max(len(line[column]) for line in lines) for column in range(4)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(line, widths, strict=False)), line[4]]).rstrip()
        for line in lines
    )


if __name__ == "__main__":
    sys.exit(main())
