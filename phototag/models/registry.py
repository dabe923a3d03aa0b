"""Which models exist, how a person names them, and which function opens each.

A model is named by its folder under the models folder: ``clip/<name>``, ``ram_plus``, ``insightface/<pack>``; plus
``builtin``, which needs no folder. The part before the slash is its family. A family is a table of
``"module:factory"`` strings, so that nothing heavy is imported before it is used; other distributions add families
through the entry-point group ``phototag.models`` (each entry point gives a ``Family``).

A factory is called as ``factory(name, settings, options)``; text embedders and face detectors without options.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import msgspec

from phototag.errors import MissingModelError, UsageError
from phototag.models.protocols import FaceDetector, ImageEmbedder, Tagger, TextEmbedder
from phototag.settings import Settings

ENTRY_POINTS = "phototag.models"
BUILTIN = "builtin"

INT8 = "-int8"
"""How the name of an int8 variant ends."""

TAG, EMBED, TEXT, FACES = "tag", "embed", "text", "faces"
"""What a model can do."""


class Family(msgspec.Struct, frozen=True):
    """The models that one adapter serves: for each task the ``"module:factory"`` that opens one."""

    name: str
    factories: Mapping[str, str]
    folders: str = ""
    """``""``: no weights; ``"one"``: the folder ``<name>``; ``"many"``: each folder in ``<name>/``."""
    default: str = ""
    """Which folder of ``<name>/`` the bare family name means."""
    alias: str = ""
    """What a person may say instead of the name."""
    listed: tuple[str, ...] = ()
    """The tasks it does by itself, which ``models list`` names and a library may have it do by default; empty: all."""


class Options(msgspec.Struct, frozen=True):
    """What a run may ask of a model beyond its name; a model that cannot do it raises UsageError."""

    vocabulary: tuple[str, ...] = ()
    """Only these tags (``--vocab FILE``); empty: the model's own list."""
    language: str = ""
    """Language of the model's own tag list: ``zh``; empty: English."""
    batch_size: int = 0
    """0: chosen from the memory at hand."""
    threads: int = 0
    """Threads that one inference may use; 0: all cores."""
    precision: str = ""
    """``fp32``, ``fp16`` or ``bf16``; empty: fp32 on a CPU, fp16 on a GPU."""


class ModelStatus(msgspec.Struct, frozen=True):
    """One line of ``models list``."""

    name: str
    task: str
    present: bool
    default: bool
    size: int
    """Bytes on disk, or of the download when not present."""
    license: str
    path: str = ""


FAMILIES: dict[str, Family] = {
    BUILTIN: Family(
        name=BUILTIN,
        factories={
            TAG: "phototag.models.builtin.analyser:open_tagger",
            EMBED: "phototag.models.builtin.analyser:open_image_embedder",
        },
    ),
    "clip": Family(
        name="clip",
        factories={
            TAG: "phototag.models.clip.zeroshot:open_tagger",
            EMBED: "phototag.models.clip.embedder:open_image_embedder",
            TEXT: "phototag.models.clip.embedder:open_text_embedder",
        },
        folders="many",
        default="ViT-B-32-256-datacomp_s34b_b86k",
        listed=(EMBED,),
    ),
    "ram_plus": Family(
        name="ram_plus",
        factories={TAG: "phototag.models.ram_plus.tagger:open_tagger"},
        folders="one",
        alias="ram++",
    ),
    "insightface": Family(name="insightface", factories={}, folders="many", default="buffalo_l", alias="faces"),
}
"""The families of phototag itself; insightface is fetched and verified, no command opens it yet."""


def families() -> dict[str, Family]:
    """Return every family by name, those of other installed distributions included; ours win a clash."""
    return _plugins()[0] | FAMILIES


def _plugins() -> tuple[dict[str, Family], list[str]]:
    """Return the families of other distributions, and what is wrong with those that cannot be loaded."""
    from importlib.metadata import entry_points  # 0.1 s: only when a name is not one of ours, or to list all

    found: dict[str, Family] = {}
    broken = []
    for point in entry_points(group=ENTRY_POINTS):
        try:
            family = point.load()
        except Exception as error:  # noqa: BLE001 - another distribution's code must not take ours along
            broken.append(f"the plugin {point.name!r} cannot be loaded: {error}")
            continue
        if isinstance(family, Family):
            found[family.name] = family
        else:
            broken.append(f"the plugin {point.name!r} gives no Family")
    return found, broken


def open_tagger(name: str, settings: Settings, options: Options | None = None) -> Tagger:
    """Open a tagger by name or alias. Raises UsageError, MissingModelError, MissingExtraError."""
    model: Tagger = _open(TAG, name, settings, options or Options())
    return model


def open_image_embedder(name: str, settings: Settings, options: Options | None = None) -> ImageEmbedder:
    """Open an image embedder by name or alias. Raises UsageError, MissingModelError, MissingExtraError."""
    model: ImageEmbedder = _open(EMBED, name, settings, options or Options())
    return model


def open_text_embedder(name: str, settings: Settings) -> TextEmbedder:
    """Open the text side of an embedder. Raises UsageError, MissingModelError, MissingExtraError."""
    model: TextEmbedder = _open(TEXT, name, settings)
    return model


def open_face_detector(name: str, settings: Settings) -> FaceDetector:
    """Open a face detector by name or alias. Raises UsageError, MissingModelError, MissingExtraError."""
    model: FaceDetector = _open(FACES, name, settings)
    return model


def can(name: str, task: str) -> bool:
    """Say whether the family of ``name`` has a model for ``task``; its weights may still be missing."""
    family = _family(name)
    return family is not None and task in family.factories


def resolve(name: str, settings: Settings) -> str:
    """Return the full name of a model: aliases and bare family names replaced.

    Raises UsageError for a name that means nothing or several models, MissingModelError when the family has none here.
    """
    family = _family(name)
    if family is None:
        plugins, broken = _plugins()
        known = sorted({f.alias or f.name for f in (plugins | FAMILIES).values()})
        hint = "; ".join([f"known: {', '.join(known)}", "see 'phototag models list'", *broken])
        raise UsageError(f"no model is called {name!r}", hint=hint)
    rest = name.partition("/")[2]
    if family.folders != "many":
        if rest:
            raise UsageError(
                f"{name!r} is not the name of a model", hint=f"{family.alias or family.name} has no others"
            )
        return family.name
    if rest:
        return f"{family.name}/{rest}"
    here = folders_of(family, settings)
    # A quicker variant answers to its own name only: it is never meant by the name of its original.
    here = [found for found in here if not (found.endswith(INT8) and found.removesuffix(INT8) in here)]
    default = f"{family.name}/{family.default}"
    if default in here:
        return default
    if len(here) == 1:
        return here[0]
    if here:
        raise UsageError(f"{name!r} may mean {' or '.join(here)}", hint="name one of them in full")
    raise missing(default, settings)


def folder_of(name: str, settings: Settings) -> str:
    """Return the folder that holds the weights of a full ``name``; it may not exist. Raises UsageError.

    A name is a family and at most one folder: it cannot lead out of the models folder.
    """
    parts = name.split("/")
    if len(parts) > 2 or any(part in ("", ".", "..") or "\0" in part for part in parts):
        raise UsageError(f"{name!r} is not the name of a model", hint="see 'phototag models list'")
    return os.path.join(settings.models_dir, *name.split("/"))


def folders_of(family: Family, settings: Settings) -> list[str]:
    """Return the full names of the models of ``family`` that have a folder here, sorted."""
    base = os.path.join(settings.models_dir, family.name)
    if family.folders == "one":
        return [family.name] if os.path.isdir(base) else []
    if family.folders == "many":
        try:
            names = sorted(os.listdir(base))
        except OSError:
            return []
        return [f"{family.name}/{n}" for n in names if not n.startswith(".") and os.path.isdir(os.path.join(base, n))]
    return []


def has_folder(name: str) -> bool:
    """Say whether the weights of a full ``name`` lie in a folder; ``builtin`` has none."""
    family = _family(name)
    return family is None or bool(family.folders)


def missing(name: str, settings: Settings, *files: str) -> MissingModelError:
    """Return the error for weights that are not here: what, where it was looked for, and the command that helps."""
    from phototag.models import manifest  # it needs this module

    what = f" ({', '.join(files)})" if files else ""
    family, _, short = name.partition("/")
    if name in manifest.ENTRIES:
        hint = f"phototag models fetch {name}"
    elif family == "clip" and short.endswith(INT8):
        base = name.removesuffix(INT8)
        hint = (
            f"it shares files with {base}, which must stay where it is; "
            f"phototag models convert {base} --int8 --photos FOLDER makes it anew"
        )
    elif family == "clip":
        hint = f"put its files there, or: phototag models fetch hf:ORGANISATION/{short}, then phototag models convert {name}"
    else:
        hint = "put its files there; 'phototag models list' says what 'phototag models fetch' can get"
    return MissingModelError(f"the weights of {name}{what} are not in {folder_of(name, settings)}", hint=hint)


def _family(name: str) -> Family | None:
    stem = name.partition("/")[0]
    for table in (FAMILIES, None):
        for family in (table if table is not None else families()).values():
            if stem in (family.name, family.alias):
                return family
    return None


def _open(task: str, name: str, settings: Settings, *arguments: Any) -> Any:
    family = _family(name)
    if family is None:
        resolve(name, settings)  # says which there are
    target = family.factories.get(task) if family is not None else None
    if target is None:
        able = sorted(f.alias or f.name for f in families().values() if task in f.factories)
        raise UsageError(f"{name} cannot {_VERBS[task]}", hint=f"these can: {', '.join(able) or 'none'}")
    module, _, factory = target.partition(":")
    return getattr(import_module(module), factory)(resolve(name, settings), settings, *arguments)


_VERBS = {TAG: "tag pictures", EMBED: "embed pictures", TEXT: "embed text", FACES: "find faces"}


def installed(settings: Settings, *, defaults: Mapping[str, str]) -> list[ModelStatus]:
    """Return the models that have a folder here, one row a model and task; ``defaults`` has full names by task."""
    rows: list[ModelStatus] = []
    for family in families().values():
        for name in folders_of(family, settings) if family.folders else [family.name]:
            folder = folder_of(name, settings) if family.folders else ""
            size = _bytes_in(folder) if folder else 0
            rows += [
                ModelStatus(
                    name=name,
                    task=task,
                    present=all(_is_whole(name, one, settings) for one in _meant_by(task, family)),
                    default=defaults.get(task) == name,
                    size=size,
                    license="",
                    path=folder,
                )
                for task in family.listed or tuple(family.factories)
            ]
    return rows


def _meant_by(task: str, family: Family) -> tuple[str, ...]:
    """Return what a model listed for ``task`` does: one that embeds pictures is searched by words where it can be."""
    return (EMBED, TEXT) if task == EMBED and TEXT in family.factories else (task,)


def _is_whole(name: str, task: str, settings: Settings) -> bool:
    """Say whether the files that ``task`` needs are there; weights are not read for it."""
    try:
        _open(task, name, settings, *([] if task in (TEXT, FACES) else [Options()]))
    except MissingModelError:
        return False
    except Exception:  # noqa: BLE001 - something else is missing: a library, a vocabulary; or a plugin's own error
        return True
    return True


def _bytes_in(folder: str) -> int:
    total = 0
    for base, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.stat(os.path.join(base, name)).st_size
            except OSError:
                continue
    return total
