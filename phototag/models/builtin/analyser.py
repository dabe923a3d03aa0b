"""The built-in tagger and embedder: everything happens in ``prepare``, in the decode threads; ``infer`` only stacks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from phototag.errors import UsageError
from phototag.imaging.picture import Picture
from phototag.models.builtin import colour, edges, facts, gist, kind, layout, light, texture
from phototag.models.builtin.canvas import SHORT_PX, Canvas, canvas_of
from phototag.models.identity import params8
from phototag.models.protocols import ModelInfo, Tags, Thresholds
from phototag.models.registry import BUILTIN, Options
from phototag.settings import Settings

if TYPE_CHECKING:
    import numpy.typing as npt

REVISION = "1"
"""Raised when a measurement changes, so that old and new values are never mixed."""
FLOOR = 0.02
"""Scores below are not stored."""
_QUIET = {"grey": 0.4, "black": 0.3, "white": 0.3, "brown": 0.25}
"""Shadow, sky and skin are in most photos: these colours need more of the picture to be worth a word."""
THRESHOLDS = Thresholds(default=0.5, per_tag=dict.fromkeys(colour.TERMS, 0.15) | _QUIET)
BATCH = 64

WEIGHTS = {"layout": 1.0, "histogram": 0.7, "edges": 0.8, "gist": 1.0}
"""How much each part of the embedding counts; the parts are L2-normalised first."""
DIM = layout.LAYOUT_DIM + layout.HISTOGRAM_DIM + edges.EDGES_DIM + gist.GIST_DIM


class BuiltinTagger:
    """Measurements as tags; see the package's docstring for what is measured."""

    info = ModelInfo(name=BUILTIN, rev=REVISION, params8=params8(task="tag", floor=FLOOR), uses_facts=True)
    side_px = SHORT_PX
    batch_size = BATCH
    thresholds = THRESHOLDS

    def prepare(self, picture: Picture) -> Tags:
        """Return the finished tags of one picture."""
        canvas = canvas_of(picture.rgb)
        scores = (
            colour.measure(canvas)
            | light.measure(canvas, single_channel=picture.grey)
            | texture.measure(canvas)
            | kind.measure(picture, canvas)
            | facts.measure(picture)
        )
        kept = sorted(((-score, label) for label, score in scores.items() if score >= FLOOR))
        return Tags(labels=tuple(label for _, label in kept), scores=tuple(-score for score, _ in kept))

    def infer(self, batch: Sequence[Tags]) -> list[Tags]:
        """Return what was prepared."""
        return list(batch)


class BuiltinEmbedder:
    """A vector of colour layout, colours, edges and texture: alike pictures have a high cosine."""

    info = ModelInfo(name=BUILTIN, rev=REVISION, params8=params8(task="embed", weights=WEIGHTS, dim=DIM))
    side_px = SHORT_PX
    batch_size = BATCH
    dim = DIM

    def prepare(self, picture: Picture) -> npt.NDArray[np.float32]:
        """Return the finished vector of one picture, (510,) float32."""
        return embed(canvas_of(picture.rgb))

    def infer(self, batch: Sequence[npt.NDArray[np.float32]]) -> npt.NDArray[np.float32]:
        """Return the prepared vectors as rows."""
        return np.stack(batch) if batch else np.zeros((0, DIM), np.float32)


def embed(canvas: Canvas) -> npt.NDArray[np.float32]:
    """Return the L2-normalised embedding, (510,) float32, each value one that half precision holds exactly."""
    luma = canvas.grid_luma
    histogram = layout.colour_histogram(canvas)
    energies = gist.gabor_energies(luma)
    parts = {
        "layout": _unit(layout.colour_layout(canvas), floor=0.05),
        "histogram": _unit(histogram - histogram.mean(), floor=0.05),
        "edges": _unit(_centred(edges.edge_histograms(luma)), floor=4.0),
        "gist": _unit(_centred(energies), floor=0.5),
    }
    vector = np.concatenate([WEIGHTS[name] * part for name, part in parts.items()])
    vector /= np.sqrt((vector**2).sum())
    return vector.astype(np.float16).astype(np.float32)


def _centred(part: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return ``part`` about its own mean: energies are never negative, so without this all pictures look alike."""
    centred: npt.NDArray[np.float64] = part - part.mean()
    return centred


def _unit(part: npt.NDArray[np.float64], *, floor: float) -> npt.NDArray[np.float64]:
    """Return ``part`` at length 1, or shorter when it is below ``floor``: the noise of a plain wall stays small."""
    return part / max(floor, float(np.sqrt((part**2).sum())))


def open_tagger(name: str, settings: Settings, options: Options) -> BuiltinTagger:
    """Open the built-in tagger. Raises UsageError for options it has no use for."""
    if options.vocabulary or options.language:
        raise UsageError(
            "the built-in tagger measures; it has no words of its own to choose from",
            hint="--vocab needs a model that sees: --tagger clip or --tagger ram++",
        )
    return BuiltinTagger()


def open_image_embedder(name: str, settings: Settings, options: Options) -> BuiltinEmbedder:
    """Open the built-in embedder."""
    return BuiltinEmbedder()
