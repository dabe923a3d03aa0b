"""Undo, redo and the history of one picture: all read from the journal, all written as new decisions.

An undo restores only the fields that its operation still owns: a register that somebody set since stays, and is
listed. A purge cannot be undone, and no undo brings purged data back.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence

import msgspec

from phototag import ids
from phototag.errors import PhototagError, UsageError
from phototag.library import journal, lock, pending, trash
from phototag.library.decide import Edit, decide, finish_unfinished
from phototag.library.operation import IMAGE, Change, Moved, Operation, Touched
from phototag.library.said import Said, value_of
from phototag.library.targets import empty, is_here, load, refuse_unwritable
from phototag.library.tree import Tree
from phototag.sidecar import codec, merge
from phototag.sidecar.model import BIRTH, CONTENT, ID, Content
from phototag.sidecar.registers import Document


class Kept(msgspec.Struct, frozen=True):
    """A field that an undo left alone, and why."""

    target: str
    section: str
    key: str
    why: str


class UndoReport(msgspec.Struct, frozen=True):
    """What an undo did."""

    undone: Operation
    operation: Operation
    kept: tuple[Kept, ...]


class Entry(msgspec.Struct, frozen=True):
    """One change of one field in the history of a picture."""

    operation: Operation
    change: Change


def undo(tree: Tree, clock: ids.Clock, reference: str = "") -> UndoReport:
    """Undo the operation whose id begins with ``reference``, by default the newest that is neither undo nor undone.

    Raises UsageError for an unknown reference, PhototagError when nothing of it is left to undo.
    """
    with lock.writing(tree):
        finish_unfinished(tree, clock)
        found = journal.operations(tree)
        operation = find(found, reference)
        undone = journal.undone_by(found).get(operation.id)
        if undone is not None:
            raise PhototagError(
                f"{operation.id} is already undone by {undone}", hint=f"to do it again: phototag undo {undone}"
            )
        moves, stuck = moves_back(tree, operation)
        said = Said(tree, found)
        edits, kept = plan(said, operation, _held(operation, stuck))
        if not edits and not moves:
            reasons = "; ".join(dict.fromkeys(one.why for one in stuck + kept))
            raise PhototagError(
                f"nothing of {operation.id} is left to undo: {reasons}",
                hint="see what changed since: phototag log --fields",
            )
        done = decide(
            tree,
            clock,
            command="undo",
            summary=f"undo: {operation.summary}",
            edits=edits,
            undoes=operation.id,
            moves=lambda _: _followed(said, operation, moves),
        )
        return UndoReport(operation, done, kept + stuck)


def find(found: list[Operation], reference: str) -> Operation:
    """Return the operation that ``reference`` names among ``found`` (newest first). Raises UsageError."""
    if not reference:
        undone = journal.undone_by(found)
        newest = next((op for op in found if not op.undoes and op.id not in undone), None)
        if newest is None:
            raise UsageError("there is nothing to undo", hint="to redo, name the undo: phototag log")
        return newest
    matches = [op for op in found if op.id.startswith(reference.lower())]
    if len(matches) == 1:
        return matches[0]
    what = f"{len(matches)} operations begin" if matches else "no operation begins"
    raise UsageError(f"{what} with {reference!r}", hint="see the ids: phototag log")


def plan(said: Said, operation: Operation, held: Collection[bytes] = ()) -> tuple[list[Edit], tuple[Kept, ...]]:
    """Return the edits that undo ``operation`` as things stand, and the fields it no longer owns.

    A field that a later operation changed and an undo gave back is owned again, and what another device said of it
    apart, and lost to this operation, comes back rather than what was here before. What the journal says counts also
    where the document has not arrived yet. Documents named in ``held`` stay as they are.
    """
    tree = said.tree
    # A copy of the same birth that went to the trash comes back itself.
    discarded = {IMAGE + move.source for move in operation.moves}
    edits: list[Edit] = []
    kept: list[Kept] = []
    for touched in operation.touched:
        targets = said.places(touched)
        for target in targets or [touched.target]:
            document, why_all = _look(tree, touched, target, held) if targets else (Document(), "the file is gone")
            for change in touched.changes:
                now = said.now(document, target, touched, change)
                why = why_all or _why_kept(said, now, touched, change)
                if why:
                    kept.append(Kept(target, change.section, change.key, why))
                    continue
                value = value_of(said.before(document, target, touched, change, discarded))
                heard = b"" if document.body.get(change.section, {}).get(change.key) == now else now
                edit = Edit(target, change.section, change.key, codec.decode_value(value, msgspec.Raw), heard=heard)
                edits.append(edit)
    return edits, tuple(kept)


def _look(tree: Tree, touched: Touched, target: str, held: Collection[bytes]) -> tuple[Document, str]:
    """Return a document, and why all of it must stay as it is, empty where it need not."""
    try:
        document = load(tree, target) or empty(tree, target)
        refuse_unwritable(tree, target)
    except PhototagError as error:
        return Document(), str(error)
    return document, "it came from an image that does not come back" if touched.name in held else ""


def _why_kept(said: Said, now: bytes, touched: Touched, change: Change) -> str:
    """Return why the field, whose register is ``now``, must stay as it is, empty when ``change`` still owns it."""
    if change.section == merge.PURGE:
        return "a purge cannot be undone"
    if now == codec.NIL:
        return "it was purged since"
    return "" if said.is_owned(now, touched, change) else "it was changed since"


def moves_back(tree: Tree, operation: Operation) -> tuple[list[Moved], tuple[Kept, ...]]:
    """Return the moves that bring the files of ``operation`` back, and the images that stay where they are."""
    never = {source for left in pending.left(tree) if left.operation == operation.id for source in left.moves}
    moves: list[Moved] = []
    kept: list[Kept] = []
    for move in reversed([one.back for one in operation.moves if one.files[0][0] not in never]):
        why = trash.hindrance(tree, move)
        if why:
            kept.append(Kept(IMAGE + move.target, "file", "place", why))
        else:
            moves.append(move)
    return moves, tuple(kept)


def _held(operation: Operation, stuck: Collection[Kept]) -> set[bytes]:
    """Return the documents (names) that were given what was said of images which do not come back: they keep it."""
    away = {one.target for one in stuck}
    givers = [move for move in operation.moves if IMAGE + move.source in away]
    if not all(move.kept for move in givers):
        return {touched.name for touched in operation.touched}
    return {os.fsencode(IMAGE) + move.kept for move in givers}


def _followed(said: Said, operation: Operation, moves: Sequence[Moved]) -> list[Moved]:
    """Return ``moves`` with the images that stay where these are now."""
    now = {touched.target: places[0] for touched in operation.touched if (places := said.places(touched))}
    kept = [os.fsencode(now.get(name := IMAGE + os.fsdecode(move.kept), name)[len(IMAGE) :]) for move in moves]
    return [msgspec.structs.replace(move, kept=where) for move, where in zip(moves, kept, strict=True)]


def history(tree: Tree, rel: str) -> Iterator[Entry]:
    """Yield every change of the picture at ``rel`` that the journal knows, newest first, also under older names."""
    document = load(tree, IMAGE + rel) or Document()
    birth = document.get(ID, BIRTH, bytes) or b""
    content = document.get(ID, CONTENT, Content)
    for operation in journal.operations(tree):
        for touched in operation.touched:
            if _is_of(tree, touched, rel, birth, content.x if content else b""):
                for change in touched.changes:
                    yield Entry(operation, change)


def _is_of(tree: Tree, touched: Touched, rel: str, birth: bytes, content: bytes) -> bool:
    """Say whether ``touched`` is the picture: at its path and of its birth, or moved here since."""
    if not touched.target.startswith(IMAGE):
        return False
    if touched.target == IMAGE + rel:
        return not touched.birth or not birth or touched.birth == birth
    if not birth or touched.birth != birth:
        return False
    return touched.content == content or not is_here(tree, touched)  # else it is a copy that was edited since
