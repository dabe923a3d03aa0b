"""Libraries of sidecars for the tests of the index: images are empty files, what is said of them is not."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import xxhash

from phototag.ids import Clock
from phototag.index.reader import Index
from phototag.index.record import ImageRecord
from phototag.library import sidecars
from phototag.library.documents import write_document
from phototag.library.tree import Tree
from phototag.models.protocols import Thresholds
from phototag.settings import load
from phototag.sidecar import model
from phototag.sidecar.model import Content, Embedding, Exif, Gps, Place, TagScores
from phototag.sidecar.registers import Document

TAGGER, OTHER_TAGGER, EMBEDDER = "eyes@1#00000000", "other@2#00000000", "vec@1#00000000"
DIM = 8
OWNER = Clock(b"owner!", lambda: 1_700_000_000_000)


def library(folder: Path, **settings: Any) -> Tree:
    """Return the tree of an empty library in ``folder``, its cache beside it."""
    root = folder / "photos"
    (root / ".phototag").mkdir(parents=True, exist_ok=True)
    cache, state, data = (str(folder / kind) for kind in ("cache", "state", "data"))
    return Tree(str(root), load(str(root), cache_dir=cache, state_dir=state, data_dir=data, **settings))


def pixels(rel: str, version: int = 0) -> bytes:
    """Return the pixel hash of the made image ``rel``."""
    return xxhash.xxh3_128_digest(os.fsencode(f"{rel}#{version}"))


def vector(seed: int) -> np.ndarray[Any, np.dtype[np.float16]]:
    """Return one normalised half-float vector."""
    made = np.random.default_rng(seed).standard_normal(DIM).astype(np.float32)
    return (made / np.linalg.norm(made)).astype(np.float16)


def document(
    rel: str,
    *,
    tags: dict[str, float] | None = None,
    other_tags: dict[str, float] | None = None,
    seed: int | None = None,
    exif: Exif | None = None,
    gps: Gps | None = None,
    place: Place | None = None,
    user: dict[str, Any] | None = None,
    user_tags: dict[str, int] | None = None,
    version: int = 0,
) -> Document:
    """Return a sidecar that says these things."""
    made = Document()
    px = pixels(rel, version)
    made.set_machine(model.ID, model.CONTENT, Content(px, px, 1000 + version, 40, 30, "jpeg"))
    made.set_machine(model.ID, model.BIRTH, pixels(rel))
    made.set_machine(model.ID, model.NAME, os.fsencode(os.path.basename(rel)))
    for space, scored in ((TAGGER, tags), (OTHER_TAGGER, other_tags)):
        if scored is not None:
            ordered = sorted(scored.items(), key=lambda pair: -pair[1])
            scores = np.array([round(s * model.SCORE_SCALE) for _, s in ordered], "<u2").tobytes()
            made.set_machine(model.MTAG, space, TagScores(px[:8], tuple(t for t, _ in ordered), scores))
    if seed is not None:
        made.set_machine(model.EMB, EMBEDDER, Embedding(px[:8], DIM, vector(seed).astype("<f2").tobytes()))
    for section, key, value in ((model.EXIF, "v1", exif), (model.GPS, "v1", gps), (model.GEO, "places@1", place)):
        if value is not None:
            made.set_machine(section, key, value)
    for key, value in (user or {}).items():
        made.set_person(model.USER, key, value, OWNER)
    for tag, said in (user_tags or {}).items():
        made.set_person(model.UTAG, tag, said, OWNER)
    return made


def add(tree: Tree, rel: str, *, image: bool = True, **said: Any) -> Document:
    """Write an image and its sidecar."""
    path = Path(tree.path(rel))
    path.parent.mkdir(parents=True, exist_ok=True)
    if image:
        path.touch()
    made = document(rel, **said)
    sidecars.write(tree, rel, made, sync=False)
    return made


def thresholds(tree: Tree, space: str, limits: Thresholds) -> None:
    """Write the thresholds of a model into the library's policy."""
    policy = Document()
    policy.set_machine("thr", space, limits)
    write_document(tree, "policy", policy)


def opened(tree: Tree) -> Index:
    """Open the index that is there."""
    index = Index.open(tree)
    assert index is not None
    return index


def contents(index: Index) -> dict[str, tuple[ImageRecord, dict[str, bytes], list[object]]]:
    """Return all that the index says, by path: records, vectors by space, faces; whatever the order of rows."""
    found: dict[str, tuple[ImageRecord, dict[str, bytes], list[object]]] = {}
    vectors = {space: index.vectors(space) for space in index.spaces}
    faces = index.faces.table().to_pylist() if index.size else []
    for row in np.flatnonzero(index.alive).tolist():
        held = {s: v.get(np.array([row]))[0].tobytes() for s, v in vectors.items() if v.has[row]}
        of_row: list[object] = [{k: v for k, v in face.items() if k != "row"} for face in faces if face["row"] == row]
        path = index.path(row)
        assert path not in found, f"{path} has two rows"
        found[path] = (index.record(row), held, of_row)
    return found
