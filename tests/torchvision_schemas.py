"""torchvision beside a CPU build of torch: its compiled part cannot load, and two declared schemas are enough instead."""

from __future__ import annotations

from functools import cache
from typing import Any


@cache
def declare() -> Any:
    """Let torchvision, and so open_clip, be imported where it could not; call it before. Return what must be kept."""
    import torch

    if hasattr(torch.ops.torchvision, "nms"):
        return None
    library = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    return library
