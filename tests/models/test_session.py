"""One ONNX graph: where it runs, what is said when it cannot, and what a GPU does that this machine may not have."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from phototag import pipeline
from phototag.errors import BrokenModelError, ImageError, PhototagError, UsageError
from phototag.models import registry
from phototag.models.clip.embedder import BATCH_CPU, BATCH_CUDA, ClipImageEmbedder
from phototag.models.session import Graph
from phototag.settings import Settings
from tests import require
from tests.models import draw, onnx_bytes

require.module("onnxruntime")
require.module("tokenizers")

CUDA, CPU = "CUDAExecutionProvider", "CPUExecutionProvider"
WEIGHTS = np.random.default_rng(3).normal(size=(12, 5)).astype(np.float32)
BATCH = [np.full((3, 2, 2), number, np.float32) for number in range(6)]


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    path = tmp_path / "graph.onnx"
    path.write_bytes(onnx_bytes.linear(["n", 3, 2, 2], WEIGHTS))
    return path


def in_a_scan(graph: Graph) -> list[Any]:
    """Run the batch as a scan does: an image's own failure costs the image, the model's is raised."""

    def infer(batch: Sequence[Any]) -> list[Any]:
        return list(graph.run(batch))

    return pipeline.infer_each(infer, BATCH)


class Gpu:
    """A GPU for onnxruntime: sessions compute on the CPU and say where they would have run."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        import onnxruntime

        real = onnxruntime.InferenceSession
        self.starts = True
        """Without the CUDA libraries a session starts on the CPU."""
        self.driver: Exception | None = None
        self.room = 1000
        self.batches: list[int] = []
        gpu = self

        class Session:
            def __init__(self, path: Any, options: Any, *, providers: list[str], enable_fallback: int) -> None:
                assert enable_fallback == 0
                if CUDA in providers and gpu.driver is not None:
                    raise gpu.driver
                self.providers = providers if gpu.starts else [CPU]
                self.real = real(path, options, providers=[CPU])

            def __getattr__(self, name: str) -> Any:
                return getattr(self.real, name)

            def get_providers(self) -> list[str]:
                return self.providers

            def run(self, outputs: list[str], inputs: dict[str, Any]) -> Any:
                size = len(next(iter(inputs.values())))
                if CUDA in self.providers:
                    gpu.batches.append(size)
                    if size > gpu.room:
                        raise RuntimeError("Failed to allocate memory for requested buffer of size 1")
                return self.real.run(outputs, inputs)

        monkeypatch.setattr(onnxruntime, "InferenceSession", Session)
        monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CUDA, CPU])
        monkeypatch.setattr(
            onnxruntime, "preload_dlls", lambda: sys.stdout.write("Failed to load libcudnn"), raising=False
        )


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> Gpu:
    return Gpu(monkeypatch)


@pytest.mark.parametrize("device", ["auto", "cuda"])
def test_a_gpu_runs_the_whole_batch(graph: Path, gpu: Gpu, device: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = Graph(str(graph), Settings(device=device))
    assert np.allclose(found.run(BATCH), np.stack(BATCH).reshape(6, 12) @ WEIGHTS, atol=1e-5)
    assert found.on_gpu and gpu.batches == [6]
    assert capsys.readouterr().out == ""


def test_the_processor_is_used_when_it_is_asked_for(graph: Path, gpu: Gpu) -> None:
    found = Graph(str(graph), Settings(device="cpu"))
    assert len(found.run(BATCH)) == 6
    assert not found.on_gpu and gpu.batches == []


def test_a_graph_that_runs_a_few_times_does_not_wait_for_cuda(graph: Path, gpu: Gpu) -> None:
    assert not Graph(str(graph), Settings(device="auto"), brief=True).on_gpu
    assert Graph(str(graph), Settings(device="cuda"), brief=True).on_gpu


def missing_libraries(gpu: Gpu) -> None:
    gpu.starts = False


def old_driver(gpu: Gpu) -> None:
    gpu.driver = RuntimeError("CUDA failure 35: CUDA driver version is insufficient for CUDA runtime version")


@pytest.mark.parametrize("fault", [missing_libraries, old_driver])
def test_cuda_that_cannot_start(
    graph: Path, gpu: Gpu, fault: Callable[[Gpu], None], capsys: pytest.CaptureFixture[str]
) -> None:
    fault(gpu)
    assert len(Graph(str(graph), Settings(device="auto")).run(BATCH)) == 6
    with pytest.raises(PhototagError, match=r"cannot start CUDA|on the GPU: CUDA failure 35"):
        Graph(str(graph), Settings(device="cuda")).run(BATCH)
    assert gpu.batches == []
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("brief", [False, True])
def test_no_memory_to_load_a_graph_is_not_the_files_fault(
    graph: Path, monkeypatch: pytest.MonkeyPatch, brief: bool
) -> None:
    import onnxruntime

    def full(*given: Any, **options: Any) -> None:
        raise RuntimeError("std::bad_alloc: Failed to allocate memory for requested buffer of size 352321536")

    monkeypatch.setattr(onnxruntime, "InferenceSession", full)
    with pytest.raises(PhototagError, match="no memory is left to load") as caught:
        Graph(str(graph), Settings(device="cpu"), brief=brief).run(BATCH)
    assert not isinstance(caught.value, BrokenModelError)


def test_cuda_asked_for_and_not_installed(graph: Path) -> None:
    import onnxruntime

    if CUDA in onnxruntime.get_available_providers():
        pytest.skip("onnxruntime has CUDA here")
    with pytest.raises(UsageError, match="cannot use CUDA") as caught:
        Graph(str(graph), Settings(device="cuda")).run(BATCH)
    assert "onnxruntime-gpu" in str(caught.value.hint)


def test_a_full_gpu_halves_the_batch(graph: Path, gpu: Gpu) -> None:
    gpu.room = 2
    found = Graph(str(graph), Settings()).run(BATCH)
    assert np.allclose(found, np.stack(BATCH).reshape(6, 12) @ WEIGHTS, atol=1e-5)
    assert gpu.batches == [6, 3, 1, 2, 3, 1, 2]


def test_a_gpu_without_room_for_one_stops_the_run_and_blames_no_image(graph: Path, gpu: Gpu) -> None:
    gpu.room = 0
    with pytest.raises(PhototagError, match="no memory is left for a single input") as caught:
        in_a_scan(Graph(str(graph), Settings()))
    assert not isinstance(caught.value, (ImageError, BrokenModelError))


def test_the_batch_is_larger_on_a_gpu_and_smaller_for_large_pictures(tmp_path: Path, gpu: Gpu) -> None:
    onnx_bytes.clip_folder(tmp_path / "clip" / "small")
    onnx_bytes.clip_folder(tmp_path / "clip" / "large", side=512, pool=True)

    def batch(name: str, device: str, asked: int = 0) -> int:
        settings = Settings(models_dir=str(tmp_path), device=device)
        return registry.open_image_embedder(name, settings, registry.Options(batch_size=asked)).batch_size

    assert (batch("clip/small", "cpu"), batch("clip/small", "auto")) == (BATCH_CPU, BATCH_CUDA)
    assert (batch("clip/large", "cpu"), batch("clip/large", "cuda")) == (BATCH_CPU // 4, BATCH_CUDA // 4)
    assert batch("clip/large", "cpu", asked=7) == 7


@pytest.mark.parametrize("shape", [["n", 8], ["n", 3, 9, 9], ["n", 1, 2, 2]])
def test_a_graph_for_other_inputs_is_the_models_fault(tmp_path: Path, shape: list[int | str]) -> None:
    path = tmp_path / "graph.onnx"
    size = int(np.prod([part for part in shape[1:] if isinstance(part, int)]))
    path.write_bytes(onnx_bytes.linear(shape, np.ones((size, 5), np.float32)))
    with pytest.raises(BrokenModelError, match=r"graph\.onnx cannot run: .*Expected"):
        in_a_scan(Graph(str(path), Settings(device="cpu")))


def test_towers_of_another_width_than_the_folder_says(tmp_path: Path) -> None:
    settings = Settings(models_dir=str(tmp_path), device="cpu")
    folder = onnx_bytes.clip_folder(tmp_path / "clip" / "tiny")
    config = (folder / "open_clip_config.json").read_text().replace('"embed_dim":12', '"embed_dim":9')
    (folder / "open_clip_config.json").write_text(config)
    image = registry.open_image_embedder("clip", settings)
    assert isinstance(image, ClipImageEmbedder)
    with pytest.raises(BrokenModelError, match="12 numbers, its configuration says 9"):
        image.infer([image.prepare(draw.picture(draw.scene()))])
    with pytest.raises(BrokenModelError, match="12 numbers, its configuration says 9"):
        registry.open_text_embedder("clip", settings).embed_text(["a photo"])


def test_a_tokenizer_of_another_model(tmp_path: Path) -> None:
    folder = onnx_bytes.clip_folder(tmp_path / "clip" / "tiny")
    # Its tokens lead beyond the graph's table: there are 2 rows.
    (folder / "textual.onnx").write_bytes(onnx_bytes.table(8, np.ones((2, 12), np.float32)))
    text = registry.open_text_embedder("clip", Settings(models_dir=str(tmp_path), device="cpu"))
    with pytest.raises(BrokenModelError, match=r"textual\.onnx cannot run"):
        text.embed_text(["a photo"])
