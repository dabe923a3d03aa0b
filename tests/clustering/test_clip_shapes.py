"""Drawn shapes through the whole product: CLIP vectors and zero-shot tags, clusters, names."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from tests import require
from tests.make import phototag

Clustered = tuple[dict[str, Any], dict[str, dict[str, Any]]]
WORDS = ("shape", "colour", "background", "texture")


@pytest.fixture(scope="module")
def clustered(tmp_path_factory: pytest.TempPathFactory) -> Clustered:
    """Return what ``cluster --json`` says of the 200 shapes, and {path: image JSON with its cluster}."""
    require.module("onnxruntime")
    shapes = require.shared("clip_shapes")
    folder = tmp_path_factory.mktemp("shapes")
    root = folder / "photos"
    shutil.copytree(shapes / "images", root)
    model = folder / "models" / "clip" / "shapes"
    model.parent.mkdir(parents=True)
    os.symlink(shapes / "model", model)
    captions = json.loads((shapes / "captions.json").read_text())
    vocabulary = folder / "words.txt"
    vocabulary.write_text("\n".join(sorted({one[what] for one in captions for what in WORDS})) + "\n")
    run = partial(phototag, PHOTOTAG_MODELS_DIR=str(folder / "models"))
    run("scan", root, "--tagger", "clip", "--embedder", "clip", "--vocab", vocabulary, "--no-geo", "-q")
    made = json.loads(run("cluster", root, "--embedder", "clip", "--json", "-q").stdout)
    truth = {one["file"]: one for one in captions}
    listed = json.loads(run("list", root, "--json").stdout)
    for image in listed:
        truth[image["path"]]["cluster"] = image.get("cluster", {}).get("id", -1)
    return made, truth


def test_most_clusters_share_shape_or_colour(
    clustered: Clustered, record_property: Callable[[str, object], None]
) -> None:
    """The six properties vary apart, so no method finds them all (docs/clusters.md); what is found must be real."""
    from sklearn.metrics import adjusted_rand_score

    _, truth = clustered
    inside = [one for one in truth.values() if int(one["cluster"]) >= 0]
    pairs, labels = [f"{one['shape']} {one['colour']}" for one in inside], [one["cluster"] for one in inside]
    score = adjusted_rand_score(pairs, labels)
    record_property("ari", score)
    assert len(inside) >= 100
    assert score > 0.2


def test_names_say_what_the_photos_show(clustered: Clustered) -> None:
    made, truth = clustered
    right = total = 0
    for cluster in made["clusters"]:
        members = [one for one in truth.values() if one["cluster"] == cluster["id"]]
        assert len(members) == cluster["size"]
        first = cluster["terms"][0][0]
        shown = sum(first in {one[what] for what in WORDS} for one in members)
        right += shown >= 0.5 * len(members)
        total += 1
    assert total >= 10
    assert right >= 0.8 * total


def test_names_are_made_of_the_vocabulary(clustered: Clustered) -> None:
    made, truth = clustered
    words = {one[what] for one in truth.values() for what in WORDS}
    for cluster in made["clusters"]:
        assert {term for term, _ in cluster["terms"]} <= words
