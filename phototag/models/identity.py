"""How a model's output is told from another's: a short hash of everything that changes it."""

from __future__ import annotations

import hashlib
import os
from typing import Any

import msgspec
import xxhash


def params8(**parameters: Any) -> str:
    """Return 8 hex of the hash of ``parameters``: equal parameters on two machines give equal spaces."""
    return hashlib.sha256(msgspec.json.encode(parameters, order="deterministic")).hexdigest()[:8]


_BLOCK, _BLOCKS = 1 << 16, 64


OUTSIDE = (".data", "_data")
"""What the exporters of torch and Hugging Face add to a graph's name for the file with its weights."""


def file_rev(path: str) -> str:
    """Return 8 hex that tell one weights file from another: its size and 64 blocks spread over it.

    Where the weights lie in a file beside the graph, that counts too. Training moves every block, so samples are
    enough; reading all of 350 MB would cost a query 0.1 s. Raises OSError.
    """
    hasher = xxhash.xxh3_64()
    for one in (path, *(path + end for end in OUTSIDE if os.path.isfile(path + end))):
        _add(hasher, one)
    return hasher.hexdigest()[:8]


def _add(hasher: xxhash.xxh3_64, path: str) -> None:
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        hasher.update(str(size).encode())
        for number in range(_BLOCKS):
            file.seek(max(0, size - _BLOCK) * number // (_BLOCKS - 1))
            hasher.update(file.read(_BLOCK))
