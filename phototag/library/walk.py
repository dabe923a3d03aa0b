"""Walk a library: one ``Folder`` at a time, images with size and mtime, sidecars by name only.

Reading 80 bytes of each sidecar would cost 200 us cold, a stat of each 3 us: so sidecars are not touched here.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator

import msgspec

from phototag import fsio
from phototag.errors import UsageError
from phototag.imaging.formats import is_image_name
from phototag.library import annex, ignore
from phototag.library.tree import MARKER, TREE, Tree
from phototag.sidecar import disk
from phototag.sidecar.codec import SUFFIX


class Problem(msgspec.Struct, frozen=True):
    """Something with an image's name, or a folder, that could not be used, and why."""

    rel: str
    why: str


class Folder(msgspec.Struct, frozen=True):
    """What one folder holds; the lists about images run in parallel, sorted by name."""

    rel: str
    """Relative to the root, "" for it."""
    mtime_ns: int
    """Of the folder that holds the sidecars: it changes whenever one is created, replaced or removed. With an overlay
    there are two such folders, and this is a mark made of both, good for comparing only."""
    images: list[str]
    sizes: list[int]
    mtimes_ns: list[int]
    sidecars: list[str]
    """Names that end in ``.phototag``, sorted; in layout ``tree`` those of the mirrored folder."""
    misplaced: bool = False
    """Sidecars lie beside the images though the layout is ``tree``."""
    temps: list[str] = []
    """Our temp files that a killed process may have left, in the folder of the sidecars."""
    links: frozenset[str] = frozenset()
    """Images that are symbolic links."""
    problems: list[Problem] = []
    folders: list[str] = []
    """Subfolders that the walk goes into, relative to the root."""
    ways: list[tuple[str, str]] = []
    """Links to folders, whether the walk follows them or not: name and where each leads."""

    def path(self, name: str) -> str:
        """Return the path of ``name`` relative to the root."""
        return f"{self.rel}/{name}" if self.rel else name


def walk(tree: Tree, under: str = "") -> Iterator[Folder]:
    """Yield the folders of the library at and below ``under``, parents first, siblings by name.

    Left out: hidden folders (``.phototag``, ``.git``, ``.stversions`` among them), folders of NAS boxes, what
    ``.phototagignore`` names. A link to a folder outside the library is followed once, one to the inside is not; one that
    leads nowhere counts as an empty folder, since the disk that it leads to may come back.
    """
    seen: set[tuple[int, int] | str] = set()
    stack = [(under, _rules_above(tree, under))]
    while stack:
        rel, rules = stack.pop()
        scan = _Scan(tree, rel, rules, seen)
        try:
            yield scan.folder()
        except OSError as error:
            yield Folder(rel, 0, [], [], [], [], problems=[Problem(rel, f"cannot read the folder: {error.strerror}")])
            continue
        stack.extend((sub, scan.rules) for sub in sorted(scan.folders, reverse=True))


class _Scan:
    """One folder being read."""

    def __init__(self, tree: Tree, rel: str, rules: tuple[ignore.Rule, ...], seen: set[tuple[int, int] | str]) -> None:
        self.tree, self.rel, self.rules, self.seen = tree, rel, rules, seen
        self.folders: list[str] = []
        self.ways: list[tuple[str, str]] = []
        self.problems: list[Problem] = []

    def folder(self) -> Folder:
        path = self.tree.path(self.rel)
        found: list[tuple[str, int, int]] = []
        sidecars: list[str] = []
        temps: list[str] = []
        links: list[str] = []
        try:
            changed_ns = self._read(path, found, sidecars, temps, links)
        except FileNotFoundError:
            if not os.path.islink(path):
                raise
            changed_ns = 0
        misplaced = self.tree.layout == TREE and bool(sidecars)
        if self.tree.layout == TREE:
            changed_ns, sidecars, temps = _listed(os.path.join(self.tree.folder, "sidecars", self.rel))
        if self.tree.overlay:
            above_ns, above, temps = _listed(os.path.join(self.tree.overlay_root, self.rel))
            changed_ns, sidecars = changed_ns ^ above_ns, list({*sidecars, *above})
        found.sort()
        sidecars.sort()
        names, sizes, mtimes_ns = (list(column) for column in zip(*found, strict=True)) if found else ([], [], [])
        return Folder(
            self.rel,
            changed_ns,
            names,
            sizes,
            mtimes_ns,
            sidecars,
            misplaced,
            temps,
            frozenset(links),
            self.problems,
            self.folders,
            self.ways,
        )

    def _read(
        self, path: str, found: list[tuple[str, int, int]], sidecars: list[str], temps: list[str], links: list[str]
    ) -> int:
        """Sort what is in the folder into the lists; return its mtime."""
        below: list[os.DirEntry[str]] = []
        with contextlib.closing(_Handle(path)) as handle:
            here = os.fstat(handle.fd)
            self.seen.add((here.st_dev, here.st_ino))
            with os.scandir(handle.fd) as entries:
                listing = list(entries)
            if any(entry.name == ignore.IGNORE_FILE for entry in listing):
                self._read_rules(path)
            for entry in listing:
                name = entry.name
                if name.endswith(SUFFIX) and name != MARKER:
                    sidecars.append(name)
                elif is_image_name(name) and not _leads_to_folder(entry):
                    self._image(entry, found, links)
                elif fsio.is_temp_name(name):
                    temps.append(name)
                elif name[0] != "." and (entry.is_symlink() or _leads_to_folder(entry)):
                    below.append(entry)
            for entry in sorted(below, key=lambda one: one.name):
                self._subfolder(entry)
        return here.st_mtime_ns

    def _image(self, entry: os.DirEntry[str], found: list[tuple[str, int, int]], links: list[str]) -> None:
        name = entry.name
        if name[0] == "." or (self.rules and ignore.ignored(self.rules, self._rel(name), folder=False)):
            return
        if entry.is_symlink():
            links.append(name)
        try:
            status = entry.stat()
        except FileNotFoundError:
            if entry.is_symlink():  # dangling: perhaps annexed content that is elsewhere; the link itself is the fact
                with contextlib.suppress(OSError):
                    found.append((name, -1, entry.stat(follow_symlinks=False).st_mtime_ns))
            return
        except OSError as error:
            self.problems.append(Problem(self._rel(name), f"cannot be read: {error.strerror}"))
            return
        if stat.S_ISREG(status.st_mode):
            found.append((name, status.st_size, status.st_mtime_ns))
        else:
            self.problems.append(Problem(self._rel(name), "not a file: a pipe, socket or device"))

    def _subfolder(self, entry: os.DirEntry[str]) -> None:
        name, rel = entry.name, self._rel(entry.name)
        if name in ignore.SKIPPED_FOLDERS or (self.rules and ignore.ignored(self.rules, rel, folder=True)):
            return
        if entry.is_symlink() and not self._follows(entry):
            return
        self.folders.append(rel)

    def _follows(self, entry: os.DirEntry[str]) -> bool:
        """Say whether the walk goes where a link leads: to a folder outside that it did not see yet, or to none now."""
        path = self.tree.path(self._rel(entry.name))
        mark: tuple[int, int] | str = ""
        try:
            status = entry.stat()
            if not stat.S_ISDIR(status.st_mode):
                return False
            mark = (status.st_dev, status.st_ino)
        except FileNotFoundError:
            if annex.key_of_link(path):
                return False  # the content of a file
        except OSError:
            return False
        target = os.path.realpath(path)
        self.ways.append((entry.name, target))
        root = os.path.realpath(self.tree.root)
        mark = mark or target
        inside = target == root or target.startswith(root + os.sep) or root.startswith(target + os.sep)
        if inside or mark in self.seen:
            return False
        self.seen.add(mark)
        return True

    def _rel(self, name: str) -> str:
        return f"{self.rel}/{name}" if self.rel else name

    def _read_rules(self, path: str) -> None:
        self.rules = (*self.rules, *_rules_in(path, self.rel))


def _leads_to_folder(entry: os.DirEntry[str]) -> bool:
    """Say whether ``entry`` is a folder or a link to one; a link that leads in circles is neither."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def _listed(path: str) -> tuple[int, list[str], list[str]]:
    """Return mtime, sidecars and our temp files of a folder that holds sidecars apart from the images."""
    try:
        names = os.listdir(path)
        changed_ns = os.stat(path).st_mtime_ns
    except OSError:
        return 0, [], []
    sidecars = [name for name in names if name.endswith(SUFFIX) and name != MARKER]  # the overlay has such a folder too
    return changed_ns, sidecars, [name for name in names if fsio.is_temp_name(name)]


class _Handle:
    """An open folder: entries are then statted relative to it, which is quicker than by path."""

    def __init__(self, path: str) -> None:
        self.fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def close(self) -> None:
        os.close(self.fd)


def _rules_in(path: str, rel: str) -> tuple[ignore.Rule, ...]:
    try:
        text = disk.read_capped(os.path.join(path, ignore.IGNORE_FILE)).decode("utf-8-sig", "surrogateescape")
    except OSError:
        return ()
    return ignore.parse(text, rel)


def _rules_above(tree: Tree, under: str) -> tuple[ignore.Rule, ...]:
    """Return the rules of the ignore files in the folders above ``under``."""
    rules: tuple[ignore.Rule, ...] = ()
    parts = under.split("/") if under else []
    for depth in range(len(parts)):
        rel = "/".join(parts[:depth])
        rules += _rules_in(tree.path(rel), rel)
    return rules


def is_image(path: str) -> bool:
    """Say whether ``path`` may have a sidecar: by its name a picture, and a file, or a link to annexed content."""
    if not is_image_name(os.path.basename(path)):
        return False
    return os.path.isfile(path) or (os.path.islink(path) and not os.path.exists(path))


def demand_image(tree: Tree, rel: str) -> None:
    """Raise UsageError where no picture is at ``rel``."""
    path = tree.path(rel)
    if not os.path.lexists(path):
        raise UsageError(f"there is no such file: {fsio.display(rel)}")
    if not is_image(path):
        raise UsageError(f"{fsio.display(rel)} is no picture", hint="see their names: phototag list --paths")
