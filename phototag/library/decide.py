"""``decide``: the one road by which what a person says becomes truth.

Journal frame (fsync) -> documents -> index (by the caller). A crash between any two steps is finished by the next
command: the frame holds the registers themselves, and joining them in again changes nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import msgspec

from phototag import fsio, ids
from phototag.errors import PhototagError, UsageError
from phototag.library import identity, journal, lock, pending, trash
from phototag.library.lookup import Pictures
from phototag.library.operation import IMAGE, Change, Moved, Operation, Touched
from phototag.library.orphans import park
from phototag.library.pending import Left
from phototag.library.targets import empty, load, locate, refuse_unwritable, save
from phototag.library.tree import Tree
from phototag.library.walk import is_image
from phototag.sidecar import codec, merge
from phototag.sidecar.model import BIRTH, CONTENT, ID, Content
from phototag.sidecar.registers import Document

_BULK = 8
"""From this many documents on, one flush of the file system is cheaper than an fsync each."""


class Edit(msgspec.Struct, frozen=True):
    """One register that a person wants set; a ``value`` of None clears it."""

    target: str
    """``image:<relative path>`` or ``doc:<name>``."""
    section: str
    key: str
    value: Any
    imported_ms: int | None = None
    """When another program's file said it; None: the person says it now."""
    heard: bytes = b""
    """The register that this is said after seeing, where the document may not hold it yet."""


def decide(
    tree: Tree,
    clock: ids.Clock,
    *,
    command: str,
    summary: str,
    edits: Sequence[Edit],
    undoes: str = "",
    moves: Callable[[str], Sequence[Moved]] = lambda operation: (),
) -> Operation:
    """Write down and carry out one decision; return it, without changes when everything was so already.

    ``moves`` is told the operation's id and returns the files that it moves once the documents are written. Section ``P``
    purges: its key is ``<section>/<random>``. Nothing is said where one document of several cannot be written. Raises
    UsageError for an image that does not exist, FormatError for a damaged document, WriteError when it could not be saved.
    """
    groups = _by_target(edits)
    identities = {target: identity.lacking(tree, target[len(IMAGE) :]) for target in groups if target.startswith(IMAGE)}
    with lock.writing(tree):
        finish_unfinished(tree, clock)
        found = (_touch(tree, clock, target, said, identities.get(target, {})) for target, said in groups.items())
        touched = [one for one in found if one.changes]
        for one in touched:
            refuse_unwritable(tree, one.target)
        highest = max((codec.head(c.after).stamp for t in touched for c in t.changes), default=0)
        stamp = max(clock.stamp_after(pending.last_stamp(tree)), highest)
        operation = Operation(stamp, clock.device, command, fsio.display(summary), tuple(touched), undoes)
        operation = msgspec.structs.replace(operation, moves=tuple(moves(operation.id)))
        if operation.moves and pending.done(tree, clock.device) is None:
            pending.mark_begin(tree, operation)
        if touched or operation.moves:
            written = journal.append(tree, operation)
            left, error = _carry_out(tree, operation)
            if error is not None:
                pending.set_left(tree, (*pending.left(tree), left))
            pending.mark_done(tree, written, stamp)
            if error is not None:
                raise error
        return operation


def finish_unfinished(tree: Tree, clock: ids.Clock) -> list[Operation]:
    """Carry out what this device journaled and did not finish, after a crash or a full disk; return what was finished.

    What still cannot be written is left for the next time (``pending.left``), and holds nothing else up.
    """
    with lock.writing(tree):
        done = pending.done(tree, clock.device)
        unfinished = journal.tail(tree, clock.device, done)
        if done is None:  # perhaps long ago: saying it again changes nothing, moving files again might
            unfinished = [msgspec.structs.replace(operation, moves=()) for operation in unfinished]
        waiting = pending.left(tree)
        pictures = Pictures(tree)
        finished: list[Operation] = []
        still: list[Left] = []
        for operation in [*_wanted_still(tree, waiting), *unfinished]:
            left, error = _carry_out(tree, operation, pictures)
            if error is None:
                finished.append(operation)
            else:
                still.append(left)
        if tuple(still) != waiting:
            pending.set_left(tree, tuple(still))
        if unfinished:
            pending.mark_done(tree, journal.end(tree, clock.device), unfinished[-1].stamp)
        return finished


def _wanted_still(tree: Tree, waiting: Sequence[Left]) -> Iterator[Operation]:
    """Yield what is left to be carried out of operations that were not undone since."""
    if waiting:
        found = journal.operations(tree)
        undone = journal.undone_by(found)
        by_id = {operation.id: operation for operation in found if operation.id not in undone}
        yield from (left.of(by_id[left.operation]) for left in waiting if left.operation in by_id)


def _carry_out(tree: Tree, operation: Operation, pictures: Pictures | None = None) -> tuple[Left, PhototagError | None]:
    """Join the registers of ``operation`` into its documents; doing it twice changes nothing.

    Return what could not be done, and the first reason: the rest is done all the same, but no file is moved before all
    is written. With ``pictures`` time has passed: each picture is looked for where it is now, moved files are compared.
    """
    bulk = len(operation.touched) >= _BULK
    errors: list[PhototagError] = []
    names: list[bytes] = []
    stuck: list[bytes] = []
    for touched in operation.touched:
        try:
            _write(tree, touched, pictures, sync=not bulk)
        except (PhototagError, OSError) as error:
            errors.append(_explained(error, touched.target))
            names.append(touched.name)
    if bulk:
        fsio.sync_filesystem(tree.write_root)
    for move in operation.moves:
        try:
            if not names:
                trash.carry_out(tree, move, checked=pictures is None)
                continue
        except (PhototagError, OSError) as error:
            errors.append(_explained(error, move.target))
        stuck.append(move.files[0][0])
    return Left(operation.id, tuple(names), tuple(stuck)), errors[0] if errors else None


def _explained(error: PhototagError | OSError, target: str) -> PhototagError:
    return fsio.explain(error, target) if isinstance(error, OSError) else error


def _write(tree: Tree, touched: Touched, pictures: Pictures | None, *, sync: bool) -> None:
    """Join one document's registers in; where it is gone, park what was said if that tells which picture it is about."""
    said = touched.words()
    if touched.identity:
        said.body[ID] = {key: bytes(raw) for key, raw in touched.identity.items()}
    targets = [touched.target] if pictures is None else locate(tree, touched, pictures)
    for target in targets:
        save(tree, target, said.copy(), sync=sync)
    if not targets and touched.identity:
        park(tree, said, touched.target[len(IMAGE) :])


def _by_target(edits: Iterable[Edit]) -> dict[str, list[Edit]]:
    groups: dict[str, list[Edit]] = {}
    for edit in edits:
        groups.setdefault(edit.target, []).append(edit)
    return groups


def _touch(tree: Tree, clock: ids.Clock, target: str, edits: list[Edit], lacking: codec.Body) -> Touched:
    """Return what ``edits`` change in one document, as registers before and after; nothing is written.

    ``lacking`` are the registers that the file needs to say which picture it is about.
    """
    found = load(tree, target)
    if found is None and target.startswith(IMAGE) and not is_image(tree.path(target[len(IMAGE) :])):
        raise UsageError(
            f"no image {fsio.display(target[len(IMAGE) :])} in {tree.root}", hint="see the names: phototag list --paths"
        )
    document = (found or empty(tree, target)).join(Document(lacking))
    before: dict[tuple[str, str], bytes] = {}
    for edit in edits:
        place = (edit.section, edit.key)
        if edit.heard:
            document = document.join(Document({edit.section: {edit.key: edit.heard}}))
        old = document.body.get(edit.section, {}).get(edit.key, codec.NIL)
        if _apply(document, edit, clock):
            before.setdefault(place, old)
    changes = [
        Change(section, key, msgspec.Raw(old), msgspec.Raw(document.body[section][key]))
        for (section, key), old in before.items()
        if document.body.get(section, {}).get(key, codec.NIL) != old
    ]
    content = document.get(ID, CONTENT, Content) if target.startswith(IMAGE) else None
    return Touched(
        os.fsencode(target),
        tuple(changes),
        (document.get(ID, BIRTH, bytes) or b"") if content else b"",
        content.x if content else b"",
        {key: msgspec.Raw(raw) for key, raw in lacking.get(ID, {}).items()},
    )


def _apply(document: Document, edit: Edit, clock: ids.Clock) -> bool:
    """Set one register; return False when a person said the same already."""
    if edit.section == merge.PURGE:
        section, _, random = edit.key.rpartition("/")
        document.purge(section, random)
        return True
    old = document.register(edit.section, edit.key)
    raw = codec.encode_value(edit.value)
    if raw == codec.NIL if old is None else old.by_person and old.value == raw:
        return False
    if edit.imported_ms is None:
        document.set_person(edit.section, edit.key, edit.value, clock)
    else:
        document.set_imported(edit.section, edit.key, edit.value, edit.imported_ms)
    return True
