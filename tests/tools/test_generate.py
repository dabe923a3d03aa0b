"""The generator: what is committed is what the code writes, and a golden is never written over."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.require import REPOSITORY

TOOLS = REPOSITORY / "tools"


@pytest.fixture
def generate(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(TOOLS))
    import generate

    return generate


def test_generated_files_are_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, TOOLS / "generate.py", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_golden_is_never_written_over(
    generate: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "schemas/golden/v1/x.phototag"
    path = tmp_path / "x.phototag"
    assert generate.settle(path, b"first", name, check=False)
    assert not generate.settle(path, b"second", name, check=False)
    assert path.read_bytes() == b"first"
    assert "never change" in capsys.readouterr().err


def test_check_writes_nothing(generate: ModuleType, tmp_path: Path) -> None:
    assert not generate.settle(tmp_path / "x.json", b"data", "schemas/x.json", check=True)
    assert not (tmp_path / "x.json").exists()
