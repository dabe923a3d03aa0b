"""Conflict copies that sync tools leave beside a file of ours: recognised by name, forward to the original's name.

Syncthing keeps the last extension (``IMG.jpg.sync-conflict-20240501-101500-ABCDEFG.phototag``, and may nest);
git-annex writes ``.variant-abcd``; Dropbox and Nextcloud ``(... conflicted copy ...)``; ownCloud ``_conflict-...``.
"""

from __future__ import annotations

import re

from phototag.sidecar.codec import SUFFIX

_INFIXES = (
    re.compile(r"\.sync-conflict-\d{8}-\d{6}-[A-Z0-9]{7}\Z"),
    re.compile(r"\.variant-[0-9a-f]{4,}\Z"),
    re.compile(r" \([^()/]*conflicted copy[^()/]*\)\Z", re.IGNORECASE),
    re.compile(r" \([^()/]*[Cc]onflict(?:ing)? [^()/]*\)\Z"),
    re.compile(r"_conflict-(?:\w+-)?\d{8}-\d{6}\Z"),
)


def is_copy(name: str) -> bool:
    """Say whether ``name`` is that of a conflict copy of a phototag file."""
    return original_name(name) is not None


def original_name(name: str) -> str | None:
    """Return the name of the file that ``name`` is a conflict copy of, None where it is not one.

    Nested copies are followed to the end. An image's own conflict copy is a new image: its sidecar
    (``IMG.sync-conflict-....jpg.phototag``) is no copy, since the infix does not stand before our suffix.
    """
    if not name.endswith(SUFFIX) or ("onflict" not in name and ".variant-" not in name):
        return None
    stem = name[: -len(SUFFIX)]
    shorter = _without_infix(stem)
    if shorter is None:
        return None
    while (next_shorter := _without_infix(shorter)) is not None:
        shorter = next_shorter
    return shorter + SUFFIX


def _without_infix(stem: str) -> str | None:
    for infix in _INFIXES:
        found = infix.search(stem)
        if found is not None and found.start() > 0:
            return stem[: found.start()]
    return None
