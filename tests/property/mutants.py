"""Seed mutants of the join and say which the laws kill: ``python -m tests.property.mutants``.

Each mutant changes one thing of ``sidecar.merge`` in a copy of the module's source; the laws then run against it in a
process of their own. Prints one line a mutant and exits 1 when one survives.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent.parent
MERGE = REPOSITORY / "phototag" / "sidecar" / "merge.py"

MUTANTS = {
    "keep the earlier": ("return a if rank_a >= rank_b else b", "return b if rank_a >= rank_b else a"),
    "ours always wins": ("return a if rank_a >= rank_b else b", "return a"),
    "theirs always wins": ("return a if rank_a >= rank_b else b", "return b"),
    "forget the device": ("(one.stamp, one.device, bytes(one.value), a)", "(one.stamp, bytes(one.value), a)"),
    "forget the stamp": ("rank_a = (one.stamp, ", "rank_a = (two.stamp, "),
    "forget the value": (
        "rank_a = (one.stamp, one.device, bytes(one.value), a)\n",
        "rank_a = (one.stamp, one.device, b'', b'')\n",
    ),
    "choose before purging": (
        "keys = _alive(a.get(section, {}), needed)",
        "keys = dict(a.get(section, {}))",
    ),
    "purge nothing": ("if not needed:\n        return dict(keys)", "if needed is not None:\n        return dict(keys)"),
    "any purge id is enough": ("if needed <= set(", "if needed & set("),
    "forget the other's purges": ("for section, ids in purge_ids_of(b).items():", "for section, ids in ():"),
    "purges do not bind sections below": ('section = section.rpartition(".")[0]', 'section = ""'),
    "purges purge themselves": ("if section == PURGE or not purge_ids:", "if not purge_ids:"),
    "only sections of both": ("for section in a.keys() | b.keys():", "for section in a.keys() & b.keys():"),
    "only sections of ours": ("for section in a.keys() | b.keys():", "for section in a.keys():"),
    "keys of ours only": ("keys[key] = raw if mine is None", "keys[key] = b'' if mine is None"),
    "share the inner map": ("return dict(keys)", "return keys"),
}


def mutate(old: str, new: str) -> str:
    """Return the mutated source; a mutant that no longer applies is an error, not a kill."""
    source = MERGE.read_text()
    if (times := source.count(old)) != 1:
        raise SystemExit(f"mutant does not apply exactly once but {times} times: {old!r}")
    return source.replace(old, new)


def survives(source: str, folder: Path) -> bool:
    """Say whether the laws pass on ``source``."""
    path = folder / "mutant_merge.py"
    path.write_text(source)
    loader = (
        "import sys, importlib.util as u\n"
        "import phototag.sidecar\n"
        f"spec = u.spec_from_file_location('phototag.sidecar.merge', {str(path)!r})\n"
        "module = u.module_from_spec(spec); sys.modules['phototag.sidecar.merge'] = module\n"
        "spec.loader.exec_module(module); phototag.sidecar.merge = module\n"
        "import pytest\n"
        "sys.exit(pytest.main(['-q', '-x', '-p', 'no:cacheprovider', 'tests/property/test_join_laws.py',"
        " 'tests/property/test_replicas.py']))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", loader],
        cwd=REPOSITORY,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    return done.returncode == 0


def main() -> int:
    """Run all mutants; return how many survive."""
    import tempfile

    alive = []
    with tempfile.TemporaryDirectory() as folder:
        if not survives(MERGE.read_text(), Path(folder)):
            raise SystemExit("the laws fail on the join itself")
        for name, (old, new) in MUTANTS.items():
            lives = survives(mutate(old, new), Path(folder))
            sys.stdout.write(f"{'SURVIVES' if lives else 'killed  '}  {name}\n")
            sys.stdout.flush()
            alive += [name] * lives
    sys.stdout.write(f"{len(MUTANTS) - len(alive)} of {len(MUTANTS)} mutants killed\n")
    return len(alive)


if __name__ == "__main__":
    sys.exit(main())
