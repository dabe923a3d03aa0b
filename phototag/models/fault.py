"""Whose fault an answer is that is no number: the picture's, or the model's."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from phototag.errors import BrokenModelError, ImageError, PhototagError

if TYPE_CHECKING:
    import numpy.typing as npt

    Numbers = npt.NDArray[np.float32]


def of_answer(
    path: str,
    run: Callable[[list[npt.NDArray[Any]]], Numbers],
    like: npt.NDArray[Any],
    is_sound: Callable[[Numbers], bool],
) -> PhototagError:
    """Return the error: the model is asked about a plain ramp of the shape of ``like``, and must have an answer to it.

    A picture can be at fault where half precision overflows; weights that are no numbers answer everything so.
    """
    ramp = np.linspace(-1, 1, like.size, dtype=np.float32).reshape(like.shape)
    if is_sound(run([ramp])):
        # Not the file's fault: other models, or this one in another precision, have an answer.
        return ImageError("the model's answer is not a number", lasting=False)
    return broken(path)


def broken(path: str) -> BrokenModelError:
    """Return the error for weights whose answer is never a number."""
    return BrokenModelError(
        f"{path} answers with what is not a number, whatever it is asked",
        hint="'phototag models verify' says which file is damaged",
    )
