"""``Library``: the composition root. It opens everything that belongs to one library, lazily."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from phototag import settings as settings_module
from phototag.errors import LibraryError
from phototag.ids import Clock
from phototag.library.tree import Tree
from phototag.wording import count_text

if TYPE_CHECKING:
    from phototag.index.reader import Index
    from phototag.index.refresh import RefreshReport
    from phototag.library.conflicts import Resolved
    from phototag.library.decide import Edit
    from phototag.library.operation import Operation
    from phototag.library.undo import UndoReport
    from phototag.library.walk import Folder


class Library:
    """One library, opened: its tree, this device's clock, its index."""

    def __init__(self, tree: Tree, *, notify: Callable[[str], None] | None = None) -> None:
        self.tree = tree
        self.notify = notify or (lambda text: None)
        self._index: Index | None = None
        self._stamp: tuple[tuple[int, int], ...] = ()
        """Of the documents that ``_index`` has read."""

    @classmethod
    def open(cls, path: str, *, notify: Callable[[str], None] | None = None, **options: Any) -> Library:
        """Open the library at or above ``path``. Raises LibraryError where there is none."""
        from phototag.library import documents

        root = documents.find_library(path, settings_module.load(**options))
        if root is None:
            raise LibraryError(f"no phototag library at {path} or above it", hint=f"make one: phototag scan {path}")
        tree = documents.open_tree(root, settings_module.load(root, **options))
        if tree.overlay and notify is not None:
            notify(f"{root} cannot be written: sidecars go to the overlay {tree.overlay_root}")
            if len(documents.overlays(tree)) > 1:
                notify("it has another overlay, which is not read before: phototag sidecar push")
        elif notify is not None and documents.overlays(tree):
            notify(f"an overlay holds words about {root} from when it could not be written: phototag sidecar push")
        return cls(tree, notify=notify)

    @classmethod
    def open_or_make(cls, path: str, *, notify: Callable[[str], None] | None = None, **options: Any) -> Library:
        """Open the library at or above ``path``, or make one of the folder ``path`` and say so. Raises WriteError."""
        from phototag.library import device, documents

        found = documents.find_library(path, settings_module.load(**options))
        if found is not None:
            library = cls.open(path, notify=notify, **options)
            if library.tree.name:
                return library  # else somebody made the folder by hand, for a config.toml
        root = os.path.abspath(found or path)
        settings = settings_module.load(root, **options)
        tree = documents.open_tree(root, settings)
        tree = documents.ensure_library(tree, device.clock(settings, root))
        library = cls(tree, notify=notify)
        library.notify(
            f"made a library of {root}" + (f", kept in the overlay {tree.overlay_root}" if tree.overlay else "")
        )
        return library

    @cached_property
    def clock(self) -> Clock:
        """Return the clock of this device in this library."""
        from phototag.library import device

        return device.clock(self.tree.settings, self.tree.root)

    def begin(self, rels: Sequence[str] = ()) -> None:
        """Do what every command does before it writes about the images ``rels``.

        Finish this device's own unfinished operation, join conflict copies in the folders of ``rels`` and among the
        library's documents, drop what another device purged, restore what a copy lost of what one said, then relink those
        of ``rels`` that are another picture now.
        """
        from phototag.library import conflicts, decide, lost, moves, pending, purge, tidy

        for operation in decide.finish_unfinished(self.tree, self.clock):
            self.notify(f"finished what an earlier command left undone: {operation.command} {operation.summary}")
        waiting = sum(len(left.names) + len(left.moves) for left in pending.left(self.tree))
        if waiting:
            what = count_text(waiting, "file is", "files are")
            self.notify(f"{what} still not as earlier commands want, since they cannot be written: phototag doctor")
        folders = dict.fromkeys(rel.rpartition("/")[0] for rel in rels)
        found = list(conflicts.find(self.tree, folders))
        if found:
            self.tell(conflicts.resolve(self.tree, found))
        cleaned = purge.apply_purges(self.tree, self.clock)
        if cleaned:
            self.notify(f"dropped purged data from {cleaned} sidecars; {purge.REMINDER}")
        for rel in moves.clear_overlay(self.tree, rels):
            self.notify(tidy.foreign_text(rel))
        restored = lost.catch_up(self.tree, self.clock.device)
        if restored.count:
            self.notify(f"restored what the journal knows and {count_text(restored.count, 'file')} had lost in a copy")
        for shown, why in restored.failed:
            self.notify(f"{shown} lacks what the journal knows: {why}")
        if rels:
            self._settle(rels)

    def _settle(self, rels: Sequence[str]) -> None:
        from phototag.scan import mistaken

        done = mistaken.settle(self.tree, rels)
        if done.targets:
            what = count_text(len(done.targets), "photo has", "photos have")
            self.notify(f"{what} changed places; what was said of them went along")
        for rel, why in done.failed:
            self.notify(f"not relinked: {rel}: {why}")

    def tell(self, resolved: Resolved) -> None:
        """Tell the person what joining conflict copies did."""
        if resolved.joined:
            self.notify(f"joined {count_text(resolved.joined, 'conflict copy', 'conflict copies')}")
        for kept in resolved.kept_aside:
            self.notify(f"kept aside {kept.path}: {kept.reason}")

    def decide(self, command: str, summary: str, edits: Sequence[Edit]) -> Operation:
        """Write down one decision of the person (``library.decide``) and bring the index up to date."""
        from phototag.library import decide

        operation = decide.decide(self.tree, self.clock, command=command, summary=summary, edits=edits)
        self.after(operation)
        return operation

    def undo(self, reference: str = "") -> UndoReport:
        """Undo one operation (``library.undo``) and bring the index up to date."""
        from phototag.library import undo

        report = undo.undo(self.tree, self.clock, reference)
        self.after(report.operation)
        return report

    def index(self) -> Index:
        """Open the index, brought up to date first; what had to be done is told. Raises WriteError.

        The open index is kept and handed out again while neither a folder of the library nor its people and thresholds have changed.
        """
        from phototag.index import manifest
        from phototag.index.staleness import is_stale

        try:
            found = self._open_index()
        except manifest.IndexDamagedError as error:
            self.notify(f"{error}: building it again from the sidecars")
            found = None
        else:
            if found is not None and not is_stale(self.tree, found.manifest):
                return found
            if found is None:
                self.notify("building the index from the sidecars")
        report = self._refresh()
        if found is not None and (report.changed or report.removed):
            self.notify(f"index refreshed: {report.changed} changed, {report.removed} gone")
        self._index = found = self._open_index()
        if found is None:
            raise LibraryError("the index was removed while it was being opened", hint="run the command again")
        return found

    def _open_index(self) -> Index | None:
        from phototag.index import manifest
        from phototag.index.reader import Index
        from phototag.index.staleness import documents_stamp

        kept, stamp = self._index, documents_stamp(self.tree)
        if kept is not None and stamp == self._stamp and manifest.load(self.tree) == kept.manifest:
            return kept
        self._index, self._stamp = Index.open(self.tree), stamp
        return self._index

    def follow(self, folders: Sequence[Folder], *, wrote: bool) -> None:
        """Bring the index up to date after a scan that walked ``folders``."""
        self._refresh()

    def _refresh(self) -> RefreshReport:
        from phototag.index import refresh

        report = refresh.refresh(self.tree)
        self.sort_vectors()
        return report

    def prune_thumbs(self) -> int:
        """Remove the thumbnails of pictures that the index does not have; return how many. Raises WriteError."""
        folder = os.path.join(self.tree.cache, "thumbs")
        if not os.path.isdir(folder):
            return 0
        from phototag.imaging.thumbs import ThumbCache

        return ThumbCache(folder).prune(set(self.index().column("content").to_pylist()))

    def sort_vectors(self) -> None:
        """Where the index has grown large, begin to sort its vectors into lists, in a process of its own."""
        from phototag.index import ann, manifest

        held = manifest.load(self.tree)
        if held is not None and ann.start(self.tree, held) is not None:
            self.notify("sorting the vectors in the background; searches get quicker when it is done")

    def after(self, operation: Operation | None = None) -> None:
        """Bring the index up to date after ``operation`` or another write, if there is one; a later command makes it."""
        from phototag.index import manifest

        if os.path.exists(os.path.join(manifest.index_folder(self.tree), manifest.NAME)):
            self._refresh()
