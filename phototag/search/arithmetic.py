"""Adding and subtracting meanings: ``horse + stripes``, ``2:beach + ./sea.jpg - people`` as one direction.

Each term is embedded by itself and brought to length 1, so that its weight alone says how much it counts; the sum is
brought to length 1 again. The cosine of an image to that direction is its score.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from phototag.errors import UsageError
from phototag.search.terms import Term

Floats = npt.NDArray[np.float32]
EmbedTexts = Callable[[Sequence[str]], Floats]
"""Texts to rows."""
EmbedImage = Callable[[str], Floats]
"""A path as the person wrote it to one vector."""


def direction(terms: Sequence[Term], embed_texts: EmbedTexts, embed_image: EmbedImage) -> Floats:
    """Return the sum of the weighted terms, (d,) float32, L2-normalised. Raises UsageError when they cancel out."""
    texts = [term for term in terms if not term.is_image]
    rows = iter(embed_texts([term.meaning for term in texts])) if texts else iter(())
    vectors = [embed_image(term.text) if term.is_image else next(rows) for term in terms]
    total = sum(term.weight * _unit(vector) for term, vector in zip(terms, vectors, strict=True))
    length = float(np.linalg.norm(np.asarray(total)))
    if not terms or length < 1e-6:
        raise UsageError("these terms cancel each other out", hint="leave one of them away")
    return (np.asarray(total) / length).astype(np.float32)


def _unit(vector: Floats) -> npt.NDArray[np.float64]:
    values: npt.NDArray[np.float64] = vector.astype(np.float64)
    return values / max(float(np.linalg.norm(values)), 1e-12)
