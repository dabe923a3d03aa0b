"""Every model that the conformance suite can open here: what it is called, and how to get its weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from phototag.models import registry
from phototag.models.protocols import ImageEmbedder, Tagger, TextEmbedder
from phototag.models.registry import Options
from phototag.settings import Settings
from tests import require
from tests.models import onnx_bytes
from tests.models.ram_plus import reference

Place = Callable[[Path], None]
"""Puts a model's files into a models folder; skips the test where it cannot."""


def nothing(models: Path) -> None:
    """Place nothing: the model has no weights."""


class Case(msgspec.Struct, frozen=True):
    """One model under test."""

    name: str
    place: Place = nothing
    options: Options = Options()

    def settings(self, folder: Path) -> Settings:
        """Return settings whose models folder holds the weights."""
        models = folder / "models"
        if not models.exists():
            models.mkdir()
            self.place(models)
        return Settings(models_dir=str(models), cache_dir=str(folder / "cache"), device="cpu")

    def tagger(self, folder: Path) -> Tagger:
        """Open it as a tagger."""
        return registry.open_tagger(self.name, self.settings(folder), self.options)

    def image_embedder(self, folder: Path) -> ImageEmbedder:
        """Open it as an image embedder."""
        return registry.open_image_embedder(self.name, self.settings(folder), self.options)

    def text_embedder(self, folder: Path) -> TextEmbedder:
        """Open it as a text embedder."""
        return registry.open_text_embedder(self.name, self.settings(folder))


def tiny_clip(models: Path) -> None:
    """Place a CLIP of two linear towers."""
    require.module("onnxruntime")
    require.module("tokenizers")
    onnx_bytes.clip_folder(models / "clip" / "tiny")


def shapes_clip(models: Path) -> None:
    """Place the trained CLIP of the shared test data."""
    require.module("onnxruntime")
    require.module("tokenizers")
    (models / "clip").mkdir()
    (models / "clip" / "shapes").symlink_to(require.shared("clip_shapes/model"))


def tiny_ram(models: Path) -> None:
    """Place a RAM++ of random weights."""
    require.module("torch")
    reference.write_folder(models / "ram_plus")


def golden_ram(models: Path) -> None:
    """Place the tiny RAM++ of the shared test data."""
    require.module("torch")
    (models / "ram_plus").symlink_to(require.shared("ram_plus_tiny"))


VOCABULARY = Options(vocabulary=("red", "ring", "grass", "a dog"))
CLIPS = [
    pytest.param(Case("clip", tiny_clip), id="clip-tiny"),
    pytest.param(Case("clip", shapes_clip), id="clip-shapes"),
]
TAGGERS = [
    pytest.param(Case("builtin"), id="builtin"),
    pytest.param(Case("ram++", tiny_ram), id="ram-tiny"),
    pytest.param(Case("ram++", golden_ram), id="ram-golden"),
    pytest.param(Case("ram++", tiny_ram, Options(vocabulary=("cat", "sea"))), id="ram-subset"),
    pytest.param(Case("clip", tiny_clip, VOCABULARY), id="zeroshot-tiny"),
    pytest.param(Case("clip", shapes_clip, VOCABULARY), id="zeroshot-shapes"),
]
IMAGE_EMBEDDERS = [pytest.param(Case("builtin"), id="builtin"), *CLIPS]
TEXT_EMBEDDERS = CLIPS
