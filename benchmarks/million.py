"""An index of N images made straight through the segment writer, for the benchmarks of search: no sidecars on disk.

Vectors are clustered as in ``benchmarks.library``, and text queries lie off the image manifold: near a cluster's
centre direction, with a part that no image has.
"""

from __future__ import annotations

import os

import msgspec
import numpy as np
import numpy.typing as npt

from benchmarks.library import CAMERAS, CITIES, TAG_SPACE, VECTOR_SPACE, Shape, vectors
from phototag import fsio, garbage
from phototag.index.build import new_segment_name
from phototag.index.manifest import Manifest, index_folder, save
from phototag.index.parts import FolderPart
from phototag.index.refresh import make_cache
from phototag.index.segment import SegmentWriter
from phototag.index.staleness import purge_digest
from phototag.index.view import ExifView, GpsView, IdView, Scores, SidecarView, Slot, UserView, Vector
from phototag.library.tree import Tree
from phototag.sidecar.model import Content, Exif, Gps, Place

PEOPLE = 200
STEP = 10_000


def make(tree: Tree, shape: Shape) -> None:
    """Write the index of ``shape.images`` images for ``tree`` and commit it."""
    make_cache(tree)
    fsio.make_folder(index_folder(tree))
    writer = SegmentWriter(index_folder(tree), new_segment_name())
    with garbage.uncollected():
        for start in range(0, shape.images, STEP):
            _batch(writer, shape, start, min(STEP, shape.images - start))
    info = writer.finish()
    save(tree, Manifest(tree.name, tree.layout, tree.overlay, purge_digest(tree), [info], {}))


def _batch(writer: SegmentWriter, shape: Shape, start: int, count: int) -> None:
    rng = np.random.default_rng((shape.seed, start, 5))
    codes = vectors(shape, start, count)
    tags = (shape.vocabulary * rng.random((count, shape.tags)) ** 4).astype(int)
    scores = np.sort(rng.integers(20_000, 65_535, (count, shape.tags), dtype=np.uint16))[:, ::-1]
    numbers = rng.integers(0, 1 << 30, (count, 3))
    first = writer.rows
    for at in range(count):
        number = start + at
        digest = number.to_bytes(16, "big")
        make_, model = CAMERAS[numbers[at, 0] % len(CAMERAS)]
        city, country, lat, lon = CITIES[numbers[at, 1] % len(CITIES)]
        labels = list(dict.fromkeys(f"tag {tag}" for tag in tags[at]))
        src = digest[:8]
        taken = f"{2000 + number % 20}-{number % 12 + 1:02}-{number % 28 + 1:02}T10:00:00"
        view = SidecarView(
            id=IdView(content=Slot(0, b"", Content(digest, digest, 3_000_000, 4000, 3000, "jpeg"))),
            exif=ExifView(v1=Slot(0, b"", Exif(taken=taken, make=make_, model=model))),
            gps=GpsView(v1=Slot(0, b"", Gps(lat, lon))),
            geo={"geonames@1": Slot(0, b"", Place(city, "", country, lat, lon))},
            user=UserView(rating=Slot(1, b"device", number // 50 % 6)) if number % 50 == 0 else None,
            mtag={TAG_SPACE: Slot(0, b"", Scores(src, labels, scores[at, : len(labels)].astype("<u2").tobytes()))},
            emb={VECTOR_SPACE: Slot(0, b"", Vector(src, shape.dim, codes[at].tobytes()))},
        )
        writer.add(f"{number // 500:05}/IMG_{number:07}.jpg", view, present=True)
    writer.parts.append(FolderPart(f"{start:07}".encode(), first, count, msgspec.Raw(b"\xc0")))


def image_queries(shape: Shape, count: int) -> npt.NDArray[np.float32]:
    """Return vectors of new images of the same clusters, (count, dim)."""
    return vectors(shape, shape.images + 1, count).astype(np.float32)


def text_queries(shape: Shape, count: int) -> npt.NDArray[np.float32]:
    """Return vectors off the manifold: a weak pull to a cluster, a direction shared by all texts, noise."""
    rng = np.random.default_rng((shape.seed, 77))
    centres = np.random.default_rng(shape.seed).standard_normal((shape.clusters, shape.dim)).astype(np.float32)
    gap = rng.standard_normal(shape.dim).astype(np.float32)
    of = rng.integers(0, shape.clusters, count)
    made = 0.5 * centres[of] + gap + rng.standard_normal((count, shape.dim)).astype(np.float32)
    made /= np.linalg.norm(made, axis=1, keepdims=True)
    return made.astype(np.float32)


def tree_in(base: str) -> Tree:
    """Return the tree of an empty library in ``base``; only its index will hold images."""
    from benchmarks.library import open_tree

    root = os.path.join(base, "library")
    os.makedirs(os.path.join(root, ".phototag"), exist_ok=True)
    return open_tree(root, os.path.join(base, "cache"))
