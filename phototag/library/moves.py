"""Carry out a relink plan: sidecars go where their pictures are, in steps that a crash cannot turn into a loss.

What must give way is parked in ``.phototag/orphans/`` first; a source is removed only after its words are safely at
the target. Running the same plan again after a crash finds the parked ones.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator

import msgspec

from phototag import fsio
from phototag.errors import FormatError, WriteError
from phototag.library import lock, sidecars
from phototag.library.documents import document_path, read_document
from phototag.library.orphans import foreign, make_way, orphan_name, park
from phototag.library.relink import Move, Plan, companions, plan
from phototag.library.strays import gather
from phototag.library.tree import Tree
from phototag.library.walk import Folder, walk
from phototag.sidecar.codec import VERSION, newer_version
from phototag.sidecar.model import ID, NAME
from phototag.sidecar.registers import Document


class Relinked(msgspec.Struct, frozen=True):
    """What a relink did: counts, and what could not be written with the reason."""

    moved: int = 0
    copied: int = 0
    parked: int = 0
    orphans: int = 0
    uncertain: int = 0
    """Sidecars that could belong to several images, so that nothing was done with them."""
    cleared: tuple[str, ...] = ()
    """Images whose sidecar in the overlay was about another picture, and was parked."""
    failed: tuple[tuple[str, str], ...] = ()
    targets: tuple[str, ...] = ()
    """Images that were given what is known about them."""


def relink(tree: Tree, folders: list[Folder] | None = None, suspects: set[str] | None = None) -> Relinked:
    """Gather, plan and carry out what is certain; what a scan does before it works. Raises WriteError as ``apply`` does."""
    folders = list(walk(tree)) if folders is None else folders
    images = (folder.path(name) for folder in folders for name in folder.images)
    cleared = clear_overlay(tree, (rel for rel in images if suspects is None or rel in suspects))
    found = gather(tree, folders, suspects)
    if not found.strays and not found.images:
        return Relinked()
    changes = plan(found.strays, found.images, found.placed)
    return msgspec.structs.replace(
        apply(tree, changes.certain), uncertain=len(changes.uncertain), cleared=tuple(cleared)
    )


def clear_overlay(tree: Tree, rels: Iterable[str]) -> list[str]:
    """Park what the overlay says of other pictures than those at ``rels``; return where it did. Raises WriteError.

    The pictures were moved by somebody who can write the library, with what is said in it; the overlay stayed behind.
    """
    if not tree.overlay:
        return []
    with lock.writing(tree):
        found = list(foreign(tree, rels))
        return [rel for rel, below in found if make_way(tree, tree.overlay_sidecar(rel), below, rel)]


def apply(tree: Tree, changes: Plan) -> Relinked:
    """Carry out ``changes``. A damaged sidecar or a folder that cannot be written is that move's failure.

    Raises WriteError where nothing in the library could be written.
    """
    with lock.writing(tree):
        return _Applying(tree, changes).run()


class _Applying:
    def __init__(self, tree: Tree, changes: Plan) -> None:
        self.tree, self.changes = tree, changes
        self.parked: dict[str, str] = {}
        """{image: name of the document that its sidecar was parked as}"""
        self.blocked: set[str] = set()
        """Images whose sidecar should have given way and could not: what is written there would mix two pictures."""
        self.failed: list[tuple[str, str]] = []

    def run(self) -> Relinked:
        moves = self.changes.moves
        # What a live image's own sidecar is copied from stays where it is.
        sources = {m.source for m in moves if not m.parked and (not m.copy or m.source in self.changes.parks)}
        # A target whose own sidecar is itself to be moved (a swap, a chain) gives way first.
        for rel in sorted({*self.changes.parks, *(move.target for move in moves if move.target in sources)}):
            self._park(rel)
        done = [move for move in moves if self._move(move)]
        if done:
            fsio.sync_filesystem(self.tree.write_root)
        for move in done:
            if not move.copy:
                with self._failing(move.source):
                    self._remove_source(move)
        for name in self.changes.spent:
            fsio.remove(document_path(self.tree, name))
        return Relinked(
            moved=sum(not move.copy for move in done),
            copied=sum(move.copy for move in done),
            parked=sum(rel in self.parked for rel in self.changes.parks),
            orphans=len(self.changes.orphans),
            failed=tuple(self.failed),
            targets=tuple(move.target for move in done),
        )

    @contextlib.contextmanager
    def _failing(self, rel: str) -> Iterator[None]:
        """Note what stops one step about the image ``rel`` and would not stop the others."""
        try:
            yield
        except FormatError as error:
            self.failed.append((rel, str(error)))
        except WriteError as error:
            if fsio.is_everywhere(error, self.tree.write_root):
                raise
            self.failed.append((rel, str(error)))

    def _park(self, rel: str) -> None:
        self.blocked.add(rel)
        with self._failing(rel):
            document = sidecars.read(self.tree, rel)
            if document is None:
                self.blocked.discard(rel)
                return
            path, name = sidecars.path_to_write(self.tree, rel), orphan_name(document, rel)
            fsio.refuse_unwritable(path)
            if document.version > VERSION:
                self._carry(document, path, document_path(self.tree, name))
            else:
                park(self.tree, document, rel)
                fsio.remove(path)
            self.parked[rel] = name
            self.blocked.discard(rel)

    def _move(self, move: Move) -> bool:
        if move.target in self.blocked:
            return False
        made = False
        with self._failing(move.source):
            made = self._write_target(move)
        if made and not move.copy and not move.parked:
            with self._failing(move.source):
                self._bring_companions(move)
        return made

    def _write_target(self, move: Move) -> bool:
        document = self._source(move)
        if document is None:
            return False
        if document.version > VERSION and not move.copy:
            self._carry(document, self._source_path(move), sidecars.path_to_write(self.tree, move.target))
            return True
        if move.copy:  # a new file, not a new name of one: as a scan that knew nothing would name it
            document.body.get(ID, {}).pop(NAME, None)
        document.set_machine(ID, NAME, os.fsencode(os.path.basename(move.target)))
        wrote = sidecars.write(self.tree, move.target, document, sync=False, bulk=True)
        # Known already and nothing to remove: the source lies in a library that cannot be written.
        return wrote or os.path.lexists(self._source_path(move))

    def _source(self, move: Move) -> Document | None:
        if move.parked:
            return read_document(self.tree, move.source)
        if move.source in self.parked:
            return read_document(self.tree, self.parked[move.source])
        return sidecars.read(self.tree, move.source)

    def _source_path(self, move: Move) -> str:
        """Return the file that is spent once ``move`` is made."""
        if move.parked:
            return document_path(self.tree, move.source)
        if move.source in self.parked:
            return document_path(self.tree, self.parked[move.source])
        return sidecars.path_to_write(self.tree, move.source)

    def _remove_source(self, move: Move) -> None:
        if move.source not in self.parked or move.source not in self.changes.parks:
            fsio.remove(self._source_path(move))

    def _carry(self, document: Document, source: str, target: str) -> None:
        """Rename a file of a newer version, which may not be rewritten. Raises FormatError where a file is there."""
        if os.path.lexists(target) or not os.path.lexists(source):
            raise newer_version(document.version)
        fsio.make_folder(os.path.dirname(target))
        fsio.move(source, target)

    def _bring_companions(self, move: Move) -> None:
        """Move XMP files that the image left behind; only where the image itself is gone from its old place."""
        if self.tree.overlay or os.path.lexists(self.tree.path(move.source)):
            return
        here, there = os.path.dirname(move.source), os.path.dirname(move.target)
        pairs = companions(move.source, move.target, _names(self.tree.path(here)), _names(self.tree.path(there)))
        for old, new in pairs:
            fsio.move(os.path.join(self.tree.path(here), old), os.path.join(self.tree.path(there), new))


def _names(path: str) -> list[str]:
    try:
        return os.listdir(path)
    except OSError:
        return []
