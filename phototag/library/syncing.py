"""Teach git, git-annex and Syncthing about our files: idempotent set-up, and what a clone still lacks."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from typing import NamedTuple

import msgspec

from phototag import fsio
from phototag.errors import PhototagError
from phototag.library import git
from phototag.library.tree import Tree

GIT_ATTRIBUTES = (
    "*.phototag merge=phototag diff=phototag -text",
    ".phototag/journal/** -text",
    "*.corrupt-*.bin -text",
    "*.xmp -text",
)
ANNEX_DEFAULT = "* annex.largefiles=anything"
"""What ``git add`` annexes unless another rule says otherwise: so it comes first, above the owner's own rules."""
ANNEX_ATTRIBUTES = (
    "*.phototag annex.largefiles=nothing merge=phototag diff=phototag -text",
    ".phototag/** annex.largefiles=nothing",
    ".phototag/trash/** annex.largefiles=anything",
    ".phototag/trash/**/*.phototag annex.largefiles=nothing",
    ".phototag/journal/** annex.largefiles=nothing -text",
    ".phototagignore annex.largefiles=nothing",
    "*.xmp annex.largefiles=nothing -text",
    "*.corrupt-*.bin annex.largefiles=nothing -text",
    ".gitattributes annex.largefiles=nothing",
)
_TITLE = "# phototag (phototag sync setup)"


class Setting(msgspec.Struct, frozen=True):
    """One thing that a set-up wants: where, what, and whether it is so already."""

    where: str
    what: str
    done: bool


def git_settings(tree: Tree, *, annex: bool) -> list[Setting]:
    """Return what git needs in this clone. Raises PhototagError outside a git work tree."""
    if refused := git.refusal(tree.root):
        raise refused
    if not git.is_in_git(tree.root):
        raise PhototagError(
            f"{tree.root} is not in a git work tree", hint=f"make it one: git -C {shlex.quote(tree.root)} init"
        )
    present = _lines(os.path.join(tree.root, ".gitattributes"))
    wanted: tuple[str, ...] = ANNEX_ATTRIBUTES if annex else GIT_ATTRIBUTES
    if annex and not _has_own_default(tree):
        wanted = (ANNEX_DEFAULT, *wanted)
    found = [Setting(".gitattributes", line, line in present) for line in wanted]
    return found + [
        Setting("git config", f"{key} = {value}", _config(tree, key) == value) for key, value in _driver().items()
    ]


def set_up_git(tree: Tree, *, annex: bool) -> list[Setting]:
    """Write what git lacks in this clone; return every setting as it was before. Raises PhototagError."""
    settings = git_settings(tree, annex=annex)
    missing = [setting.what for setting in settings if setting.where == ".gitattributes" and not setting.done]
    path = os.path.join(tree.root, ".gitattributes")
    if ANNEX_DEFAULT in missing and _lines(path):
        missing.remove(ANNEX_DEFAULT)
        _prepend_lines(path, [ANNEX_DEFAULT])
    _append_lines(path, missing)
    for key, value in _driver().items():
        if _config(tree, key) != value:
            _git(tree, "config", key, value)
    return settings


def set_up_syncthing(tree: Tree) -> tuple[list[Setting], list[str]]:
    """Write what Syncthing must ignore; return the settings as they were, and warnings about its configuration.

    The cache lies outside the library, so there is something to ignore only where a setting moved it inside.
    """
    ignored = _to_ignore(tree)
    present = _lines(os.path.join(tree.root, ".stignore"))
    settings = [Setting(".stignore", line, line in present) for line in ignored]
    _append_lines(os.path.join(tree.root, ".stignore"), [s.what for s in settings if not s.done], comment="//")
    return settings, syncthing_warnings(tree)


class Problem(NamedTuple):
    """What this machine lacks so that sync loses nothing, and what mends it."""

    what: str
    mend: str

    def __str__(self) -> str:
        return f"{self.what}: {self.mend}"


def problems(tree: Tree) -> list[Problem]:
    """Return what this clone, or Syncthing's configuration here, lacks so that sync loses nothing."""
    found = []
    if git.is_in_git(tree.root):
        annex = is_annex(tree)
        if any(not setting.done for setting in git_settings(tree, annex=annex)):
            command = f"phototag sync setup {'annex' if annex else 'git'}"
            found.append(Problem("this clone lacks the merge driver or its attributes", command))
    elif shutil.which("git") and (refused := git.refusal(tree.root)):
        found.append(Problem(str(refused), refused.hint or ""))
    present = _lines(os.path.join(tree.root, ".stignore"))
    syncs = os.path.isdir(os.path.join(tree.root, ".stfolder"))
    if syncs and any(line not in present for line in _to_ignore(tree)):
        found.append(
            Problem("derived data lies inside the library and would be synced", "phototag sync setup syncthing")
        )
    return found + _keeps_no_copies(tree)


def is_annex(tree: Tree) -> bool:
    """Say whether the git work tree that the library is in has an annex."""
    return os.path.isdir(os.path.join(_git_folder(tree), "annex"))


def _has_own_default(tree: Tree) -> bool:
    """Say whether the owner told git-annex for all clones what is large (``git annex config``); attributes overrule that."""
    try:
        log = git.run(tree.root, "show", "git-annex:config.log")
    except PhototagError:  # none set yet
        return False
    settings = [line.split(b" ", 2) for line in log.splitlines()]
    latest = max((one for one in settings if one[1:2] == [b"annex.largefiles"]), default=[])
    return bool(b"".join(latest[2:]).strip())


def syncthing_warnings(tree: Tree) -> list[str]:
    """Return what in Syncthing's own configuration on this machine would lose edits of this library."""
    return [str(problem) for problem in _keeps_no_copies(tree)]


def _keeps_no_copies(tree: Tree) -> list[Problem]:
    found = []
    for base in (os.path.dirname(tree.settings.state_dir), os.path.expanduser("~/.config")):
        try:
            text = fsio.read_bytes(os.path.join(base, "syncthing", "config.xml")).decode("utf-8", "replace")
        except OSError:
            continue
        for folder in re.findall(r"<folder [^>]*>.*?</folder>", text, re.DOTALL):
            path = re.search(r'\bpath="([^"]*)"', folder)
            keeps_none = re.search(r"<maxConflicts>\s*0\s*</maxConflicts>", folder)
            if path and keeps_none and _covers(os.path.expanduser(path.group(1)), tree.root):
                what = "Syncthing keeps no conflict copies of this folder (maxConflicts = 0): older edits are lost"
                found.append(Problem(what, "set it to -1 in the folder's advanced settings"))
    return found


def _driver() -> dict[str, str]:
    """Return the git configuration of the merge driver and the textconv, with a command that runs here."""
    command = "phototag" if shutil.which("phototag") else f"{shlex.quote(sys.executable)} -m phototag"
    return {
        "merge.phototag.name": "join phototag sidecars",
        "merge.phototag.driver": f"{command} merge-driver %O %A %B %P",
        "diff.phototag.textconv": f"{command} dump --lenient",
    }


def _config(tree: Tree, key: str) -> str:
    try:
        return _git(tree, "config", "--get", key)
    except PhototagError:
        return ""


def _git_folder(tree: Tree) -> str:
    folder = _git(tree, "rev-parse", "--git-common-dir")
    return folder if os.path.isabs(folder) else os.path.join(tree.root, folder)


def _git(tree: Tree, *arguments: str) -> str:
    return os.fsdecode(git.run(tree.root, *arguments)).rstrip("\n")


def _inside(tree: Tree) -> list[str]:
    """Return the folders of derived data that a setting put inside the library, relative to its root."""
    root = os.path.realpath(tree.root)
    folders = (tree.settings.cache_dir, tree.settings.models_dir, tree.settings.state_dir)
    found = {os.path.relpath(os.path.realpath(folder), root) for folder in folders if folder}
    return sorted(rel for rel in found if rel != ".." and not rel.startswith("../"))


def _to_ignore(tree: Tree) -> list[str]:
    return [f"(?d)/{rel}" for rel in _inside(tree)]


def _covers(folder: str, path: str) -> bool:
    folder, path = os.path.realpath(folder), os.path.realpath(path)
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _lines(path: str) -> list[str]:
    try:
        return os.fsdecode(fsio.read_bytes(path)).splitlines()
    except FileNotFoundError:
        return []


def _append_lines(path: str, lines: list[str], *, comment: str = "#") -> None:
    """Add ``lines`` at the end of the text file at ``path``, under a title; what is there stays as it is."""
    if not lines:
        return
    present = _lines(path)
    title = comment + _TITLE[1:]
    new = [*present, *([] if title in present else [title]), *lines]
    fsio.write_atomic(path, os.fsencode("\n".join(new) + "\n"))


def _prepend_lines(path: str, lines: list[str]) -> None:
    """Put ``lines`` before those of the file at ``path``, so that what stands there overrules them."""
    new = [f"{_TITLE}: the rules below overrule this", *lines, *_lines(path)]
    fsio.write_atomic(path, os.fsencode("\n".join(new) + "\n"))
