"""All that was ever said, by the document it was said of, wherever that is now: what an undo asks the journal."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from phototag.library import journal
from phototag.library.lookup import Pictures
from phototag.library.operation import Change, Operation, Touched, rank
from phototag.library.targets import locate
from phototag.library.tree import Tree
from phototag.sidecar import codec, merge
from phototag.sidecar.registers import Document

_Field = tuple[bytes, str, str]
"""(document's name or birth, section, key)"""
_Spot = tuple[bytes, str, str, int, bytes]
"""A register's origin: (document's name or birth, section, key, stamp, device)."""


class _Word(NamedTuple):
    """A register that an operation set."""

    operation: str
    touched: Touched
    register: bytes


class Said:
    """The whole journal, asked about one field of one document at a time."""

    def __init__(self, tree: Tree, found: list[Operation]) -> None:
        self.tree = tree
        self._pictures = Pictures(tree)
        self._places: dict[int, list[str]] = {}
        self._undone = journal.undone_by(found)
        self._words: dict[_Field, list[_Word]] = {}
        for operation in found:
            for touched in operation.touched:
                for change in touched.changes:
                    word = _Word(operation.id, touched, bytes(change.after))
                    for field in _fields(touched, change):
                        self._words.setdefault(field, []).append(word)
        self._restored = self._by_undos(found)

    def places(self, touched: Touched) -> list[str]:
        """Return where the document is now, empty where it is gone."""
        if id(touched) not in self._places:
            self._places[id(touched)] = locate(self.tree, touched, self._pictures)
        return self._places[id(touched)]

    def now(self, document: Document, target: str, touched: Touched, change: Change) -> bytes:
        """Return the register of a field as ``document`` has it once all that the journal knows has arrived."""
        raw = document.body.get(change.section, {}).get(change.key, codec.NIL)
        for word in self._alive(document, touched, change):
            if rank(word.register) > rank(raw) and target in self.places(word.touched):
                raw = word.register
        return raw

    def before(
        self, document: Document, target: str, touched: Touched, change: Change, discarded: Collection[str]
    ) -> bytes:
        """Return the register that comes back when ``change`` is undone: the one before, or one said apart and lost.

        What was said of the images ``discarded`` (targets) is not meant.
        """
        found = bytes(change.before)
        for word in self._apart(touched, change, self._alive(document, touched, change)):
            if (
                rank(word.register) > rank(found)
                and word.operation not in self._undone
                and word.touched.target not in discarded
                and target in self.places(word.touched)
            ):
                found = word.register
        return found

    def is_owned(self, raw: bytes, touched: Touched, change: Change) -> bool:
        """Say whether a field that is ``raw`` is as ``change`` left it, or as an undo of something later gave it back."""
        mine = rank(bytes(change.after))
        while raw != codec.NIL:
            now = rank(raw)
            if now == mine:
                return True
            spots = ((*field, *now) for field in _fields(touched, change))
            older = next((self._restored[spot] for spot in spots if spot in self._restored), None)
            if older is None:
                return False
            raw = older
        return False

    def _alive(self, document: Document, touched: Touched, change: Change) -> Iterator[_Word]:
        """Yield what was said of a field and is not purged."""
        needed = merge.required_purges(merge.purge_ids_of(document.body), change.section)
        for field in _fields(touched, change):
            for word in self._words.get(field, ()):
                if needed <= set(codec.head(word.register).purge):
                    yield word

    def _apart(self, touched: Touched, change: Change, words: Iterator[_Word]) -> Iterator[_Word]:
        """Yield those of ``words`` that other devices said, by the clocks before ``change``."""
        mine = rank(bytes(change.after))
        return (word for word in words if rank(word.register) < mine and rank(word.register)[1] != mine[1])

    def _by_undos(self, found: list[Operation]) -> dict[_Spot, bytes]:
        """Return, for each register that an undo wrote, the register that it brought back."""
        by_id = {operation.id: operation for operation in found}
        restored: dict[_Spot, bytes] = {}
        for operation in found:
            undone = by_id.get(operation.undoes)
            if undone is None:
                continue
            before = {field: (t, c) for t in undone.touched for c in t.changes for field in _fields(t, c)}
            for touched in operation.touched:
                for change in touched.changes:
                    head = codec.head(change.after)
                    for field in _fields(touched, change):
                        if (place := before.get(field)) is not None:
                            words = iter([w for one in _fields(*place) for w in self._words.get(one, ())])
                            possible = [bytes(place[1].before), *(w.register for w in self._apart(*place, words))]
                            alike = [one for one in possible if value_of(one) == bytes(head.value)]
                            restored[*field, head.stamp, head.device] = max(alike or possible[:1], key=rank)
        return restored


def value_of(register: bytes) -> bytes:
    """Return the raw value of a raw register, nil where it is none."""
    return codec.NIL if register == codec.NIL else bytes(codec.head(register).value)


def _fields(touched: Touched, change: Change) -> list[_Field]:
    """Return what a field is known by: its document's name, and its picture's birth since files move."""
    ids = [touched.name, touched.birth] if touched.birth else [touched.name]
    return [(id_, change.section, change.key) for id_ in ids]
