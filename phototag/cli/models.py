"""``phototag models``: what can see and what can search; the only command that uses the network."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from phototag.cli.options import App, app_options, library_option
from phototag.cli.render import emit_json, emit_table
from phototag.cli.shapes import CheckedShape, ConvertedShape, FetchedShape, ModelFolderShape, ModelUseShape
from phototag.errors import LibraryError, UsageError

if TYPE_CHECKING:
    from phototag.models.registry import ModelStatus
    from phototag.settings import Settings

MEGA = 1_000_000


@click.group()
def models() -> None:
    """List, fetch and check models; choose the library's default."""


@models.command(
    "list",
    epilog="""\b
Examples:
  phototag models list
  phototag models list --json | jq -r '.[] | select(.present) | .name'
""",
)
@library_option
@app_options
def list_models(app: App, path: str) -> None:
    """Show the models that are here and those that can be fetched."""
    from phototag.models import inventory

    settings, defaults = _in_force(app, path)
    rows = inventory.status(settings, defaults)
    if app.json:
        emit_json(rows)
        return
    emit_table(map(_row, rows), header=("NAME", "TASK", "HERE", "SIZE", "LICENCE"), right=(3,))


@models.command(
    epilog="""\b
Examples:
  phototag models fetch clip
  phototag models fetch ram++ --from ~/Downloads/ram_plus_swin_large_14m.pth
  PHOTOTAG_MODELS_MIRROR=http://nas:8000 phototag models fetch clip
"""
)
@click.argument("name")
@click.option(
    "--from", "sources", metavar="FILE", multiple=True, type=click.Path(exists=True),
    help="A file, folder or ZIP you have already; files are known by name and folder. May be repeated.",
)  # fmt: skip
@click.option("--i-accept", "accepted", is_flag=True, help="Agree to a licence that forbids commercial use.")
@app_options
def fetch(app: App, name: str, sources: Sequence[str], accepted: bool) -> None:
    """Download the files of a model, go on with what was interrupted, and check every byte."""
    from phototag.models import weights

    settings = app.settings()
    entry = weights.entry_of(name, settings)
    accepted = accepted or not entry.non_commercial or _agrees(entry.license, entry.terms)
    folder = _fetch(app, name, settings, sources, accepted)
    if app.json:
        emit_json(FetchedShape(entry.name, folder))
    else:
        click.echo(folder)


@models.command(
    epilog="""\b
Examples:
  phototag models verify
  phototag models verify clip --json
"""
)
@click.argument("names", metavar="[NAME]...", nargs=-1)
@app_options
def verify(app: App, names: Sequence[str]) -> int:
    """Read every file of the models that are here and compare it with what it should be."""
    from phototag.models import inventory, registry

    settings = app.settings()
    checked = list(inventory.verify(settings, [registry.resolve(name, settings) for name in names]))
    ok = all(one.ok for one in checked)
    if app.json:
        emit_json(CheckedShape(ok, checked))
    else:
        emit_table(("ok" if one.ok else "BAD", f"{one.model}/{one.path}".rstrip("/"), one.why) for one in checked)
    return 0 if ok else 1


@models.command(
    epilog="""\b
Examples:
  phototag models path                  the models folder
  phototag models path clip
"""
)
@click.argument("name", required=False)
@app_options
def path(app: App, name: str | None) -> None:
    """Print the models folder, or the folder of one model."""
    from phototag.models import registry

    settings = app.settings()
    full = None if name is None else registry.resolve(name, settings)
    if full is not None and not registry.has_folder(full):
        raise UsageError(f"{full} has no folder: it needs no files")
    found = settings.models_dir if full is None else registry.folder_of(full, settings)
    if app.json:
        emit_json(ModelFolderShape(found, os.path.isdir(found)))
    else:
        click.echo(found)


@models.command(
    epilog="""\b
Examples:
  phototag models use clip              embed with it, and search in its space
  phototag models use ram++             tag with it
  phototag models use builtin --for tagger
"""
)
@click.argument("name")
@click.option("--for", "task", type=click.Choice(["tagger", "embedder"]), help="What for, where it can do both.")
@library_option
@app_options
def use(app: App, name: str, task: str | None, path: str) -> None:
    """Make a model the library's default tagger or embedder."""
    from phototag.library.decide import Edit
    from phototag.models import registry

    library = app.library(path)
    full = registry.resolve(name, library.tree.settings)
    edits = [Edit("doc:policy", "models", one, full) for one in _tasks(full, task)]
    folder = registry.folder_of(full, library.tree.settings)
    if registry.has_folder(full) and not os.path.isdir(folder):
        lacking = registry.missing(full, library.tree.settings)
        app.say(f"{lacking} ({lacking.hint})")
    operation = library.decide("models use", f"{full} as {' and '.join(edit.key for edit in edits)}", edits)
    if app.json:
        emit_json(ModelUseShape(full, bool(operation.touched), [edit.key for edit in edits]))
    else:
        click.echo(f"{full} is this library's {' and '.join(edit.key for edit in edits)}; scan again to use it")


@models.command(
    epilog="""\b
Examples:
  phototag models fetch hf:laion/CLIP-ViT-B-16-laion2B-s34B-b88K
  phototag models convert clip/CLIP-ViT-B-16-laion2B-s34B-b88K
  phototag models convert ViT-B-16 --weights open_clip_model.safetensors --as mine
  phototag models convert clip --int8 --photos ~/Pictures
"""
)
@click.argument("source")
@click.option("--weights", default="", type=click.Path(), help="Weights of the architecture SOURCE.")
@click.option("--as", "name", default="", help="Call the new model clip/NAME.")
@click.option(
    "--int8", is_flag=True, help="Make a quicker variant, kept only if it sees --photos as the original does."
)
@click.option("--photos", type=click.Path(exists=True, file_okay=False), help="Your own photos to judge int8 by.")
@app_options
def convert(app: App, source: str, weights: str, name: str, int8: bool, photos: str | None) -> None:
    """Make ONNX graphs of OpenCLIP weights, checked against torch before they are kept."""
    if int8 and photos is None:
        raise UsageError("whether int8 is good enough depends on your photos", hint="add --photos FOLDER")
    settings = app.settings()
    full = (
        _quantise(app, source, photos, settings) if photos and int8 else _convert(app, source, weights, name, settings)
    )
    if app.json:
        emit_json(ConvertedShape(full))
    else:
        click.echo(full)


def _convert(app: App, source: str, weights: str, name: str, settings: Settings) -> str:
    from phototag.models import registry
    from phototag.models.clip import convert

    folder = registry.folder_of(source, settings)
    if source.startswith("clip/") and os.path.isdir(folder):
        source = folder
    return convert.convert(source, settings, weights=weights, name=name, say=app.say)


def _quantise(app: App, source: str, photos: str, settings: Settings) -> str:
    from phototag.models import registry
    from phototag.models.clip import int8

    full = registry.resolve(source, settings)
    if not full.startswith("clip/"):
        raise UsageError(f"{full} is not a CLIP model", hint="only these have int8 variants")
    return int8.quantise(full, photos, settings, say=app.say)


def _tasks(full: str, task: str | None) -> list[str]:
    from phototag.models import registry

    family = registry.families()[full.partition("/")[0]]
    able = {"tag": "tagger", "embed": "embedder"}
    listed = [able[one] for one in family.listed or family.factories if one in able]
    possible = [able[one] for one in family.factories if one in able]
    if not possible:
        raise UsageError(f"{full} is neither a tagger nor an embedder")
    if task is None:
        return listed
    if task not in possible:
        raise UsageError(f"{full} cannot be used as {task}", hint=f"it can be used as: {', '.join(possible)}")
    if task not in listed:  # every scan without a vocabulary would fail
        raise UsageError(
            f"{full} has no tags of its own, so it cannot be the default {task}",
            hint=f"give it yours when you use it: phototag tag --tagger {full} --vocab FILE",
        )
    return [task]


def _fetch(app: App, name: str, settings: Settings, sources: Sequence[str], accepted: bool) -> str:
    from phototag.cli.progress import progress
    from phototag.models import weights

    with progress(f"{name}, MB", quiet=app.quiet) as shown:
        bytes_done = 0

        def advance(count: int) -> None:
            nonlocal bytes_done
            shown.advance((bytes_done + count) // MEGA - bytes_done // MEGA)
            bytes_done += count

        hooks = weights.Hooks(say=shown.notice, start=lambda total: shown.start(total // MEGA), advance=advance)
        return weights.fetch(name, settings, hooks, sources=sources, accepted=accepted)


def _agrees(licence: str, terms: str) -> bool:
    if not sys.stdin.isatty():
        return False
    return click.confirm(f"This model is for {licence} ({terms}). Do you agree?", err=True)


def _in_force(app: App, path: str) -> tuple[Settings, dict[str, str]]:
    """Return the settings, and the full names of the default tagger and embedder of the library, by their task."""
    from phototag.errors import MissingModelError
    from phototag.library.defaults import default_model
    from phototag.models import registry

    try:
        tree = app.library(path).tree
    except LibraryError:
        settings = app.settings()
        tagger, embedder = settings.tagger or registry.BUILTIN, settings.embedder or registry.BUILTIN
    else:
        settings = tree.settings
        tagger, embedder = default_model(tree, "tagger"), default_model(tree, "embedder")
    full = {registry.TAG: tagger, registry.EMBED: embedder}
    for task, name in full.items():
        with contextlib.suppress(MissingModelError, UsageError):
            full[task] = registry.resolve(name, settings)
    return settings, full


def _row(status: ModelStatus) -> tuple[str, ...]:
    from phototag.models import registry

    lacking = "incomplete" if status.path and os.path.isdir(status.path) else "-"
    here = ("default" if status.default else "yes") if status.present else lacking
    task = status.task if registry.can(status.name, status.task) else f"{status.task} (no command uses it yet)"
    return status.name, task, here, _size(status.size), status.license


def _size(count: int) -> str:
    if count <= 0:
        return ""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"
