"""A library whose photos are empty files and whose sidecars say everything: vectors in known groups, tags, places."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xxhash

from phototag.handle import Library
from phototag.library import sidecars
from phototag.sidecar import model
from phototag.sidecar.model import Content, Embedding, Exif, Place, TagScores
from phototag.sidecar.registers import Document
from tests.clustering.made import unit

TAGGER, EMBEDDER = "eyes@1#00000000", "vec@1#00000000"
GROUPS = ("beach", "forest", "city", "snow")
DIM = 16


def make(folder: Path, *, each: int = 12, groups: tuple[str, ...] = GROUPS, noise: int = 3) -> Library:
    """Return a library with ``each`` photos a group and ``noise`` that fit nowhere."""
    (folder / ".phototag").mkdir(parents=True, exist_ok=True)
    library = Library.open(str(folder))
    for group in groups:
        add(library, group, range(each))
    for number in range(noise):
        photo(library, f"odd/{number}.jpg", np.eye(DIM)[len(GROUPS) + number], {"odd thing": 0.9})
    return library


def add(library: Library, group: str, numbers: range) -> list[str]:
    """Add photos of one group; return their names."""
    names = []
    for number in numbers:
        rng = np.random.default_rng([GROUPS.index(group), number])
        vector = np.eye(DIM)[GROUPS.index(group)] * 4 + 0.4 * rng.standard_normal(DIM)
        names.append(f"{group}/{number:03}.jpg")
        taken = f"2024-{7 if group == 'beach' else 1 + number % 12:02}-10T10:00:00"
        city = "Nice" if group == "beach" else "Oslo" if number % 2 else "Rome"
        photo(library, names[-1], vector, {group: 0.95, "outdoor": 0.9}, taken=taken, city=city)
    return names


def photo(
    library: Library,
    rel: str,
    vector: np.ndarray,
    tags: dict[str, float],
    *,
    taken: str = "",
    city: str = "",
    image: bytes = b"",
) -> None:
    """Write one image, empty by default, and its sidecar."""
    path = Path(library.tree.path(rel))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(image)
    px = xxhash.xxh3_128_digest(image or rel.encode())
    made = Document()
    made.set_machine(model.ID, model.CONTENT, Content(px, px, 1000, 40, 30, "jpeg"))
    made.set_machine(model.ID, model.BIRTH, px)
    scores = np.array([round(score * model.SCORE_SCALE) for score in tags.values()], "<u2").tobytes()
    made.set_machine(model.MTAG, TAGGER, TagScores(px[:8], tuple(tags), scores))
    half = unit(vector[None])[0].astype("<f2").tobytes()
    made.set_machine(model.EMB, EMBEDDER, Embedding(px[:8], len(vector), half))
    if taken:
        made.set_machine(model.EXIF, model.V1, Exif(taken=taken))
    if city:
        lat = {"Nice": 43.7, "Oslo": 59.9, "Rome": 41.9}[city]
        made.set_machine(model.GEO, "places@1", Place(city, "", "XX", lat, 7.0))
    sidecars.write(library.tree, rel, made)
