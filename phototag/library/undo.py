"""Undo, redo and the history of one picture: all read from the journal, all written as new decisions.

An undo restores only the fields that its operation still owns: a register that somebody set since stays, and is
listed. A purge cannot be undone, and no undo brings purged data back.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from phototag import ids
from phototag.errors import PhototagError, UsageError
from phototag.library import journal, lock, trash
from phototag.library.decide import Edit, decide, finish_unfinished
from phototag.library.lookup import Pictures
from phototag.library.operation import IMAGE, Change, Moved, Operation, Touched
from phototag.library.targets import load, locate
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
        edits, kept = plan(tree, operation, found)
        moves, stuck = moves_back(tree, operation)
        if not edits and not moves:
            reasons = "; ".join(dict.fromkeys(one.why for one in kept + stuck))
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
            moves=lambda _: moves,
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


def plan(tree: Tree, operation: Operation, found: list[Operation]) -> tuple[list[Edit], tuple[Kept, ...]]:
    """Return the edits that undo ``operation`` as things stand, and the fields it no longer owns.

    ``found`` is the whole journal: a field that a later operation changed and an undo gave back is owned again, and
    what another device said of it apart, and lost to this operation, comes back rather than what was here before.
    """
    pictures = Pictures(tree)
    said = _said(found)
    restored = _restored(found, said)
    undone = journal.undone_by(found)
    discarded = {IMAGE + move.source for move in operation.moves}
    edits: list[Edit] = []
    kept: list[Kept] = []
    for touched in operation.touched:
        target = next(iter(locate(tree, touched, pictures)), None)
        document = None if target is None else load(tree, target)
        for change in touched.changes:
            why = _why_kept(document, change, touched, restored)
            if why:
                kept.append(Kept(target or touched.target, change.section, change.key, why))
            elif target is not None and document is not None:
                needed = merge.required_purges(merge.purge_ids_of(document.body), change.section)
                others = (
                    one.register
                    for one in _others(said, touched, change)
                    if one.operation not in undone
                    and one.touched.target not in discarded  # a copy of the same birth, which comes back itself
                    and needed <= set(codec.head(one.register).purge)
                    and target in locate(tree, one.touched, pictures)
                )
                register = max([bytes(change.before), *others], key=_rank)
                value = codec.decode_value(_value(register), msgspec.Raw)
                edits.append(Edit(target, change.section, change.key, value))
    return edits, tuple(kept)


def moves_back(tree: Tree, operation: Operation) -> tuple[list[Moved], tuple[Kept, ...]]:
    """Return the moves that bring the files of ``operation`` back, and the images that stay where they are."""
    moves: list[Moved] = []
    kept: list[Kept] = []
    for move in reversed([one.back for one in operation.moves]):
        why = trash.hindrance(tree, move)
        if why:
            kept.append(Kept(IMAGE + move.target, "file", "place", why))
        else:
            moves.append(move)
    return moves, tuple(kept)


def history(tree: Tree, rel: str) -> Iterator[Entry]:
    """Yield every change of the picture at ``rel`` that the journal knows, newest first, also under older names."""
    document = load(tree, IMAGE + rel) or Document()
    birth = document.get(ID, BIRTH, bytes) or b""
    content = document.get(ID, CONTENT, Content)
    for operation in journal.operations(tree):
        for touched in operation.touched:
            if _is_of(touched, rel, birth, content.x if content else b""):
                for change in touched.changes:
                    yield Entry(operation, change)


def _is_of(touched: Touched, rel: str, birth: bytes, content: bytes) -> bool:
    """Say whether ``touched`` is the picture: at its path and of its birth, or moved here since."""
    if not touched.target.startswith(IMAGE):
        return False
    if touched.target == IMAGE + rel:
        return not touched.birth or not birth or touched.birth == birth
    return bool(birth) and touched.birth == birth and touched.content == content


_Spot = tuple[bytes, str, str, int, bytes]
"""A register's origin: (document's name or birth, section, key, stamp, device)."""


class _Word(NamedTuple):
    """A register that an operation set."""

    operation: str
    touched: Touched
    register: bytes


_Said = dict[tuple[bytes, str, str], list[_Word]]
"""{(document's name or birth, section, key): what was said}"""


def _said(found: list[Operation]) -> _Said:
    said: _Said = {}
    for operation in found:
        for touched in operation.touched:
            for change in touched.changes:
                for id_ in _names(touched):
                    word = _Word(operation.id, touched, bytes(change.after))
                    said.setdefault((id_, change.section, change.key), []).append(word)
    return said


def _others(said: _Said, touched: Touched, change: Change) -> Iterator[_Word]:
    """Yield what other devices said of a field, by the clocks before ``change``."""
    mine = _rank(bytes(change.after))
    for id_ in _names(touched):
        for one in said.get((id_, change.section, change.key), ()):
            if _rank(one.register) < mine and codec.head(one.register).device != mine[1]:
                yield one


def _rank(register: bytes) -> tuple[int, bytes]:
    if register == codec.NIL:
        return -1, b""
    head = codec.head(register)
    return head.stamp, head.device


def _restored(found: list[Operation], said: _Said) -> dict[_Spot, bytes]:
    """Return, for each register that an undo wrote, the register that it brought back."""
    by_id = {operation.id: operation for operation in found}
    restored: dict[_Spot, bytes] = {}
    for operation in found:
        undone = by_id.get(operation.undoes)
        if undone is None:
            continue
        before = {(id_, c.section, c.key): (t, c) for t in undone.touched for id_ in _names(t) for c in t.changes}
        for touched in operation.touched:
            for change in touched.changes:
                head = codec.head(change.after)
                for id_ in _names(touched):
                    if (place := before.get((id_, change.section, change.key))) is not None:
                        possible = [bytes(place[1].before), *(one.register for one in _others(said, *place))]
                        alike = [one for one in possible if _value(one) == bytes(head.value)]
                        spot = (id_, change.section, change.key, head.stamp, head.device)
                        restored[spot] = max(alike or possible[:1], key=_rank)
    return restored


def _value(register: bytes) -> bytes:
    return codec.NIL if register == codec.NIL else bytes(codec.head(register).value)


def _names(touched: Touched) -> list[bytes]:
    """Return what a document is known by: its name, and its picture's birth since files move."""
    return [touched.name, touched.birth] if touched.birth else [touched.name]


def _why_kept(document: Document | None, change: Change, touched: Touched, restored: dict[_Spot, bytes]) -> str:
    """Return why the field must stay as it is, empty when ``change`` still owns it."""
    if change.section == merge.PURGE:
        return "a purge cannot be undone"
    if document is None:
        return "the file is gone"
    raw = document.body.get(change.section, {}).get(change.key)
    if raw is None:
        return "it was purged since"
    mine = codec.head(change.after)
    while raw != codec.NIL:
        now = codec.head(raw)
        if (mine.stamp, mine.device) == (now.stamp, now.device):
            return ""
        spots = ((id_, change.section, change.key, now.stamp, now.device) for id_ in _names(touched))
        older = next((restored[spot] for spot in spots if spot in restored), None)
        if older is None:
            break
        raw = older
    return "it was changed since"
