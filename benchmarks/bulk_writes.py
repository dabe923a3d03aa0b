"""Sidecars written in bulk, one flush a batch, against plain files written with one flush for 64 of them."""

from __future__ import annotations

import os
import shutil
import tempfile

from benchmarks.row import Row, side_by_side
from phototag import fsio
from phototag.library import sidecars
from phototag.library.tree import Tree
from phototag.scan.run import BATCH
from phototag.settings import load
from phototag.sidecar.registers import Document

COUNT = 6400


def rows(count: int = COUNT) -> list[Row]:
    """Measure new files in one folder."""
    with tempfile.TemporaryDirectory() as base:
        root = os.path.join(base, "library")
        tree = Tree(root, load(cache_dir=os.path.join(base, "cache")))
        document = Document()
        document.set_machine("emb", "bench@1#00000000", os.urandom(3000))
        data = document.encode()

        def fresh() -> None:
            shutil.rmtree(root, ignore_errors=True)
            os.makedirs(root)
            os.sync()

        def ours() -> None:
            for number in range(count):
                sidecars.write(tree, f"{number}.jpg", document.copy(), sync=False)
                if number % BATCH == BATCH - 1:
                    fsio.sync_filesystem(root)

        def plain() -> None:
            for number in range(count):
                with open(os.path.join(root, f"{number}.jpg.phototag"), "wb") as file:
                    file.write(data)
                if number % BATCH == BATCH - 1:
                    fsio.sync_filesystem(root)

        mine, theirs, ratio = side_by_side(ours, plain, runs=5, before=fresh)
        detail = f"{mine / count * 1e6:.0f} us a file, plain {theirs / count * 1e6:.0f}"
        return [Row("bulk sidecar writes", 1 / ratio, 0.5, at_least=True, detail=detail)]
