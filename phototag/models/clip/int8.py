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
from phototag.models.clip.folder import read_folder
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
    full = name + registry.INT8
    if os.path.isdir(registry.folder_of(full, settings)):
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
        _describe(folder.path, made, name)
        place(made, registry.folder_of(full, settings))
    return full


def _describe(base: str, made: str, name: str) -> None:
    """Write what the variant shares with the original: its text tower and tokenizer stay where they are."""
    short = name.rpartition("/")[2]
    for config in ("open_clip_config.json", "config.json"):
        if os.path.isfile(os.path.join(base, config)):
            fsio.write_atomic(os.path.join(made, config), fsio.read_bytes(os.path.join(base, config)))
    path = os.path.join(made, "config.json")
    values = msgspec.json.decode(fsio.read_bytes(path)) if os.path.isfile(path) else {}
    for key, files in (("textual", ("textual.onnx", "textual/model.onnx")), ("tokenizer", _TOKENIZERS)):
        there = next((file for file in files if os.path.isfile(os.path.join(base, file))), "")
        values |= {key: f"../{short}/{there}"} if there else {}
    how = os.path.join("visual", "preprocess_cfg.json")
    if os.path.isfile(os.path.join(base, how)):
        values["preprocess_cfg"] = msgspec.json.decode(fsio.read_bytes(os.path.join(base, how)))
    fsio.write_atomic(path, msgspec.json.format(msgspec.json.encode(values | {"visual": "visual.onnx"})))


_TOKENIZERS = (
    "tokenizer.json",
    "textual/tokenizer.json",
    "tokenizer/bpe_simple_vocab_16e6.txt.gz",
    "bpe_simple_vocab_16e6.txt.gz",
    "../tokenizer/bpe_simple_vocab_16e6.txt.gz",
)


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
