"""House rules that no linter knows: sizes, names, who may write files, what ``--help`` may import."""

from __future__ import annotations

import ast
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

from tests import source

FILE_LINES = 500
MEDIAN_LINES = 150
FUNCTION_LINES = 80
NO_NOUNS = {"util", "utils", "helper", "helpers", "common", "misc", "manager", "base", "core"}
HEAVY = ("numpy", "pyarrow", "faiss", "PIL", "torch", "starlette", "jinja2", "scipy", "onnxruntime", "rich")
WRITING_METHODS = {"write_text", "write_bytes", "touch", "unlink", "rename", "symlink_to", "hardlink_to", "tofile"}
WRITING_CALLS = {
    *(f"os.{name}" for name in ("remove", "unlink", "rename", "renames", "rmdir", "removedirs", "mkdir", "makedirs")),
    *(f"os.{name}" for name in ("link", "symlink", "truncate", "ftruncate", "chmod", "chown", "utime", "mkfifo")),
    *(f"shutil.{name}" for name in ("copy", "copy2", "copyfile", "copytree", "move", "rmtree")),
}
WRITING_FLAGS = {"O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "O_APPEND"}
WRITERS = {f"phototag/fsio/{name}.py" for name in ("files", "batch", "temps", "folders")}
FILES = source.python_files()
PRODUCT = source.python_files("phototag")


def test_no_file_is_too_long() -> None:
    lengths = {source.name_of(path): len(path.read_text("utf-8").splitlines()) for path in FILES}
    assert {name: count for name, count in lengths.items() if count > FILE_LINES} == {}


def test_the_median_file_is_short() -> None:
    assert statistics.median(len(path.read_text("utf-8").splitlines()) for path in PRODUCT) <= MEDIAN_LINES


def test_no_function_is_too_long() -> None:
    long = {
        f"{source.name_of(path)}:{name}": count
        for path in FILES
        for name, count in source.functions(path)
        if count > FUNCTION_LINES
    }
    assert long == {}


def test_modules_are_named_for_what_they_hold() -> None:
    assert [source.name_of(path) for path in FILES if set(path.stem.split("_")) & NO_NOUNS] == []


def test_every_module_says_what_it_is_for() -> None:
    bare = [p for p in PRODUCT if p.read_text("utf-8").strip() and ast.get_docstring(source.tree_of(p)) is None]
    assert [source.name_of(path) for path in bare] == []


def test_nothing_is_left_to_do() -> None:
    words = ("TO" + "DO", "FIX" + "ME", "XX" + "X")
    found = [source.name_of(p) for p in FILES for word in words if word in p.read_text("utf-8")]
    assert found == []


@pytest.mark.parametrize("path", PRODUCT, ids=source.name_of)
def test_one_write_path(path: Path) -> None:
    """Promise ``one_write_path``: these modules open files for writing or change the tree, and no others do."""
    found = [f"line {call.lineno}: {name}" for name, call in source.calls(path) if writes(name, call)]
    assert bool(found) is (source.name_of(path) in WRITERS), found


def writes(name: str, call: ast.Call) -> bool:
    """Say whether a call writes a file, as far as its text tells."""
    if name in WRITING_CALLS:
        return True
    last = name.rpartition(".")[2]
    if last in WRITING_METHODS:
        return not name.startswith("fsio.")
    if call.args and source.dotted(call.args[0]) == "os.devnull":
        return False
    if name == "os.open":
        return any(isinstance(node, ast.Attribute) and node.attr in WRITING_FLAGS for node in ast.walk(call))
    if name in ("open", "io.open", "os.fdopen") or (last == "open" and name.startswith("?")):
        return bool(set(mode_of(call)) & set("wax+"))
    return False


def mode_of(call: ast.Call) -> str:
    """Return the mode given to ``open``; one that is not written out counts as writing."""
    given = [keyword.value for keyword in call.keywords if keyword.arg == "mode"] or call.args[1:2]
    if not given:
        return "r"
    return given[0].value if isinstance(given[0], ast.Constant) and isinstance(given[0].value, str) else "w"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("open(p, 'w')", True),
        ("open(p, mode='ab')", True),
        ("open(p, 'rb')", False),
        ("open(p)", False),
        ("open(p, how)", True),
        ("Path(p).write_text('x')", True),
        ("os.open(p, os.O_RDWR | os.O_CLOEXEC)", True),
        ("os.open(p, os.O_RDONLY)", False),
        ("fsio.remove(p)", False),
        ("os.makedirs(p)", True),
    ],
)
def test_the_write_rule_sees_writes(text: str, expected: bool) -> None:
    call = ast.parse(text, mode="eval").body
    assert isinstance(call, ast.Call)
    assert writes(source.dotted(call.func), call) is expected


def test_only_settings_reads_the_environment() -> None:
    readers = {
        source.name_of(path)
        for path in PRODUCT
        for node in ast.walk(source.tree_of(path))
        if isinstance(node, ast.Attribute) and source.dotted(node) in ("os.environ", "os.getenv", "os.environb")
    }
    assert readers <= {"phototag/settings.py"}


def test_only_cli_prints() -> None:
    printers = [source.name_of(path) for path in PRODUCT for name, _ in source.calls(path) if name == "print"]
    assert printers == []


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["version"], ["scan", "--help"]], ids=" ".join)
def test_what_is_quick_imports_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys\nfrom phototag.cli.main import run\n"
        f"code = run({arguments!r})\n"
        f"print('HEAVY', [name for name in {HEAVY!r} if name in sys.modules], code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1:] == ["HEAVY [] 0"], done.stdout + done.stderr
