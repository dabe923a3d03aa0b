"""What a clustering method takes and gives: arrays in, arrays out; nothing here knows what a photo is."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from phototag.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

NOISE = -1
"""The label of what belongs to no cluster."""

LEAF, EOM = "leaf", "eom"
LEVELS = (LEAF, EOM)

Vectors = Any
"""(n, d) float16 or float32, rows L2-normalised; may be memory-mapped."""

Notify = Callable[[str], None]


def silent(_: str) -> None:
    """Say nothing: the default ``Notify``."""


class Options(msgspec.Struct, frozen=True):
    """What a person may choose about a clustering. Zeros mean: from the number of photos."""

    min_size: int = 0
    """Fewest photos that make a cluster."""
    min_samples: int = 0
    """Neighbours that must be near for a photo not to be noise; larger is stricter."""
    neighbours: int = 0
    seed: int = 0
    threads: int = 0

    def settled(self, n: int) -> Options:
        """Return the options with every zero decided for ``n`` photos. Raises UsageError."""
        if self.min_size == 1 or min(self.min_size, self.min_samples, self.neighbours) < 0:
            raise UsageError("a cluster needs at least 2 photos", hint="leave --min-size out to have it chosen")
        min_size = self.min_size or max(3, min(60, round(n**0.5 / 4)))
        # A small collection is sparse everywhere: asking for five near neighbours would make most of it noise.
        # On 1,797 handwritten digits each one more costs 0.08 of ARI; below 3 in 20,000 chains of chance join the leaves.
        min_samples = self.min_samples or max(1, min(5, min_size, round(math.log10(max(n, 1)) - 1)))
        neighbours = self.neighbours or max(16, min(32, min_size))
        return msgspec.structs.replace(
            self, min_size=min_size, min_samples=min_samples, neighbours=max(neighbours, min_samples)
        )


class Clustering(msgspec.Struct, frozen=True):
    """Two levels of one tree: clusters (leaves) and the themes that hold them (excess of mass). Rows are photos.

    Numbers go from the largest cluster (0) to the smallest; ties by first member. NOISE is -1.
    """

    labels: npt.NDArray[np.int32]
    """(n,) leaf cluster."""
    probabilities: npt.NDArray[np.float32]
    """(n,) strength of membership in the leaf cluster, in [0, 1]; 0 for noise."""
    themes: npt.NDArray[np.int32]
    """(n,) theme."""
    theme_probabilities: npt.NDArray[np.float32]
    outliers: npt.NDArray[np.float32]
    """(n,) GLOSH outlier score in [0, 1]; 1 is furthest out."""
    parents: tuple[int, ...]
    """Theme of each leaf cluster."""
    options: Options
    """The options in force, every one decided."""

    def level(self, level: str) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
        """Return (labels, probabilities) at ``leaf`` or ``eom``."""
        return (self.labels, self.probabilities) if level == LEAF else (self.themes, self.theme_probabilities)


class ClusterMethod(Protocol):
    """A way to find clusters in vectors. Deterministic for a seed and a number of threads."""

    @property
    def name(self) -> str:
        """Return the name a person chooses it by."""
        ...

    @property
    def needs(self) -> tuple[str, ...]:
        """Return the modules of the extra ``cluster`` that it works with."""
        ...

    def fit(self, vectors: Vectors, options: Options, *, notify: Notify = silent) -> Clustering:
        """Return the clusters of ``vectors``. Raises MissingExtraError, UsageError.

        Any number of rows works: too few for a cluster are all noise.
        """
        ...
