"""The manifest: the one file that says which segments make the index, and what they were built from.

Segments are never changed once written; a refresh writes a small new one, marks the rows it replaces as dead, and
commits by swapping the manifest with one rename. Whoever reads an older manifest keeps seeing the older index.
"""

from __future__ import annotations

import os

import msgspec
import xxhash

from phototag import fsio
from phototag.errors import PhototagError
from phototag.index import VERSION
from phototag.library.tree import Tree

MAGIC = b"PHOTOTAG-INDEX\0"
NAME = "manifest"
_HEADER = len(MAGIC) + 2 + 8


class IndexDamagedError(PhototagError):
    """The index on disk cannot be used; it is rebuilt from the sidecars."""


class FileStamp(msgspec.Struct, frozen=True, array_like=True):
    """A file of a segment as it was when it was committed."""

    name: str
    size: int
    ctime_ns: int
    checksum: int
    """xxh3_64 of the file: compared when size or ctime differ, and by ``index verify``."""


class VectorInfo(msgspec.Struct, frozen=True, array_like=True):
    """One vector file of a segment."""

    space: str
    file: str
    dim: int
    count: int


class SegmentInfo(msgspec.Struct, frozen=True):
    """One segment: how many rows, which tables, which of its rows were replaced since."""

    name: str
    rows: int
    faces: int
    tag_spaces: list[str]
    """In the order of ``tags-<i>.arrow``."""
    vectors: list[VectorInfo]
    face_vectors: list[VectorInfo]
    files: list[FileStamp]
    dead: bytes = b""
    """Sorted u32 local rows that newer segments replaced, or whose image and sidecar are gone."""

    @property
    def alive(self) -> int:
        """Return the number of rows that count."""
        return self.rows - len(self.dead) // 4


class AnnInfo(msgspec.Struct, frozen=True, array_like=True):
    """Inverted lists over one embedding space (``index.ann``)."""

    space: str
    folder: str
    stamp: FileStamp
    segments: list[tuple[str, int]]
    """Name and number of vectors of the segments they were made of, in this order."""
    lists: int
    probes: int
    """Lists that a query looks into."""


class Watch(msgspec.Struct, frozen=True, array_like=True):
    """A folder as it was when it was listed; equal times mean that nothing in it was made, replaced or removed."""

    mtimes_ns: tuple[int, int, int]
    """Or ctimes, where later: of the folder, of its mirror under ``.phototag/sidecars``, of its overlay; 0 where there is none, -1 where it
    changed so shortly before it was listed that a later change could carry the same time."""
    segment: str
    """The segment that holds the folder's listing."""
    links: int = 0
    """Which of its symbolic links lead somewhere (``index.links``), where images are links; else 0."""
    ways: int = 0
    """Which of its symbolic links lead to folders, and to which (``index.links``); 0 where none does."""


class Manifest(msgspec.Struct, frozen=True):
    """The whole index in one small file."""

    library: str
    layout: str
    overlay: bool
    purges: bytes
    """Digest of the library's purges: they apply to every row, so a new one means a rebuild."""
    segments: list[SegmentInfo]
    folders: dict[bytes, Watch]
    """By relative path in bytes."""
    ignores: dict[bytes, int] = {}
    """Signatures of the ignore files, by folder: a changed one speaks for everything below it."""
    ann: list[AnnInfo] = []
    """Only over segments that are all in use; newer ones are searched beside them."""
    built_s: float = 0.0
    """How long the last rebuild took."""
    built_rows: int = 0

    @property
    def rows(self) -> int:
        """Return the number of images."""
        return sum(segment.alive for segment in self.segments)


_decoder = msgspec.msgpack.Decoder(Manifest)


def index_folder(tree: Tree) -> str:
    """Return the folder that holds the index of ``tree``."""
    return os.path.join(tree.cache, "index")


def save(tree: Tree, manifest: Manifest) -> None:
    """Commit ``manifest``: from now on it is the index. Raises WriteError."""
    payload = msgspec.msgpack.encode(manifest)
    checksum = xxhash.xxh3_64_intdigest(payload, seed=VERSION)
    data = MAGIC + VERSION.to_bytes(2, "big") + checksum.to_bytes(8, "big") + payload
    fsio.write_atomic(os.path.join(index_folder(tree), NAME), data)


def load(tree: Tree) -> Manifest | None:
    """Return the manifest, None where there is none. Raises IndexDamagedError with the reason."""
    try:
        data = fsio.read_bytes(os.path.join(index_folder(tree), NAME))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise IndexDamagedError(f"the index cannot be read: {error.strerror}") from error
    if data[: len(MAGIC)] != MAGIC or len(data) < _HEADER:
        raise IndexDamagedError("the index is damaged")
    version = int.from_bytes(data[len(MAGIC) : len(MAGIC) + 2], "big")
    if version != VERSION:
        raise IndexDamagedError(f"the index is of version {version}, this phototag writes {VERSION}")
    payload = data[_HEADER:]
    if xxhash.xxh3_64_intdigest(payload, seed=version) != int.from_bytes(data[_HEADER - 8 : _HEADER], "big"):
        raise IndexDamagedError("the index is damaged: its checksum does not match")
    try:
        manifest = _decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise IndexDamagedError("the index is damaged") from error
    if (manifest.library, manifest.layout, manifest.overlay) != (tree.name, tree.layout, tree.overlay):
        raise IndexDamagedError("the index was built for another layout of the library")
    return manifest


def stamp_file(path: str) -> FileStamp:
    """Return the stamp of a finished file, read once while it is still in memory."""
    hasher = xxhash.xxh3_64()
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        while chunk := os.read(fd, 1 << 20):
            hasher.update(chunk)
        os.fsync(fd)
        status = os.fstat(fd)
    finally:
        os.close(fd)
    return FileStamp(os.path.basename(path), status.st_size, status.st_ctime_ns, hasher.intdigest())


def check_file(folder: str, stamp: FileStamp, *, thorough: bool = False) -> None:
    """Raise IndexDamagedError unless the file is the one that was committed.

    Size and ctime decide: any write to the file changes its ctime. Where they differ (a copied cache), or with
    ``thorough``, the checksum does.
    """
    path = os.path.join(folder, stamp.name)
    try:
        status = os.stat(path)
        if not thorough and (status.st_size, status.st_ctime_ns) == (stamp.size, stamp.ctime_ns):
            return
        if status.st_size != stamp.size or stamp_file(path).checksum != stamp.checksum:
            raise IndexDamagedError(f"the index is damaged: {stamp.name} is not as it was written")
    except OSError as error:
        raise IndexDamagedError(f"the index is damaged: {stamp.name} cannot be read ({error.strerror})") from error
