"""What is wrong with a library, and which command mends it: sync tools not set up, files that cannot be read, leftovers.

``examine`` only looks. ``mend`` does what is certain to lose nothing; the rest needs the owner or another machine.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import msgspec

from phototag import fsio, settings
from phototag.errors import FormatError, PhototagError, WriteError
from phototag.library import (
    conflicts,
    documents,
    git,
    lost,
    orphans,
    pending,
    purge,
    recovery,
    relink,
    strays,
    syncing,
    tidy,
)
from phototag.library.operation import IMAGE
from phototag.library.targets import refuse_unwritable
from phototag.library.tree import MARKER, Tree
from phototag.library.walk import Folder, walk
from phototag.sidecar import copies, disk
from phototag.sidecar.codec import SUFFIX, VERSION, newer_version

FIX = "phototag doctor --fix"


class Finding(msgspec.Struct, frozen=True):
    """One thing that is wrong: where (relative to the root, "" for the library itself), what, and what mends it."""

    path: str
    what: str
    mend: str


def examine(tree: Tree) -> Iterator[Finding]:
    """Yield what is wrong with the library; every sidecar and document is read, of images only what sidecars look for."""
    for what, mend in syncing.problems(tree):
        yield Finding("", what, mend)
    for conflict in conflicts.find(tree):
        for copy in conflict.copies:
            other = "a conflict copy" if copies.is_copy(copy) else "a sidecar in the place of another layout"
            yield Finding(os.path.relpath(copy, tree.root), f"{other} that waits to be joined", FIX)
    for one in lost.lost(tree):
        what = "it lacks what the journal says was said of it: a copy put one side over the other"
        yield Finding(one.shown, what, "phototag sync resolve --apply")
    folders = list(walk(tree))
    for folder in folders:
        yield from _in_folder(tree, folder)
    found = strays.gather(tree, folders)
    uncertain = relink.plan(found.strays, found.images, found.placed).uncertain
    if uncertain:
        yield Finding("", tidy.uncertain_text(len(uncertain)), "phototag relink")
    for path, _, names in sorted(os.walk(os.path.join(tree.write_root, MARKER))):
        top = os.path.relpath(path, os.path.join(tree.write_root, MARKER)).split(os.sep)[0]
        if top != "sidecars":
            yield from _unreadable(tree, path, names, documents.MEND if top != "trash" else "")
    for path, names in documents.temps(tree):
        for name in names:
            yield _left(os.path.relpath(os.path.join(path, name), tree.root))
    for path in purge.unclean(tree):
        yield Finding(os.path.relpath(path, tree.root), "it holds data that was purged", FIX)
    for left in pending.left(tree):
        yield from (_unwritten(tree, os.fsdecode(name), left.operation) for name in left.names)
        yield from (Finding(os.fsdecode(rel), f"{left.operation} could not move it yet", FIX) for rel in left.moves)


def mend_documents(path: str, notice: Callable[[str], None]) -> int:
    """Keep the library's damaged documents aside and bring back what is known of them; return how many.

    Works where the library cannot be opened for such damage. ``notice`` is told each. Raises PhototagError.
    """
    root = documents.find_library(path, settings.load())
    done = 0
    for name, kept in recovery.mend_documents(root, settings.load(root)) if root else ():
        notice(f"{name} was damaged; its bytes are kept as {kept}")
        done += 1
    return done


def mend(tree: Tree) -> int:
    """Set up git where this clone lacks it, join conflict copies, sweep leftovers; return how much that was.

    Nothing a person said is touched but to be joined. Raises PhototagError.
    """
    done = 0
    if git.is_in_git(tree.root):
        done += sum(not setting.done for setting in syncing.set_up_git(tree, annex=syncing.is_annex(tree)))
    done += conflicts.resolve(tree, conflicts.find(tree)).joined
    done += lost.restore(tree, list(lost.lost(tree))).count
    done += purge.clean(tree).count
    for folder in walk(tree):
        done += sum(fsio.sweep_temp(path, folder.temps) for path in conflicts.sidecar_folders(tree, folder.rel))
    done += sum(fsio.sweep_temp(path, names) for path, names in documents.temps(tree))
    return done


def _in_folder(tree: Tree, folder: Folder) -> Iterator[Finding]:
    for problem in folder.problems:
        mend = "make it readable for your user, move it away, or name it in .phototagignore"
        yield Finding(problem.rel, problem.why, mend)
    for name in folder.temps:
        yield _left(folder.path(name))
    for name in (*folder.images, *(rel.rpartition("/")[2] for rel in folder.folders)):
        if not _is_text(name):
            yield Finding(folder.path(name), "a name that is not UTF-8: Syncthing never syncs it", "rename it")
    for rel, _ in orphans.foreign(tree, map(folder.path, folder.images)):
        yield Finding(rel, "what the overlay says of it is about another picture, and is left out", "phototag relink")
    for path in conflicts.sidecar_folders(tree, folder.rel):
        yield from _unreadable(tree, path, folder.sidecars)


def _left(path: str) -> Finding:
    return Finding(path, "a temp file of ours: a process was killed, or writes just now", FIX)


def _unwritten(tree: Tree, target: str, operation: str) -> Finding:
    """Return that what an operation said of ``target`` is only in the journal, and why."""
    kind, _, name = target.partition(":")
    path = name if f"{kind}:" == IMAGE else f"{MARKER}/{name}{SUFFIX}"
    what = f"what {operation} said of it is in the journal only"
    try:
        refuse_unwritable(tree, target)
    except PhototagError as error:
        return Finding(path, f"{what}: {error}", f"{error.hint}; then: {FIX}" if error.hint else FIX)
    except OSError as error:
        return Finding(path, f"{what}: {error.strerror}", f"{disk.advice(error)}; then: {FIX}")
    return Finding(path, what, FIX)


def _unreadable(tree: Tree, folder: str, names: list[str], advice: str = "") -> Iterator[Finding]:
    """Yield the files of ours among ``names`` that cannot be read, with ``advice`` on damage or what the error advises."""
    for name in sorted(names):
        if not name.endswith(SUFFIX) or copies.is_copy(name):
            continue
        path = os.path.join(folder, name)
        try:
            found = disk.read(path)
            if found is not None and found.version > VERSION:
                raise newer_version(found.version)
            disk.refuse_link(path)
        except WriteError as error:
            yield Finding(os.path.relpath(path, tree.root), _without_path(error, path), error.hint or "")
        except FormatError as error:
            if advice and error.reason not in ("version", "pointer"):
                error.hint = advice
            mend = error.hint or "restore it from a backup or the other machine; a scan keeps it aside"
            yield Finding(os.path.relpath(path, tree.root), _without_path(error, path), mend)
        except OSError as error:
            reason = f"cannot be read: {error.strerror}"
            yield Finding(os.path.relpath(path, tree.root), reason, disk.advice(error))


def _without_path(error: PhototagError, path: str) -> str:
    shown = fsio.display(path)
    return str(error).removeprefix(f"{shown}: ").removeprefix(f"{shown} ")


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
