"""Which torch device the settings ask for."""

from __future__ import annotations

from typing import Any

from phototag.errors import MissingExtraError, UsageError
from phototag.settings import Settings


def pick(settings: Settings) -> Any:
    """Return the ``torch.device`` of ``auto``, ``cpu`` or ``cuda``. Raises UsageError, MissingExtraError."""
    try:
        import torch
    except ImportError as error:
        raise MissingExtraError("running a torch model", "ram") from error
    if settings.device not in ("auto", "cpu", "cuda"):
        raise UsageError(f"no device is called {settings.device!r}", hint="auto, cpu or cuda")
    cuda = torch.cuda.is_available()
    if settings.device == "cuda" and not cuda:
        raise UsageError("torch finds no CUDA device", hint="leave the device at auto, or install torch for CUDA")
    return torch.device("cuda" if cuda and settings.device != "cpu" else "cpu")
