"""The temp files that new contents are written to before a rename: named for sync tools, locked by their writer."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import stat
from collections.abc import Iterable, Iterator
from typing import IO

from phototag.ids import random_hex

TEMP_PREFIX = ".syncthing.phototag-"
"""Syncthing never syncs this prefix and removes such files when they grow old."""

_TEMP = re.compile(re.escape(TEMP_PREFIX) + r"[0-9a-f]{12}\.tmp\Z")


def is_temp_name(name: str) -> bool:
    """Say whether ``name`` is a temp file of ours, left over if no process is writing now."""
    return _TEMP.match(name) is not None


def open_temp(folder: str) -> tuple[str, int]:
    """Make a temp file of ours in ``folder`` and lock it; return its path and descriptor."""
    while True:
        temp = os.path.join(folder, f"{TEMP_PREFIX}{random_hex(6)}.tmp")
        fd = os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            kept = os.path.lexists(temp)
        except BlockingIOError:
            kept = False
        except OSError:  # some network shares have no locks, and there nothing is swept
            kept = True
        if kept:
            return temp, fd
        os.close(fd)  # between its making and its lock another process took it for left behind: once more


@contextlib.contextmanager
def temp_file(folder: str) -> Iterator[tuple[IO[bytes], str]]:
    """Yield (file, path) of a new temp file in ``folder``; it is removed unless it was renamed."""
    temp, fd = open_temp(folder)
    try:
        with os.fdopen(fd, "wb") as file:
            yield file, temp
    finally:
        with contextlib.suppress(OSError):
            os.unlink(temp)


def keep_owner(path: str, fd: int) -> None:
    """Give the file open as ``fd`` the mode and the owner of the one at ``path``, where there is one."""
    try:
        old = os.stat(path)
    except OSError:
        return
    with contextlib.suppress(OSError):
        os.fchmod(fd, stat.S_IMODE(old.st_mode))
    if (old.st_uid, old.st_gid) != (os.geteuid(), os.getegid()):
        with contextlib.suppress(OSError):
            os.fchown(fd, old.st_uid, old.st_gid)


def sweep_temp(folder: str, names: Iterable[str]) -> int:
    """Remove our temp files among ``names`` of ``folder`` that a killed process left behind; return how many.

    A writer holds a lock on its temp file, so one that can be locked has no writer any more.
    """
    removed = 0
    for name in names:
        if not is_temp_name(name):
            continue
        path = os.path.join(folder, name)
        with contextlib.suppress(OSError):
            fd = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.unlink(path)
                removed += 1
            finally:
                os.close(fd)
    return removed
