"""git and git-annex: the merge driver, and joining again what a merge without it dropped.

Measured: without a driver git writes conflict markers into a NUL-free file and takes one side of a binary one; after a
driver that fails, the second ``git annex sync`` commits one side and drops the other. So the driver is total.
"""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Iterator, Sequence
from typing import IO, cast

import msgspec

from phototag import fsio
from phototag.errors import FormatError, PhototagError, WriteError
from phototag.library import lock, sidecars
from phototag.library.documents import document_path
from phototag.library.lookup import chosen, pictures
from phototag.library.orphans import park
from phototag.library.tree import MARKER, Tree, find_root
from phototag.settings import Settings
from phototag.sidecar import codec, disk
from phototag.sidecar.codec import SUFFIX, VERSION
from phototag.sidecar.model import BIRTH, CONTENT, ID, Content
from phototag.sidecar.pictures import is_same_picture
from phototag.sidecar.registers import Document

_SEEN = "merges-seen"
"""File in the writer's state folder: merges up to this commit have been joined again."""


class Merged(msgspec.Struct, frozen=True):
    """What the merge driver did: where each unreadable side is kept, with the reason."""

    kept_aside: tuple[tuple[str, str], ...] = ()


def merge_files(base: str, ours: str, theirs: str, shown: str) -> Merged:
    """Join the files ``ours`` and ``theirs`` into ``ours`` (git's %O %A %B %P; cwd is the top of the work tree).

    ``base`` is not needed and may be empty: the join keeps what both sides know. An unreadable side is kept as
    ``<shown>.corrupt-<hash>.bin`` and the other one wins. Of two pictures that were added under one name one wins, the
    same on every clone, and what is said of the other is parked for relink. Raises FormatError when no side can be read.
    """
    sides: list[Document] = []
    kept: list[tuple[str, str]] = []
    errors: list[FormatError] = []
    newer: list[tuple[int, bytes]] = []
    for path in (ours, theirs):
        data = fsio.read_bytes(path)
        if not data and path == ours:
            continue  # add/add on some versions of git: nothing on this side
        try:
            document = disk.parse(data, shown)
            sides.append(document)
            newer.append((document.version, data))
        except FormatError as error:
            errors.append(error)
            kept.append((_keep_aside(shown, data), str(error)))
    if not sides:
        raise errors[0] if errors else FormatError(f"{fsio.display(shown)}: both sides are empty", reason="empty")
    if len(sides) == 2 and not is_same_picture(*sides):
        (winner, _), (_, loser) = sorted(zip((data for _, data in newer), sides, strict=True), key=lambda side: side[0])
        kept.append((_park(shown, loser), "it is about another picture"))
    else:
        winner = _joined(shown, sides, newer, kept)
    fsio.write_atomic(ours, winner)
    return Merged(tuple(kept))


def _keep_aside(shown: str, data: bytes) -> str:
    """Keep an unreadable side beside ``shown``, else (something else has the name of its folder) at the top."""
    try:
        return disk.keep_aside(shown, data)
    except WriteError:
        return disk.keep_aside(os.path.join(MARKER, os.path.basename(shown)), data)


def _park(shown: str, document: Document) -> str:
    """Keep what is said of another picture where relink looks for it; return that path."""
    root = find_root(os.path.dirname(os.path.abspath(shown)))
    if root is None or document.version > VERSION:
        return _keep_aside(shown, codec.encode(document.body, version=document.version))
    tree = Tree(root, Settings())
    return os.path.relpath(document_path(tree, park(tree, document, tree.relative(shown))))


def _joined(shown: str, sides: list[Document], versions: list[tuple[int, bytes]], kept: list[tuple[str, str]]) -> bytes:
    """Return the bytes of the join; where a newer version is among the sides it wins whole and the other is kept."""
    document = sides[0]
    for other in sides[1:]:
        document = document.join(other)
    try:
        return document.encode()
    except FormatError as error:
        (_, loser), (_, winner) = sorted(versions) if len(versions) > 1 else [(0, b""), versions[0]]
        if loser and loser != winner:
            kept.append((_keep_aside(shown, loser), str(error)))
        return winner


class Dropped(msgspec.Struct, frozen=True):
    """A file of ours in a merge commit that lacks what a parent of the merge said."""

    path: str
    """Relative to the library's root."""
    missing: Document


def dropped(tree: Tree) -> Iterator[Dropped]:
    """Yield the files in which a merge commit of the library's git history dropped what one of its sides said.

    The parents of every merge that touched one of our files are joined with the file as it is now: what a merge
    dropped comes back, what was said since wins as always. Merges that ``rejoin`` has seen are not looked at again.
    """
    if not is_in_git(tree.root) or not _head(tree):
        return
    prefix = run(tree.root, "rev-parse", "--show-prefix").rstrip(b"\n")
    missing: dict[tuple[bytes, bytes], Document] = {}
    with _Objects(tree) as objects:
        for _, parents, paths in _merges(tree):
            for path in paths:
                for parent in parents:
                    document = objects.document(parent + b":" + path)
                    if document is not None and path.startswith(prefix):
                        spot = path[len(prefix) :], document.get(ID, BIRTH, bytes) or b""
                        known = missing.get(spot)
                        missing[spot] = document if known is None else known.join(document)
    places: dict[bytes, list[tuple[str, bytes]]] = {}
    for (path, birth), document in sorted(missing.items()):
        try:
            rel = _place(tree, os.fsdecode(path), birth, document, places)
            now = disk.read(tree.path(rel)) if rel else None
        except (FormatError, OSError):
            continue  # damaged: doctor's
        if now is not None and now.join(document).body != now.body:
            yield Dropped(rel, document)


def _place(tree: Tree, rel: str, birth: bytes, document: Document, places: dict[bytes, list[tuple[str, bytes]]]) -> str:
    """Return the file of ours that ``document``, once at ``rel``, belongs in now; empty where its picture is gone.

    ``places`` keeps {birth: (path, content hash)s} from one call to the next.
    """
    now = disk.read(tree.path(rel))
    if now is not None and is_same_picture(now, document):
        return rel
    if birth and not places:
        for image, born, content in pictures(tree):
            places.setdefault(born, []).append((image, content))
    known = document.get(ID, CONTENT, Content)
    moved = chosen(places.get(birth, ()), known.x if known else b"")
    return "" if moved is None else os.path.relpath(sidecars.path_to_write(tree, moved), tree.root)


def rejoin(tree: Tree, found: Sequence[Dropped]) -> int:
    """Join what merges dropped into the files as they are now; return how many changed. Raises WriteError."""
    purges = sidecars.purges(tree)
    with lock.writing(tree):
        changed = sum(disk.write(tree.path(one.path), one.missing.join(purges)) for one in found)
        head = _head(tree) if is_in_git(tree.root) else ""
        if head:
            fsio.write_atomic(os.path.join(lock.state_folder(tree), _SEEN), head.encode() + b"\n", sync=False)
        return changed


def _head(tree: Tree) -> str:
    """Return the commit that is checked out, empty before the first."""
    try:
        return run(tree.root, "rev-parse", "--verify", "--quiet", "HEAD").decode().strip()
    except PhototagError:
        return ""


def _unseen(tree: Tree) -> list[str]:
    """Return the range of commits whose merges were not looked at yet."""
    try:
        seen = fsio.read_bytes(os.path.join(lock.state_folder(tree), _SEEN)).decode("ascii", "replace").strip()
        run(tree.root, "merge-base", "--is-ancestor", seen, "HEAD")
    except (OSError, PhototagError):  # never looked, or history was rewritten
        return ["HEAD"]
    return [f"{seen}..HEAD"]


def is_in_git(root: str) -> bool:
    """Say whether ``root`` is in a git work tree and git can be run."""
    try:
        return _has_git_above(root) and run(root, "rev-parse", "--is-inside-work-tree").strip() == b"true"
    except PhototagError:
        return False


def refusal(root: str) -> PhototagError | None:
    """Return why git does nothing in ``root`` though it is in a work tree; None where it works, or is in none."""
    if not _has_git_above(root):
        return None
    try:
        run(root, "rev-parse", "--is-inside-work-tree")
    except PhototagError as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        advice = next((line for line in lines if line.startswith("git config ")), "")
        return PhototagError(
            lines[0], hint=error.hint or advice or f"see what it says: git -C {shlex.quote(root)} status"
        )
    return None


def _has_git_above(root: str) -> bool:
    at = os.path.abspath(root)
    while not os.path.exists(os.path.join(at, ".git")):
        parent = os.path.dirname(at)
        if parent == at:
            return False
        at = parent
    return True


def _merges(tree: Tree) -> Iterator[tuple[bytes, list[bytes], list[bytes]]]:
    """Yield (commit, parents, paths) of every merge in which a file of ours differs from some parent.

    ``-m`` compares with each parent, so a merge that took one side whole is seen too.
    """
    log = run(
        tree.root, "log", "--merges", "-m", "--format=%x01%H %P", "--name-only", "--no-renames", "-z", *_unseen(tree), "--",
        f":(glob)**/*{SUFFIX}",
    )  # fmt: skip
    found: dict[bytes, tuple[list[bytes], set[bytes]]] = {}
    for record in log.split(b"\x01")[1:]:
        head, _, names = record.partition(b"\0")
        head, _, first = head.partition(b"\n")
        commit, *parents = head.split()
        paths = found.setdefault(commit, (parents, set()))[1]
        paths.update(name.strip(b"\n") for name in [first, *names.split(b"\0")] if name.strip(b"\n"))
    for commit, (parents, paths) in found.items():
        yield commit, parents, sorted(paths)


class _Objects:
    """One ``git cat-file --batch``: the contents of many objects from one process."""

    def __init__(self, tree: Tree) -> None:
        self._process = subprocess.Popen(  # noqa: S603
            ["git", "-C", tree.root, "cat-file", "--batch"],  # noqa: S607
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._in = cast(IO[bytes], self._process.stdin)
        self._out = cast(IO[bytes], self._process.stdout)

    def __enter__(self) -> _Objects:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def document(self, name: bytes) -> Document | None:
        """Return the document in the object ``<commit>:<path>``, None where there is none that can be read."""
        if b"\n" in name:
            return None
        self._in.write(name + b"\n")
        self._in.flush()
        header = self._out.readline().split()
        if len(header) != 3 or not header[2].isdigit():
            return None
        data = self._out.read(int(header[2]))
        self._out.read(1)
        try:
            return Document.decode(data) if header[1] == b"blob" else None
        except FormatError:
            return None


def run(root: str, *arguments: str) -> bytes:
    """Run git in ``root`` and return what it prints. Raises PhototagError when it fails or is not installed."""
    try:
        done = subprocess.run(  # noqa: S603
            ["git", "-C", root, *arguments],  # noqa: S607
            capture_output=True,
            check=False,
        )
    except FileNotFoundError as error:
        raise PhototagError("git is not installed", hint="install git, or use another way to sync") from error
    if done.returncode:
        raise PhototagError(f"git {arguments[0]}: {done.stderr.decode('utf-8', 'replace').strip()}")
    return done.stdout
