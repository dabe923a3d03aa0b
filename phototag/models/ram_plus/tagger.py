"""RAM++ as a tagger."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from functools import cached_property
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from phototag.errors import MissingExtraError, PhototagError, UsageError
from phototag.imaging.picture import Picture
from phototag.models import accelerator, fault
from phototag.models.identity import file_rev, params8
from phototag.models.protocols import ModelInfo, Tags, Thresholds
from phototag.models.ram_plus import vocabulary as words
from phototag.models.ram_plus.folder import PUBLISHED_BYTES, RamFolder, read_folder
from phototag.models.ram_plus.vocabulary import Vocabulary
from phototag.models.registry import Options
from phototag.models.session import answers, cannot_load
from phototag.settings import Settings

if TYPE_CHECKING:
    import numpy.typing as npt

    from phototag.models.ram_plus.decoder import RamPlus

NAME = "ram++"
FLOOR = 0.1
"""Scores below are not stored: far under every threshold of the list (0.45 and more)."""
MEAN = np.array([0.485, 0.456, 0.406], np.float32)
STD = np.array([0.229, 0.224, 0.225], np.float32)
PRECISIONS = ("fp32", "fp16", "bf16")
BATCH_CPU = 4
_PUBLISHED_SIDE = 384
_MODEL_BYTES, _IMAGE_BYTES = 2 << 30, 600 << 20
"""A generous guess of what the model and one image with all tags take on a GPU; a full one halves the batch."""


class RamTagger:
    """RAM++ over a vocabulary; torch and the weights are loaded when the first picture comes."""

    def __init__(self, folder: RamFolder, vocabulary: Vocabulary, settings: Settings, options: Options) -> None:
        self.folder = folder
        self.vocabulary = vocabulary
        self._settings = settings
        self._options = options
        self._encoder = words.open_encoder(folder, vocabulary.new, settings) if vocabulary.new else None
        self._lock = threading.Lock()
        self._loaded: tuple[RamPlus, Any, Any] | None = None

    @cached_property
    def info(self) -> ModelInfo:
        """Return the checkpoint, and the vocabulary, language and precision as parameters."""
        chosen = () if self.vocabulary.whole else self.vocabulary.labels
        options = self._options
        parameters = params8(
            tags=chosen,
            language=options.language,
            precision=options.precision,
            side=self.folder.config.image_size,
            floor=FLOOR,
        )
        return ModelInfo(name=NAME, rev=file_rev(self.folder.checkpoint), params8=parameters)

    @cached_property
    def side_px(self) -> int:
        """Return the side of the square input; known without torch for the published checkpoint."""
        if self.folder.config.image_size:
            return self.folder.config.image_size
        if os.stat(self.folder.checkpoint).st_size == PUBLISHED_BYTES:
            return _PUBLISHED_SIDE
        from phototag.models.ram_plus.checkpoint import dimensions, read_state

        return dimensions(
            read_state(self.folder.checkpoint), self.folder.config, classes=len(self.folder.tags)
        ).image_size

    @cached_property
    def batch_size(self) -> int:
        """Return the batch that was asked for, or what fits: a few on a CPU, as many as free memory holds on a GPU."""
        if self._options.batch_size:
            return self._options.batch_size
        device = accelerator.pick(self._settings) if self._settings.device != "cpu" and _may_have_gpu() else None
        if device is None or device.type == "cpu":
            return BATCH_CPU
        import torch

        free, _ = torch.cuda.mem_get_info()
        return max(1, min(64, (int(free) - _MODEL_BYTES) // _IMAGE_BYTES))

    @property
    def thresholds(self) -> Thresholds:
        """Return the list's own threshold of each tag."""
        return self.vocabulary.thresholds

    def prepare(self, picture: Picture) -> npt.NDArray[np.float32]:
        """Return (3, S, S) float32: squashed with Pillow's bilinear filter, normalised as ImageNet."""
        image = Image.fromarray(np.ascontiguousarray(picture.rgb))
        square = image.resize((self.side_px, self.side_px), Image.Resampling.BILINEAR)
        values = np.asarray(square, np.float32) / np.float32(255)
        values -= MEAN
        values /= STD
        return np.ascontiguousarray(values.transpose(2, 0, 1))

    def infer(self, batch: Sequence[npt.NDArray[np.float32]]) -> list[Tags]:
        """Return every tag at or above the floor; a full GPU halves the batch and goes on."""
        return [self._tags(row) for row in _probabilities(self.logits(batch))] if batch else []

    def logits(self, batch: Sequence[npt.NDArray[np.float32]]) -> npt.NDArray[np.float32]:
        """Return (n, tags) float32. Raises ImageError when one is not a number, BrokenModelError, PhototagError.

        Where no picture gets a number it is the model's fault.
        """
        import torch

        model, device, dtype = self._model()

        def once(part: Sequence[npt.NDArray[np.float32]]) -> npt.NDArray[np.float32]:
            with torch.inference_mode():
                values: npt.NDArray[np.float32] = (
                    model(torch.from_numpy(np.stack(part)).to(device, dtype)).float().cpu().numpy()
                )
            return values

        def run(rows: Sequence[npt.NDArray[np.float32]]) -> npt.NDArray[np.float32]:
            return answers(self.folder.checkpoint, once, rows)

        found = run(batch)
        if not _is_finite(found):
            raise fault.of_answer(self.folder.checkpoint, run, batch[0], _is_finite)
        return found

    def _tags(self, row: npt.NDArray[np.float64]) -> Tags:
        order = [int(n) for n in np.argsort(-row, kind="stable") if row[n] >= FLOOR]
        return Tags(labels=tuple(self.vocabulary.labels[n] for n in order), scores=tuple(float(row[n]) for n in order))

    def _model(self) -> tuple[RamPlus, Any, Any]:
        with self._lock:
            if self._loaded is None:
                try:
                    self._loaded = self._load()
                except PhototagError:
                    raise
                except Exception as error:  # what torch says of sizes that do not fit each other
                    raise cannot_load(self.folder.checkpoint, error) from error
            return self._loaded

    def _load(self) -> tuple[RamPlus, Any, Any]:
        import torch

        from phototag.models.ram_plus import checkpoint, decoder

        device = accelerator.pick(self._settings)
        precision = self._options.precision or ("fp16" if device.type == "cuda" else "fp32")
        if precision != "fp32" and device.type == "cpu":
            raise UsageError(
                f"{precision} needs a GPU: on a CPU it is slower than fp32", hint="leave the precision out"
            )
        state = checkpoint.read_state(self.folder.checkpoint)
        dims = checkpoint.dimensions(state, self.folder.config, classes=len(self.folder.tags))
        model = decoder.build(dims, state)
        if not self.vocabulary.whole:
            model = decoder.with_labels(model, self._labels(model.label_embed, dims), len(self.vocabulary.labels))
        dtype = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}[precision]
        return model.to(device, dtype), device, dtype

    def _labels(self, published: Any, dims: Any) -> Any:
        """Return the label embeddings of the vocabulary: rows of the checkpoint, and described words."""
        import torch

        rows = published.view(dims.classes, dims.per_class, -1)[[max(0, n) for n in self.vocabulary.classes]]
        if self._encoder is not None:
            described = words.describe(self._encoder, self.vocabulary.new, dims.projection)
            at = [i for i, number in enumerate(self.vocabulary.classes) if number < 0]
            # One description stands for all: equal rows get equal weights, and their mean is the row.
            rows[at] = torch.from_numpy(described)[:, None, :].expand(-1, dims.per_class, -1)
        return rows.flatten(0, 1)


def _is_finite(values: npt.NDArray[np.float32]) -> bool:
    return bool(np.isfinite(values).all())


def _probabilities(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    found: npt.NDArray[np.float64] = 1.0 / (1.0 + np.exp(-logits.astype(np.float64)))
    return found


def _may_have_gpu() -> bool:
    """Say whether CUDA is worth asking about: importing torch only for that costs seconds on a no-op scan."""
    return any(os.path.exists(path) for path in ("/dev/nvidia0", "/dev/dxg", "/proc/driver/nvidia"))


def open_tagger(name: str, settings: Settings, options: Options) -> RamTagger:
    """Open the RAM++ folder. Raises MissingModelError, MissingExtraError, UsageError."""
    if options.precision not in ("", *PRECISIONS):
        raise UsageError(f"no precision is called {options.precision!r}", hint=", ".join(PRECISIONS))
    folder = read_folder(name, settings)
    if find_spec("torch") is None:
        raise MissingExtraError(NAME, "ram")
    return RamTagger(folder, words.choose(folder, options), settings, options)
