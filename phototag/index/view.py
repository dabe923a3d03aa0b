"""The index's own typed view of a sidecar: one decode, only what the index needs, the rest skipped unread.

5 to 9 us a sidecar against 88 for the view that can be rewritten (``sidecar.registers``), so the two are kept apart.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import msgspec

from phototag.errors import FormatError
from phototag.sidecar import codec, merge
from phototag.sidecar.model import Content, Exif, FaceObservations, Gps, Phash, Place, UserPlace
from phototag.sidecar.pictures import is_same_picture
from phototag.sidecar.registers import Document

T = TypeVar("T")


class Slot(msgspec.Struct, Generic[T], array_like=True, gc=False):
    """A register: stamp, device, value (None: cleared); what follows is not read."""

    stamp: int
    device: bytes
    value: T | None


class RawSlot(msgspec.Struct, array_like=True, gc=False):
    """A register whose type its key decides; a cleared one holds nil."""

    stamp: int
    device: bytes
    value: msgspec.Raw


class Scores(msgspec.Struct, gc=False):
    """``mtag`` without a copy of its labels into a tuple."""

    src: bytes = b""
    labels: list[str] = []
    scores: bytes = b""


class Vector(msgspec.Struct, gc=False):
    """``emb``: the half floats as they lie in the file."""

    src: bytes = b""
    d: int = 0
    v: bytes = b""
    q: str = "f2"


class IdView(msgspec.Struct, gc=False):
    content: Slot[Content] | None = None
    birth: Slot[bytes] | None = None
    name: Slot[bytes] | None = None


class ExifView(msgspec.Struct, gc=False):
    v1: Slot[Exif] | None = None


class GpsView(msgspec.Struct, gc=False):
    v1: Slot[Gps] | None = None


class UserView(msgspec.Struct, gc=False):
    rating: Slot[int] | None = None
    caption: Slot[str] | None = None
    title: Slot[str] | None = None
    flag: Slot[str] | None = None
    date: Slot[str] | None = None
    loc: Slot[UserPlace] | None = None
    orient: Slot[int] | None = None


class SidecarView(msgspec.Struct, gc=False):
    """A whole sidecar as the index reads it; unknown sections and keys are skipped."""

    id: IdView | None = None
    exif: ExifView | None = None
    gps: GpsView | None = msgspec.field(default=None, name="exif.gps")
    geo: dict[str, Slot[Place]] | None = None
    user: UserView | None = None
    utag: dict[str, Slot[int]] | None = None
    mtag: dict[str, Slot[Scores]] | None = None
    emb: dict[str, Slot[Vector]] | None = None
    hash: dict[str, Slot[Phash]] | None = None
    observations: dict[str, Slot[FaceObservations]] | None = msgspec.field(default=None, name="face.obs")
    claims: dict[str, RawSlot] | None = msgspec.field(default=None, name="face")
    purges: dict[str, msgspec.Raw] | None = msgspec.field(default=None, name="P")


_decode = msgspec.msgpack.Decoder(SidecarView).decode
_BAD = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, OverflowError)


def parse(data: bytes, *, above: bytes | None = None, purges: Document | None = None) -> tuple[SidecarView, str]:
    """Return the view of a sidecar's bytes and a reason where a part of it had to be left out ("" otherwise).

    ``above`` are the bytes of the overlay's sidecar, joined in where it is about the same picture; ``purges`` the
    library's purges. Raises FormatError.
    """
    payload = codec.open_envelope(data)
    if above is None and (purges is None or not purges.body):
        try:
            view = _decode(payload)
            if not view.purges:
                return view, ""
        except _BAD:
            pass
    document = Document.decode(data)
    foreign = ""
    if above is not None:
        over = Document.decode(above)
        if is_same_picture(document, over):
            document = document.join(over)
        else:
            foreign = "its sidecar in the overlay is about another picture"
    document = document.join(purges) if purges is not None else Document(merge.purged(document.body))
    view, trouble = from_document(document)
    return view, trouble or foreign


def from_document(document: Document) -> tuple[SidecarView, str]:
    """Return the view of a document whose purges are applied, and a reason where a part had to be left out."""
    return _part_by_part(document.body)


def _part_by_part(body: codec.Body) -> tuple[SidecarView, str]:
    """Return the view of ``body``; a register that cannot be typed is left out and named, the others stay."""
    try:
        return _decode(_payload(body)), ""
    except _BAD:
        pass
    good: codec.Body = {}
    trouble: list[str] = []
    for section, keys in body.items():
        for key, raw in keys.items():
            try:
                _decode(_payload({section: {key: raw}}))
                good.setdefault(section, {})[key] = raw
            except _BAD:
                trouble.append(f"{section}/{key}")
    return _decode(_payload(good)), f"cannot read {', '.join(sorted(trouble))}"


def _payload(body: codec.Body) -> bytes:
    return codec.encode(body)[codec.HEADER_BYTES :]


def value_of(slot: Slot[T] | None) -> T | None:
    """Return the value of a register, None where it is missing or cleared."""
    return None if slot is None else slot.value


def typed(raw: msgspec.Raw, type_: Any) -> Any:
    """Return ``raw`` as ``type_``, None where it is something else."""
    try:
        return codec.decode_value(raw, type_)
    except FormatError:
        return None
