"""Whether an index still says what the library holds: what every command asks before it reads one."""

from __future__ import annotations

import os

import xxhash

from phototag.index import links
from phototag.index.listing import ignore_signature, watch
from phototag.index.manifest import Manifest
from phototag.library import sidecars
from phototag.library.documents import POLICY
from phototag.library.tree import MARKER, Tree
from phototag.sidecar.codec import SUFFIX


def is_stale(tree: Tree, manifest: Manifest) -> bool:
    """Say whether a folder of the library changed since it was listed: one stat a folder, and one a symbolic link."""
    if manifest.purges != purge_digest(tree):
        return True
    if any(ignore_signature(tree, os.fsdecode(rel)) != state for rel, state in manifest.ignores.items()):
        return True
    if any(watch(tree, os.fsdecode(rel)) != seen.mtimes_ns for rel, seen in manifest.folders.items()):
        return True
    return not all(links.as_remembered(tree, os.fsdecode(rel), seen.links) for rel, seen in manifest.folders.items())


def documents_stamp(tree: Tree) -> tuple[tuple[int, int], ...]:
    """Return what changes when the names of people or the thresholds may have: an open index reads them once.

    They are no part of the index on disk, so that its manifest does not tell of them.
    """
    bases = tree.folder, os.path.join(tree.write_root, MARKER)
    found = []
    for path in (os.path.join(base, name) for base in bases for name in ("people", POLICY + SUFFIX)):
        try:
            status = os.stat(path)
            found.append((status.st_mtime_ns, status.st_ino))
        except OSError:
            found.append((0, 0))
    return tuple(found)


def purge_digest(tree: Tree) -> bytes:
    """Return what tells one set of purges from another: they apply to every row."""
    return xxhash.xxh3_64_digest(sidecars.purges(tree).encode())
