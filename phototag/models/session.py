"""One ONNX graph on ONNX Runtime: options, providers by device, one input, one output, batches halved on a full GPU."""

from __future__ import annotations

import contextlib
import io
import os
import threading
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from phototag.errors import BrokenModelError, MissingExtraError, PhototagError, UsageError
from phototag.models import mapped
from phototag.models.batches import in_halves
from phototag.settings import Settings

if TYPE_CHECKING:
    import numpy.typing as npt

_TYPES = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
}
_FULL = ("allocate memory", "out of memory", "bad allocation", "bad_alloc", "alloc_failed")
"""In what ONNX Runtime, torch, CUDA, cuBLAS and the C++ library say when memory is short."""

_CUDA, _CPU = "CUDAExecutionProvider", "CPUExecutionProvider"
_GET_CUDA = "pip uninstall onnxruntime, then pip install 'onnxruntime-gpu[cuda,cudnn]'; or leave the device at auto"

Rows = Sequence["npt.NDArray[Any]"]
Answer = Callable[[Rows], "npt.NDArray[np.float32]"]
"""Inputs of one shape to their outputs, (n, width)."""


def require_runtime(what: str, extra: str) -> None:
    """Raise MissingExtraError when ONNX Runtime is not installed; imports nothing."""
    if find_spec("onnxruntime") is None:
        raise MissingExtraError(what, extra)


class Graph:
    """A single-input, single-output graph, loaded when first used; safe to call from several threads."""

    def __init__(self, path: str, settings: Settings, *, threads: int = 0, brief: bool = False) -> None:
        """``brief``: it runs a few times only, so being ready at once counts for more than the last tenth of speed."""
        self.path = path
        self._brief = brief
        self._device = settings.device
        self._threads = threads
        self._streams = 1
        self._lock = threading.Lock()
        self._loaded: Any = None

    @property
    def input_shape(self) -> tuple[int | None, ...]:
        """Return the shape of the input; None where any size goes."""
        return tuple(size if isinstance(size, int) else None for size in self._session().get_inputs()[0].shape)

    @property
    def width(self) -> int | None:
        """Return the last dimension of the output, where the graph says so."""
        size = self._session().get_outputs()[0].shape[-1]
        return size if isinstance(size, int) else None

    @property
    def on_gpu(self) -> bool:
        """Say whether it runs on a GPU."""
        return _CUDA in self._session().get_providers()

    def run(self, rows: Rows) -> npt.NDArray[np.float32]:
        """Return the output for a batch of equal-shaped inputs, (n, width) float32; a full device halves the batch.

        Raises BrokenModelError where the graph cannot take them, PhototagError where one alone has no room.
        """
        session = self._session()
        wanted = session.get_inputs()[0]
        dtype = _TYPES.get(wanted.type, np.float32)
        output = session.get_outputs()[0].name

        def once(part: Rows) -> npt.NDArray[np.float32]:
            batch = np.stack(part).astype(dtype, copy=False)
            return np.asarray(session.run([output], {wanted.name: batch})[0], np.float32)

        fixed = wanted.shape[0] if isinstance(wanted.shape[0], int) else 0
        if fixed == 1 and len(rows) > 1:
            return np.concatenate([answers(self.path, once, [row]) for row in rows])
        if self._streams == 1 or len(rows) < 2:
            return answers(self.path, once, rows)
        size = -(-len(rows) // self._streams)
        with ThreadPoolExecutor(self._streams, thread_name_prefix="infer") as pool:
            parts = [rows[start : start + size] for start in range(0, len(rows), size)]
            return np.concatenate(list(pool.map(lambda part: answers(self.path, once, part), parts)))

    def _session(self) -> Any:
        with self._lock:
            if self._loaded is None:
                self._loaded = self._on_cuda() or self._on_cpu()
            return self._loaded

    def _on_cuda(self) -> Any:
        """Return a session on the GPU; None where the CPU is meant, or is all there is.

        ONNX Runtime goes on without CUDA when its libraries are missing, and says so only in its log; what it does
        by itself after an error (``enable_fallback``) it prints on stdout.
        """
        import onnxruntime as ort

        if self._device not in ("auto", "cpu", "cuda"):
            raise UsageError(f"no device is called {self._device!r}", hint="auto, cpu or cuda")
        if self._device == "cpu" or (self._brief and self._device == "auto"):
            return None  # starting CUDA takes longer than a few runs on the CPU
        asked = self._device == "cuda"
        if _CUDA not in ort.get_available_providers():
            if asked:
                raise UsageError("the installed onnxruntime cannot use CUDA", hint=_GET_CUDA)
            return None
        _find_cuda(ort)
        try:
            session = ort.InferenceSession(self.path, _options(ort, 0), providers=[_CUDA, _CPU], enable_fallback=0)
        except Exception as error:
            if not asked:
                return None  # the CPU tries, and says what is wrong with the file
            raise PhototagError(
                f"cannot load {self.path} on the GPU: {_line(error)}",
                hint="--device cpu runs it without the GPU, and says whether the file is at fault",
            ) from error
        if _CUDA in session.get_providers():
            return session
        if asked:
            raise UsageError(
                "onnxruntime cannot start CUDA: its libraries, or the driver, are not there", hint=_GET_CUDA
            )
        return None

    def _on_cpu(self) -> Any:
        """Return a session on the CPU.

        Two halves of a batch side by side are 6 % quicker than one batch with every operator shared out: cores need
        not wait for each other after each. What comes out is the same to the bit.
        """
        threads, cores = self._threads, _usable_cores()
        if not (self._brief or threads or cores < 2):
            self._streams, threads = 2, cores - 1  # its own threads serve both; each half brings the one that called
        return _load(self.path, threads, brief=self._brief)


def answers(path: str, once: Answer, rows: Rows) -> npt.NDArray[np.float32]:
    """Return ``once(rows)``, halved while the device is full.

    All inputs have one shape, so what fails for one alone fails for every one: it is the model's fault, or the
    device's. Raises BrokenModelError, PhototagError.
    """

    def part(some: Rows) -> list[npt.NDArray[np.float32]]:
        found = once(some)
        if found.ndim != 2 or len(found) != len(some):
            raise BrokenModelError(f"{path} answers {found.shape} to {len(some)} inputs, not one row to each")
        return [found]

    try:
        return np.concatenate(in_halves(part, rows, is_full))
    except PhototagError:
        raise
    except Exception as error:
        if is_full(error):
            raise PhototagError(
                f"{path}: no memory is left for a single input: {_line(error)}",
                hint="--device cpu runs it without the GPU",
            ) from error
        raise BrokenModelError(
            f"{path} cannot run: {_line(error)}",
            hint="do its files and its configuration belong together? and does --device cpu run it?",
        ) from error


def _usable_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def is_full(error: Exception) -> bool:
    """Say whether ``error`` means that the device has no memory left."""
    text = str(error).lower()
    return isinstance(error, MemoryError) or any(sign in text for sign in _FULL)


def _find_cuda(ort: Any) -> None:
    """Load the CUDA libraries that pip installed; what cannot be found is known when the session starts."""
    find = getattr(ort, "preload_dlls", None)  # since 1.21
    if find is not None:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            find()


def _load(path: str, threads: int, *, brief: bool) -> Any:
    import onnxruntime as ort

    try:
        quick = _load_mapped(ort, path, threads) if brief else None
        return quick or ort.InferenceSession(path, _options(ort, threads), providers=[_CPU], enable_fallback=0)
    except Exception as error:
        if is_full(error) or _blames_the_file(error):
            raise cannot_load(path, error) from error
        raise


def _options(ort: Any, threads: int) -> Any:
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Spinning workers take the cores that decoding needs (docs/performance.md).
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    return options


def _load_mapped(ort: Any, path: str, threads: int) -> Any:
    """Return a session over the mapped weights of ``path``, not repacked for the kernels; None where it cannot be."""
    options = _options(ort, threads)
    options.add_session_config_entry("session.disable_prepacking", "1")
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", os.path.dirname(path))
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    try:
        return ort.InferenceSession(mapped.slim(path), options, providers=[_CPU], enable_fallback=0)
    except Exception as error:
        if _blames_the_file(error):
            return None  # the whole file is tried next, and says what is wrong with it
        raise


def _blames_the_file(error: Exception) -> bool:
    """Say whether loading failed for what the file is, and not for want of memory.

    ONNX Runtime's own classes derive from Exception alone; what C++ throws comes as RuntimeError or ValueError.
    """
    if is_full(error):
        return False
    own = type(error).__module__.startswith("onnxruntime")
    return own or isinstance(error, (RuntimeError, ValueError, NotImplementedError, OSError))


def cannot_load(path: str, error: Exception) -> PhototagError:
    """Return the error for weights that could not be loaded: for want of memory, or for what they are."""
    if is_full(error):
        return PhototagError(f"no memory is left to load {path}: {_line(error)}")
    return BrokenModelError(
        f"cannot load {path}: {_line(error)}", hint="'phototag models verify' says which file is damaged"
    )


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
