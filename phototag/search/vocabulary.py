"""The values a library's filters can take: what the shell completes, kept in the cache so that a key press is quick."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

import msgspec
import xxhash

from phototag import fsio
from phototag.errors import WriteError
from phototag.index.manifest import NAME, index_folder
from phototag.library import runs
from phototag.library.documents import LIBRARY, POLICY, document_path
from phototag.library.tree import Tree

if TYPE_CHECKING:
    from phototag.index.reader import Index

FILE = "vocabulary"

Stamp = tuple[tuple[int, int, int], ...]


class Vocabulary(msgspec.Struct, frozen=True):
    """Values by filter, sorted; only those that some image has."""

    tag: tuple[str, ...] = ()
    person: tuple[str, ...] = ()
    place: tuple[str, ...] = ()
    camera: tuple[str, ...] = ()
    category: tuple[str, ...] = ()
    """What the clusters of the current run are called."""
    cluster: tuple[tuple[int, str], ...] = ()
    """Number and name."""


class _Kept(msgspec.Struct, frozen=True, array_like=True):
    stamp: Stamp
    vocabulary: Vocabulary


def vocabulary(tree: Tree) -> Vocabulary:
    """Return the values in the index as it is on disk, stale or not; none where there is no index.

    Raises IndexDamagedError where there is one that cannot be used.
    """
    stamp, path = _stamp(tree), os.path.join(tree.cache, FILE)
    kept = _kept(path)
    if kept is not None and kept.stamp == stamp:
        return kept.vocabulary
    from phototag.index.reader import Index

    index = Index.open(tree)
    if index is None:
        return Vocabulary()
    made = _collect(index)
    with contextlib.suppress(WriteError):
        fsio.make_folder(tree.cache)
        payload = msgspec.msgpack.encode(_Kept(stamp, made))
        fsio.write_atomic(path, xxhash.xxh3_64_digest(payload) + payload, sync=False)
    return made


def _kept(path: str) -> _Kept | None:
    """Return what was kept at ``path``, None where there is nothing, or it is not as it was written."""
    with contextlib.suppress(OSError, msgspec.DecodeError):  # the latter: by another version
        data = fsio.read_bytes(path)
        if data[:8] == xxhash.xxh3_64_digest(data[8:]):
            return msgspec.msgpack.decode(data[8:], type=_Kept)
    return None


def _collect(index: Index) -> Vocabulary:
    from phototag.search import countries
    from phototag.search.facets import text_counts

    places = {name for column in ("city", "region", "country") for name in text_counts(index, column, index.alive)}
    places |= {name for code in text_counts(index, "country", index.alive) for name in countries.names_of(code)[:1]}
    membership = index.clusters.current()
    document = membership.document if membership is not None else None
    labels = {number: document.label(number) for number in sorted(document.clusters)} if document is not None else {}
    return Vocabulary(
        tag=tuple(sorted(index.tags.counts(index.alive))),
        person=tuple(sorted(set(index.faces.names.values()))),
        place=tuple(sorted(places)),
        camera=tuple(sorted(text_counts(index, "camera", index.alive))),
        category=tuple(sorted(set(labels.values()))),
        cluster=tuple(labels.items()),
    )


def _stamp(tree: Tree) -> Stamp:
    """Return what changes when any of the values may have: the index, the people, the thresholds, the runs and which is current."""
    found = []
    for path in (
        os.path.join(index_folder(tree), NAME),
        os.path.dirname(document_path(tree, "people/x")),
        os.path.dirname(document_path(tree, f"{runs.KIND}/x")),
        document_path(tree, LIBRARY),
        document_path(tree, POLICY),
    ):
        try:
            status = os.stat(path)
            found.append((status.st_mtime_ns, status.st_size, status.st_ino))
        except OSError:
            found.append((0, 0, 0))
    return tuple(found)
