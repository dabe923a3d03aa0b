"""What a test may need beyond Python: skip where it is missing, naming it; fail where CI is set."""

from __future__ import annotations

import importlib
import os
import shutil
from pathlib import Path
from types import ModuleType

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
SHARED_DATA = REPOSITORY.parent / "shared" / "data"


def tool(name: str) -> str:
    """Return the path of the program ``name``; skip the test without it, fail in CI."""
    found = shutil.which(name)
    if found is None:
        missing(f"the program {name!r} is not installed")
    assert found is not None
    return found


def module(name: str) -> ModuleType:
    """Return the imported module ``name``; skip the test without it, fail in CI."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        missing(f"the Python module {name!r} is not installed ({error})")
        raise


def shared(name: str = "") -> Path:
    """Return a folder of the shared test data (``../shared/data/<name>``); skip the test without it."""
    path = SHARED_DATA / name
    if not path.exists():
        pytest.skip(f"no test data at {path}", allow_module_level=True)
    return path


def missing(reason: str) -> None:
    """Skip with ``reason``, or fail with it where everything is meant to be installed."""
    if os.environ.get("CI"):
        pytest.fail(reason + "; CI must have it: see 'make test'", pytrace=False)
    pytest.skip(reason, allow_module_level=True)
