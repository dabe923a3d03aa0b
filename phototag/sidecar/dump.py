"""A document as text: stable, one fact a line, so that ``git diff`` shows what was said (``phototag dump``)."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

import msgspec
import xxhash

from phototag.errors import FormatError
from phototag.ids import stamp_ms
from phototag.sidecar import codec
from phototag.sidecar.model import MTAG, SCORE_SCALE, TagScores
from phototag.sidecar.registers import Document, Register

_SHORT_BYTES = 16
"""Longer binary values are shown by length and hash."""
_LAST_MS = 253_402_300_799_000


def text(document: Document) -> str:
    """Return ``document`` as lines ``section/key = value  # who when``, in the order of the file."""
    lines = [f"phototag {document.version}"]
    for section in sorted(document.body):
        for key in document.keys(section):
            lines.extend(_register(document, section, key))
    return "\n".join(lines) + "\n"


def _register(document: Document, section: str, key: str) -> Iterator[str]:
    register = document.register(section, key)
    if register is None:
        return
    value = codec.decode_value(register.value, object)
    name = f"{_line(section)}/{_line(key)}"
    if section == MTAG and isinstance(value, dict):
        try:
            scores = codec.decode_value(register.value, TagScores)
        except FormatError:
            scores = None
        if scores is not None and len(scores.scores) == 2 * len(scores.labels):
            yield f"{name} = {len(scores.labels)} tags of {scores.src.hex()}  # {_origin(register)}"
            for n, label in enumerate(scores.labels):
                score = int.from_bytes(scores.scores[2 * n : 2 * n + 2], "little") / SCORE_SCALE
                yield f"{name} {_line(label)} = {score:.4f}"
            return
    yield f"{name} = {_json(value)}  # {_origin(register)}"


def _origin(register: Register) -> str:
    """Return who set a register and when: a machine's generation, a device, or an import."""
    purge = f" under {','.join(register.purge)}" if register.purge else ""
    if not register.by_person:
        return f"computed, {register.stamp}{purge}"
    when = datetime.datetime.fromtimestamp(min(stamp_ms(register.stamp), _LAST_MS) / 1000, datetime.UTC)
    who = register.device.hex() or "imported"
    return f"{who} {when:%Y-%m-%dT%H:%M:%S}Z +{register.stamp & 0xFFFF}{purge}"


def _json(value: Any) -> str:
    return msgspec.json.encode(_shown(value), order="sorted").decode()


def _shown(value: Any) -> Any:
    if isinstance(value, bytes):
        if len(value) <= _SHORT_BYTES:
            return value.hex()
        return f"{len(value)} bytes {xxhash.xxh3_64_hexdigest(value)}"
    if isinstance(value, dict):
        return {str(_shown(key)): _shown(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_shown(item) for item in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _line(name: str) -> str:
    """Return ``name`` on one line."""
    return name if name.isprintable() else _json(name)
