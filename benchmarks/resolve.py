"""Joining 10,000 conflict copies against rebuilding the index over as many sidecars."""

from __future__ import annotations

import os
import tempfile

from benchmarks.library import Shape, write
from benchmarks.row import Row, largest_child_mib, peak_mib, side_by_side
from phototag.ids import Clock
from phototag.index import refresh
from phototag.library import conflicts
from phototag.library.tree import Tree
from phototag.settings import load
from phototag.sidecar.registers import Document

COUNT = 10_000
INFIX = ".sync-conflict-20240501-101500-ABCDEFG"


def rows(count: int = COUNT) -> list[Row]:
    """Measure a copy for each sidecar, of the same picture: where only the copy says something, and where both do."""
    return [_row(count, both=False), _row(count, both=True)]


def _row(count: int, *, both: bool) -> Row:
    with tempfile.TemporaryDirectory() as base:
        root = os.path.join(base, "library")
        write(root, Shape(images=count, folders=max(1, count // 250)))
        tree = Tree(root, load(cache_dir=os.path.join(base, "cache"), state_dir=os.path.join(base, "state")))
        copies = _conflicting(root)
        bases = {path: _read(path) for path in (copy.replace(INFIX, "") for copy in copies)}
        if both:
            bases = {path: _said(data, "user", "rating", 3, device=1) for path, data in bases.items()}

        def place() -> None:
            for path, data in (*copies.items(), *bases.items()):
                with open(path, "wb") as file:
                    file.write(data)
            os.sync()

        place()
        before_mib = peak_mib()
        conflicts.resolve(tree, conflicts.find(tree))
        grown_mib, worker_mib = peak_mib() - before_mib, largest_child_mib()
        refresh.rebuild(tree)

        def resolve() -> None:
            done = conflicts.resolve(tree, conflicts.find(tree))
            assert (done.joined, done.kept_aside) == (count, ()), done.joined

        mine, theirs, ratio = side_by_side(resolve, lambda: refresh.rebuild(tree), runs=3, before=place)
        detail = f"{mine / count * 1e6:.0f} us a copy, rebuild {theirs / count * 1e6:.0f} us a sidecar"
        detail += f"; memory grew by {grown_mib:.0f} MiB, a worker held at most {worker_mib:.0f}"
        name = f"resolve {count:,} conflict copies, {'both sides spoke' if both else 'one side spoke'}"
        return Row(name, 1 / ratio, 0.3, at_least=True, detail=detail)


def _conflicting(root: str) -> dict[str, bytes]:
    """Return {path of the copy: its bytes} for every sidecar: a tag that another device said."""
    made = {}
    for folder, _, names in os.walk(root):
        for name in names:
            if name.endswith(".jpg.phototag"):
                path = os.path.join(folder, name)
                copy = path.removesuffix(".phototag") + INFIX + ".phototag"
                made[copy] = _said(_read(path), "utag", "beach", 1, device=2)
    return made


def _said(data: bytes, section: str, key: str, value: object, *, device: int) -> bytes:
    document = Document.decode(data)
    document.set_person(section, key, value, Clock(bytes([device]) * 6))
    return document.encode()


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()
