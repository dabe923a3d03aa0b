"""Promise ``no_network``: one module can open a connection outward, and only ``models fetch`` imports it."""

from __future__ import annotations

import ast
from pathlib import Path

import phototag

ROOT = Path(phototag.__file__).parent
OUTWARD = ("urllib.request", "http.client", "ftplib", "smtplib", "requests", "httpx", "aiohttp", "huggingface_hub")
FETCHES = "models/download.py"


def imports(path: Path) -> set[str]:
    """Return every module that a file imports, wherever it does."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def test_no_network_but_in_the_downloader() -> None:
    outward = {
        str(path.relative_to(ROOT))
        for path in ROOT.rglob("*.py")
        if any(name == lib or name.startswith(lib + ".") for name in imports(path) for lib in OUTWARD)
    }
    assert outward == {FETCHES}


def test_the_downloader_is_used_by_fetch_alone() -> None:
    users = {
        str(path.relative_to(ROOT))
        for path in ROOT.rglob("*.py")
        if "phototag.models.download" in imports(path) or "phototag.models.weights" in imports(path)
    }
    assert users <= {"models/weights.py", "cli/models.py"}
