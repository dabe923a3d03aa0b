"""What the tests of CLIP share: a folder of models of their own, and open_clip where it is installed."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest

from phototag.settings import Settings
from tests import require, torchvision_schemas


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(models_dir=str(tmp_path / "models"), device="cpu")


@pytest.fixture
def open_clip() -> Any:
    """Return open_clip; skip without it."""
    torchvision_schemas.declare()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in ("onnx", "onnxscript"):
            require.module(name)
        return require.module("open_clip")
