"""Thresholds as the library's policy says them, applied when tags are read."""

from __future__ import annotations

import math
from collections.abc import Callable

from phototag.errors import FormatError
from phototag.library.documents import POLICY, read_document
from phototag.library.tree import Tree
from phototag.models.protocols import Thresholds
from phototag.sidecar.model import SCORE_SCALE

SECTION = "thr"
"""The section of the policy that holds them, by model space."""

UNKNOWN = Thresholds(default=0.5)
"""For a model whose thresholds the library does not know: a folder of sidecars copied from elsewhere."""


def thresholds_in(tree: Tree) -> Callable[[str], Thresholds]:
    """Return the function from model space to thresholds for a library; the policy is read now."""
    try:
        policy = read_document(tree, POLICY)
    except (FormatError, OSError):
        policy = None  # damaged: doctor reports the file, the default decides meanwhile
    known: dict[str, Thresholds] = {}

    def of(space: str) -> Thresholds:
        if space not in known:
            try:
                found = None if policy is None else policy.get(SECTION, space, Thresholds)
            except FormatError:
                found = None
            known[space] = found or UNKNOWN
        return known[space]

    return of


def limit_of(threshold: float) -> int:
    """Return the highest stored score that is not above ``threshold``, -1 where all are."""
    return max(-1, min(SCORE_SCALE, math.floor(threshold * SCORE_SCALE + 1e-9)))
