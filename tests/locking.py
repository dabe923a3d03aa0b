"""Folders that nobody can write, root neither."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Make ``folder`` such that nothing in it can be made, renamed or removed; skip where root can be kept from nothing."""
    root = os.geteuid() == 0
    if root and (
        shutil.which("chattr") is None
        or subprocess.run(["chattr", "+i", folder], check=False, capture_output=True).returncode != 0
    ):
        pytest.skip("root may write everywhere, and chattr does not work here")
    if not root:
        folder.chmod(0o555)
    try:
        yield
    finally:
        if root:
            subprocess.run(["chattr", "-i", folder], check=True)
        folder.chmod(0o755)
