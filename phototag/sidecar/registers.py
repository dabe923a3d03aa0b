"""``Document``: a body that is being edited, one register at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

import msgspec

from phototag.ids import MACHINE, Clock
from phototag.sidecar import codec, merge

T = TypeVar("T")

_PERSON_STAMP = 1 << 32
"""From here on a stamp is a time, not a generation: an import, which has no device, is a person's word too."""


class Register(msgspec.Struct, frozen=True):
    """One register as read: who said it (``device``, empty for a machine), when (``stamp``), and its raw value."""

    stamp: int
    device: bytes
    value: bytes
    purge: tuple[str, ...] = ()

    @property
    def by_person(self) -> bool:
        """Say whether a person set this register, here or through an import, rather than a machine."""
        return self.device != MACHINE or self.stamp >= _PERSON_STAMP


class Document:
    """A sidecar or a library document in memory; ``encode`` gives its canonical bytes.

    The same class serves every file of the format; what the sections mean is in ``sidecar.model``.
    """

    __slots__ = ("body", "version")

    def __init__(self, body: codec.Body | None = None, version: int = codec.VERSION) -> None:
        self.body: codec.Body = {} if body is None else body
        self.version = version

    @classmethod
    def decode(cls, data: bytes) -> Document:
        """Return the document held in ``data``, of a newer version too: for reading. Raises FormatError."""
        return cls(*codec.decode_for_reading(data))

    def encode(self) -> bytes:
        """Return the canonical bytes.

        Raises FormatError when they would pass the size limit, NewerVersionError for a document of a newer version.
        """
        if self.version > codec.VERSION:
            raise codec.newer_version(self.version)
        return codec.encode(self.body)

    def copy(self) -> Document:
        """Return a copy that can be edited without changing this one."""
        return Document({section: dict(keys) for section, keys in self.body.items()}, self.version)

    def join(self, other: Document) -> Document:
        """Return the join of the two (``sidecar.merge.join``)."""
        return Document(merge.join(self.body, other.body), max(self.version, other.version))

    def register(self, section: str, key: str) -> Register | None:
        """Return the register at ``section``/``key``, None where there is none."""
        raw = self.body.get(section, {}).get(key)
        if raw is None:
            return None
        found = codec.head(raw)
        return Register(found.stamp, found.device, bytes(found.value), found.purge)

    def get(self, section: str, key: str, type_: type[T]) -> T | None:
        """Return the value at ``section``/``key`` as ``type_``; None where it is missing or was cleared."""
        found = self.register(section, key)
        if found is None or found.value == codec.NIL:
            return None
        return codec.decode_value(found.value, type_)

    def keys(self, section: str) -> list[str]:
        """Return the keys of ``section``, sorted."""
        return sorted(self.body.get(section, ()))

    def items(self, section: str, type_: type[T]) -> Iterator[tuple[str, T]]:
        """Yield (key, value) of ``section`` in key order, without the cleared ones."""
        for key in self.keys(section):
            value = self.get(section, key, type_)
            if value is not None:
                yield key, value

    def has_decisions(self) -> bool:
        """Say whether a person's word is in the document, not only machine output that can be computed again."""
        return any(_is_word(raw) for keys in self.body.values() for raw in keys.values())

    def words(self) -> codec.Body:
        """Return the registers that a person set, here or through an import, without what machines computed."""
        found = {
            section: {key: raw for key, raw in keys.items() if _is_word(raw)} for section, keys in self.body.items()
        }
        return {section: keys for section, keys in found.items() if keys}

    def top_stamp(self) -> int:
        """Return the highest stamp in the document, 0 when it is empty."""
        return max((codec.head(raw).stamp for keys in self.body.values() for raw in keys.values()), default=0)

    def set_person(self, section: str, key: str, value: Any, clock: Clock) -> None:
        """Set a register to what a person said just now; None clears it."""
        self._put(section, key, clock.stamp_after(self.top_stamp()), clock.device, codec.encode_value(value))

    def set_imported(self, section: str, key: str, value: Any, stamp_ms: int) -> None:
        """Set a register to what another program's file says, stamped with that file's time and no device."""
        self.put(section, key, stamp_ms << 16, MACHINE, codec.encode_value(value))

    def set_machine(self, section: str, key: str, value: Any) -> bool:
        """Set a register to what a machine computed; return whether anything changed.

        The stamp is a generation: 0, then one more whenever the value changes. Equal values keep equal bytes.
        """
        raw = codec.encode_value(value)
        old = self.register(section, key)
        if old is not None and old.value == raw and set(old.purge) >= self._needed(section):
            return False
        self._put(section, key, 0 if old is None else old.stamp + 1, MACHINE, raw)
        return True

    def put(self, section: str, key: str, stamp: int, device: bytes, raw_value: bytes) -> None:
        """Offer a register with a given stamp: it is kept if it wins over the one that is there."""
        incoming = Document()
        incoming.body["P"] = dict(self.body.get("P", {}))
        incoming._put(section, key, stamp, device, raw_value)
        self.body = merge.join(self.body, incoming.body)

    def purge(self, section: str, random: str) -> None:
        """Drop everything of ``section`` and below, here and wherever this document is ever joined."""
        self._put(merge.PURGE, f"{section}/{random}", 0, MACHINE, codec.NIL)
        self.body = merge.purged(self.body)

    def _needed(self, section: str) -> set[str]:
        return merge.required_purges(merge.purge_ids_of(self.body), section) if merge.PURGE in self.body else set()

    def _put(self, section: str, key: str, stamp: int, device: bytes, raw_value: bytes) -> None:
        fields: list[Any] = [stamp, device, msgspec.Raw(raw_value)]
        needed = self._needed(section)
        if needed:
            fields.append(sorted(needed))
        self.body.setdefault(section, {})[key] = codec.encode_register(fields)


def _is_word(raw: bytes) -> bool:
    """Say whether a person set the register, not a machine."""
    found = codec.head(raw)
    return found.device != MACHINE or found.stamp >= _PERSON_STAMP
