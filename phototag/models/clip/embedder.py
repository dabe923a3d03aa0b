"""The two towers of a CLIP folder as an image embedder and a text embedder of one space."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from phototag.errors import BrokenModelError, UsageError
from phototag.imaging.picture import Picture
from phototag.models import fault, registry
from phototag.models.clip.folder import ClipFolder, read_folder
from phototag.models.clip.tokenizer import Tokenizer
from phototag.models.identity import file_rev, params8
from phototag.models.protocols import ModelInfo
from phototag.models.registry import Options
from phototag.models.session import Graph, require_runtime
from phototag.settings import Settings

if TYPE_CHECKING:
    import numpy.typing as npt

BATCH_CPU, BATCH_CUDA = 16, 128
"""Pictures of USUAL_PX at once."""
USUAL_PX = 256


class Tower(Protocol):
    """One tower, whatever runs it: a batch of inputs to rows of vectors."""

    @property
    def input_shape(self) -> tuple[int | None, ...]:
        """Return the shape of its input; None where any size goes."""
        ...

    @property
    def width(self) -> int | None:
        """Return the length of its vectors, where it says so."""
        ...

    @property
    def on_gpu(self) -> bool:
        """Say whether it runs on a GPU."""
        ...

    def run(self, rows: Sequence[npt.NDArray[Any]]) -> npt.NDArray[np.float32]:
        """Return (n, dim) float32."""
        ...


class ClipImageEmbedder:
    """Pictures to vectors; the graph is loaded when the first picture comes."""

    def __init__(self, folder: ClipFolder, tower: Tower, *, batch_size: int = 0) -> None:
        """``batch_size`` 0: by the device and the size of the pictures."""
        self.folder = folder
        self._asked_batch = batch_size
        self._tower = tower

    @cached_property
    def info(self) -> ModelInfo:
        """Return which model; the text embedder of the folder has the same."""
        return info_of(self.folder)

    @cached_property
    def size_px(self) -> tuple[int, int]:
        """Return (height, width) of the input."""
        if self.folder.preprocessing.size_px is not None:
            return self.folder.preprocessing.size_px
        height, width = self._tower.input_shape[-2:]
        if height is None or width is None:
            raise BrokenModelError(
                f"{self.folder.path} does not say the size of its pictures", hint="add open_clip_config.json"
            )
        return height, width

    @cached_property
    def side_px(self) -> int:
        """Return the longer side of the input: a square crop needs the picture's shorter side at least so long."""
        return max(self.size_px)

    @cached_property
    def batch_size(self) -> int:
        """Return the batch that was asked for, or as many pictures as take the memory of 16 of 256 pixels on a CPU."""
        most = BATCH_CUDA if self._tower.on_gpu else BATCH_CPU
        height, width = self.size_px
        return self._asked_batch or max(1, min(most, most * USUAL_PX**2 // (height * width)))

    @cached_property
    def dim(self) -> int:
        """Return the length of the vectors."""
        return (
            self.folder.dim or self._tower.width or self._tower.run([np.zeros((3, *self.size_px), np.float32)]).shape[1]
        )

    def prepare(self, picture: Picture) -> npt.NDArray[np.float32]:
        """Return the tower's input, (3, height, width) float32."""
        from phototag.models.clip import preprocess  # Pillow: a query has no use for it

        return preprocess.prepare(picture.rgb, self.folder.preprocessing, self.size_px)

    def infer(self, batch: Sequence[npt.NDArray[np.float32]]) -> npt.NDArray[np.float32]:
        """Return (n, dim) float32, rows L2-normalised. Raises ImageError when a vector is not a number.

        BrokenModelError where that is so whatever the picture.
        """
        if not batch:
            return np.zeros((0, self.dim), np.float32)
        rows = _sized(self._tower.run(batch), self.folder)
        if not has_direction(rows):
            raise fault.of_answer(self.folder.identity_file, self._tower.run, batch[0], has_direction)
        return normalised(rows)


class ClipTextEmbedder:
    """Texts to vectors in the space of the folder's image embedder."""

    def __init__(self, folder: ClipFolder, tower: Tower) -> None:
        self.folder = folder
        self._tower = tower
        self._lock = threading.Lock()
        self._tokenizer: Tokenizer | None = None

    @cached_property
    def info(self) -> ModelInfo:
        """Return which model; the image embedder of the folder has the same."""
        return info_of(self.folder)

    @cached_property
    def dim(self) -> int:
        """Return the length of the vectors."""
        return self.folder.dim or self._tower.width or self.embed_text(["a"]).shape[1]

    @property
    def tokenizer(self) -> Tokenizer:
        """Return the tokenizer, read once."""
        with self._lock:
            if self._tokenizer is None:
                how = self.folder.texts
                self._tokenizer = Tokenizer(
                    self.folder.tokenizer,
                    context_length=how.context_length or self._tower.input_shape[-1] or 77,
                    clean=how.clean,
                    own=how.own,
                    strip_sep=how.strip_sep,
                )
            return self._tokenizer

    def embed_text(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return (n, dim) float32, rows L2-normalised. Raises BrokenModelError when one is not a number."""
        if not texts:
            return np.zeros((0, self.dim), np.float32)
        rows = _sized(self._tower.run(list(self.tokenizer(texts))), self.folder)
        if not has_direction(rows):
            raise fault.broken(self.folder.textual or self.folder.weights)
        return normalised(rows)


def _sized(rows: npt.NDArray[np.float32], folder: ClipFolder) -> npt.NDArray[np.float32]:
    """Return ``rows`` if they are as long as the folder says. Raises BrokenModelError."""
    if folder.dim and rows.shape[1] != folder.dim:
        raise BrokenModelError(
            f"{folder.path}: a tower makes vectors of {rows.shape[1]} numbers, its configuration says {folder.dim}",
            hint="do its files belong together?",
        )
    return rows


def has_direction(rows: npt.NDArray[np.float32]) -> bool:
    """Say whether every row is of numbers, and longer than 0."""
    lengths = _lengths(rows)
    return bool((np.isfinite(lengths) & (lengths > 0)).all())


def normalised(rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the rows, all of which have a direction, at length 1."""
    unit: npt.NDArray[np.float32] = (rows / _lengths(rows)[:, None]).astype(np.float32)
    return unit


def _lengths(rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    squares: npt.NDArray[np.float64] = np.einsum("nd,nd->n", rows, rows, dtype=np.float64)
    return np.sqrt(squares)


def info_of(folder: ClipFolder) -> ModelInfo:
    """Return the identity of a folder: its image weights and how pictures are prepared."""
    how = folder.preprocessing
    parameters = params8(size=how.size_px, mean=how.mean, std=how.std, filter=how.interpolation, mode=how.resize_mode)
    return ModelInfo(name=folder.name, rev=file_rev(folder.identity_file), params8=parameters)


def open_image_embedder(name: str, settings: Settings, options: Options) -> ClipImageEmbedder:
    """Open the image tower of a CLIP folder. Raises MissingModelError, MissingExtraError."""
    folder = read_folder(name, settings)
    tower = _tower(folder, settings, image=True, threads=options.threads)
    return ClipImageEmbedder(folder, tower, batch_size=options.batch_size)


def open_text_embedder(name: str, settings: Settings, *, brief: bool = True) -> ClipTextEmbedder:
    """Open the text tower of a CLIP folder; not ``brief``: for more texts than a query has.

    Raises MissingModelError, MissingExtraError.
    """
    folder = read_folder(name, settings)
    lacking = [
        file for file, path in (("textual.onnx", folder.textual), ("tokenizer.json", folder.tokenizer)) if not path
    ]
    if lacking and not (folder.backend == "torch" and folder.tokenizer):
        raise registry.missing(name, settings, *lacking)
    return ClipTextEmbedder(folder, _tower(folder, settings, image=False, brief=brief))


def _tower(folder: ClipFolder, settings: Settings, *, image: bool, threads: int = 0, brief: bool = False) -> Tower:
    if folder.backend == "torch":
        from phototag.models.clip import torch_backend

        return torch_backend.open_tower(folder, settings, image=image)
    if folder.backend != "onnx":
        raise UsageError(f"{os.path.join(folder.path, 'config.json')}: no backend is called {folder.backend!r}")
    require_runtime(folder.name, "clip")
    return Graph(folder.visual if image else folder.textual, settings, threads=threads, brief=brief)
