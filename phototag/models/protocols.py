"""What a model must offer. Small protocols; ``tests/contract`` holds one suite that every implementation passes.

Work is split in two so that stages overlap: ``prepare`` runs in decode threads, one picture at a time, and keeps
only what ``infer`` needs; ``infer`` runs on batches in one thread. Both must be safe to call from several threads
on different data, deterministic, and give the same rows whatever the batch (within the model's tolerance).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import msgspec

from phototag.imaging.picture import Picture
from phototag.sidecar import model as fields

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Prepared = Any
"""What ``prepare`` hands to ``infer``: opaque to the pipeline."""


NONE_FITS = "none of these"
"""A tag that says how likely no tag of the vocabulary fits. It counts where the same model gives no tag elsewhere."""


class ModelInfo(msgspec.Struct, frozen=True):
    """Which model, which revision of it, and which parameters change its output."""

    name: str
    """As a person names it: ``builtin``, ``ram++``, ``clip/ViT-B-32``."""
    rev: str
    """Revision of weights or algorithm, short."""
    params8: str
    """8 hex of the hash of the parameters that change the output."""
    uses_facts: bool = False
    """Its output depends on the picture's EXIF and position too, not on the pixels alone."""

    @property
    def space(self) -> str:
        """Return the key of its output in a sidecar: ``<name>@<rev>#<params8>``."""
        return fields.space(self.name, self.rev, self.params8)


class Tags(msgspec.Struct, frozen=True):
    """The tags of one picture above the model's storage floor, best first; ``scores`` in [0, 1]."""

    labels: tuple[str, ...]
    scores: tuple[float, ...]


class Thresholds(msgspec.Struct, frozen=True, omit_defaults=True):
    """From which score a tag counts, applied when reading; a tag is on when its score is > the threshold."""

    default: float
    per_tag: Mapping[str, float] = {}

    def of(self, label: str) -> float:
        """Return the threshold of ``label``."""
        return self.per_tag.get(label, self.default)


class PictureModel(Protocol):
    """What models that look at pictures have in common."""

    @property
    def info(self) -> ModelInfo:
        """Return what it is."""
        ...

    @property
    def side_px(self) -> int:
        """Return the shorter side it wants decoded; more is wasted, less loses quality."""
        ...

    @property
    def batch_size(self) -> int:
        """Return how many pictures ``infer`` likes at once, from the memory at hand."""
        ...

    def prepare(self, picture: Picture) -> Prepared:
        """Return the model's input for one picture."""
        ...


@runtime_checkable
class Tagger(PictureModel, Protocol):
    """Gives tags with scores to pictures."""

    @property
    def thresholds(self) -> Thresholds:
        """Return the thresholds to apply on reading."""
        ...

    def infer(self, batch: Sequence[Prepared]) -> list[Tags]:
        """Return one ``Tags`` a prepared picture; an empty batch gives an empty list."""
        ...


@runtime_checkable
class ImageEmbedder(PictureModel, Protocol):
    """Gives a vector to each picture, such that alike pictures have a high cosine."""

    @property
    def dim(self) -> int:
        """Return the length of its vectors."""
        ...

    def infer(self, batch: Sequence[Prepared]) -> npt.NDArray[np.float32]:
        """Return (n, dim) float32, rows L2-normalised; (0, dim) for an empty batch."""
        ...


@runtime_checkable
class TextEmbedder(Protocol):
    """Gives a vector to a text, in the space of the image embedder of the same model."""

    @property
    def info(self) -> ModelInfo:
        """Return what it is; ``info.space`` equals the image embedder's."""
        ...

    @property
    def dim(self) -> int:
        """Return the length of its vectors."""
        ...

    def embed_text(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return (n, dim) float32, rows L2-normalised."""
        ...


class DetectedFace(msgspec.Struct, frozen=True):
    """One face: coordinates in [0, 1] of the upright image."""

    box: tuple[float, float, float, float]
    """x0, y0, x1, y1."""
    landmarks: tuple[float, ...]
    """Five points as x, y pairs: left eye, right eye, nose, left and right mouth corner."""
    det_score: float
    quality: float
    embedding: npt.NDArray[np.float32]
    """(d,) float32, L2-normalised."""


@runtime_checkable
class FaceDetector(PictureModel, Protocol):
    """Finds faces and gives each an identity vector. Only ever run after the owner opted in.

    Its ``info`` is of detector and recogniser together.
    """

    def infer(self, batch: Sequence[Prepared]) -> list[list[DetectedFace]]:
        """Return the faces of each picture, largest first."""
        ...
