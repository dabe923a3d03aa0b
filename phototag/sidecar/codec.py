"""The envelope and the one msgspec codec: bytes <-> {section: {key: raw register}} (docs/format.md).

The body is kept as nested dicts of raw register bytes, and only what is used is typed: a msgspec Struct would drop
fields it does not know when rewriting, and promise ``unknown_survives`` says they stay, byte for byte.
"""

from __future__ import annotations

import math
import struct
from typing import Any, TypeVar

import msgspec
import xxhash

from phototag.errors import FormatError, NewerVersionError
from phototag.ids import STAMP_LIMIT

VERSION = 1
MAGIC = b"\x94\xc4\x08PHOTOTAG"
HEADER_BYTES = 28
BODY_LIMIT = 8 << 20
SUFFIX = ".phototag"
NIL = b"\xc0"
"""MessagePack nil: the value of a register that was cleared."""

Body = dict[str, dict[str, bytes]]
"""{section: {key: raw bytes of the register [stamp, device, value, purge_ids?, ...]}}"""

T = TypeVar("T")

_HEADER = struct.Struct(">11sBHBQBI")
_encoder = msgspec.msgpack.Encoder(order="deterministic")
_raw_map = msgspec.msgpack.Decoder(dict[str, dict[str, msgspec.Raw]])
_decoders: dict[Any, msgspec.msgpack.Decoder[Any]] = {}

_GIT_MARKERS = (b"<<<<<<< ", b"=======\n", b">>>>>>> ")
_ANNEX_POINTER = b"/annex/objects/"


def encode(body: Body, *, version: int = VERSION) -> bytes:
    """Return the canonical bytes of ``body``: keys sorted, empty sections left out, envelope in front.

    Raises FormatError when the body would pass 8 MiB.
    """
    parts = [_map_header(sum(1 for keys in body.values() if keys))]
    for section in sorted(body):
        keys = body[section]
        if keys:
            parts.append(_encoder.encode(section))
            parts.append(_map_header(len(keys)))
            for key in sorted(keys):
                parts.append(_encoder.encode(key))
                parts.append(bytes(keys[key]))
    payload = b"".join(parts)
    if len(payload) > BODY_LIMIT:
        raise FormatError(f"the sidecar would hold {len(payload)} bytes, more than {BODY_LIMIT}", reason="size")
    checksum = xxhash.xxh3_64_intdigest(payload, seed=version)
    return _HEADER.pack(MAGIC, 0xCD, version, 0xCF, checksum, 0xC6, len(payload)) + payload


def decode(data: bytes) -> Body:
    """Return the body held in ``data``. Raises FormatError, NewerVersionError; never anything else."""
    open_envelope(data)
    return decode_for_reading(data)[0]


def decode_for_reading(data: bytes) -> tuple[Body, int]:
    """Return (body, version) of ``data``, also of a newer version whose body still has the known shape.

    A body of a newer version may be read for what is understood, and never written (``Document.encode`` refuses).
    Raises FormatError, NewerVersionError where the newer shape is not understood.
    """
    payload, version = _open(data)
    try:
        sections = _raw_map.decode(payload)
        return {
            section: {key: _checked(section, key, raw) for key, raw in keys.items()}
            for section, keys in sections.items()
        }, version
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise newer_version(version) if version > VERSION else _shape_error(error) from error
    except FormatError as error:
        if version > VERSION:
            raise newer_version(version) from error
        raise


def open_envelope(data: bytes) -> memoryview:
    """Return the body's bytes after checking magic, version, length and checksum. Raises FormatError."""
    payload, version = _open(data)
    if version > VERSION:
        raise newer_version(version)
    return payload


def newer_version(version: int) -> NewerVersionError:
    """Return the error for a file that this version may not rewrite."""
    return NewerVersionError(f"format version {version} is newer than this phototag knows ({VERSION})")


def _open(data: bytes) -> tuple[memoryview, int]:
    if len(data) < HEADER_BYTES or data[:11] != MAGIC:
        raise _not_a_sidecar(data)
    _, version_mark, version, check_mark, checksum, length_mark, length = _HEADER.unpack_from(data)
    if (version_mark, check_mark, length_mark) != (0xCD, 0xCF, 0xC6):
        raise FormatError("not a phototag file: the envelope's type bytes are wrong", reason="magic")
    if version == 0:
        raise FormatError("format version 0 does not exist: the file is damaged", reason="version")
    if length > BODY_LIMIT:
        raise FormatError(f"the body claims {length} bytes, more than {BODY_LIMIT}", reason="size")
    payload = memoryview(data)[HEADER_BYTES:]
    if len(payload) != length:
        word = "cut short" if len(payload) < length else "followed by other bytes"
        raise FormatError(f"the file is {word}: {len(payload)} of {length} bytes of body", reason="length")
    if xxhash.xxh3_64_intdigest(payload, seed=version) != checksum:
        raise FormatError("the checksum does not match: the file is damaged", reason="checksum")
    return payload, version


def encode_value(value: Any) -> bytes:
    """Return the canonical MessagePack bytes of one value. Raises FormatError for NaN, infinities, integers over 64 bits."""
    try:
        raw = _encoder.encode(value)
    except (OverflowError, TypeError, RecursionError, UnicodeEncodeError) as error:
        raise FormatError(f"a value cannot be stored: {error}", reason="shape") from error
    if _has_bad_float(msgspec.msgpack.decode(raw, strict=False)):
        raise FormatError("a value cannot be stored: it holds NaN or an infinity", reason="shape")
    return raw


def encode_register(fields: list[Any]) -> bytes:
    """Return the bytes of a register from [stamp, device, Raw value, purge ids?]."""
    return _encoder.encode(fields)


def decode_value(raw: bytes | memoryview | msgspec.Raw, type_: type[T]) -> T:
    """Return ``raw`` as ``type_``. Raises FormatError."""
    decoder = _decoders.get(type_)
    if decoder is None:
        decoder = _decoders[type_] = msgspec.msgpack.Decoder(type_)
    try:
        return decoder.decode(raw)  # type: ignore[no-any-return]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, OverflowError) as error:
        raise _shape_error(error) from error


class RegisterHead(msgspec.Struct, array_like=True, frozen=True):
    """The known fields of a register; trailing ones from the future are left in its raw bytes."""

    stamp: int
    device: bytes
    value: msgspec.Raw
    purge: tuple[str, ...] = ()


_head = msgspec.msgpack.Decoder(RegisterHead)


def head(raw: bytes | msgspec.Raw) -> RegisterHead:
    """Return the known fields of a register's ``raw`` bytes. Raises FormatError."""
    try:
        return _head.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _shape_error(error) from error


def _checked(section: str, key: str, raw: msgspec.Raw) -> bytes:
    data = bytes(raw)
    found = head(data)
    if not 0 <= found.stamp < STAMP_LIMIT:
        raise FormatError(f"{section}/{key}: the stamp {found.stamp} is out of range", reason="stamp")
    return data


def _map_header(count: int) -> bytes:
    if count < 16:
        return bytes([0x80 | count])
    return b"\xde" + struct.pack(">H", count) if count < 1 << 16 else b"\xdf" + struct.pack(">I", count)


def _has_bad_float(value: Any) -> bool:
    if isinstance(value, float):
        return not math.isfinite(value)
    if isinstance(value, dict):
        return any(_has_bad_float(v) or _has_bad_float(k) for k, v in value.items())
    return isinstance(value, list) and any(map(_has_bad_float, value))


def _shape_error(error: BaseException) -> FormatError:
    if isinstance(error, UnicodeDecodeError):
        return FormatError("a text in the file is not UTF-8", reason="text")
    if isinstance(error, RecursionError):
        return FormatError("the file is nested too deeply", reason="nesting")
    return FormatError(f"the file does not have the shape of a phototag body: {error}", reason="shape")


def _not_a_sidecar(data: bytes) -> FormatError:
    hint = "restore it from a backup or the other machine; 'phototag scan' keeps it aside and makes a new one"
    if not data:
        return FormatError("the file is empty", reason="empty", hint=hint)
    if data.startswith((_ANNEX_POINTER, b"version https://git-lfs")):
        return FormatError(
            "the file is a pointer, its content is elsewhere",
            reason="pointer",
            hint="git annex get the file; 'phototag sync setup annex' keeps sidecars out of the annex",
        )
    if all(marker in data for marker in _GIT_MARKERS):
        return FormatError(
            "git wrote conflict markers into the file",
            reason="conflict-markers",
            hint="run 'phototag sync setup git', then 'phototag sync resolve --apply'",
        )
    if len(data) < HEADER_BYTES and MAGIC.startswith(data[:11]):
        return FormatError("the file is cut short inside its envelope", reason="length", hint=hint)
    return FormatError("not a phototag file: the first bytes are wrong", reason="magic", hint=hint)
