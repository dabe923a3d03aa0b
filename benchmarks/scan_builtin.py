"""Scan with the built-in analyser of 12-megapixel JPEGs against scaled decoding alone on all cores (Pillow draft)."""

from __future__ import annotations

import io
import os
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from PIL import Image

from benchmarks.row import Row, side_by_side
from phototag.models import registry
from phototag.scan.run import scan
from phototag.scan.wanted import Wanted
from phototag.settings import load

COUNT = 96


def rows(count: int = COUNT) -> list[Row]:
    """Measure a first scan, sidecars written, against decoding alone."""
    with tempfile.TemporaryDirectory() as root:
        paths = [os.path.join(root, f"{n}.jpg") for n in range(count)]
        for number, path in enumerate(paths):
            with open(path, "wb") as file:
                file.write(photo(number))
        settings = load(cache_dir=os.path.join(root, ".cache"))
        tagger = registry.open_tagger("builtin", settings)
        embedder = registry.open_image_embedder("builtin", settings)
        wanted = Wanted(taggers=[tagger], embedders=[embedder], phash=True)
        side_px = wanted.side_px

        def forget() -> None:
            shutil.rmtree(settings.cache_dir, ignore_errors=True)
            for path in paths:
                if os.path.exists(path + ".phototag"):
                    os.unlink(path + ".phototag")

        def ours() -> None:
            from phototag.library.tree import Tree

            report = scan(Tree(root, settings), "", wanted).report
            assert report.written == count, report

        def bare() -> None:
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                list(pool.map(lambda path: scaled(path, side_px), paths))

        mine, theirs, ratio = side_by_side(ours, bare, runs=5, before=forget)
        detail = f"{count / mine:.1f} images/s, decode alone {count / theirs:.1f}"
        return [Row("scan, built-in, 12 MP JPEG", 1 / ratio, 0.8, at_least=True, detail=detail)]


def photo(seed: int) -> bytes:
    """Return a 12-megapixel JPEG of smooth shapes and noise, 3 to 4 MB like a camera's."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 255, (30, 40, 3), dtype=np.uint8)).resize(
        (4000, 3000), Image.Resampling.BICUBIC
    )
    grain = rng.normal(0, 9, (3000, 4000, 1))
    out = io.BytesIO()
    Image.fromarray(np.clip(np.asarray(coarse) + grain, 0, 255).astype(np.uint8)).save(out, "JPEG", quality=88)
    return out.getvalue()


def scaled(path: str, side_px: int) -> None:
    """Decode one JPEG as Pillow does at its quickest."""
    with open(path, "rb") as file:
        data = file.read()
    with Image.open(io.BytesIO(data)) as image:
        image.draft("RGB", (side_px, side_px))
        image.convert("RGB").resize((side_px * 4 // 3, side_px), Image.Resampling.BILINEAR)
