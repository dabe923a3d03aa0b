"""``Operation``: one decision of a person as the journal keeps it, with every register before and after."""

from __future__ import annotations

import datetime
import os

import msgspec

from phototag import ids
from phototag.sidecar import codec
from phototag.sidecar.registers import Document

IMAGE, DOC = "image:", "doc:"
"""How a target begins: an image's relative path, or the name of a library document."""


_LAST_MS = 253_402_300_799_000


class Change(msgspec.Struct, frozen=True, array_like=True):
    """One register: its raw bytes before (nil: there was none) and after."""

    section: str
    key: str
    before: msgspec.Raw
    after: msgspec.Raw

    @property
    def old_value(self) -> bytes:
        """Return the raw value before, nil where there was none."""
        return codec.NIL if bytes(self.before) == codec.NIL else bytes(codec.head(self.before).value)

    @property
    def new_value(self) -> bytes:
        """Return the raw value after."""
        return bytes(codec.head(self.after).value)


class Touched(msgspec.Struct, frozen=True, array_like=True):
    """One document that an operation changed, found again by its picture when the file has moved since."""

    name: bytes
    """``image:<path>`` or ``doc:<name>``, as bytes since a path need not be UTF-8."""
    changes: tuple[Change, ...]
    birth: bytes = b""
    """First content hash of the picture."""
    content: bytes = b""
    """Content hash at the time; an exact copy shares it, an edited copy shares only ``birth``."""

    @property
    def target(self) -> str:
        """Return ``image:<path>`` or ``doc:<name>`` as text with surrogateescape."""
        return os.fsdecode(self.name)

    def words(self) -> Document:
        """Return the registers that the operation set, as they are to be joined into the document."""
        body: codec.Body = {}
        for change in self.changes:
            body.setdefault(change.section, {})[change.key] = bytes(change.after)
        return Document(body)


class Moved(msgspec.Struct, frozen=True, array_like=True):
    """One image that an operation moves, with what belongs to it: sidecar, XMP, live photo."""

    content: bytes
    """Content hash of the image: after a crash only this very file is moved on."""
    files: tuple[tuple[bytes, bytes], ...]
    """(from, to) relative to the root, as bytes; the image first."""

    @property
    def source(self) -> str:
        """Return where the image was, as text with surrogateescape."""
        return os.fsdecode(self.files[0][0])

    @property
    def target(self) -> str:
        """Return where the image goes."""
        return os.fsdecode(self.files[0][1])

    @property
    def back(self) -> Moved:
        """Return the move that undoes this one."""
        return Moved(self.content, tuple((there, here) for here, there in self.files))


class Operation(msgspec.Struct, frozen=True, omit_defaults=True):
    """One decision: who, when, with which command, and what it changed."""

    stamp: int
    device: bytes
    command: str
    summary: str
    touched: tuple[Touched, ...] = ()
    undoes: str = ""
    """Id of the operation that this one undoes."""
    moves: tuple[Moved, ...] = ()
    """Images whose files it moves, after the documents are written."""

    @property
    def id(self) -> str:
        """Return its name: stamp and device in hex, in the order of time."""
        return f"{self.stamp:016x}-{self.device.hex()}"

    @property
    def at(self) -> datetime.datetime:
        """Return when, in UTC by the clock of its device; a clock beyond the year 9999 stands at its end."""
        return datetime.datetime.fromtimestamp(min(ids.stamp_ms(self.stamp), _LAST_MS) / 1000, datetime.UTC)

    @property
    def change_count(self) -> int:
        """Return how many registers it changed."""
        return sum(len(touched.changes) for touched in self.touched)
