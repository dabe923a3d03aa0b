"""A synthetic library of N images and sidecars: clustered vectors, Zipf tags, places, cameras, dates.

``python -m benchmarks.library ROOT --images 200000`` writes it; the same arguments give the same bytes.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import time

import msgspec
import numpy as np
import numpy.typing as npt
import xxhash

from phototag.library.tree import Tree
from phototag.settings import Settings
from phototag.sidecar import codec
from phototag.sidecar.model import Content, Embedding, Exif, Gps, Place, TagScores

TAG_SPACE = "bench-tags@1#00000000"
VECTOR_SPACE = "bench@1#00000000"
CITIES = [
    ("Paris", "FR", 48.85, 2.35),
    ("Nice", "FR", 43.7, 7.26),
    ("Lisbon", "PT", 38.72, -9.14),
    ("Kyoto", "JP", 35.0, 135.77),
]
CAMERAS = [
    ("NIKON CORPORATION", "NIKON D750"),
    ("Canon", "Canon EOS R5"),
    ("Apple", "iPhone 15 Pro"),
    ("FUJIFILM", "X-T5"),
]


class Shape(msgspec.Struct, frozen=True):
    """What the library looks like."""

    images: int = 10_000
    folders: int = 400
    dim: int = 512
    tags: int = 20
    """A picture."""
    vocabulary: int = 4_000
    clusters: int = 1_000
    seed: int = 1


def vectors(shape: Shape, start: int, count: int) -> npt.NDArray[np.float16]:
    """Return ``count`` vectors from image ``start`` on: clusters of unequal size, L2-normalised, half floats."""
    centres = np.random.default_rng(shape.seed).standard_normal((shape.clusters, shape.dim)).astype(np.float32)
    rng = np.random.default_rng((shape.seed, start))
    of = (rng.random(count) ** 2 * shape.clusters).astype(int)
    # Noise of the same norm as the centre: neighbours in a cluster have a cosine of about 0.5, as with CLIP.
    made: npt.NDArray[np.float32] = centres[of] + rng.standard_normal((count, shape.dim)).astype(np.float32)
    made /= np.linalg.norm(made, axis=1, keepdims=True)
    return made.astype(np.float16)


def write(root: str, shape: Shape, *, only: range | None = None) -> None:
    """Write the library under ``root``: empty images, whole sidecars."""
    os.makedirs(os.path.join(root, ".phototag"), exist_ok=True)
    for index in range(shape.folders):
        os.makedirs(os.path.join(root, folder_name(shape, index)), exist_ok=True)
    per_folder = -(-shape.images // shape.folders)
    for index in range(shape.folders):
        start = index * per_folder
        count = min(per_folder, shape.images - start)
        if count <= 0:
            break
        write_folder(root, shape, index, start, count)


def folder_name(shape: Shape, index: int) -> str:
    """Return the relative path of one folder: years with months in them."""
    return f"{2000 + index * 20 // shape.folders}/{index:05d}"


def write_folder(root: str, shape: Shape, index: int, start: int, count: int, generation: int = 0) -> None:
    """Write the images ``start`` and on into one folder."""
    folder = os.path.join(root, folder_name(shape, index))
    rng = np.random.default_rng((shape.seed, start, generation))
    codes = vectors(shape, start, count)
    # Zipf-like: tag 0 on a fifth of the pictures, the tail rare.
    tags = (shape.vocabulary * rng.random((count, shape.tags)) ** 4).astype(int)
    scores = np.sort(rng.integers(20_000, 65_535, (count, shape.tags), dtype=np.uint16))[:, ::-1]
    for offset in range(count):
        number = start + offset
        name = f"IMG_{number:07d}.jpg"
        path = os.path.join(folder, name)
        if not os.path.exists(path):
            with open(path, "wb"):
                pass
        data = sidecar(shape, number, generation, codes[offset].tobytes(), tags[offset], scores[offset], rng)
        with open(path + codec.SUFFIX, "wb") as file:
            file.write(data)


def sidecar(
    shape: Shape,
    number: int,
    generation: int,
    codes: bytes,
    tags: npt.NDArray[np.int64],
    scores: npt.NDArray[np.uint16],
    rng: np.random.Generator,
) -> bytes:
    """Return the bytes of one sidecar."""
    digest = xxhash.xxh3_128_digest(f"{shape.seed}/{number}/{generation}".encode())
    src = digest[:8]
    city, country, lat, lon = CITIES[number % 7 % len(CITIES)]
    make, model = CAMERAS[number % 11 % len(CAMERAS)]
    taken = dt.datetime(2000, 1, 1) + dt.timedelta(minutes=number * 10)  # noqa: DTZ001 - as cameras write it
    labels = list(dict.fromkeys(f"tag {tag}" for tag in tags))
    body: dict[str, dict[str, object]] = {
        "id": {
            "content": Content(digest, digest, 3_000_000 + number, 4000, 3000, "jpeg"),
            "birth": digest,
            "name": f"IMG_{number:07d}.jpg".encode(),
        },
        "exif": {
            "v1": Exif(
                taken=taken.isoformat(),
                make=make,
                model=model,
                iso=100 << number % 6,
                exposure=(1, 250),
                fnumber=(28, 10),
                focal=(50, 1),
                orientation=1,
            )
        },
        "exif.gps": {"v1": Gps(lat, lon)},
        "geo": {"geonames@1": Place(city, "", country, lat, lon)},
        "mtag": {TAG_SPACE: TagScores(src, tuple(labels), scores[: len(labels)].astype("<u2").tobytes())},
        "emb": {VECTOR_SPACE: Embedding(src, shape.dim, codes)},
    }
    if number % 50 == 0:
        body["user"] = {"rating": number // 50 % 6}
    raw = {s: {k: msgspec.msgpack.encode([0, b"", v]) for k, v in keys.items()} for s, keys in body.items()}
    return codec.encode(raw)


def open_tree(root: str, cache: str) -> Tree:
    """Return the tree of the library, its cache in ``cache``."""
    return Tree(os.path.abspath(root), Settings(cache_dir=cache, state_dir=cache, data_dir=cache))


def main() -> None:
    """Write a library as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root")
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--folders", type=int, default=400)
    parser.add_argument("--dim", type=int, default=512)
    options = parser.parse_args()
    start = time.monotonic()
    write(options.root, Shape(options.images, options.folders, options.dim))
    print(f"{options.images} images in {time.monotonic() - start:.1f} s")


if __name__ == "__main__":
    main()
