"""``phototag version``."""

from __future__ import annotations

import os
import platform
from typing import Any

import click

from phototag import __version__
from phototag.cli.options import App, app_options

EXTRAS = {
    "clip": ("onnxruntime", "tokenizers"),
    "ram": ("torch",),
    "convert": ("open_clip", "torch", "onnx"),
    "faces": ("onnxruntime",),
    "cluster": ("scipy", "sklearn", "hdbscan", "umap"),
    "geo": ("reverse_geocoder",),
    "heic": ("pillow_heif",),
    "raw": ("rawpy",),
    "xmp": ("exiftool",),
}
"""What each extra must make importable."""
MODELS = {"clip": "clip", "ram++": "ram_plus", "faces": "insightface"}
"""Each family's folder in the models folder; 'phototag models list' says more."""


EPILOG = """\b
Examples:
  phototag version                    what is installed
  phototag version --json             the same for a program
"""


@click.command(epilog=EPILOG)
@app_options
def version(app: App) -> None:
    """Show the version, Python, and which extras and models are present."""
    found = report(app)
    if app.json:
        from phototag.cli.render import emit_json

        emit_json(found)
        return
    click.echo(f"phototag {found['version']} (Python {found['python']})")
    click.echo("extras: " + (", ".join(name for name, present in found["extras"].items() if present) or "none"))
    click.echo("models: " + ", ".join(name for name, present in found["models"].items() if present))


def report(app: App) -> dict[str, Any]:
    """Return the versions and what is installed, without importing any of it."""
    from importlib.util import find_spec

    extras = {name: all(find_spec(module) is not None for module in modules) for name, modules in EXTRAS.items()}
    where = app.settings().models_dir
    models = {"builtin": True} | {name: _holds(where, folder) for name, folder in MODELS.items()}
    return {"version": __version__, "python": platform.python_version(), "extras": extras, "models": models}


def _holds(models_dir: str, folder: str) -> bool:
    try:
        return bool(os.listdir(os.path.join(models_dir, folder)))
    except OSError:
        return False
