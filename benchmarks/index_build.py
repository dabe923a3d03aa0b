"""Rebuild and refresh of the index against reading all sidecars with ``cat``, and against a scan with nothing to do."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile

from benchmarks import rescan
from benchmarks.library import VECTOR_SPACE, Shape, folder_name, open_tree, write, write_folder
from benchmarks.row import Row, process, side_by_side
from phototag.index.refresh import rebuild, refresh
from phototag.library.tree import Tree
from phototag.models import registry
from phototag.scan.run import scan
from phototag.scan.wanted import Wanted

IMAGES, FOLDERS, CHANGED = 200_000, 400, 100

_PEAK = """
import resource, sys
from benchmarks.library import open_tree
from phototag.index.refresh import rebuild
rebuild(open_tree(sys.argv[1], sys.argv[2]))
own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
worker = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print((own + 2 * worker) / 1024)
"""


def rows(images: int = IMAGES, folders: int = FOLDERS) -> list[Row]:
    """Measure on a synthetic library made for it."""
    shape = Shape(images, folders)
    with tempfile.TemporaryDirectory() as base:
        root = os.path.join(base, "library")
        write(root, shape)
        tree = open_tree(root, os.path.join(base, "cache"))
        return [*_rebuilds(tree, images), _memory(tree, shape), _refresh(tree, shape)]


def _rebuilds(tree: Tree, images: int) -> list[Row]:
    def ours() -> None:
        assert rebuild(tree).vectors == {VECTOR_SPACE: images}

    cat = process(["sh", "-c", 'find "$1" -name "*.phototag" -type f -print0 | xargs -0 cat', "sh", tree.root])
    cat()
    mine, theirs, ratio = side_by_side(ours, cat, runs=5)
    detail = f"{mine:.1f} s, cat {theirs:.1f} s"
    made = [Row(f"index rebuild, {images:,}, warm", ratio, 1.5, detail=detail)]
    if rescan.drop_caches():
        mine, theirs, ratio = side_by_side(ours, cat, runs=2, before=rescan.drop_caches)
        detail = f"{mine:.1f} s, cat {theirs:.1f} s"
        made.append(Row(f"index rebuild, {images:,}, cold", ratio, 0.4, detail=detail))
    return made


def _memory(tree: Tree, shape: Shape) -> Row:
    """Take the parent's peak plus twice the larger worker's: an upper bound of what is resident at once."""
    done = subprocess.run(
        [sys.executable, "-c", _PEAK, tree.root, tree.settings.cache_dir], check=True, capture_output=True, text=True
    )
    limit = 1.5 * shape.images * shape.dim * 2 / 2**20 + 300
    return Row(f"index rebuild, {shape.images:,}, peak memory", float(done.stdout), limit, unit="MiB")


def _refresh(tree: Tree, shape: Shape) -> Row:
    wanted = Wanted(
        taggers=[registry.open_tagger("builtin", tree.settings)],
        embedders=[registry.open_image_embedder("builtin", tree.settings)],
    )
    rescan.settle(tree, wanted)
    per_folder = -(-shape.images // shape.folders)
    generation = 1
    refresh(tree)

    def change() -> None:
        nonlocal generation
        generation += 1
        for nth in range(4):
            index = (generation * 7 + nth * 31) % shape.folders
            write_folder(tree.root, shape, index, index * per_folder, CHANGED // 4, generation)
            os.utime(os.path.join(tree.root, folder_name(shape, index)))  # as a rename into it does

    def ours() -> None:
        assert CHANGED <= refresh(tree).changed <= 3 * CHANGED

    def theirs() -> None:
        report = scan(tree, "", wanted).report
        assert (report.found, report.written) == (report.unchanged, 0), report

    mine, other, ratio = side_by_side(ours, theirs, runs=5, before=change)
    detail = f"{mine:.2f} s, no-op rescan {other:.2f} s"
    return Row(f"index refresh, {CHANGED} of {shape.images:,} changed", ratio, 1.3, detail=detail)


if __name__ == "__main__":
    for row in rows(int(sys.argv[1]) if len(sys.argv) > 1 else IMAGES):
        print(row, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
