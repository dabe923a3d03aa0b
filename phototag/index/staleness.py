"""Whether an index still says what the library holds: what every command asks before it reads one."""

from __future__ import annotations

import os

import xxhash

from phototag.index import links
from phototag.index.listing import ignore_signature, watch
from phototag.index.manifest import Manifest
from phototag.library import sidecars
from phototag.library.tree import Tree


def is_stale(tree: Tree, manifest: Manifest) -> bool:
    """Say whether a folder of the library changed since it was listed: one stat a folder, and one a symbolic link."""
    if manifest.purges != purge_digest(tree):
        return True
    if any(ignore_signature(tree, os.fsdecode(rel)) != state for rel, state in manifest.ignores.items()):
        return True
    if any(watch(tree, os.fsdecode(rel)) != seen.mtimes_ns for rel, seen in manifest.folders.items()):
        return True
    return not all(links.as_remembered(tree, os.fsdecode(rel), seen.links) for rel, seen in manifest.folders.items())


def purge_digest(tree: Tree) -> bytes:
    """Return what tells one set of purges from another: they apply to every row."""
    return xxhash.xxh3_64_digest(sidecars.purges(tree).encode())
