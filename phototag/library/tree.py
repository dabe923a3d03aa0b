"""``Tree``: where a library is and where each of its files belongs. Facts about paths; nothing is read but names.

Relative paths are ``str`` with surrogateescape and ``/`` between the parts, as they stand on disk.
"""

from __future__ import annotations

import os

import msgspec
import xxhash

from phototag.errors import LibraryError
from phototag.settings import Settings
from phototag.sidecar.naming import sidecar_name

MARKER = ".phototag"
"""The folder that makes its parent a library, as ``.git`` does."""

BESIDE, TREE, OVERLAY = "beside", "tree", "overlay"


class Tree(msgspec.Struct, frozen=True):
    """One library on this machine."""

    root: str
    """Absolute path, symlinks above it kept as the person typed them."""
    settings: Settings
    layout: str = BESIDE
    overlay: bool = False
    """The library cannot be written here: sidecars are read as join(in place, overlay), written to the overlay."""
    name: str = ""
    """Library id, hex; empty before ``init``."""
    overlay_name: str = ""
    """Names the overlay folder: the id that stands in the library itself; empty: it has none, its path names it."""

    @property
    def folder(self) -> str:
        """Return the path of ``.phototag/``."""
        return os.path.join(self.root, MARKER)

    @property
    def key(self) -> str:
        """Return what names this library's folders in cache and state: id and hash of the root."""
        return f"{self.name[:8] or 'library'}-{path_key(self.root)}"

    @property
    def cache(self) -> str:
        """Return this library's cache folder; everything in it can be thrown away."""
        return os.path.join(self.settings.cache_dir, self.key)

    @property
    def state(self) -> str:
        """Return this library's folder for locks and cursors."""
        return os.path.join(self.settings.state_dir, self.key)

    @property
    def overlay_root(self) -> str:
        """Return where sidecars and documents go when the library cannot be written."""
        return os.path.join(self.settings.data_dir, "overlay", self.overlay_name or f"at-{path_key(self.root)}")

    @property
    def write_root(self) -> str:
        """Return the root under which documents (``.phototag/...``) are written here."""
        return self.overlay_root if self.overlay else self.root

    def path(self, rel: str) -> str:
        """Return the absolute path of ``rel``."""
        return os.path.join(self.root, rel) if rel else self.root

    def sidecar(self, rel: str) -> str:
        """Return the absolute path of the in-place sidecar of the image ``rel`` (layout beside or tree)."""
        folder, name = os.path.split(rel)
        base = os.path.join(self.folder, "sidecars") if self.layout == TREE else self.root
        return os.path.join(base, folder, sidecar_name(name))

    def overlay_sidecar(self, rel: str) -> str:
        """Return the absolute path of the overlay sidecar of the image ``rel``."""
        folder, name = os.path.split(rel)
        return os.path.join(self.overlay_root, folder, sidecar_name(name))

    def relative(self, path: str) -> str:
        """Return ``path`` relative to the root, without following a link at its end. Raises LibraryError.

        Below a linked folder that leads out of the library its name is the one that the walk has: with the link in it.
        """
        at = os.path.abspath(path)
        head, tail = os.path.split(at)
        for place, root in (
            (os.path.join(os.path.realpath(head), tail), os.path.realpath(self.root)),
            (at, os.path.abspath(self.root)),
            (at, os.path.realpath(self.root)),
        ):
            rel = os.path.relpath(place, root)
            if rel != ".." and not rel.startswith("../"):
                return "" if rel == "." else rel
        raise LibraryError(f"{path} is not inside the library {self.root}")


def path_key(root: str) -> str:
    """Return 16 hex that stand for the folder ``root`` on this machine."""
    return xxhash.xxh3_64_hexdigest(os.fsencode(os.path.realpath(root)))


def find_root(path: str) -> str | None:
    """Return the nearest folder at or above ``path`` that holds ``.phototag/``, None where there is none."""
    at = os.path.abspath(path)
    while True:
        if os.path.isdir(os.path.join(at, MARKER)):
            return at
        parent = os.path.dirname(at)
        if parent == at:
            return None
        at = parent
