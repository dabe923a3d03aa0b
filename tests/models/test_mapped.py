"""Weights mapped where they lie: the same answers as the whole file loaded, and whatever cannot be split is loaded whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from phototag.errors import BrokenModelError
from phototag.models import mapped
from phototag.models.session import Graph
from phototag.settings import Settings, load
from tests import require
from tests.models import onnx_bytes

require.module("onnxruntime")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load(cache_dir=str(tmp_path), device="cpu")


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    weights = np.random.default_rng(1).normal(size=(300, 64)).astype(np.float32)
    path = tmp_path / "textual.onnx"
    path.write_bytes(onnx_bytes.linear(["n", 300], weights))
    return path


def test_large_weights_are_left_in_the_file(graph: Path) -> None:
    small = mapped.slim(str(graph))
    assert len(small) < 1000 < graph.stat().st_size
    assert b"textual.onnx" in small


def test_the_answers_are_the_same(graph: Path, settings: Settings) -> None:
    rows = list(np.random.default_rng(2).normal(size=(3, 300)).astype(np.float32))
    brief, whole = Graph(str(graph), settings, brief=True), Graph(str(graph), settings)
    assert np.allclose(brief.run(rows), whole.run(rows), atol=1e-5)


def test_the_weights_are_mapped_and_not_loaded(
    graph: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    import onnxruntime

    given: list[object] = []
    real = onnxruntime.InferenceSession

    def spy(model: object, *args: object, **kwargs: object) -> object:
        given.append(model)
        return real(model, *args, **kwargs)

    monkeypatch.setattr(onnxruntime, "InferenceSession", spy)
    Graph(str(graph), settings, brief=True).run([np.zeros(300, np.float32)])
    assert [type(model) for model in given] == [bytes]


def test_a_real_text_tower(settings: Settings) -> None:
    path = require.shared("clip_shapes/model") / "textual.onnx"
    tokens = np.zeros(20, np.int64)
    tokens[:4] = 49406, 320, 1929, 49407
    brief, whole = Graph(str(path), settings, brief=True), Graph(str(path), settings)
    context = whole.input_shape[-1] or 20
    rows = [np.resize(tokens, context)]
    assert np.allclose(brief.run(rows), whole.run(rows), atol=1e-5)


def test_what_is_no_graph_is_named(tmp_path: Path, settings: Settings) -> None:
    path = tmp_path / "textual.onnx"
    path.write_bytes(b"\x07 this is no protobuf")
    with pytest.raises(ValueError, match="no protobuf"):
        mapped.slim(str(path))
    with pytest.raises(BrokenModelError, match=r"textual\.onnx"):
        Graph(str(path), settings, brief=True).run([np.zeros(3, np.float32)])


def test_a_file_cut_short_is_named(graph: Path, settings: Settings) -> None:
    graph.write_bytes(graph.read_bytes()[:5000])
    with pytest.raises(ValueError, match="cut short"):
        mapped.slim(str(graph))
    with pytest.raises(BrokenModelError, match=r"textual\.onnx"):
        Graph(str(graph), settings, brief=True).run([np.zeros(300, np.float32)])


def test_a_runtime_that_cannot_map_loads_the_whole_file(
    graph: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mapped, "slim", lambda path: b"not a graph")
    assert Graph(str(graph), settings, brief=True).run([np.ones(300, np.float32)]).shape == (1, 64)
