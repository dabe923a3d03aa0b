"""The checkpoint's container and what its shapes say about the model."""

from __future__ import annotations

import math
import re

import msgspec
import torch

from phototag.errors import BrokenModelError
from phototag.models.ram_plus.folder import Config

State = dict[str, torch.Tensor]

_BUFFERS = ("relative_position_index", "attn_mask")
_TABLE = re.compile(r"visual_encoder\.layers\.(\d+)\.blocks\.(\d+)\.attn\.relative_position_bias_table")
_HEAD_LAYER = re.compile(r"tagging_head\.encoder\.layer\.(\d+)\.")


class Dimensions(msgspec.Struct, frozen=True):
    """The sizes of a RAM++; the defaults are those of the published checkpoint."""

    image_size: int = 384
    """Pixels, square."""
    patch: int = 4
    embed_dim: int = 192
    depths: tuple[int, ...] = (2, 2, 18, 2)
    heads: tuple[int, ...] = (6, 12, 24, 48)
    window: int = 12
    mlp: int = 4
    projection: int = 512
    hidden: int = 768
    intermediate: int = 3072
    head_heads: int = 4
    head_layers: int = 2
    head_eps: float = 1e-12
    classes: int = 4585
    per_class: int = 51
    """Descriptions of each class in ``label_embed``."""


def read_state(path: str) -> State:
    """Return the tensors of inference by their published names, memory-mapped: the optimiser's are never read.

    Raises BrokenModelError. A checkpoint that ``weights_only`` refuses is not read: it could run any code.
    """
    try:
        if path.endswith(".safetensors"):
            from safetensors.torch import load_file

            loaded = load_file(path)
        else:
            loaded = torch.load(path, map_location="cpu", mmap=True, weights_only=True)
    except Exception as error:  # torch raises RuntimeError, pickle errors, EOFError, zip errors
        first = (str(error).strip().splitlines() or ["?"])[0]
        raise BrokenModelError(
            f"{path} is not a checkpoint that can be read: {first}", hint="phototag models verify"
        ) from error
    state = loaded.get("model", loaded) if isinstance(loaded, dict) else loaded
    if not isinstance(state, dict):
        raise BrokenModelError(
            f"{path} is not a checkpoint of RAM++: it holds no tensors by their names", hint="phototag models verify"
        )
    return {
        key.replace("vision_multi", "tagging_head"): value
        for key, value in state.items()
        if isinstance(key, str) and isinstance(value, torch.Tensor)
    }


def without_buffers(state: State) -> State:
    """Return ``state`` without what is computed again: window indexes and masks."""
    return {key: value for key, value in state.items() if not key.endswith(_BUFFERS)}


def dimensions(state: State, config: Config, *, classes: int) -> Dimensions:
    """Return the sizes that the shapes say; ``config`` wins where it says something. Raises BrokenModelError."""
    try:
        return _dimensions(state, config, classes)
    except (KeyError, IndexError, ValueError, ZeroDivisionError) as error:
        raise BrokenModelError(f"the checkpoint is not a RAM++: {error!r} is missing or of another shape") from error


def _dimensions(state: State, config: Config, classes: int) -> Dimensions:
    tables = {(int(m[1]), int(m[2])): state[m[0]].shape for m in map(_TABLE.fullmatch, state) if m}
    stages = 1 + max(stage for stage, _ in tables)
    depths = tuple(sum(1 for s, _ in tables if s == stage) for stage in range(stages))
    heads = tuple(tables[stage, 0][1] for stage in range(stages))
    window = (math.isqrt(tables[0, 0][0]) + 1) // 2
    embed_dim, _, patch, _ = state["visual_encoder.patch_embed.proj.weight"].shape
    rows, projection = state["label_embed"].shape
    if rows % classes:
        raise ValueError(f"label_embed of {rows} rows for {classes} tags")
    layers = 1 + max(int(m[1]) for m in map(_HEAD_LAYER.match, state) if m)
    first = "tagging_head.encoder.layer.0."
    return Dimensions(
        image_size=config.image_size or _image_size(state, window, patch),
        patch=patch,
        embed_dim=embed_dim,
        depths=depths,
        heads=heads,
        window=window,
        mlp=state["visual_encoder.layers.0.blocks.0.mlp.fc1.weight"].shape[0] // embed_dim,
        projection=projection,
        hidden=state["wordvec_proj.weight"].shape[0],
        intermediate=state[first + "intermediate.dense.weight"].shape[0],
        head_heads=config.head.num_attention_heads,
        head_layers=layers,
        head_eps=config.head.layer_norm_eps,
        classes=classes,
        per_class=rows // classes,
    )


def _image_size(state: State, window: int, patch: int) -> int:
    """Return the side in pixels from the number of windows of the first shifted block; 384 where no mask is kept."""
    mask = state.get("visual_encoder.layers.0.blocks.1.attn_mask")
    return Dimensions().image_size if mask is None else math.isqrt(mask.shape[0]) * window * patch
