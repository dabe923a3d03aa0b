"""The writer's lock of a library: two processes that decide at once take turns, so neither loses anything.

Advisory, in the state folder of this user, released by the system when its holder dies. A scan does not hold it:
sidecars are joined under a lock on their own folder (``sidecar.disk``), so editing goes on during a scan.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator

from phototag import fsio
from phototag.library.tree import Tree, path_key

_guard = threading.Lock()
_locks: dict[str, threading.RLock] = {}
_depth: dict[str, int] = {}


def state_folder(tree: Tree) -> str:
    """Return this machine's folder for what the writer of the library at this root must remember."""
    return os.path.join(tree.settings.state_dir, "writers", path_key(tree.root))


@contextlib.contextmanager
def writing(tree: Tree) -> Iterator[None]:
    """Hold the library against other writers; may be nested in one thread. Raises WriteError."""
    folder = state_folder(tree)
    with _guard:
        lock = _locks.setdefault(folder, threading.RLock())
    with lock, contextlib.ExitStack() as stack:
        if not _depth.get(folder):
            fsio.make_folder(folder)
            stack.enter_context(fsio.lock_folder(folder))
        _depth[folder] = _depth.get(folder, 0) + 1
        try:
            yield
        finally:
            _depth[folder] -= 1
