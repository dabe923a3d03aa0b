"""The gate: a snapshot of (name, size, mtime) a folder, in the cache, so that a rescan is as quick as the walk.

mtimes are local facts and never enter a sidecar. Losing the gate loses nothing: images are then hashed once more and
compared with their sidecars.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterable

import msgspec
import xxhash

from phototag import fsio
from phototag.library.tree import Tree
from phototag.library.walk import Folder
from phototag.sidecar.naming import sidecar_name

VERSION = 4
RACY_NS = 2_000_000_000
"""An image modified less than this before the walk may change again within one tick of a coarse clock: looked at again."""


class Snapshot(msgspec.Struct, array_like=True):
    """One folder as the last scan left it."""

    steps: frozenset[str]
    """What every image here was given: models, parameters, readers. A step not among them makes it worth a look."""
    packed: bytes
    """Names, sizes, mtimes of the images and names of the sidecars: one compare settles an unchanged folder."""
    failures: dict[bytes, str] = {}
    """Images (names as bytes) that could not be used, with the reason; not tried again until they change."""
    readers: str = ""
    """What tried to read them: another reader may succeed."""


class GateFile(msgspec.Struct, array_like=True):
    """The file in the cache."""

    version: int
    folders: dict[bytes, Snapshot]


class Unchanged(msgspec.Struct):
    """The images of one folder whose size and mtime are as the gate knows them."""

    steps: frozenset[str]
    failures: dict[str, str]
    """Those that failed, with the reason."""
    done: set[str]
    """Those that have a sidecar, which had been given ``steps``."""


class Gate:
    """The snapshots of one library; ``save`` writes them. A damaged or foreign file is an empty gate."""

    def __init__(self, tree: Tree, readers: str = "") -> None:
        self._path = os.path.join(tree.cache, "gate")
        self._readers = readers
        self._folders: dict[bytes, Snapshot] = {}
        self._dirty = False
        try:
            data = fsio.read_bytes(self._path)
            if data[:8] == xxhash.xxh3_64_digest(data[8:]):
                loaded = msgspec.msgpack.decode(data[8:], type=GateFile)
                self._folders = loaded.folders if loaded.version == VERSION else {}
        except (OSError, msgspec.DecodeError):
            pass

    def known(self, rel: str) -> dict[str, tuple[int, int]]:
        """Return {image: (size, mtime_ns)} of the folder ``rel`` as it was last settled; empty where it never was."""
        old = self._folders.get(os.fsencode(rel))
        return {} if old is None else unpack(old.packed)

    def failures(self, folder: Folder, steps: frozenset[str]) -> dict[str, str] | None:
        """Return the known failures of an unchanged ``folder``, None when something in it needs a look."""
        old = self._folders.get(os.fsencode(folder.rel))
        if old is None or not steps <= old.steps or old.packed != pack(folder, folder.sidecars):
            return None
        if old.failures and old.readers != self._readers:
            return None
        return {os.fsdecode(name): why for name, why in old.failures.items()}

    def unchanged(self, folder: Folder) -> Unchanged:
        """Return which images of ``folder`` are as they were when it was last settled."""
        old = self._folders.get(os.fsencode(folder.rel))
        if old is None:
            return Unchanged(frozenset(), {}, set())
        before = unpack(old.packed)
        present = set(folder.sidecars)
        arrived = present - _sidecars(old.packed) if old.failures else set()
        found = Unchanged(old.steps, {}, set())
        for name, size, mtime_ns in zip(folder.images, folder.sizes, folder.mtimes_ns, strict=True):
            if before.get(name) != (size, mtime_ns):
                continue
            failure = old.failures.get(os.fsencode(name))
            if failure is not None:
                # A sidecar that came from another machine may know what cannot be read here.
                if old.readers == self._readers and sidecar_name(name) not in arrived:
                    found.failures[name] = failure
            elif sidecar_name(name) in present:
                found.done.add(name)
        return found

    def settle(
        self,
        folder: Folder,
        steps: frozenset[str],
        *,
        done: Iterable[str],
        failures: dict[str, str],
        walked_ns: int,
        dropped: bool = False,
    ) -> None:
        """Note ``folder`` as scanned: ``done`` images have their sidecar, ``failures`` a reason, others stay open.

        ``dropped``: some of what earlier scans gave was taken away.
        """
        known = set(done)
        before = self.unchanged(folder)
        # Nothing new here: what earlier scans gave is still there, and what failed did so with their limits as well.
        if before.done >= known and before.failures.keys() >= failures.keys() and not dropped:
            steps |= before.steps
        sidecars = sorted({*folder.sidecars, *(sidecar_name(name) for name in known)})
        open_images = {name for name in folder.images if name not in known and name not in failures}
        mtimes_ns = [
            -1 if name in open_images or mtime_ns > walked_ns - RACY_NS else mtime_ns
            for name, mtime_ns in zip(folder.images, folder.mtimes_ns, strict=True)
        ]
        packed = pack(msgspec.structs.replace(folder, mtimes_ns=mtimes_ns), sidecars)
        reasons = {os.fsencode(name): why for name, why in failures.items()}
        snapshot = Snapshot(steps, packed, reasons, self._readers if reasons else "")
        if self._folders.get(os.fsencode(folder.rel)) != snapshot:
            self._folders[os.fsencode(folder.rel)] = snapshot
            self._dirty = True

    def forget_missing(self, under: str, present: Iterable[str]) -> None:
        """Drop the snapshots of folders at or below ``under`` that the walk no longer found."""
        prefix = os.fsencode(under + "/") if under else b""
        here = {os.fsencode(rel) for rel in present}
        gone = [key for key in self._folders if key.startswith(prefix) and key not in here]
        for key in gone:
            del self._folders[key]
        self._dirty = self._dirty or bool(gone)

    def save(self) -> None:
        """Write the gate if it changed. Raises WriteError."""
        if not self._dirty:
            return
        payload = msgspec.msgpack.encode(GateFile(VERSION, self._folders))
        fsio.make_folder(os.path.dirname(self._path))
        fsio.write_atomic(self._path, xxhash.xxh3_64_digest(payload) + payload, sync=False)
        self._dirty = False


def pack(folder: Folder, sidecars: list[str]) -> bytes:
    """Return the facts of ``folder`` that decide whether it needs a look, in one bytes."""
    names = os.fsencode("\0".join(folder.images))
    beside = os.fsencode("\0".join(sidecars))
    sizes, mtimes = array("q", folder.sizes).tobytes(), array("q", folder.mtimes_ns).tobytes()
    counts = array("q", [len(folder.images), len(names)]).tobytes()
    return b"".join((counts, sizes, mtimes, names, beside))


def unpack(packed: bytes) -> dict[str, tuple[int, int]]:
    """Return {image: (size, mtime_ns)} of a packed snapshot."""
    count, at, end = _names_at(packed)
    numbers = array("q", packed[16:at])
    names = os.fsdecode(packed[at:end]).split("\0")
    return dict(zip(names, zip(numbers[:count], numbers[count:], strict=True), strict=True)) if count else {}


def _sidecars(packed: bytes) -> set[str]:
    """Return the names of the sidecars of a packed snapshot."""
    return set(os.fsdecode(packed[_names_at(packed)[2] :]).split("\0"))


def _names_at(packed: bytes) -> tuple[int, int, int]:
    """Return how many images a packed snapshot has, and where their names begin and end."""
    count, name_bytes = array("q", packed[:16])
    at = 16 + 16 * count
    return count, at, at + name_bytes
