"""Gather what ``relink.plan`` needs: sidecars that strayed, images that lack one, live images of the same size.

Nothing is hashed that need not be: without strays only new images whose size another image shares are read.
"""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Collection, Iterator, Sequence

import msgspec

from phototag import fingerprint, fsio
from phototag.errors import FormatError, LibraryError
from phototag.library import annex, sidecars
from phototag.library.documents import list_documents, read_document
from phototag.library.relink import EDITED, ORPHAN, PARKED, Identity, Placed, Stray, Unplaced
from phototag.library.tree import TREE, Tree
from phototag.library.walk import Folder
from phototag.sidecar import copies, disk, naming
from phototag.sidecar.codec import SUFFIX
from phototag.sidecar.model import BIRTH, CONTENT, ID, NAME, Content
from phototag.sidecar.registers import Document


class Gathered(msgspec.Struct, frozen=True):
    """The arguments of ``relink.plan``."""

    strays: list[Stray]
    images: list[Unplaced]
    placed: list[Placed]


def gather(tree: Tree, folders: Sequence[Folder], suspects: Collection[str] | None = None) -> Gathered:
    """Return what of ``folders`` strayed and where it may belong.

    ``suspects`` are the images (relative paths) that may not be what their sidecar says, as a scan's gate knows; None:
    any. ``folders`` are the whole library's, or only those of a scan of a part, which then sees no others.
    """
    return _Gathering(tree, folders, suspects).run()


class _Gathering:
    def __init__(self, tree: Tree, folders: Sequence[Folder], suspects: Collection[str] | None) -> None:
        self.tree, self.folders, self.suspects = tree, folders, suspects
        self.strays: list[Stray] = []
        self.sizes: Counter[int] = Counter()
        """How many pictures of each size in bytes have strayed, or have come."""
        self.size_of: dict[str, int] = {}
        """{stray: size in bytes of its picture}"""
        self.new: dict[str, int] = {}
        """Images without a sidecar, and their size in bytes (-1: absent)."""
        self.owned: dict[str, int] = {}
        """Images with a sidecar, and their size in bytes."""

    def run(self) -> Gathered:
        for folder in self.folders:
            self._look(folder)
        if self.tree.overlay or self.tree.layout == TREE:
            self._mirrored_orphans()
        for name in list_documents(self.tree, "orphans"):
            with contextlib.suppress(FormatError, OSError):  # damaged: doctor's, not ours
                if document := read_document(self.tree, name):
                    self._stray(name, document, PARKED)
        self.sizes.update(size for size in self.new.values() if size >= 0)
        images = self._edited()
        sizes = {size for size in self.owned.values() if size > 0}
        for rel, size in self.new.items():
            if self.strays or size in sizes:
                images.append(Unplaced(rel, self._identity(rel)))
        self._learn_keys(images)
        return Gathered(self.strays, images, self._placed(images))

    def _look(self, folder: Folder) -> None:
        """Tell the images of one folder that have a sidecar from those that lack one, and find its orphans."""
        names = set(folder.sidecars)
        if self.tree.overlay:
            names.update(_listing(os.path.join(self.tree.overlay_root, folder.rel)))
        for image, size in zip(folder.images, folder.sizes, strict=True):
            own = naming.sidecar_name(image)
            (self.owned if own in names else self.new)[folder.path(image)] = size
            names.discard(own)
        mirrored = self.tree.overlay or self.tree.layout == TREE
        away = bool(names) and mirrored and not folder.images and self._is_away(folder.rel)
        for name in sorted(names):
            self._orphan(folder.rel, name, away=away)

    def _is_away(self, rel: str) -> bool:
        """Say whether a folder, whose sidecars lie elsewhere, looks like a disk that is unplugged rather than moved.

        Then its mount point is left, empty, or a link that leads nowhere; a folder that was renamed or cleared is gone.
        """
        path = self.tree.path(rel)
        while not os.path.lexists(path):
            path = os.path.dirname(path)
        try:
            with os.scandir(path) as entries:
                return next(entries, None) is None
        except OSError:
            return True

    def _orphan(self, folder: str, name: str, *, away: bool) -> None:
        if copies.is_copy(name) or not naming.is_sidecar_name(name):
            return
        for base in self._bases():
            path = os.path.join(base, folder, name)
            try:
                document = disk.read(path)
            except (FormatError, OSError):
                continue  # damaged: doctor's, not ours
            if document is not None:
                image = naming.image_name(name) or os.fsdecode(document.get(ID, NAME, bytes) or b"") or name
                self._stray(f"{folder}/{image}" if folder else image, document, ORPHAN, away=away)
                return

    def _bases(self) -> list[str]:
        """Return the folders that mirror the library and hold sidecars."""
        base = os.path.join(self.tree.folder, "sidecars") if self.tree.layout == TREE else self.tree.root
        return [self.tree.overlay_root, base] if self.tree.overlay else [base]

    def _mirrored_orphans(self) -> None:
        """Find the sidecars of folders that are gone: in mirrors they stay behind when a folder is renamed."""
        seen = {folder.rel for folder in self.folders}
        if "" not in seen:
            return
        for base in self._bases():
            if base == self.tree.root:
                continue
            for path, folders, names in os.walk(base):
                folders[:] = [name for name in folders if name[0] != "."]
                rel = os.path.relpath(path, base)
                rel = "" if rel == "." else rel
                own = [] if rel in seen else sorted(name for name in names if name.endswith(SUFFIX))
                # Not walked though it is there: ignored, or closed to us.
                away = bool(own) and (os.path.lexists(self.tree.path(rel)) or self._is_away(rel))
                for name in own:
                    self._orphan(rel, name, away=away)

    def _stray(self, rel: str, document: Document, kind: str, *, away: bool = False) -> None:
        content = document.get(ID, CONTENT, Content)
        if content is not None:
            self.size_of[rel] = content.n
            self.sizes[content.n] += kind != EDITED
        self.strays.append(Stray(rel, _identity_in(document), kind, *_named(document), document.words(), away))

    def _edited(self) -> list[Unplaced]:
        """Return the images whose sidecar is about another picture; their sidecars become strays."""
        suspects = self.owned if self.suspects is None else [rel for rel in self.owned if rel in self.suspects]
        # Files of equal size that swapped places, or took another's, show only in their bytes: look where a size occurs
        # twice.
        alike = self.sizes if self.suspects is None else self.sizes + Counter(self.owned.values())
        few = 0 if self.suspects is None else 1
        images = []
        for rel in suspects:
            size = self.owned[rel]
            document = self._read(rel)
            content = None if document is None else document.get(ID, CONTENT, Content)
            if document is None or content is None:
                continue
            if size == content.n and alike[size] <= few:
                continue
            found = self._identity(rel)
            old = _identity_in(document)
            if (found.content or (found.key and old.key)) and not set(found.marks) & set(old.marks):
                reverted = found.content == document.get(ID, BIRTH, bytes)
                images.append(Unplaced(rel, found, edited=True, reverted=reverted))
                self._stray(rel, document, EDITED)
        for image in images:  # both the picture that is there and the one that was can be elsewhere too
            self.sizes.update(size for size in (self.owned[image.rel], self.size_of[image.rel]) if size >= 0)
        return images

    def _learn_keys(self, images: Sequence[Unplaced]) -> None:
        """Ask git for the keys of orphans that know none, where an absent image of their size looks for its sidecar."""
        absent = {annex.size_of(image.identity.key) for image in images if not image.identity.content}
        for n, stray in enumerate(self.strays):
            if stray.kind == ORPHAN and not stray.identity.key and self.size_of.get(stray.rel) in absent:
                key = annex.recorded_key(self.tree.root, stray.rel)
                self.strays[n] = msgspec.structs.replace(
                    stray, identity=msgspec.structs.replace(stray.identity, key=key)
                )

    def _placed(self, images: Sequence[Unplaced]) -> list[Placed]:
        """Return the live images that could be the same picture as a stray or a new image, by their size."""
        wanted = {stray.rel for stray in self.strays if stray.kind == EDITED}
        if not self.sizes:
            return []
        placed = []
        for rel, size in self.owned.items():
            if self.sizes[self._true_size(rel, size)] and rel not in wanted:
                document = self._read(rel)
                if document is not None:
                    placed.append(Placed(rel, _identity_in(document), *_named(document), document.words()))
        return placed

    def _true_size(self, rel: str, size: int) -> int:
        """Return the size in bytes of an image, also of an annexed one whose content is not here; -1: not known."""
        path = self.tree.path(rel)
        if size >= 0 and not annex.is_absent_pointer(path, size):
            return size
        known = annex.size_of(annex.key_of(path))
        return -1 if known is None else known

    def _read(self, rel: str) -> Document | None:
        try:
            return sidecars.read(self.tree, rel)
        except (FormatError, LibraryError):
            return None

    def _identity(self, rel: str) -> Identity:
        path = self.tree.path(rel)
        key = annex.key_of(path)
        try:
            data = fsio.read_bytes(path)
        except OSError:
            return Identity(key=key)
        if annex.is_pointer(data) or not data:
            return Identity(key=key)
        return Identity(fingerprint.content_hash(data), fingerprint.pixel_hash(data), key)


def _identity_in(document: Document) -> Identity:
    content = document.get(ID, CONTENT, Content)
    return Identity() if content is None else Identity(content.x, content.px, content.key)


def _named(document: Document) -> tuple[str, int]:
    """Return the name that ``document`` knows its image by, and how often that has changed."""
    found = document.register(ID, NAME)
    return os.fsdecode(document.get(ID, NAME, bytes) or b""), 0 if found is None else found.stamp


def _listing(path: str) -> Iterator[str]:
    try:
        yield from (name for name in os.listdir(path) if name.endswith(SUFFIX))
    except OSError:  # not there, or closed to us: the walk names those
        return
