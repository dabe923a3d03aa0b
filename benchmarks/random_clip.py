"""A CLIP of the published size with random weights, where none was fetched: the arithmetic is the same."""

from __future__ import annotations

import os
import sys
import warnings

from phototag.models.clip.convert import convert
from phototag.settings import load
from tests import torchvision_schemas

ARCHITECTURE, NAME = "ViT-B-32-256", "clip/random"


def make(folder: str) -> None:
    """Make ``NAME`` in the models folder ``folder``, in a minute or two.

    Needs the extra ``convert``. Raises ImportError, PhototagError.
    """
    torchvision_schemas.declare()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import open_clip
        import torch

        torch.manual_seed(0)
        weights = os.path.join(folder, "weights.pt")
        torch.save(open_clip.create_model(ARCHITECTURE).state_dict(), weights)
        convert(ARCHITECTURE, load(models_dir=folder), weights=weights, name=NAME.partition("/")[2])
    os.unlink(weights)


if __name__ == "__main__":
    make(sys.argv[1])
