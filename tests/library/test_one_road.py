"""Promise of ``library.decide``: nothing else in the package writes what a person said."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import phototag

PACKAGE = Path(phototag.__file__).parent
SAY = {"set_person", "set_imported"}
"""Methods of Document that write a person's register."""
ALLOWED = {"library/decide.py": SAY, "sidecar/registers.py": SAY}
RAW = {"put", "encode_register"}
"""Ways to write a register with a stamp and device of one's own choosing."""
RAW_ALLOWED = {"sidecar/registers.py", "sidecar/codec.py"}


def calls(source: str) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield node.func.attr, node


def test_only_decide_writes_a_persons_registers() -> None:
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        for method, node in calls(path.read_text()):
            if method in SAY - ALLOWED.get(name, set()):
                found.append(f"{name}:{node.lineno}: {method}")
            if method in RAW and len(node.args) >= 5 and name not in RAW_ALLOWED:
                found.append(f"{name}:{node.lineno}: {method} with a stamp and device")
    assert not found, "decisions go through library.decide: " + ", ".join(found)


def test_the_check_sees_a_decision_written_elsewhere() -> None:
    assert [name for name, _ in calls("document.set_person('user', 'rating', 5, clock)")] == ["set_person"]
