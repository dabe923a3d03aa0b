"""Joining conflict copies into their bases, many at once: nothing a copy says is removed before it is in the base.

What is read is looked at again just before it is replaced or removed: a file that a sync tool wrote meanwhile is
joined with what is there then, and a copy that changed stays for the next time.
"""

from __future__ import annotations

import os
import stat
from typing import NamedTuple

import msgspec

from phototag import fsio
from phototag.errors import FormatError, PhototagError, WriteError
from phototag.library.operation import DOC, IMAGE
from phototag.library.orphans import park
from phototag.library.recovery import words_about
from phototag.library.tree import MARKER, TREE, Tree
from phototag.sidecar import disk, naming
from phototag.sidecar.codec import SUFFIX, VERSION, newer_version
from phototag.sidecar.pictures import is_same_picture, marks_of
from phototag.sidecar.registers import Document

_OPEN_FILES = 256
"""New files written between two flushes of the file system, each held open; systems allow a process 1,024."""
_JOINS = 1024
"""Joins held in memory between two flushes, some 10 MiB; copies are deleted only after the flush."""


class Conflict(msgspec.Struct, frozen=True):
    """One file of ours and its conflict copies; absolute paths. The base may be missing."""

    base: str
    copies: tuple[str, ...]


class KeptAside(msgspec.Struct, frozen=True):
    """A file whose bytes could not be joined, and why; ``path`` is relative to the root where it can be."""

    path: str
    reason: str


class _Seen(NamedTuple):
    """What shows that a file is still the one that was read."""

    inode: int
    size: int
    mtime_ns: int
    mode: int
    owner: tuple[int, int]


class _Copy(NamedTuple):
    path: str
    seen: _Seen | None


class _Join(NamedTuple):
    document: Document
    base: _Seen | None
    copies: list[_Copy]
    adopted: _Copy | None
    """The copy that holds the whole join already, so that it takes the base's place as it is."""


class _Spent(NamedTuple):
    """A copy that says nothing which its base, as it was read, does not."""

    copy: _Copy
    base: str
    seen: _Seen | None


class Batch:
    """Joins that are written together: staged, flushed once, put in place, and only then the copies deleted."""

    def __init__(self, tree: Tree, purges: Document) -> None:
        self.tree, self.purges = tree, purges
        self.kept: list[KeptAside] = []
        self._files = fsio.Batch()
        self._waiting: dict[str, _Join] = {}
        """{base: what it becomes}"""
        self._spent: list[_Spent] = []
        self._folders: dict[str, str] = {}
        """{folder: why nothing can be written there, or empty}"""
        self._damaged = False
        """A file of the conflict being joined was damaged and is kept aside."""

    @property
    def full(self) -> bool:
        """Say whether it is time to ``finish``: files are open, or much is held in memory."""
        return self._files.open_files >= _OPEN_FILES or len(self._waiting) + len(self._spent) >= _JOINS

    def add(self, conflict: Conflict) -> None:
        """Join one conflict and stage the result; note what had to be kept aside. Raises WriteError."""
        path = conflict.base
        self._damaged = False
        for folder in sorted({os.path.dirname(one) for one in (path, *conflict.copies)}):
            if refused := self._refused(folder):  # one folder that cannot be written holds up no others
                for copy in conflict.copies:
                    self._keep(copy, refused)
                return
        seen = _look(path)
        found = self._load(path, seen, replaced=True)
        if found is None:
            seen = _look(path)
            if seen is not None:
                return  # a link, a pointer or a newer version: not ours to replace
        base = None if found is None else found[0]
        document, copies = self._joined(base or Document(), conflict.copies)
        if self._damaged:  # what it said can be in the journal still
            document = document.join(words_about(self.tree, _target(self.tree, path), marks_of(document)))
        if self.purges.body:
            document = document.join(self.purges)
        if base is not None and document.body == base.body:
            self._spent += (_Spent(copy, path, seen) for copy, _ in copies)
        elif (copies or self._damaged) and document.body:
            try:
                self._stage(path, document, seen, copies)
            except FormatError as error:
                self._keep(path, str(error))

    def _refused(self, folder: str) -> str:
        """Return why nothing can be written in ``folder``, empty where it can; asked once."""
        if folder not in self._folders:
            try:
                fsio.refuse_unwritable(os.path.join(folder, ""))
                self._folders[folder] = ""
            except WriteError as error:
                self._folders[folder] = _why(error)
        return self._folders[folder]

    def _joined(self, document: Document, paths: tuple[str, ...]) -> tuple[Document, list[tuple[_Copy, bytes]]]:
        """Return ``document`` joined with the copies at ``paths``; and those whose words are safe then, and their bytes."""
        copies = []
        for path in paths:
            seen = _look(path)
            found = self._load(path, seen)
            if found is None:
                continue
            if is_same_picture(document, found[0]):
                document = document.join(found[0])
            else:
                try:
                    park(self.tree, found[0], os.path.relpath(path, self.tree.root))
                except (FormatError, WriteError) as error:
                    if isinstance(error, WriteError) and fsio.is_everywhere(error, self.tree.write_root):
                        raise
                    self._keep(path, f"about another picture, and waits: {_why(error)}")
                    continue
                self._keep(path, "about another picture: kept in .phototag/orphans for relink")
            copies.append((_Copy(path, seen), found[1]))
        return document, copies

    def _stage(self, path: str, document: Document, seen: _Seen | None, copies: list[tuple[_Copy, bytes]]) -> None:
        data = document.encode()
        fsio.make_folder(os.path.dirname(path))
        adopted = next((copy for copy, held in copies if held == data and _may_replace(copy, path, seen)), None)
        if adopted is None:
            self._files.stage(path, data)
        else:
            self._files.adopt(path, adopted.path)
        self._waiting[path] = _Join(document, seen, [copy for copy, _ in copies], adopted)

    def finish(self) -> int:
        """Put all in place, delete the copies whose words are safe; return how many. Raises WriteError."""
        # Somebody wrote a base meanwhile: join with what is there now.
        for path in self._files.commit(self._is_as_read):
            try:
                disk.write(path, self._waiting[path].document)
            except FormatError as error:
                self._keep(path, str(error))
                self._waiting[path].copies.clear()
        copies = [copy for join in self._waiting.values() for copy in join.copies]
        copies += (one.copy for one in self._spent if _look(one.base) == one.seen)
        self._waiting, self._spent = {}, []
        now = [_look(copy.path) for copy in copies]
        fsio.remove_all([copy.path for copy, seen in zip(copies, now, strict=True) if seen == copy.seen is not None])
        return sum(seen in (None, copy.seen) for copy, seen in zip(copies, now, strict=True))

    def close(self) -> None:
        """Drop what was staged and not finished."""
        self._files.abandon()

    def _is_as_read(self, path: str) -> bool:
        join = self._waiting[path]
        return _look(path) == join.base and (join.adopted is None or _look(join.adopted.path) == join.adopted.seen)

    def _load(self, path: str, seen: _Seen | None, *, replaced: bool = False) -> tuple[Document, bytes] | None:
        """Return the document at ``path`` and its bytes; a damaged one is moved aside and noted.

        One that is to be ``replaced`` must be a file of its own, not a link.
        """
        try:
            if replaced and seen is not None and stat.S_ISLNK(seen.mode):
                disk.refuse_link(path)
            found = disk.read_with_bytes(path)
            if found is not None and found[0].version > VERSION:
                raise newer_version(found[0].version)
            return found
        except FormatError as error:
            if error.reason not in ("version", "pointer"):
                path, self._damaged = disk.set_aside(path), True
            self._keep(path, _why(error))
        except PhototagError as error:
            self._keep(path, _why(error))
        except OSError as error:
            self._keep(path, f"cannot be read: {error.strerror}")
        return None

    def _keep(self, path: str, reason: str) -> None:
        rel = os.path.relpath(path, self.tree.root)
        self.kept.append(KeptAside(path if rel.startswith("..") else rel, reason))


def _look(path: str) -> _Seen | None:
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return _Seen(found.st_ino, found.st_size, found.st_mtime_ns, found.st_mode, (found.st_uid, found.st_gid))


def _may_replace(copy: _Copy, path: str, base: _Seen | None) -> bool:
    """Say whether the file ``copy`` may take the place of ``path`` as it is: same folder, no link, same mode and owner."""
    seen = copy.seen
    if seen is None or not stat.S_ISREG(seen.mode) or os.path.dirname(copy.path) != os.path.dirname(path):
        return False
    return base is None or (seen.mode, seen.owner) == (base.mode, base.owner)


def _target(tree: Tree, path: str) -> str:
    """Return what an operation calls the document in the file at ``path``."""
    rel = os.path.relpath(path, tree.write_root)
    mirror = os.path.join(MARKER, "sidecars", "")
    if rel.startswith(os.path.join(MARKER, "")) and not rel.startswith(mirror):
        return DOC + rel[len(MARKER) + 1 : -len(SUFFIX)]
    folder, name = os.path.split(rel[len(mirror) :] if tree.layout == TREE and not tree.overlay else rel)
    image = naming.image_name(name)
    if image is None:  # a long name is cut: the image itself tells it
        beside = os.listdir(tree.path(folder)) if os.path.isdir(tree.path(folder)) else []
        image = next((one for one in beside if naming.sidecar_name(one) == name), "")
    return IMAGE + os.path.join(folder, image)


def _why(error: PhototagError) -> str:
    return f"{error} ({error.hint})" if error.hint else str(error)
