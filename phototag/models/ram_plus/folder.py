"""Which files a RAM++ folder has. Reads small text files only: no torch here."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from typing import Annotated

import msgspec

from phototag.errors import BrokenModelError
from phototag.models import registry
from phototag.settings import Settings

CHECKPOINT = "ram_plus_swin_large_14m.pth"
PUBLISHED_BYTES = 3_010_210_801
TAGS, THRESHOLDS = "ram_tag_list.txt", "ram_tag_list_threshold.txt"
_LANGUAGES = {"zh": "ram_tag_list_chinese.txt"}
DEFAULT_THRESHOLD = 0.68
"""What upstream uses without a file of thresholds."""
MOST_PX = 8192
"""No such model looks at more: 20 times the side of the published one."""


class Head(msgspec.Struct, frozen=True):
    """The tag decoder, where it is not as published."""

    num_attention_heads: Annotated[int, msgspec.Meta(ge=1)] = 4
    layer_norm_eps: Annotated[float, msgspec.Meta(gt=0, le=1)] = 1e-12


class Config(msgspec.Struct, frozen=True):
    """``config.json`` of the folder; everything else about the dimensions is in the checkpoint's shapes."""

    checkpoint: str = ""
    tags: str = TAGS
    thresholds: str = THRESHOLDS
    languages: Mapping[str, str] = {}
    """Language to the file of the list in it, line for line as ``tags``."""
    image_size: Annotated[int, msgspec.Meta(ge=0, le=MOST_PX)] = 0
    """0: as the checkpoint says."""
    head: Head = Head()
    delete_tag_index: tuple[int, ...] = ()
    """Classes never given, as upstream's option of that name."""
    text_encoder: str = "clip/ViT-B-16__openai"
    """Whose text embeddings describe words outside the list: RAM++ was trained on those of CLIP ViT-B/16."""


class RamFolder(msgspec.Struct, frozen=True):
    """One RAM++ folder, read."""

    name: str
    path: str
    checkpoint: str
    config: Config
    tags: tuple[str, ...]
    """In the order of the classes."""
    thresholds: tuple[float, ...]


def read_folder(name: str, settings: Settings) -> RamFolder:
    """Read the folder of a full model ``name``. Raises MissingModelError, BrokenModelError."""
    path = registry.folder_of(name, settings)
    if not os.path.isdir(path):
        raise registry.missing(name, settings)
    config = _config(os.path.join(path, "config.json"))
    checkpoint = _checkpoint(path, config.checkpoint)
    lacking = [file for file, there in ((config.checkpoint or CHECKPOINT, checkpoint),) if not there]
    lacking += [] if os.path.isfile(os.path.join(path, config.tags)) else [config.tags]
    if lacking:
        raise registry.missing(name, settings, *lacking)
    tags = lines(os.path.join(path, config.tags))
    file = os.path.join(path, config.thresholds)
    thresholds = _numbers(file) if os.path.isfile(file) else (DEFAULT_THRESHOLD,) * len(tags)
    if len(thresholds) != len(tags):
        raise BrokenModelError(f"{file} has {len(thresholds)} lines for {len(tags)} tags")
    return RamFolder(name, path, checkpoint, config, tags, thresholds)


def labels_of(folder: RamFolder, language: str) -> tuple[str, ...]:
    """Return the name of each class in ``language`` (``""``: English). Raises MissingModelError, BrokenModelError."""
    if language in ("", "en"):
        return _distinct(folder.tags, folder.tags)
    names = {**_LANGUAGES, **folder.config.languages}
    file = os.path.join(folder.path, names.get(language, f"ram_tag_list_{language}.txt"))
    if not os.path.isfile(file):
        raise BrokenModelError(f"{folder.name} has no list of tags in {language!r}: {file} is not there")
    found = lines(file)
    if len(found) != len(folder.tags):
        raise BrokenModelError(f"{file} has {len(found)} lines for {len(folder.tags)} tags")
    return _distinct(found, folder.tags)


def lines(path: str) -> tuple[str, ...]:
    """Return the lines of a UTF-8 text without the white space around them. Raises BrokenModelError."""
    try:
        with open(path, encoding="utf-8-sig") as file:
            return tuple(line.strip() for line in file.read().rstrip().split("\n"))
    except (OSError, UnicodeDecodeError) as error:
        raise BrokenModelError(f"{path}: {error}") from error


def _distinct(names: tuple[str, ...], english: tuple[str, ...]) -> tuple[str, ...]:
    """Return ``names`` with each later namesake told apart by its English name, or its number."""
    seen: set[str] = set()
    out = []
    for number, (name, other) in enumerate(zip(names, english, strict=True)):
        for label in (name, f"{name} ({other})", f"{name} ({number})"):
            if label not in seen:
                break
        seen.add(label)
        out.append(label)
    return tuple(out)


def _numbers(path: str) -> tuple[float, ...]:
    found = []
    for number, line in enumerate(lines(path), 1):
        try:
            found.append(float(line))
        except ValueError as error:
            raise BrokenModelError(f"{path}, line {number}: {error}") from error
        if not math.isfinite(found[-1]):
            raise BrokenModelError(f"{path}, line {number}: {line} is no threshold")
    return tuple(found)


def _config(path: str) -> Config:
    try:
        with open(path, "rb") as file:
            return msgspec.json.decode(file.read(), type=Config)
    except FileNotFoundError:
        return Config()
    except (OSError, msgspec.DecodeError) as error:
        raise BrokenModelError(f"{path}: {error}") from error


def _checkpoint(path: str, named: str) -> str:
    """Return the checkpoint's path: the one named, the published name, or the only one there; ``""`` without."""
    here = sorted(name for name in os.listdir(path) if name.endswith((".pth", ".safetensors")))
    for name in (named,) if named else (CHECKPOINT, *(here if len(here) == 1 else ())):
        if os.path.isfile(os.path.join(path, name)):
            return os.path.join(path, name)
    return ""
