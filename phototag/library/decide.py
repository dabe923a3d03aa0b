"""``decide``: the one road by which what a person says becomes truth.

Journal frame (fsync) -> documents -> index (by the caller). A crash between any two steps is finished by the next
command: the frame holds the registers themselves, and joining them in again changes nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from phototag import fsio, ids
from phototag.errors import FormatError, UsageError
from phototag.imaging.formats import is_image_name
from phototag.library import journal, lock, sidecars, trash
from phototag.library.documents import read_document, write_document
from phototag.library.operation import DOC, IMAGE, Change, Moved, Operation, Touched
from phototag.library.tree import Tree
from phototag.sidecar import codec, merge
from phototag.sidecar.model import BIRTH, CONTENT, ID, Content
from phototag.sidecar.registers import Document

_DONE = ("done", "done-overlay")
"""Files in the writer's state folder: the journal in the library, or in its overlay, is in the documents up to here."""
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

    ``moves`` is told the operation's id and returns the files that it moves once the documents are written. Section ``P`` purges: its key is ``<section>/<random>``. Raises UsageError for an image that does not exist,
    FormatError for a damaged document, WriteError when it could not be saved.
    """
    with lock.writing(tree):
        finish_unfinished(tree, clock)
        touched = [done for group in _by_target(edits) if (done := _touch(tree, clock, *group)).changes]
        highest = max((codec.head(c.after).stamp for t in touched for c in t.changes), default=0)
        stamp = max(clock.stamp_after(_last_stamp(tree)), highest)
        operation = Operation(stamp, clock.device, command, summary, tuple(touched), undoes)
        operation = msgspec.structs.replace(operation, moves=tuple(moves(operation.id)))
        if operation.moves and _done(tree, clock.device) is None:
            _mark_begin(tree, operation)
        if touched or operation.moves:
            written = journal.append(tree, operation)
            _carry_out(tree, operation, moved=False)
            _mark_done(tree, written, stamp)
        return operation


def finish_unfinished(tree: Tree, clock: ids.Clock) -> list[Operation]:
    """Carry out what this device journaled and did not finish, after a crash or a full disk; return those."""
    with lock.writing(tree):
        done = _done(tree, clock.device)
        unfinished = journal.tail(tree, clock.device, done)
        for operation in unfinished:
            # Where that is not known, perhaps long ago: saying it again changes nothing, moving files again might.
            moves = () if done is None else operation.moves
            _carry_out(tree, msgspec.structs.replace(operation, moves=moves), moved=True)
        if unfinished:
            _mark_done(tree, journal.end(tree, clock.device), unfinished[-1].stamp)
        return unfinished


def mark_end(tree: Tree, clock: ids.Clock) -> None:
    """Note that this device's journal is carried out to its end, after it was rewritten by a purge."""
    _mark_done(tree, journal.end(tree, clock.device), _last_stamp(tree))


def _carry_out(tree: Tree, operation: Operation, *, moved: bool) -> None:
    """Join the registers of ``operation`` into its documents; doing it twice changes nothing. Raises WriteError.

    ``moved`` says that time has passed, so that each picture is looked for where it is now.
    """
    bulk = len(operation.touched) >= _BULK
    for touched in operation.touched:
        body: codec.Body = {}
        for change in touched.changes:
            body.setdefault(change.section, {})[change.key] = bytes(change.after)
        target = locate(tree, touched) if moved else touched.target
        if target is not None:
            save(tree, target, Document(body), sync=not bulk)
    if bulk:
        fsio.sync_filesystem(tree.write_root)
    for move in operation.moves:
        trash.carry_out(tree, move, checked=not moved)


def load(tree: Tree, target: str) -> Document | None:
    """Return the document that ``target`` names, None where there is none."""
    if target.startswith(IMAGE):
        return sidecars.read(tree, target[len(IMAGE) :])
    return read_document(tree, target[len(DOC) :])


def save(tree: Tree, target: str, document: Document, *, sync: bool = True) -> bool:
    """Join ``document`` into what ``target`` names; return whether bytes changed."""
    if target.startswith(IMAGE):
        return sidecars.write(tree, target[len(IMAGE) :], document, sync=sync, bulk=not sync)
    return write_document(tree, target[len(DOC) :], document, sync=sync)


def locate(tree: Tree, touched: Touched) -> str | None:
    """Return where the document is now: at its name, else where its picture has moved to; None: it is gone."""
    target = touched.target
    if not target.startswith(IMAGE) or is_here(tree, target[len(IMAGE) :], touched.birth):
        return target
    if touched.birth:
        from phototag.library.lookup import find_picture

        found = find_picture(tree, touched.birth, touched.content)
        if found is not None:
            return IMAGE + found
    return None


def is_here(tree: Tree, rel: str, birth: bytes) -> bool:
    """Say whether the image at ``rel`` is, as far as its sidecar tells, the picture with this ``birth``."""
    try:
        document = sidecars.read(tree, rel)
    except FormatError:
        return True  # damaged, but in its place: the error is for whoever writes there
    if document is None:
        return os.path.lexists(tree.path(rel))
    now = document.get(ID, BIRTH, bytes)
    return not birth or now is None or now == birth


def _by_target(edits: Iterable[Edit]) -> Iterable[tuple[str, list[Edit]]]:
    groups: dict[str, list[Edit]] = {}
    for edit in edits:
        groups.setdefault(edit.target, []).append(edit)
    return groups.items()


def _touch(tree: Tree, clock: ids.Clock, target: str, edits: list[Edit]) -> Touched:
    """Return what ``edits`` change in one document, as registers before and after; nothing is written."""
    found = load(tree, target)
    if found is None and target.startswith(IMAGE) and not _is_image(tree.path(target[len(IMAGE) :])):
        raise UsageError(
            f"no image {fsio.display(target[len(IMAGE) :])} in {tree.root}", hint="see the names: phototag list --paths"
        )
    document = found.copy() if found else Document()
    before: dict[tuple[str, str], bytes] = {}
    for edit in edits:
        place = (edit.section, edit.key)
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
    )


def _is_image(path: str) -> bool:
    """Say whether ``path`` may have a sidecar: by its name a picture, and a file, or a link to annexed content."""
    if not is_image_name(os.path.basename(path)):
        return False
    return os.path.isfile(path) or (os.path.islink(path) and not os.path.exists(path))


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


def _done(tree: Tree, device: bytes) -> tuple[str, int] | None:
    """Return (log, size) up to which the journal is carried out, None where that is not known."""
    fields = _done_fields(tree, _DONE[tree.overlay])
    if not fields or journal.log_size(tree, device, fields[0]) < int(fields[1]):
        return None  # or the log is another one than then: restored, or another disk at the same path
    return fields[0], int(fields[1])


def _last_stamp(tree: Tree) -> int:
    return max((int(fields[2]) for name in _DONE if (fields := _done_fields(tree, name))), default=0)


def _done_fields(tree: Tree, name: str) -> list[str]:
    try:
        fields = fsio.read_bytes(os.path.join(lock.state_folder(tree), name)).decode("ascii", "replace").split()
    except OSError:
        return []
    return fields if len(fields) == 3 and fields[1].isdecimal() and fields[2].isdecimal() else []


def _mark_begin(tree: Tree, operation: Operation) -> None:
    """Note that nothing of this device's journal is open, so that what comes next is known to be if a crash follows."""
    name, size = journal.end(tree, operation.device)
    _mark_done(tree, (name or journal.log_name(operation), size), 0)


def _mark_done(tree: Tree, written: tuple[str, int], stamp: int) -> None:
    path = os.path.join(lock.state_folder(tree), _DONE[tree.overlay])
    if not written[0]:
        return
    fsio.write_atomic(path, f"{written[0]} {written[1]} {stamp}\n".encode(), sync=False)
