"""``IMG.jpg`` -> ``IMG.jpg.phototag``: the map from an image's name to its sidecar's, forward only.

Names are ``str`` with surrogateescape; lengths are counted in bytes, as file systems do.
"""

from __future__ import annotations

import os
import re

import xxhash

from phototag.sidecar.codec import SUFFIX

NAME_LIMIT = 217
"""255 bytes less the 38 of Syncthing's conflict infix, beyond which sync sticks silently."""

_LONG = re.compile(r"~[0-9a-f]{16}\Z")


def sidecar_name(image_name: str) -> str:
    """Return the file name of the sidecar of ``image_name``; a long name is cut and given a hash of the whole."""
    raw = os.fsencode(image_name)
    if len(raw) + len(SUFFIX) <= NAME_LIMIT:
        return image_name + SUFFIX
    tail = f"~{xxhash.xxh3_64_hexdigest(raw)}{SUFFIX}"
    return cut(image_name, NAME_LIMIT - len(tail)) + tail


def is_sidecar_name(name: str) -> bool:
    """Say whether ``name`` ends as a sidecar does."""
    return name.endswith(SUFFIX) and len(name) > len(SUFFIX)


def image_name(name: str) -> str | None:
    """Return the image's name that a sidecar's name spells out, None where it was cut (the true name is inside)."""
    stem = name[: -len(SUFFIX)]
    return None if _LONG.search(stem) and len(os.fsencode(name)) > NAME_LIMIT - 4 else stem


def cut(name: str, limit: int) -> str:
    """Return the longest prefix of ``name`` of at most ``limit`` bytes that does not split a character."""
    while len(os.fsencode(name)) > limit:
        name = name[:-1]
    return name
