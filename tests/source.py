"""The source tree as tests look at it: every Python file of the repository, parsed once."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

from tests.require import REPOSITORY

FOLDERS = ("phototag", "tests", "tools", "examples", "benchmarks")


def python_files(*folders: str) -> list[Path]:
    """Return the Python files below ``folders`` (by default all), sorted."""
    return sorted(path for folder in folders or FOLDERS for path in (REPOSITORY / folder).rglob("*.py"))


def name_of(path: Path) -> str:
    """Return the path as people write it."""
    return path.relative_to(REPOSITORY).as_posix()


@functools.cache
def tree_of(path: Path) -> ast.Module:
    """Return the parsed file."""
    return ast.parse(path.read_text("utf-8"))


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Yield (name, number of lines) of each function, decorators not counted."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            yield node.name, node.end_lineno - node.lineno + 1


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    """Yield (dotted name, call) of each call whose name is written out."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Call):
            yield dotted(node.func), node


def dotted(node: ast.expr) -> str:
    """Return ``a.b.c`` of an expression, ``?`` for what is not a name."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return "?"
