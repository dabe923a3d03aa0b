"""Run the models over a batch of examined images: what they answer is checked, and set in the images' documents."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from phototag import pipeline
from phototag.errors import BrokenModelError, ImageError
from phototag.models.protocols import ImageEmbedder, Tagger, Tags
from phototag.scan.examine import Found, Model, Task
from phototag.sidecar import model as fields
from phototag.sidecar.model import Embedding, TagScores

UNIT_WITHIN = 0.02
"""How far the square of a vector's length may be from 1: half precision leaves it nearer than that."""


def infer(batch: Sequence[Found], fail: Callable[[Task, Exception], None]) -> None:
    """Run every model over the images of ``batch`` that lack its output and set the outputs in their documents."""
    broken: set[str] = set()
    for section, space in dict.fromkeys((m.section, m.model.info.space) for found in batch for m in found.pending):
        rows = [
            (found, one)
            for found in batch
            for one in found.pending
            if one.section == section and one.model.info.space == space
        ]
        model = rows[0][1].model
        for start in range(0, len(rows), model.batch_size):
            part = rows[start : start + model.batch_size]
            outputs = pipeline.infer_each(partial(answers, model), part)
            for (found, _), output in zip(part, outputs, strict=True):
                if isinstance(output, Exception):
                    if found.task.rel not in broken:
                        broken.add(found.task.rel)
                        fail(found.task, output)
                    continue
                found.document.set_machine(section, space, output)
    for found in batch:
        found.pending = []


def answers(model: Tagger | ImageEmbedder, rows: Sequence[tuple[Found, Model]]) -> list[TagScores | Embedding]:
    """Return what ``model`` says of each of ``rows``, as it is kept. Raises BrokenModelError, ImageError."""
    outputs: Any = model.infer([one.prepared for _, one in rows])
    if len(outputs) != len(rows):
        raise BrokenModelError(f"{model.info.name} gives {len(outputs)} answers to {len(rows)} images")
    return [stored(output, found.source) for (found, _), output in zip(rows, outputs, strict=True)]


def stored(output: Any, source: bytes) -> TagScores | Embedding:
    """Return a model's output for one image as it is kept in the sidecar. Raises ImageError where it cannot be kept."""
    import numpy as np

    if isinstance(output, Tags):
        scores = np.asarray(output.scores, dtype=np.float64)
        if scores.shape != (len(output.labels),) or not np.isfinite(scores).all():
            raise ImageError("the model's answer is not a score for each of its tags", lasting=False)
        return TagScores(
            source, tuple(output.labels), np.rint(np.clip(scores, 0, 1) * fields.SCORE_SCALE).astype("<u2").tobytes()
        )
    vector = np.asarray(output, dtype=np.float32)
    if vector.ndim != 1 or not abs(float((vector.astype(np.float64) ** 2).sum()) - 1) < UNIT_WITHIN:
        raise ImageError("the model's answer is not a vector of length 1", lasting=False)
    return Embedding(source, len(vector), vector.astype("<f2").tobytes())
