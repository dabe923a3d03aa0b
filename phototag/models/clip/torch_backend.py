"""A CLIP folder's OpenCLIP weights run by torch, for CUDA. Chosen by ``{"backend": "torch"}`` in its config.json."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from phototag.errors import BrokenModelError, MissingExtraError, PhototagError
from phototag.models import accelerator
from phototag.models.clip.folder import ClipFolder
from phototag.models.session import answers
from phototag.settings import Settings

if TYPE_CHECKING:
    import numpy.typing as npt


class TorchTower:
    """One tower of an open_clip model, loaded when first used: fp16 on CUDA, fp32 on the CPU."""

    def __init__(self, folder: ClipFolder, settings: Settings, *, image: bool) -> None:
        self._folder = folder
        self._settings = settings
        self._image = image
        self._lock = threading.Lock()
        self._loaded: tuple[Any, Any, Any] | None = None

    @property
    def input_shape(self) -> tuple[int | None, ...]:
        """Return what the model's configuration says."""
        model, _, _ = self._model()
        if not self._image:
            return (None, int(model.context_length))
        size = model.visual.image_size
        return (None, 3, *(size if isinstance(size, tuple) else (size, size)))

    @property
    def width(self) -> int | None:
        """Return the length of the vectors, where the folder says it."""
        return self._folder.dim or None

    @property
    def on_gpu(self) -> bool:
        """Say whether it runs on a GPU."""
        _, device, _ = self._model()
        return bool(device.type == "cuda")

    def run(self, rows: Sequence[npt.NDArray[Any]]) -> npt.NDArray[np.float32]:
        """Return (n, dim) float32; a full device halves the batch. Raises BrokenModelError, PhototagError."""
        import torch

        model, device, dtype = self._model()

        def once(part: Sequence[npt.NDArray[Any]]) -> npt.NDArray[np.float32]:
            batch = torch.from_numpy(np.stack(part)).to(device)
            with torch.inference_mode():
                found = model.encode_image(batch.to(dtype)) if self._image else model.encode_text(batch)
            values: npt.NDArray[np.float32] = found.float().cpu().numpy()
            return values

        return answers(self._folder.weights, once, rows)

    def _model(self) -> tuple[Any, Any, Any]:
        with self._lock:
            if self._loaded is None:
                self._loaded = _load(self._folder, self._settings)
            return self._loaded


def open_tower(folder: ClipFolder, settings: Settings, *, image: bool) -> TorchTower:
    """Return a tower; nothing is imported before it is used. Raises MissingExtraError, BrokenModelError."""
    from importlib.util import find_spec

    if find_spec("open_clip") is None:
        raise MissingExtraError("the torch backend of CLIP", "convert")
    if not folder.weights:
        raise BrokenModelError(f"{folder.path}: the torch backend needs open_clip_model.safetensors")
    return TorchTower(folder, settings, image=image)


def import_open_clip(what: str) -> Any:
    """Return the module open_clip, for ``what``. Raises MissingExtraError; PhototagError where torch does not fit."""
    try:
        import open_clip
    except ImportError as error:
        raise MissingExtraError(what, "convert") from error
    except RuntimeError as error:  # torchvision's compiled part is loaded by the import, and is of another torch
        raise PhototagError(
            f"{what} needs a torchvision that fits the installed torch: {error}",
            hint="install the two together: pip install --upgrade torch torchvision",
        ) from error
    return open_clip


def _load(folder: ClipFolder, settings: Settings) -> tuple[Any, Any, Any]:
    """Return (the model, its device, the type of the pixels it takes)."""
    import torch

    open_clip = import_open_clip("the torch backend of CLIP")
    device = accelerator.pick(settings)
    precision = _precision(device)
    model = open_clip.create_model(f"local-dir:{os.fspath(folder.path)}", device=device, precision=precision)
    # Half precision leaves norms and embeddings at fp32, so the parameters do not say what the first layer takes.
    return model.eval(), device, open_clip.get_input_dtype(precision) or torch.float32


def _precision(device: Any) -> str:
    return "fp16" if device.type == "cuda" else "fp32"
