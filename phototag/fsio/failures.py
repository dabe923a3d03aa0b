"""What a failed write says: one line that a person can act on."""

from __future__ import annotations

import errno
import os
import re

from phototag.errors import WriteError


def explain(error: OSError, path: str) -> WriteError:
    """Return ``error`` as one line a person can act on."""
    shown = display(path)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return WriteError(
            f"cannot write {shown}: the disk is full",
            hint="free some space and run the command again; nothing was lost",
        )
    if error.errno == errno.EROFS:
        return WriteError(
            f"cannot write {shown}: the file system is read-only",
            hint="remount it writable, or see 'phototag init --help' for libraries that cannot be written",
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return WriteError(f"cannot write {shown}: permission denied", hint="make the folder writable for your user")
    return WriteError(f"cannot write {shown}: {error.strerror or error}")


def is_everywhere(error: WriteError, root: str) -> bool:
    """Say whether whatever is written below ``root`` would fail as ``error`` did: then a run stops, else it goes on."""
    cause = error.__cause__
    code = cause.errno if isinstance(cause, OSError) else None
    if code == errno.EROFS:  # of a part that is mounted read-only, it tells nothing of the rest
        return bool(os.statvfs(root).f_flag & os.ST_RDONLY)
    return code in (errno.ENOSPC, errno.EDQUOT, errno.EIO)


_UNFIT = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""What would move a terminal's cursor, colour it, or make text look like other text."""


def display(path: str) -> str:
    """Return ``path`` printable on any terminal, in one line.

    Bytes that are not UTF-8, control characters and those that turn the direction of writing become backslash escapes.
    """
    text = path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return _UNFIT.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
