"""RAM++ written a second time, in numpy and as plainly as can be: loops over windows, no shared code with the product.

From the description in the literature (Liu et al. 2021; Huang et al. 2023), so that the tests need no download.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

F = npt.NDArray[np.float64]
Linear = Callable[[str, F], F]
Norm = Callable[..., F]
CONFIG: dict[str, Any] = {
    "image": 32, "patch": 4, "embed": 8, "depths": (2, 1), "heads": (2, 4), "window": 4, "mlp": 2, "proj": 12,
    "hidden": 16, "inter": 24, "head_heads": 4, "layers": 2, "classes": 7, "per_class": 3,
}  # fmt: skip
TAGS = ("dog", "cat", "tree", "boat", "dog house", "sea", "boat")


def state(seed: int = 0) -> dict[str, F]:
    """Return random weights under the published names."""
    rng, c = np.random.default_rng(seed), CONFIG
    out: dict[str, F] = {}

    def linear(name: str, outputs: int, inputs: int, *, bias: bool = True) -> None:
        out[f"{name}.weight"] = rng.normal(0, 1.2 / math.sqrt(inputs), (outputs, inputs))
        if bias:
            out[f"{name}.bias"] = rng.normal(0, 0.1, outputs)

    def norm(name: str, size: int) -> None:
        out[f"{name}.weight"], out[f"{name}.bias"] = rng.normal(1, 0.1, size), rng.normal(0, 0.1, size)

    out["visual_encoder.patch_embed.proj.weight"] = rng.normal(0, 0.2, (c["embed"], 3, c["patch"], c["patch"]))
    out["visual_encoder.patch_embed.proj.bias"] = rng.normal(0, 0.1, c["embed"])
    norm("visual_encoder.patch_embed.norm", c["embed"])
    for i, (depth, heads) in enumerate(zip(c["depths"], c["heads"], strict=True)):
        dim = c["embed"] * 2**i
        for j in range(depth):
            block = f"visual_encoder.layers.{i}.blocks.{j}"
            norm(f"{block}.norm1", dim)
            out[f"{block}.attn.relative_position_bias_table"] = rng.normal(0, 0.5, ((2 * c["window"] - 1) ** 2, heads))
            linear(f"{block}.attn.qkv", 3 * dim, dim)
            linear(f"{block}.attn.proj", dim, dim)
            norm(f"{block}.norm2", dim)
            linear(f"{block}.mlp.fc1", c["mlp"] * dim, dim)
            linear(f"{block}.mlp.fc2", dim, c["mlp"] * dim)
        if i + 1 < len(c["depths"]):
            norm(f"visual_encoder.layers.{i}.downsample.norm", 4 * dim)
            linear(f"visual_encoder.layers.{i}.downsample.reduction", 2 * dim, 4 * dim, bias=False)
    width = c["embed"] * 2 ** (len(c["depths"]) - 1)
    norm("visual_encoder.norm", width)
    linear("image_proj", c["proj"], width)
    labels = rng.normal(size=(c["classes"] * c["per_class"], c["proj"]))
    out["label_embed"] = labels / np.linalg.norm(labels, axis=1, keepdims=True)
    out["reweight_scale"] = np.array(1.1)
    linear("wordvec_proj", c["hidden"], c["proj"])
    for k in range(c["layers"]):
        layer = f"tagging_head.encoder.layer.{k}"
        for part, inputs in (("query", c["hidden"]), ("key", c["proj"]), ("value", c["proj"])):
            linear(f"{layer}.crossattention.self.{part}", c["hidden"], inputs)
        linear(f"{layer}.crossattention.output.dense", c["hidden"], c["hidden"])
        norm(f"{layer}.crossattention.output.LayerNorm", c["hidden"])
        linear(f"{layer}.intermediate.dense", c["inter"], c["hidden"])
        linear(f"{layer}.output.dense", c["hidden"], c["inter"])
        norm(f"{layer}.output.LayerNorm", c["hidden"])
    linear("fc", 1, c["hidden"])
    side = c["image"] // c["patch"]
    out["visual_encoder.layers.0.blocks.1.attn_mask"] = np.zeros(((side // c["window"]) ** 2, 16, 16))
    return out


def logits(s: dict[str, F], pixels: F, *, per_class: int = 3) -> F:
    """Return the logit of each class for one image, pixels (3, S, S)."""
    c = CONFIG

    def linear(name: str, x: F) -> F:
        return x @ s[f"{name}.weight"].T + s.get(f"{name}.bias", np.zeros(()))

    def norm(name: str, x: F, eps: float = 1e-5) -> F:
        centred: F = x - x.mean(-1, keepdims=True)
        unit: F = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + eps)
        return unit * s[f"{name}.weight"] + s[f"{name}.bias"]

    side, p = c["image"] // c["patch"], c["patch"]
    kernel = s["visual_encoder.patch_embed.proj.weight"]
    grid = np.array(
        [
            [(kernel * pixels[:, y * p : y * p + p, x * p : x * p + p]).sum((1, 2, 3)) for x in range(side)]
            for y in range(side)
        ]
    )
    grid = norm("visual_encoder.patch_embed.norm", grid + s["visual_encoder.patch_embed.proj.bias"])
    for i, (depth, heads) in enumerate(zip(c["depths"], c["heads"], strict=True)):
        for j in range(depth):
            block = f"visual_encoder.layers.{i}.blocks.{j}"
            shift = c["window"] // 2 if j % 2 and grid.shape[0] > c["window"] else 0
            grid = grid + windowed(s, linear, block, norm(f"{block}.norm1", grid), heads, shift)
            hidden = gelu(linear(f"{block}.mlp.fc1", norm(f"{block}.norm2", grid)))
            grid = grid + linear(f"{block}.mlp.fc2", hidden)
        if i + 1 < len(c["depths"]):
            four = [grid[0::2, 0::2], grid[1::2, 0::2], grid[0::2, 1::2], grid[1::2, 1::2]]
            down = f"visual_encoder.layers.{i}.downsample"
            grid = linear(f"{down}.reduction", norm(f"{down}.norm", np.concatenate(four, -1)))
    tokens = norm("visual_encoder.norm", grid.reshape(-1, grid.shape[-1]))
    image = linear("image_proj", np.concatenate([tokens.mean(0, keepdims=True), tokens]))
    labels = s["label_embed"].reshape(-1, per_class, c["proj"])
    fit = np.exp(s["reweight_scale"]) * labels @ (image[0] / np.linalg.norm(image[0]))
    tags = np.maximum(0, linear("wordvec_proj", (softmax(fit)[..., None] * labels).sum(1)))
    for k in range(c["layers"]):
        layer = f"tagging_head.encoder.layer.{k}"
        tags = attend(linear, norm, layer, tags, image, c["head_heads"])
    return linear("fc", tags)[:, 0]


def attend(linear: Linear, norm: Norm, layer: str, tags: F, image: F, heads: int) -> F:
    """Return the tags after one decoder layer."""
    q, k, v = (
        linear(f"{layer}.crossattention.self.{n}", x) for n, x in (("query", tags), ("key", image), ("value", image))
    )
    size = q.shape[1] // heads
    parts = []
    for h in range(heads):
        cut = slice(h * size, (h + 1) * size)
        parts.append(softmax(q[:, cut] @ k[:, cut].T / math.sqrt(size)) @ v[:, cut])
    found = linear(f"{layer}.crossattention.output.dense", np.concatenate(parts, -1)) + tags
    tags = norm(f"{layer}.crossattention.output.LayerNorm", found, 1e-12)
    hidden = linear(f"{layer}.output.dense", gelu(linear(f"{layer}.intermediate.dense", tags)))
    return norm(f"{layer}.output.LayerNorm", hidden + tags, 1e-12)


def windowed(s: dict[str, F], linear: Linear, block: str, grid: F, heads: int, shift: int) -> F:
    """Return window attention over a grid, one window and one head at a time."""
    side, w = grid.shape[0], CONFIG["window"]
    rolled = np.roll(grid, (-shift, -shift), (0, 1))
    band = np.zeros(side, int)
    if shift:
        band[side - w :], band[side - shift :] = 1, 2
    out = np.zeros_like(grid)
    table = s[f"{block}.attn.relative_position_bias_table"]
    for top in range(0, side, w):
        for left in range(0, side, w):
            cells = [(y, x) for y in range(top, top + w) for x in range(left, left + w)]
            tokens = np.array([rolled[y, x] for y, x in cells])
            q, k, v = np.split(linear(f"{block}.attn.qkv", tokens), 3, axis=1)
            size = q.shape[1] // heads
            result = []
            for h in range(heads):
                cut = slice(h * size, (h + 1) * size)
                score = q[:, cut] @ k[:, cut].T / math.sqrt(size)
                for a, (ya, xa) in enumerate(cells):
                    for b, (yb, xb) in enumerate(cells):
                        score[a, b] += table[(ya - yb + w - 1) * (2 * w - 1) + xa - xb + w - 1, h]
                        score[a, b] -= 100.0 * ((band[ya], band[xa]) != (band[yb], band[xb]))
                result.append(softmax(score) @ v[:, cut])
            done = linear(f"{block}.attn.proj", np.concatenate(result, -1))
            for (y, x), row in zip(cells, done, strict=True):
                out[y, x] = row
    return np.roll(out, (shift, shift), (0, 1))


def softmax(x: F) -> F:
    """Return the softmax over the last axis."""
    e = np.exp(x - x.max(-1, keepdims=True))
    shares: F = e / e.sum(-1, keepdims=True)
    return shares


def gelu(x: F) -> F:
    """Return the exact GELU."""
    erf: F = np.vectorize(math.erf)(x / math.sqrt(2))
    return 0.5 * x * (1 + erf)


def write_folder(folder: Path, *, seed: int = 0, **config: Any) -> Path:
    """Write a model folder with these weights in the published container; return it."""
    import torch

    folder.mkdir(parents=True)
    tensors = {key: torch.tensor(value, dtype=torch.float32) for key, value in state(seed).items()}
    torch.save({"model": tensors, "optimizer": {"step": 1}, "config": {"x": [1]}, "epoch": 3}, folder / "ram.pth")
    (folder / "ram_tag_list.txt").write_text("\n".join(TAGS) + "\n")
    (folder / "ram_tag_list_threshold.txt").write_text("\n".join(["0.5"] * 5 + ["0.3", "0.9"]) + "\n")
    (folder / "ram_tag_list_chinese.txt").write_text("狗 \n猫 \n树\n船\n狗\n海\n船\n", encoding="utf-8")
    (folder / "config.json").write_bytes(msgspec.json.encode({"checkpoint": "ram.pth", **config}))
    return folder
