"""When ``none of these`` counts: several vocabularies of one model stand side by side, and each says it for itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from phototag.models.protocols import NONE_FITS


class Output(NamedTuple):
    """What one output of one model says of an image: the tags above their thresholds, with scores."""

    model: str
    tags: list[tuple[str, float]]


def counting(outputs: Sequence[Output]) -> Iterator[tuple[str, str, float]]:
    """Yield (model, tag, score) of every tag that counts.

    ``none of these`` counts where no other output of the same model gives a tag.
    """
    fitting = [output.model if any(tag != NONE_FITS for tag, _ in output.tags) else None for output in outputs]
    for number, (model, tags) in enumerate(outputs):
        for tag, score in tags:
            if tag != NONE_FITS or model not in (*fitting[:number], *fitting[number + 1 :]):
                yield model, tag, score
