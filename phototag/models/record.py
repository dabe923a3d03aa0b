"""What is known about the files of a model's folder since they came."""

from __future__ import annotations

import hashlib
import os

import msgspec

from phototag import fsio
from phototag.errors import FormatError

_CHUNK_BYTES = 4 << 20

RECORD = "phototag.json"
"""In a model's folder: the SHA-256 of each file as it was when it was fetched."""


class Note(msgspec.Struct, frozen=True):
    """What is known about one file since it came."""

    sha256: str
    size: int
    url: str = ""
    pinned: bool = False
    """The manifest knew no hash: this is what came the first time."""


class Checked(msgspec.Struct, frozen=True):
    """One file after ``verify``."""

    model: str
    path: str
    ok: bool
    why: str


def sha256_of(path: str) -> str:
    """Return the SHA-256 of a file in hex."""
    hasher = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            hasher.update(chunk)
    return hasher.hexdigest()


def read_record(folder: str) -> dict[str, Note]:
    """Return what was noted when the files came; empty without a note. Raises FormatError for a damaged one."""
    path = os.path.join(folder, RECORD)
    try:
        return msgspec.json.decode(fsio.read_bytes(path), type=dict[str, Note])
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, msgspec.DecodeError) as error:
        raise FormatError(
            f"{path}: {error}", reason="shape", hint="remove the file; the weights are checked again"
        ) from error
