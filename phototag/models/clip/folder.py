"""Which files a CLIP folder has and how its pictures and texts are prepared.

Three layouts are read: our own (``visual.onnx``, ``textual.onnx``, ``open_clip_config.json``, ``tokenizer.json``),
rclip's (the graphs and ``tokenizer/bpe_simple_vocab_16e6.txt.gz``, beside them or beside the folder) and Immich's
(``visual/model.onnx``, ``textual/model.onnx``, ``textual/tokenizer.json``, ``visual/preprocess_cfg.json``,
``config.json``). A ``config.json`` of the folder may name other files and override any value of ``Overrides``.
"""

from __future__ import annotations

import os
from typing import Annotated, Any, Literal, TypeVar

import msgspec

from phototag.errors import BrokenModelError
from phototag.models import registry
from phototag.settings import Settings

OPENAI_MEAN = (0.48145466, 0.4578275, 0.40821073)
OPENAI_STD = (0.26862954, 0.26130258, 0.27577711)
BPE = "bpe_simple_vocab_16e6.txt.gz"

_VISUAL = ("visual.onnx", "visual/model.onnx")
_TEXTUAL = ("textual.onnx", "textual/model.onnx")
_OWN_TOKENIZER = ("tokenizer.json", "textual/tokenizer.json")
_TOKENIZER = (*_OWN_TOKENIZER, f"tokenizer/{BPE}", BPE, f"../tokenizer/{BPE}")
_TORCH = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
_CONFIG = ("open_clip_config.json", "config.json")


T = TypeVar("T")


class Preprocessing(msgspec.Struct, frozen=True):
    """How a picture becomes the image tower's input (``preprocess_cfg`` of OpenCLIP)."""

    size_px: tuple[int, int] | None = None
    """(height, width); None: the graph says."""
    mean: tuple[float, float, float] = OPENAI_MEAN
    std: tuple[float, float, float] = OPENAI_STD
    interpolation: str = "bicubic"
    resize_mode: str = "shortest"
    fill: int = 0
    """Grey level of the border in ``longest`` mode."""


class Overrides(msgspec.Struct, frozen=True):
    """What ``config.json`` of a model folder may say; other keys are ignored."""

    visual: str = ""
    textual: str = ""
    tokenizer: str = ""
    image_size: int = 0
    context_length: Annotated[int, msgspec.Meta(ge=0)] = 0
    logit_scale: float = 100.0
    """Multiplies cosines for zero-shot probabilities; CLIP models are trained up to 100."""
    backend: str = "onnx"
    """``onnx``, or ``torch`` to run the OpenCLIP weights of the folder through open_clip."""


Size = int | tuple[int, int] | None


class _TokenizerConfig(msgspec.Struct, frozen=True):
    clean: Literal["lower", "whitespace", "canonicalize"] | None = None
    strip_sep_token: bool = False


class _TextConfig(msgspec.Struct, frozen=True):
    context_length: Annotated[int, msgspec.Meta(ge=2)] = 77
    tokenizer_kwargs: _TokenizerConfig | None = None
    hf_tokenizer_name: str | None = None
    hf_model_name: str | None = None


class _VisionConfig(msgspec.Struct, frozen=True):
    image_size: Size = None


class _ModelConfig(msgspec.Struct, frozen=True):
    """What is read of OpenCLIP's ``model_cfg``."""

    embed_dim: int = 0
    vision_cfg: _VisionConfig | None = None
    text_cfg: _TextConfig | None = None


class TextPreparation(msgspec.Struct, frozen=True):
    """How a text becomes the text tower's input (``text_cfg`` of OpenCLIP)."""

    context_length: int = 0
    """Tokens of a text; 0: the graph says."""
    clean: str = "lower"
    """``lower``, ``whitespace`` (case is kept) or ``canonicalize`` (SigLIP)."""
    own: bool = False
    """It has a tokenizer of its own, not CLIP's."""
    strip_sep: bool = False
    """The separator becomes 0 (CLIPA)."""


class _PictureConfig(msgspec.Struct, frozen=True):
    """What is read of OpenCLIP's ``preprocess_cfg``; nothing stands for the default."""

    size: Size = None
    mean: tuple[float, float, float] | None = None
    std: tuple[float, float, float] | None = None
    interpolation: str | None = None
    resize_mode: str | None = None
    fill_color: int | tuple[int, int, int] | None = None


class ClipFolder(msgspec.Struct, frozen=True):
    """One model folder, read. Paths are absolute; ``""`` where there is none."""

    name: str
    path: str
    visual: str
    textual: str
    tokenizer: str
    weights: str
    """OpenCLIP's own checkpoint, for the torch backend."""
    preprocessing: Preprocessing
    texts: TextPreparation
    dim: int
    """Length of the vectors; 0: the graph says."""
    logit_scale: float
    backend: str

    @property
    def identity_file(self) -> str:
        """Return the file whose content says which model it is: both towers and both backends share the space."""
        return self.visual or self.weights


def read_folder(name: str, settings: Settings) -> ClipFolder:
    """Read the folder of a full model ``name``. Raises MissingModelError, BrokenModelError."""
    path = registry.folder_of(name, settings)
    if not os.path.isdir(path):
        raise registry.missing(name, settings)
    config = _merged([read_json(os.path.join(path, file)) for file in _CONFIG])
    overrides = _converted(config, Overrides, path)
    model = _converted(config.get("model_cfg") or config, _ModelConfig, path)
    texts = text_preparation(config, path)
    weights = _first(path, "", _TORCH)
    visual = _first(path, overrides.visual, _VISUAL)
    if not visual and not (weights and overrides.backend == "torch"):
        raise registry.missing(name, settings, "visual.onnx")
    return ClipFolder(
        name=name,
        path=path,
        visual=visual,
        textual=_first(path, overrides.textual, _TEXTUAL),
        tokenizer=_first(path, overrides.tokenizer, _OWN_TOKENIZER if texts.own else _TOKENIZER),
        weights=weights,
        preprocessing=_preprocessing(path, config, overrides, model.vision_cfg or _VisionConfig()),
        texts=texts,
        dim=model.embed_dim,
        logit_scale=overrides.logit_scale,
        backend=overrides.backend,
    )


def text_preparation(config: dict[str, Any], path: str) -> TextPreparation:
    """Return what the configuration of the folder ``path`` says about texts. Raises BrokenModelError.

    As ``open_clip.get_tokenizer`` reads it: a tokenizer of the model's own leaves the case alone where nothing is said.
    """
    asked = _converted(config, Overrides, path).context_length
    text = _converted(config.get("model_cfg") or config, _ModelConfig, path).text_cfg
    if text is None:
        return TextPreparation(asked)
    own = bool(text.hf_tokenizer_name or text.hf_model_name)
    how = text.tokenizer_kwargs or _TokenizerConfig()
    clean = how.clean or ("whitespace" if own else "lower")
    return TextPreparation(asked or text.context_length, clean, own, how.strip_sep_token)


def _preprocessing(path: str, config: dict[str, Any], overrides: Overrides, vision: _VisionConfig) -> Preprocessing:
    values = config.get("preprocess_cfg") or read_json(os.path.join(path, "visual", "preprocess_cfg.json"))
    found = _converted(values, _PictureConfig, path)
    size = overrides.image_size or found.size or vision.image_size
    fill = found.fill_color or 0
    made = Preprocessing(
        size_px=(size, size) if isinstance(size, int) else size,
        mean=found.mean or OPENAI_MEAN,
        std=found.std or OPENAI_STD,
        interpolation=found.interpolation or "bicubic",
        resize_mode=found.resize_mode or "shortest",
        fill=fill if isinstance(fill, int) else fill[0],
    )
    if made.interpolation not in ("bicubic", "bilinear") or made.resize_mode not in ("shortest", "longest", "squash"):
        raise BrokenModelError(f"{path}: preprocessing {made.interpolation}/{made.resize_mode} is not known")
    if min(made.std) <= 0 or min(made.size_px or (1, 1)) < 1:
        raise BrokenModelError(f"{path}: no picture can be prepared with size {made.size_px} and std {made.std}")
    return made


def _converted(values: Any, kind: type[T], path: str) -> T:
    try:
        return msgspec.convert(values, kind, strict=False)
    except msgspec.ValidationError as error:
        raise BrokenModelError(f"{path}: its configuration is not understood: {error}") from error


def read_json(path: str) -> dict[str, Any]:
    """Return the object in a JSON file; empty where there is none. Raises BrokenModelError."""
    try:
        with open(path, "rb") as file:
            found = msgspec.json.decode(file.read())
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.DecodeError) as error:
        raise BrokenModelError(f"{path}: {error}") from error
    return found if isinstance(found, dict) else {}


def _merged(parts: list[dict[str, Any]]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for part in parts:
        merged |= part
    return merged


def _first(path: str, named: str, usual: tuple[str, ...]) -> str:
    for name in (named,) if named else usual:
        found = os.path.normpath(os.path.join(path, name))
        if os.path.isfile(found):
            return found
    return ""
