"""A rescan that has nothing to do against ``find -printf`` over the same tree, warm and cold."""

from __future__ import annotations

import os
import sys
import tempfile
import time

from benchmarks.row import Row, process, side_by_side
from phototag.library.tree import Tree
from phototag.library.walk import walk
from phototag.models import registry
from phototag.scan.gate import Gate
from phototag.scan.run import scan
from phototag.scan.wanted import Wanted
from phototag.settings import load

FOLDERS, IN_EACH = 400, 500


def rows(folders: int = FOLDERS, in_each: int = IN_EACH) -> list[Row]:
    """Measure warm, and cold where the caches of the system can be dropped (root)."""
    with tempfile.TemporaryDirectory() as base:
        root = os.path.join(base, "library")
        settings = load(cache_dir=os.path.join(base, "cache"))
        wanted = Wanted(
            taggers=[registry.open_tagger("builtin", settings)],
            embedders=[registry.open_image_embedder("builtin", settings)],
        )
        make(root, folders, in_each)
        tree = Tree(root, settings)
        settle(tree, wanted)

        def ours() -> None:
            report = scan(tree, "", wanted).report
            assert (report.found, report.written) == (report.unchanged, 0), report

        find = process(["find", root, "-printf", "%p %s %T@\n"])
        count = folders * in_each
        mine, theirs, ratio = side_by_side(ours, find, runs=7)
        made = [Row(f"no-op rescan, {count:,}, warm", ratio, 1.5, detail=f"{mine:.2f} s, find {theirs:.2f} s")]
        if drop_caches():
            mine, theirs, ratio = side_by_side(ours, find, runs=3, before=drop_caches)
            made.append(Row(f"no-op rescan, {count:,}, cold", ratio, 1.0, detail=f"{mine:.2f} s, find {theirs:.2f} s"))
        return made


def make(root: str, folders: int, in_each: int) -> None:
    """Make a tree of small files named as images, each with a file named as its sidecar."""
    for folder in range(folders):
        path = os.path.join(root, f"{2000 + folder // 20}", f"{folder:03}")
        os.makedirs(path)
        for number in range(in_each):
            for suffix in (".jpg", ".jpg.phototag"):
                with open(os.path.join(path, f"IMG_{number:05}{suffix}"), "wb") as file:
                    file.write(b"x" * 64)


def settle(tree: Tree, wanted: Wanted) -> None:
    """Fill the gate as a finished scan leaves it."""
    gate = Gate(tree)
    for folder in walk(tree):
        gate.settle(folder, wanted.steps, done=folder.images, failures={}, walked_ns=time.time_ns() + 10**12)
    gate.save()


def drop_caches() -> bool:
    """Drop the page, dentry and inode caches; say whether that worked."""
    os.sync()
    try:
        with open("/proc/sys/vm/drop_caches", "w") as file:
            file.write("3")
    except OSError:
        return False
    return sys.platform == "linux"
