"""Survey: walk, hold each folder against the gate, and list the images that need a look."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from phototag import fsio
from phototag.library import documents
from phototag.library.tree import TREE, Tree
from phototag.library.walk import Folder, walk
from phototag.scan.examine import Task
from phototag.scan.gate import Gate, Unchanged


class Failed(msgspec.Struct, frozen=True):
    """One image (or folder) that could not be used."""

    path: str
    reason: str


class Survey(msgspec.Struct):
    """What the walk and the gate say together."""

    folders: list[Folder]
    tasks: list[Task]
    unchanged: dict[str, Unchanged]
    """Of folders with tasks: the images that need no look."""
    failed: list[Failed]
    found: int
    swept: int
    """Temp files of killed processes that were removed."""


def survey(
    tree: Tree, under: str, gate: Gate, steps: frozenset[str], *, force: bool, seen: Callable[[int], None]
) -> Survey:
    """Return what is at and below ``under`` and what of it needs a look; ``seen`` is told the images found so far."""
    result = Survey([], [], {}, [], 0, 0)
    result.swept = sum(fsio.sweep_temp(place, names) for place, names in documents.temps(tree))
    for folder in walk(tree, under):
        result.folders.append(folder)
        result.found += len(folder.images)
        result.failed.extend(Failed(problem.rel, problem.why) for problem in folder.problems)
        if folder.temps:
            result.swept += fsio.sweep_temp(_sidecar_folder(tree, folder.rel), folder.temps)
        known = None if force else gate.failures(folder, steps)
        if known is not None:
            result.failed.extend(Failed(folder.path(name), why) for name, why in known.items())
            continue
        same = gate.unchanged(folder)
        passed = not force and steps <= same.steps
        if passed:
            result.failed.extend(Failed(folder.path(name), why) for name, why in same.failures.items())
            result.unchanged[folder.rel] = same
        else:
            result.unchanged[folder.rel] = Unchanged(same.steps, {}, set())
        settled = {*same.done, *same.failures} if passed else set()
        result.tasks.extend(
            Task(folder.path(name), size, folder.rel, name, trusted=name in same.done and not force)
            for name, size in zip(folder.images, folder.sizes, strict=True)
            if name not in settled
        )
        seen(result.found)
    return result


def _sidecar_folder(tree: Tree, rel: str) -> str:
    if tree.overlay:
        return f"{tree.overlay_root}/{rel}"
    return f"{tree.folder}/sidecars/{rel}" if tree.layout == TREE else tree.path(rel)
