"""An int8 variant of a CLIP folder, offered only where it sees a person's own photos as the original does.

Dynamic quantisation of the image tower's matrix products is about 1.5 times as quick on a CPU; how much it changes
the vectors depends on the model and the photos, so it is measured before the variant is kept.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from phototag import fsio
from phototag.errors import BrokenModelError, ImageError, MissingExtraError, UsageError
from phototag.imaging import formats
from phototag.imaging.decode import read_picture
from phototag.models import registry
from phototag.models.clip.convert import cosines, place, quiet, staged
from phototag.models.clip.embedder import ClipImageEmbedder, open_image_embedder
from phototag.models.clip.folder import ClipFolder, read_folder, read_json
from phototag.models.registry import Options
from phototag.models.session import Graph
from phototag.settings import Settings

if TYPE_CHECKING:
    import numpy.typing as npt

LEAST = 0.999
"""Least cosine to the original on every photo looked at."""
PHOTOS, FEWEST = 64, 8
"""How many photos are looked at, spread over the folder; with fewer than FEWEST nothing is known."""
_PRODUCTS = ["MatMul", "Gemm"]


def quantise(name: str, photos: str, settings: Settings, *, say: Callable[[str], None] = lambda text: None) -> str:
    """Make ``<name>-int8`` and return its full name. Raises BrokenModelError when it sees the photos differently."""
    try:
        import onnx  # noqa: F401 - the quantiser needs it
        from onnxruntime.quantization import QuantType, quantize_dynamic
    except ImportError as error:
        raise MissingExtraError("making an int8 variant", "convert") from error
    folder = read_folder(name, settings)
    # By torch's words and a graph of its own the variant would have no text tower.
    if not folder.visual or (folder.backend == "torch" and not folder.textual):
        raise UsageError(
            f"{name} has no ONNX graphs of its own to quantise", hint=f"first: phototag models convert {name}"
        )
    full = name + registry.INT8
    target = registry.folder_of(full, settings)
    if os.path.isdir(target):
        raise UsageError(f"{full} is there already")
    original = open_image_embedder(name, settings, Options())
    inputs = list(_inputs(original, photos, settings))
    if len(inputs) < FEWEST:
        raise UsageError(f"{photos} has {len(inputs)} photos that can be read; {FEWEST} or more are needed to judge by")
    with staged(settings) as made:
        say(f"quantising the image tower of {name}")
        path = os.path.join(made, "visual.onnx")
        with quiet():
            quantize_dynamic(folder.visual, path, weight_type=QuantType.QUInt8, op_types_to_quantize=_PRODUCTS)
        say(f"comparing on {len(inputs)} photos")
        found = cosines(_run(Graph(path, settings), inputs), original.infer(inputs))
        if found.min() < LEAST:
            raise BrokenModelError(
                f"int8 sees these photos differently (cosine {found.min():.5f}, at least {LEAST} is asked); nothing was kept",
                hint=f"stay with {name}",
            )
        say(f"cosine to the original: {found.min():.5f} or more")
        _describe(folder, made, target)
        place(made, target)
    return full


def _describe(folder: ClipFolder, made: str, target: str) -> None:
    """Write what the variant shares with the original: its text tower and tokenizer stay where they are."""
    for config in ("open_clip_config.json", "visual/preprocess_cfg.json"):
        if os.path.isfile(os.path.join(folder.path, config)):
            fsio.make_folder(os.path.dirname(os.path.join(made, config)))
            fsio.write_atomic(os.path.join(made, config), fsio.read_bytes(os.path.join(folder.path, config)))
    values = read_json(os.path.join(folder.path, "config.json"))
    # The files that the original was read with, by its own config.json or by their usual names.
    shared = {"textual": folder.textual, "tokenizer": folder.tokenizer}
    values |= {key: os.path.relpath(file, target) if file else "" for key, file in shared.items()}
    values |= {"visual": "visual.onnx", "backend": "onnx"}
    fsio.write_atomic(os.path.join(made, "config.json"), msgspec.json.format(msgspec.json.encode(values)))


def _inputs(model: ClipImageEmbedder, photos: str, settings: Settings) -> Iterator[npt.NDArray[np.float32]]:
    found = sorted(_images(photos))
    for path in found[:: max(1, len(found) // PHOTOS)][:PHOTOS]:
        try:
            data = fsio.read_bytes(path)
            yield model.prepare(
                read_picture(
                    data, name=os.path.basename(path), side_px=model.side_px, max_megapixels=settings.max_megapixels
                )
            )
        except (ImageError, OSError):
            continue  # a photo that cannot be read says nothing about the model


def _images(folder: str) -> Iterator[str]:
    for base, names, files in os.walk(folder):
        names[:] = [name for name in names if not name.startswith(".")]
        for name in files:
            if formats.is_image_name(name):
                yield os.path.join(base, name)


def _run(graph: Graph, inputs: Sequence[npt.NDArray[np.float32]]) -> npt.NDArray[np.float32]:
    return np.concatenate([graph.run(inputs[i : i + 8]) for i in range(0, len(inputs), 8)])
