"""What became of the clusters between any two runs."""

from __future__ import annotations

import msgspec

from phototag.clustering.carry import compare
from phototag.clustering.lineage import stored
from phototag.index.reader import Index
from phototag.library import runs
from phototag.library.runs import RunDocument


def difference(index: Index, old: RunDocument, new: RunDocument) -> runs.Changes:
    """Return how the clusters of ``old`` became those of ``new``, by the photos that both runs know."""
    before, after = index.clusters.of(old).labels, index.clusters.of(new).labels
    known = (before >= -1) & (after >= -1) & index.alive
    if not known.any():
        return runs.Changes(gone=tuple(sorted(old.clusters)), fresh=tuple(sorted(new.clusters)))
    found = stored(compare(before[known], after[known]))
    # Clusters with numbers beyond those that any shared photo has are gone or fresh as well.
    last_old, last_new = int(before[known].max()), int(after[known].max())
    return msgspec.structs.replace(
        found,
        gone=(*found.gone, *(n for n in sorted(old.clusters) if n > last_old)),
        fresh=(*found.fresh, *(n for n in sorted(new.clusters) if n > last_new)),
    )
