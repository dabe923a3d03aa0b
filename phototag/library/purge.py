"""Purge: what the owner wants gone is gone, on every device that ever syncs, and never comes back.

A purge is a document with a random id; every sidecar is joined with it as soon as it is read, so what a device that
never heard of it sends is dropped. It does not reach git's history, ``.stversions`` or backups: whoever purges is
told so.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator

import msgspec
import xxhash

from phototag import fsio, ids
from phototag.errors import FormatError, WriteError
from phototag.library import conflicts, journal, lock, pending, sidecars, trash
from phototag.library.decide import Edit, decide
from phototag.library.documents import document_path, list_documents
from phototag.library.operation import DOC, Change, Operation
from phototag.library.tree import Tree
from phototag.library.walk import walk
from phototag.sidecar import codec, copies, disk, merge, naming
from phototag.sidecar.registers import Document

_APPLIED = "purges-applied"
"""File in the writer's state folder: a hash of the purges that every file here is clean of, but for those named."""

REMINDER = "a purge does not reach git history, .stversions, snapshots or backups: delete those yourself"


class Purged(msgspec.Struct, frozen=True):
    """What a purge did: its operation, and how many files held such data."""

    operation: Operation
    cleaned: int


def purge(tree: Tree, clock: ids.Clock, section: str, *, command: str, summary: str) -> Purged:
    """Purge ``section`` and those below it (``face`` takes ``face.obs``) in all sidecars. Raises WriteError."""
    random = ids.random_hex(8)
    with lock.writing(tree):
        edit = Edit(f"{DOC}purge/{random}", merge.PURGE, f"{section}/{random}", None)
        operation = decide(tree, clock, command=command, summary=summary, edits=[edit])
        return Purged(operation, apply_purges(tree, clock))


def apply_purges(tree: Tree, clock: ids.Clock) -> int:
    """Drop purged data from the files of this device, also from its journal; return how many sidecars held some.

    Next to nothing when no purge came since the last time. Raises WriteError.
    """
    found = sidecars.purges(tree)
    if not found.body:
        return 0
    digest = xxhash.xxh3_64_hexdigest(found.encode()).encode()
    marker = os.path.join(lock.state_folder(tree), _APPLIED)
    applied, *left = fsio.read_bytes(marker).split(b"\0") if os.path.exists(marker) else [b""]
    if applied == digest and not left:
        return 0
    with lock.writing(tree):
        done = clean(tree, map(os.fsdecode, left) if applied == digest else _sidecars(tree))
        if applied != digest:
            _redact(tree, clock, merge.purge_ids_of(found.body))
        if applied != digest or len(done.left) < len(left):
            fsio.write_atomic(marker, b"\0".join([digest, *map(os.fsencode, done.left)]), sync=False)
        return done.count


class Cleaned(msgspec.Struct, frozen=True):
    """How many sidecars are rid of purged data, and those that could not be written."""

    count: int
    left: tuple[str, ...]


def clean(tree: Tree, paths: Iterable[str] | None = None) -> Cleaned:
    """Rewrite without it what holds purged data among the sidecars at ``paths``, by default all.

    Raises WriteError where nothing could be written.
    """
    count, left = 0, []
    with lock.writing(tree):
        for path in unclean(tree, paths):
            if _clean(path, sidecars.purges(tree), tree.write_root):
                count += 1
            else:
                left.append(path)
        if count:
            fsio.sync_filesystem(tree.write_root)
    return Cleaned(count, tuple(left))


def unclean(tree: Tree, paths: Iterable[str] | None = None) -> Iterator[str]:
    """Yield those of the sidecars at ``paths``, by default all, that hold purged data on the disk; no reader sees it."""
    found = sidecars.purges(tree)
    if not found.body:
        return
    for path in _sidecars(tree) if paths is None else paths:
        with contextlib.suppress(FormatError, OSError):
            raw = disk.read(path)
            if raw is not None and _holds_purged(raw, found):
                yield path


def _sidecars(tree: Tree) -> Iterator[str]:
    """Yield the path of every sidecar here, of pictures that are not here too; conflict copies are joined first."""
    for rel in sorted({*(folder.rel for folder in walk(tree)), *conflicts.mirrored(tree)}):
        for path in conflicts.sidecar_folders(tree, rel):
            with contextlib.suppress(OSError):  # not there, or closed to us: the walk names those
                names = (n for n in os.listdir(path) if naming.is_sidecar_name(n) and not copies.is_copy(n))
                yield from (os.path.join(path, name) for name in names)
    yield from (document_path(tree, name) for name in list_documents(tree, "orphans"))
    yield from trash.sidecars_in(tree)


def _clean(path: str, purges: Document, root: str) -> bool:
    """Rewrite one sidecar without what was purged; return whether it could be."""
    try:
        return disk.write(path, purges.copy(), sync=False)
    except FormatError:
        return False
    except WriteError as error:
        if fsio.is_everywhere(error, root):
            raise
        return False


def _holds_purged(document: Document, purges: Document) -> bool:
    """Say whether ``document``, as it lies on the disk, holds data that ``purges`` drop."""
    kept = document.join(purges).body
    return any(kept.get(section) != keys for section, keys in document.body.items() if section != merge.PURGE)


def _redact(tree: Tree, clock: ids.Clock, purges: dict[str, set[str]]) -> None:
    """Take purged values out of this device's own logs; a log with damaged bytes is left as it is."""
    folder = journal.own_folder(tree, clock.device)
    for name in journal.logs(folder):
        path = os.path.join(folder, name)
        data = fsio.read_bytes(path)
        operations = list(journal.read_frames(data))
        cleaned = [_without(operation, purges) for operation in operations]
        if cleaned != operations and not journal.damaged_bytes(data):
            fsio.write_atomic(path, b"".join(journal.frame(operation) for operation in cleaned))
    pending.mark_end(tree, clock.device)


def _without(operation: Operation, purges: dict[str, set[str]]) -> Operation:
    """Return ``operation`` without the changes of purged registers; its summary goes too where any were."""
    touched = []
    for one in operation.touched:
        kept = tuple(change for change in one.changes if not _is_purged(change, purges))
        touched.append(one if kept == one.changes else msgspec.structs.replace(one, changes=kept))
    if tuple(touched) == operation.touched:
        return operation
    return msgspec.structs.replace(operation, touched=tuple(t for t in touched if t.changes), summary="(purged)")


def _is_purged(change: Change, purges: dict[str, set[str]]) -> bool:
    needed = merge.required_purges(purges, change.section)
    sides = (raw for raw in (bytes(change.before), bytes(change.after)) if raw != codec.NIL)
    return bool(needed) and any(not needed <= set(codec.head(raw).purge) for raw in sides)
