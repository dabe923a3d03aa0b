"""OpenCLIP weights to a CLIP folder of ONNX graphs, accepted only when they answer as torch does (extra ``convert``)."""

from __future__ import annotations

import logging
import os
import shutil
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from phototag import fsio
from phototag.errors import BrokenModelError, MissingExtraError, UsageError
from phototag.ids import random_hex
from phototag.models import registry
from phototag.models.clip import words
from phototag.models.clip.folder import read_json
from phototag.models.clip.torch_backend import import_open_clip
from phototag.models.session import Graph
from phototag.settings import Settings

if TYPE_CHECKING:
    import numpy.typing as npt

PARITY = 0.9999
"""Least cosine between torch's and ONNX Runtime's vectors of the same input."""
CONFIG = "open_clip_config.json"

WEIGHTS = (".safetensors", ".bin", ".pth")
"""What open_clip takes for weights in a folder."""

INLINE_BYTES = 1_900_000_000
"""Weights up to so many bytes go into the graph's own file; protobuf ends at 2 GiB."""

Say = Callable[[str], None]


def convert(source: str, settings: Settings, *, weights: str = "", name: str = "", say: Say = lambda text: None) -> str:
    """Convert ``source`` and return the new model's full name; nothing is fetched and nothing is kept on failure.

    ``source`` is a folder with ``open_clip_config.json`` and weights, or an architecture's name together with
    ``weights``. Raises MissingExtraError, UsageError (above all where its tokenizer is not known), BrokenModelError
    when the graphs answer differently.
    """
    full = f"clip/{name or os.path.basename(os.path.abspath(source))}"
    target = registry.folder_of(full, settings)
    if os.path.isfile(os.path.join(target, "visual.onnx")):
        raise UsageError(f"{full} is there already", hint=f"give another name with --as, or remove {target}")
    config = _config(source, weights)
    tokenizer = words.files_of(config, source if os.path.isdir(source) else "", os.path.dirname(weights))
    tokens = words.tokens_of(config, tokenizer)
    model, config = _load(source, weights, config)
    with staged(settings) as folder:
        say("exporting the image tower")
        image = np.random.default_rng(0).normal(size=(3, 3, *_size_px(model))).astype(np.float32)
        _export(_tower(model, "encode_image"), image, os.path.join(folder, "visual.onnx"))
        say("exporting the text tower")
        _export(_tower(model, "encode_text"), tokens, os.path.join(folder, "textual.onnx"))
        say("comparing with torch")
        for part, method, inputs in (("visual", "encode_image", image), ("textual", "encode_text", tokens)):
            _compare(Graph(os.path.join(folder, f"{part}.onnx"), settings), model, method, inputs, part)
        fsio.write_atomic(os.path.join(folder, CONFIG), msgspec.json.format(msgspec.json.encode(config)))
        for path in tokenizer:
            _copy(path, os.path.join(folder, os.path.basename(path)))
        place(folder, target)
    return full


@contextmanager
def staged(settings: Settings) -> Iterator[str]:
    """Yield a fresh folder beside the models, removed in the end unless it was moved away."""
    folder = os.path.join(settings.models_dir, f".converting-{random_hex(6)}")
    fsio.make_folder(folder)
    try:
        yield folder
    finally:
        fsio.remove_tree(folder)


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the exporters' warnings about themselves from the terminal while the block runs."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def place(folder: str, target: str) -> None:
    """Move a finished folder to its place; a folder that holds only the weights it came from gets the files."""
    fsio.make_folder(os.path.dirname(target))
    if not os.path.lexists(target):
        fsio.replace(folder, target)
        return
    for name in sorted(os.listdir(folder)):
        if not os.path.lexists(os.path.join(target, name)):
            fsio.replace(os.path.join(folder, name), os.path.join(target, name))


def cosines(left: npt.NDArray[np.float32], right: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Return the cosine of each pair of rows."""
    a, b = left.astype(np.float64), right.astype(np.float64)
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    found: npt.NDArray[np.float64] = np.einsum("nd,nd->n", a, b) / np.maximum(lengths, 1e-30)
    return found


def _config(source: str, weights: str) -> dict[str, Any]:
    """Return the open_clip configuration of a folder or an architecture; the weights are there."""
    if find_spec("onnxscript") is None:  # torch's exporter needs it and says so late
        raise MissingExtraError("converting an OpenCLIP model", "convert")
    open_clip = import_open_clip("converting an OpenCLIP model")
    if os.path.isdir(source):
        path = os.path.join(source, CONFIG)
        if not os.path.isfile(path):
            raise UsageError(f"{source} has no {CONFIG}")
        config = read_json(path)
        model = config.get("model_cfg")
        if not isinstance(model, dict) or not isinstance(model.get("text_cfg"), dict):
            raise BrokenModelError(f"{path} does not say which model it is: it has no model_cfg with a text_cfg")
        if not any(name.endswith(WEIGHTS) for name in os.listdir(source)):  # open_clip would invent some
            raise UsageError(f"{source} has no weights", hint="put open_clip_model.safetensors there")
        return config
    if source not in open_clip.list_models():
        raise UsageError(f"{source!r} is neither a folder nor an architecture of OpenCLIP")
    if not os.path.isfile(weights):
        raise UsageError(
            f"{source} needs its weights",
            hint="phototag models fetch hf:ORGANISATION/MODEL, then phototag models convert that folder; or --weights FILE",
        )
    return {"model_cfg": open_clip.get_model_config(source)}


def _load(source: str, weights: str, config: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Return the model on the CPU, and its configuration with how it sees pictures."""
    open_clip = import_open_clip("converting an OpenCLIP model")
    if os.path.isdir(source):
        return open_clip.create_model(f"local-dir:{os.path.abspath(source)}").eval(), config
    model = open_clip.create_model(source, pretrained=weights).eval()
    preprocessing = {key: value for key, value in model.visual.preprocess_cfg.items() if value is not None}
    return model, config | {"preprocess_cfg": preprocessing}


def _size_px(model: Any) -> tuple[int, int]:
    size = model.visual.image_size
    return tuple(size) if isinstance(size, (tuple, list)) else (size, size)


def _tower(model: Any, method: str) -> Any:
    import torch

    class Tower(torch.nn.Module):  # type: ignore[misc]  # torch is not read by mypy
        """One of the two methods as a module, with the names that the graph gets."""

        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, input: Any) -> Any:  # noqa: A002 - the graph's input is named after it
            """Return vectors of any length; the embedder brings them to 1."""
            return getattr(self.model, method)(input)

    return Tower().eval()


def _export(tower: Any, example: npt.NDArray[Any], path: str) -> None:
    import torch

    weights = sum(value.numel() * value.element_size() for value in tower.parameters())
    with quiet(), torch.inference_mode():
        torch.onnx.export(
            tower,
            (torch.from_numpy(example),),
            path,
            dynamo=True,
            external_data=weights > INLINE_BYTES,
            input_names=["input"],
            output_names=["output"],
            dynamic_shapes=({0: torch.export.Dim("n", min=1, max=4096)},),
            verbose=False,
        )


def _compare(graph: Graph, model: Any, method: str, inputs: npt.NDArray[Any], part: str) -> None:
    """Raise BrokenModelError unless the graph answers as torch does, in a batch and one by one."""
    import torch

    with torch.inference_mode():
        wanted = getattr(model, method)(torch.from_numpy(inputs)).float().numpy()
    for found in (graph.run(list(inputs)), np.concatenate([graph.run([row]) for row in inputs])):
        worst = float(cosines(found, wanted).min())
        if worst < PARITY:
            raise BrokenModelError(
                f"the {part} graph does not answer as torch does (cosine {worst:.5f}); nothing was kept"
            )


def _copy(source: str, target: str) -> None:
    with open(source, "rb") as file, fsio.replacing(target) as out:
        shutil.copyfileobj(file, out)
