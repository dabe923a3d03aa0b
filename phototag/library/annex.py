"""git-annex: what a link or a pointer file says about content that may be elsewhere.

A locked file is a symbolic link into ``.git/annex/objects``, perhaps dangling; an unlocked one whose content is absent
is about 100 bytes beginning with ``/annex/objects/``. The key names the content: backend, size, hash.
"""

from __future__ import annotations

import contextlib
import os
import re

from phototag import fsio
from phototag.errors import PhototagError

POINTER = b"/annex/objects/"
POINTER_LIMIT = 32 << 10
"""git-annex itself looks no further than this for a pointer."""

_POINTER_USUAL = 1024
"""No pointer that git-annex writes is longer, and hardly a photo is shorter: only such files are opened to look."""

_SIZE = re.compile(r"-s(\d+)")


def is_pointer(data: bytes) -> bool:
    """Say whether ``data``, the content of a file, is a pointer to annexed content that is not here."""
    return len(data) <= POINTER_LIMIT and data.startswith(POINTER)


def key_of_pointer(data: bytes) -> str:
    """Return the key in a pointer file's ``data``."""
    return os.fsdecode(data[len(POINTER) :].split(b"\n", 1)[0].strip())


def key_of_link(path: str) -> str:
    """Return the key that the symbolic link ``path`` names, empty where it is no annexed file."""
    try:
        target = os.readlink(path)
    except OSError:
        return ""
    return _key_in_link(target)


def _key_in_link(target: str) -> str:
    return os.path.basename(target) if "annex/objects/" in target.replace(os.sep, "/") else ""


def key_of(path: str) -> str:
    """Return the key of the file at ``path``, annexed and locked or an absent pointer; empty for any other file."""
    if os.path.islink(path):
        return key_of_link(path)
    try:
        if os.path.getsize(path) > POINTER_LIMIT:
            return ""
        data = fsio.read_bytes(path)
    except OSError:
        return ""
    return key_of_pointer(data) if is_pointer(data) else ""


def recorded_key(root: str, rel: str) -> str:
    """Return the key that git's history has for the annexed file once at ``rel``, empty where it knows none.

    A file that was unlocked, or scanned before it was added, has a sidecar without a key.
    """
    from phototag.library import git

    try:
        commit = git.run(root, "rev-list", "-1", "HEAD", "--", f":(literal){rel}").decode().strip()
    except PhototagError:
        return ""
    for revision in (commit, f"{commit}^") if commit else ():
        with contextlib.suppress(PhototagError):
            data = git.run(root, "cat-file", "blob", f"{revision}:./{rel}")
            return key_of_pointer(data) if is_pointer(data) else _key_in_link(os.fsdecode(data))
    return ""


def is_absent_pointer(path: str, size: int) -> bool:
    """Say whether the file at ``path`` of ``size`` bytes only points to content that is not here."""
    if not len(POINTER) < size <= _POINTER_USUAL:
        return False
    try:
        return is_pointer(fsio.read_bytes(path))
    except OSError:
        return False


def size_of(key: str) -> int | None:
    """Return the size in bytes that ``key`` names, None where it does not."""
    found = _SIZE.search(key.partition("--")[0])
    return int(found.group(1)) if found else None
