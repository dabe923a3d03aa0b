"""Bringing the index up to date: list what changed, read only that, commit with one rename.

A folder whose mtime did not change holds the same files (sidecars are always replaced by rename), so a refresh costs
a stat a folder and then what changed. Writers of one index take turns by a lock; readers never wait.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator

import msgspec
import numpy as np

from phototag import fsio
from phototag.errors import PhototagError
from phototag.index import links
from phototag.index.build import Progress, build
from phototag.index.changes import Changes, Mtimes, WaysChanged
from phototag.index.listing import LOOK_AGAIN, Entry, Listing, ignore_signature, is_settled, list_folder, pack
from phototag.index.manifest import (
    IndexDamagedError,
    Manifest,
    SegmentInfo,
    Watch,
    check_file,
    index_folder,
    load,
    save,
)
from phototag.index.merge import merge, to_merge
from phototag.index.opened import Segment
from phototag.index.source import FolderJob, as_before, job
from phototag.index.staleness import purge_digest
from phototag.library import sidecars
from phototag.library.tree import Tree
from phototag.library.walk import Folder
from phototag.sidecar.naming import sidecar_name

Notify = Callable[[str], None]


class BuildReport(msgspec.Struct, frozen=True):
    """``index rebuild --json`` (docs/cli.md)."""

    images: int
    vectors: dict[str, int]
    faces: int
    seconds: float


class RefreshReport(msgspec.Struct, frozen=True):
    """``index refresh --json``: what the index holds now, and what this refresh did."""

    images: int
    vectors: dict[str, int]
    faces: int
    seconds: float
    changed: int
    removed: int
    rebuilt: str | None = None
    """Why everything was read again; None where it was not."""


def rebuild(tree: Tree, *, progress: Progress | None = None, workers: int = 0) -> BuildReport:
    """Derive the whole index from the sidecars and swap it in. Raises WriteError."""
    start = time.monotonic()
    with _locked(tree):
        report = _report(tree, _rebuild(tree, progress, workers), start, 0, 0, None)
    return BuildReport(report.images, report.vectors, report.faces, report.seconds)


def refresh(tree: Tree, *, paranoid: bool = False, progress: Progress | None = None, workers: int = 0) -> RefreshReport:
    """Bring the index up to date, or build it where there is none that can be used. Raises WriteError.

    ``paranoid`` lists every folder again, whatever its mtime says.
    """
    start = time.monotonic()
    with _locked(tree):
        try:
            manifest = load(tree)
            reason = "there was none" if manifest is None else None
            if manifest is not None and manifest.purges != purge_digest(tree):
                reason = "data was purged"
            if manifest is not None and reason is None:
                try:
                    updated, changed, removed = _Update(tree, manifest).run(
                        paranoid=paranoid, progress=progress, workers=workers
                    )
                except WaysChanged:
                    updated, changed, removed = _Update(tree, manifest).run(
                        paranoid=True, progress=progress, workers=workers
                    )
                return _report(tree, updated, start, changed, removed, None)
        except IndexDamagedError as error:
            reason = str(error)
        manifest = _rebuild(tree, progress, workers)
        return _report(tree, manifest, start, manifest.rows, 0, reason)


@contextlib.contextmanager
def _locked(tree: Tree) -> Iterator[None]:
    folder = index_folder(tree)
    make_cache(tree)
    fsio.make_folder(folder)
    with fsio.lock_folder(folder):
        yield


def make_cache(tree: Tree) -> None:
    """Make the library's cache folder, marked so that backup programs leave it out."""
    fsio.make_folder(tree.cache)
    tag = os.path.join(tree.cache, "CACHEDIR.TAG")
    if not os.path.exists(tag):
        fsio.write_atomic(tag, b"Signature: 8a477f597d28d172789f06886806bc55\n# Made by phototag; safe to delete.\n")


def _rebuild(tree: Tree, progress: Progress | None, workers: int) -> Manifest:
    start = time.monotonic()
    empty = Manifest(tree.name, tree.layout, tree.overlay, purge_digest(tree), [], {})
    update = _Update(tree, empty)
    manifest, _, _ = update.run(paranoid=True, progress=progress, workers=workers, commit=False)
    manifest = msgspec.structs.replace(manifest, built_s=time.monotonic() - start, built_rows=manifest.rows)
    update.commit(manifest)
    return manifest


class _Update:
    """One refresh: from the manifest that is there to the next one."""

    def __init__(self, tree: Tree, manifest: Manifest) -> None:
        self.tree, self.old, self.changes = tree, manifest, Changes(tree, manifest)
        self.folder = index_folder(tree)
        self.folders = dict(manifest.folders)
        self.ignores = dict(manifest.ignores)
        self.dead: dict[str, set[int]] = {}
        self.changed = self.removed = 0
        self._open: dict[str, Segment] = {}
        self._listings: dict[str, dict[bytes, msgspec.Raw]] = {}

    def run(
        self, *, paranoid: bool, progress: Progress | None, workers: int, commit: bool = True
    ) -> tuple[Manifest, int, int]:
        """Return the next manifest, how many rows were read and how many went."""
        for info in self.old.segments:  # a damaged one is found before anything is built on it
            self._segment(info.name)
        for lists in self.old.ann:
            check_file(os.path.join(self.folder, lists.folder), lists.stamp)
        if commit:  # else a manifest that stays valid until the end refers to more than ``old`` does
            self._sweep(self.old)
        jobs = (
            work
            for folder, mtimes in self.changes.folders(paranoid=paranoid)
            if (work := self._job(folder, mtimes)) is not None
        )
        fresh = build(self.folder, jobs, sidecars.purges(self.tree), progress=progress, workers=workers)
        for rel in list(self.folders):
            if rel not in self.changes.seen:
                self._forget(rel)
        held = {part.rel: (s.name, part.unsettled) for s in fresh for part in Segment(self.folder, s).parts()}
        for rel, (mtimes, leading, ways) in self.changes.seen.items():
            before = self.old.folders.get(rel)
            segment, unsettled = held.get(rel) or (before.segment if before is not None else "", False)
            self.folders[rel] = Watch(LOOK_AGAIN if unsettled else mtimes, segment, leading, ways)
        segments = [self._buried(segment) for segment in self.old.segments] + fresh
        manifest = msgspec.structs.replace(self.old, segments=segments, folders=self.folders, ignores=self.ignores)
        manifest = self._compacted(manifest)
        if commit and manifest != self.old:
            self.commit(manifest)
        return manifest, self.changed, self.removed

    def commit(self, manifest: Manifest) -> None:
        """Swap ``manifest`` in, then remove what only the old one used."""
        save(self.tree, manifest)
        self._sweep(manifest)

    def _job(self, folder: Folder, mtimes: Mtimes) -> FolderJob | None:
        """Return what has to be read in ``folder``, None where its listing is as it was."""
        raw = os.fsencode(folder.rel)
        before = self._listing(raw)
        entries = list_folder(self.tree, folder, sign=before is not None)
        old = {} if before is None else before.entries()
        entries = as_before(self.tree, folder.rel, entries, old)
        if before is not None and not all(is_settled(entry.signature) for entry in entries):
            mtimes = LOOK_AGAIN
        self.changes.seen[raw] = (mtimes, links.to_remember(self.tree, folder), links.ways(folder))
        signature = ignore_signature(self.tree, folder.rel)
        if signature:
            self.ignores[raw] = signature
        else:
            self.ignores.pop(raw, None)
        listing = pack(entries)
        if before is None:  # all are read, and signed then
            self.changed += len(entries)
            return job(self.tree, folder.rel, entries, msgspec.structs.replace(listing, signatures=b""))
        if before == listing and all(entry.signature for entry in entries):
            return None
        new = {entry.sidecar: entry for entry in entries}
        wanted = [e for e in entries if not e.signature or old.get(e.sidecar) != e]
        lost = [entry for name, entry in old.items() if name not in new]
        self._bury(folder.rel, [old[e.sidecar] for e in wanted if e.sidecar in old] + lost)
        self.changed += len(wanted)
        self.removed += len(lost)
        return job(self.tree, folder.rel, wanted, listing)

    def _listing(self, raw: bytes) -> Listing | None:
        seen = self.old.folders.get(raw)
        if seen is None or not seen.segment:
            return None
        if seen.segment not in self._listings:
            parts = self._segment(seen.segment).parts()
            self._listings[seen.segment] = {p.rel: p.listing for p in parts if bytes(p.listing) != b"\xc0"}
        listing = self._listings[seen.segment].get(raw)
        return None if listing is None else msgspec.msgpack.decode(listing, type=Listing)

    def _segment(self, name: str) -> Segment:
        if name not in self._open:
            info = next((s for s in self.old.segments if s.name == name), None)
            if info is None:
                raise IndexDamagedError("the index is damaged: a segment is missing")
            self._open[name] = Segment(self.folder, info)
        return self._open[name]

    def _bury(self, rel: str, entries: list[Entry]) -> None:
        """Mark the rows of ``entries`` of the folder ``rel`` as dead, wherever they are."""
        if not entries:
            return
        paths = {f"{rel}/{e.image or e.sidecar}" if rel else (e.image or e.sidecar) for e in entries}
        cut = {e.sidecar for e in entries if not e.image}
        for info in self.old.segments:
            for path, row in self._segment(info.name).rows_in(rel).items():
                if path in paths or (cut and sidecar_name(os.path.basename(path)) in cut):
                    self.dead.setdefault(info.name, set()).add(row)

    def _forget(self, raw: bytes) -> None:
        """Drop a folder that is gone, with its rows."""
        del self.folders[raw]
        self.ignores.pop(raw, None)
        for info in self.old.segments:
            rows = self._segment(info.name).rows_in(os.fsdecode(raw)).values()
            self.removed += len(rows)
            self.dead.setdefault(info.name, set()).update(rows)

    def _buried(self, segment: SegmentInfo) -> SegmentInfo:
        new = self.dead.get(segment.name)
        if not new:
            return segment
        dead = np.union1d(np.frombuffer(segment.dead, np.uint32), np.array(sorted(new), np.uint32))
        return msgspec.structs.replace(segment, dead=dead.astype(np.uint32).tobytes())

    def _compacted(self, manifest: Manifest) -> Manifest:
        chosen = to_merge(manifest.segments)
        if not chosen:
            return manifest
        merged = merge(self.folder, [Segment(self.folder, info) for info in chosen], manifest.folders)
        names = {info.name for info in chosen}
        folders = {
            raw: msgspec.structs.replace(w, segment=merged.name) if w.segment in names else w
            for raw, w in manifest.folders.items()
        }
        kept = [s for s in manifest.segments if s.name not in names]
        ann = [lists for lists in manifest.ann if not names & {name for name, _ in lists.segments}]
        return msgspec.structs.replace(manifest, segments=[*kept, merged], folders=folders, ann=ann)

    def _sweep(self, manifest: Manifest) -> None:
        """Remove what no manifest refers to: segments of killed or finished refreshes. Readers keep their maps."""
        used = {segment.name for segment in manifest.segments} | {lists.folder for lists in manifest.ann}
        with contextlib.suppress(OSError, PhototagError):
            for name in os.listdir(self.folder):
                if name.startswith(("segment-", "ann-")) and name not in used:
                    fsio.remove_tree(os.path.join(self.folder, name))


def _report(
    tree: Tree, manifest: Manifest, start: float, changed: int, removed: int, rebuilt: str | None
) -> RefreshReport:
    vectors: dict[str, int] = {}
    faces = 0
    for info in manifest.segments:
        segment = Segment(index_folder(tree), info)
        for found in info.vectors:
            count = found.count if not info.dead else int(segment.alive[segment.vector_rows(found)].sum())
            vectors[found.space] = vectors.get(found.space, 0) + count
        if info.faces:
            faces += int(segment.alive[segment.array("faces", "row")].sum())
    seconds = round(time.monotonic() - start, 3)
    return RefreshReport(manifest.rows, dict(sorted(vectors.items())), faces, seconds, changed, removed, rebuilt)
