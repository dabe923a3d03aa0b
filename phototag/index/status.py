"""``index status``: what the index holds, its size, whether it is up to date, how long a rebuild takes here."""

from __future__ import annotations

import os

import msgspec

from phototag.index.manifest import IndexDamagedError, Manifest, check_file, index_folder, load
from phototag.index.opened import Segment
from phototag.index.staleness import is_stale
from phototag.library.tree import Tree

CURRENT, STALE, MISSING, DAMAGED = "current", "stale", "missing", "damaged"


class TagSpace(msgspec.Struct, frozen=True):
    """The tags of one model: how many are stored, those below the threshold too."""

    space: str
    count: int


class VectorSpaceStatus(msgspec.Struct, frozen=True):
    """The vectors of one model."""

    space: str
    count: int
    dim: int
    kind: str
    """``flat``: exact; ``lists``: inverted lists over most of them, so that a million are searched in 2 ms."""


class StatusReport(msgspec.Struct, frozen=True):
    """``index status --json``."""

    state: str
    """``current``, ``stale``, ``missing`` or ``damaged``; the last three are mended by the next command that asks."""
    reason: str | None
    folder: str
    images: int = 0
    dead: int = 0
    """Rows that newer ones replaced, still on disk until segments are merged."""
    faces: int = 0
    tags: list[TagSpace] = []
    vectors: list[VectorSpaceStatus] = []
    segments: int = 0
    folders: int = 0
    bytes: int = 0
    rebuild_s: float | None = None
    """Estimated from the last rebuild on this machine."""


def status(tree: Tree) -> StatusReport:
    """Return what there is; nothing is written."""
    folder = index_folder(tree)
    shown = folder.encode("utf-8", "replace").decode()
    try:
        manifest = load(tree)
        if manifest is None:
            return StatusReport(MISSING, None, shown)
        segments = [Segment(folder, info) for info in manifest.segments]
        for lists in manifest.ann:
            check_file(os.path.join(folder, lists.folder), lists.stamp)
        state = STALE if is_stale(tree, manifest) else CURRENT
        return _report(manifest, segments, state, shown)
    except IndexDamagedError as error:
        return StatusReport(DAMAGED, str(error), shown)


def _report(manifest: Manifest, segments: list[Segment], state: str, folder: str) -> StatusReport:
    tags: dict[str, int] = {}
    vectors: dict[str, tuple[int, int]] = {}
    for segment in segments:
        for number, space in enumerate(segment.info.tag_spaces):
            tags[space] = tags.get(space, 0) + _alive(segment, f"tags-{number}")
        for found in segment.info.vectors:
            count = int(segment.alive[segment.vector_rows(found)].sum())
            vectors[found.space] = (vectors.get(found.space, (0, 0))[0] + count, found.dim)
    listed = {lists.space for lists in manifest.ann}
    rate = manifest.built_s / manifest.built_rows if manifest.built_rows else None
    return StatusReport(
        state,
        None,
        folder,
        images=manifest.rows,
        dead=sum(info.rows - info.alive for info in manifest.segments),
        faces=sum(_alive(segment, "faces") for segment in segments),
        tags=[TagSpace(space, count) for space, count in sorted(tags.items())],
        vectors=[
            VectorSpaceStatus(space, count, dim, "lists" if space in listed else "flat")
            for space, (count, dim) in sorted(vectors.items())
        ],
        segments=len(segments),
        folders=len(manifest.folders),
        bytes=sum(stamp.size for info in manifest.segments for stamp in info.files)
        + sum(lists.stamp.size for lists in manifest.ann),
        rebuild_s=None if rate is None else round(max(rate * manifest.rows, 0.1), 1),
    )


def _alive(segment: Segment, table: str) -> int:
    """Return how many rows of a table belong to images that count."""
    if not segment.info.dead:
        return int(segment.table(table).num_rows)
    return int(segment.alive[segment.array(table, "row")].sum())
