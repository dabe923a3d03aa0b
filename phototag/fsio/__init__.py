"""The one package that writes files: temp file in the same folder, fsync, rename, fsync of the folder.

A kill at any point leaves the old file or the new one (promise ``one_write_path``). Paths are ``str`` with
``surrogateescape``, so names that are not UTF-8 survive. The modules are: ``files`` (one file), ``batch`` (many with
one flush), ``temps``, ``folders`` and ``failures``; the rest of phototag uses the names below.
"""

from phototag.fsio.batch import Batch, remove_all
from phototag.fsio.failures import display, explain, is_everywhere
from phototag.fsio.files import (
    append,
    create_exclusive,
    move,
    read_bytes,
    remove,
    replace,
    replacing,
    truncate,
    write_atomic,
)
from phototag.fsio.folders import (
    lock_folder,
    make_folder,
    refuse_unwritable,
    remove_tree,
    sync_filesystem,
    sync_folder,
    try_lock_folder,
)
from phototag.fsio.temps import TEMP_PREFIX, is_temp_name, sweep_temp

__all__ = [
    "TEMP_PREFIX",
    "Batch",
    "append",
    "create_exclusive",
    "display",
    "explain",
    "is_everywhere",
    "is_temp_name",
    "lock_folder",
    "make_folder",
    "move",
    "read_bytes",
    "refuse_unwritable",
    "remove",
    "remove_all",
    "remove_tree",
    "replace",
    "replacing",
    "sweep_temp",
    "sync_filesystem",
    "sync_folder",
    "truncate",
    "try_lock_folder",
    "write_atomic",
]
