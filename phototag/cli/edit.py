"""``phototag tag-edit``, ``rate``, ``caption``: the owner's word about pictures."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import click

from phototag.cli.completing import values
from phototag.cli.options import App, app_options
from phototag.cli.render import emit_json, json_path
from phototag.errors import UsageError
from phototag.fsio import display
from phototag.handle import Library
from phototag.library import owner, sidecars
from phototag.library.decide import Edit
from phototag.sidecar.codec import SUFFIX
from phototag.sidecar.registers import Document

RATINGS = {"-1": -1, "0": None, "clear": None, "1": 1, "2": 2, "3": 3, "4": 4, "5": 5}

images_argument = click.argument("images", metavar="IMAGE...", nargs=-1, required=True, type=click.Path())


@click.command(
    "tag-edit",
    epilog="""\b
Examples:
  phototag tag-edit beach.jpg --add holiday --add places/France/Nice
  phototag tag-edit *.jpg --remove dog          a model that said "dog" is overruled for good
""",
)
@images_argument
@click.option(
    "--add",
    metavar="TAG",
    multiple=True,
    shell_complete=values("tag"),
    help="Add a tag; '/' between levels. May be repeated.",
)
@click.option(
    "--remove",
    metavar="TAG",
    multiple=True,
    shell_complete=values("tag"),
    help="Remove a tag, or reject a model's. May be repeated.",
)
@app_options
def tag_edit(app: App, images: Sequence[str], add: Sequence[str], remove: Sequence[str]) -> None:
    """Add and remove tags of images by your own word."""
    if not add and not remove:
        raise UsageError("nothing to do", hint="give --add TAG or --remove TAG")
    added, removed = [owner.normal_tag(tag) for tag in add], [owner.normal_tag(tag) for tag in remove]
    if both := set(added) & set(removed):
        raise UsageError(f"{', '.join(sorted(both))}: both added and removed")

    def edits(library: Library, rel: str) -> list[Edit]:
        return owner.tag_edits(_known(library, rel), rel, add=added, remove=removed)

    what = ", ".join([*(f"+{tag}" for tag in added), *(f"-{tag}" for tag in removed)])
    _say(app, images, "tag-edit", what, edits)


@click.command(
    context_settings={"ignore_unknown_options": True},  # -1 is a rating, not an option
    epilog="""\b
Examples:
  phototag rate 5 sunset.jpg
  phototag rate clear *.jpg
  phototag rate -1 blurred.jpg                  -1 means rejected, as in other programs
""",
)
@click.argument("words", metavar="STARS IMAGE...", nargs=-1, required=True, type=click.Path())
@app_options
def rate(app: App, words: Sequence[str]) -> None:
    """Rate images from -1 (rejected) to 5; 0 or 'clear' takes the rating away."""
    stars, images = (words[0], words[1:]) if words[0].lower() in RATINGS else (words[-1], words[:-1])
    if stars.lower() not in RATINGS or not images:
        raise UsageError("say how many stars and which images", hint="phototag rate 5 sunset.jpg; -1 to 5, or clear")
    rating = RATINGS[stars.lower()]
    what = f"rating {rating}" if rating else "rating cleared"
    _say(app, images, "rate", what, lambda library, rel: [owner.rating_edit(_known(library, rel), rel, rating)])


@click.command(
    epilog="""\b
Examples:
  phototag caption beach.jpg "The first swim of the year"
  phototag caption one.jpg two.jpg --text "Nice, 2024"
  phototag caption beach.jpg --clear
"""
)
@click.argument("words", metavar="IMAGE... [TEXT]", nargs=-1, required=True, type=click.Path())
@click.option("--text", metavar="TEXT", help="The caption, for several images.")
@click.option("--clear", is_flag=True, help="Take the caption away.")
@app_options
def caption(app: App, words: Sequence[str], text: str | None, clear: bool) -> None:
    """Give an image a caption."""
    images = words
    if text is None and not clear and len(words) == 2:
        images, text = words[:1], words[1]
    if clear == (text is not None):
        raise UsageError("say one caption, or --clear", hint='phototag caption beach.jpg "The first swim of the year"')
    what = "caption cleared" if clear else f"caption {text!r}"
    _say(app, images, "caption", what, lambda library, rel: [owner.caption_edit(_known(library, rel), rel, text)])


def _say(
    app: App, images: Sequence[str], command: str, what: str, edits_of: Callable[[Library, str], list[Edit]]
) -> None:
    """Make one operation of the edits of all ``images``, and show what changed."""
    images = [image for image in images if not image.endswith(SUFFIX)]  # ``*`` names them too
    if not images:
        raise UsageError("these are sidecars; say which images")
    library = app.library(_folder_of(images[0]))
    rels = list(dict.fromkeys(library.tree.relative(image) for image in images))
    library.begin(rels)
    edits = [edit for rel in rels for edit in edits_of(library, rel)]
    count = f"{len(rels)} images" if len(rels) > 1 else display(rels[0])
    operation = library.decide(command, f"{what} ({count})", edits)
    changed = [touched.target.partition(":")[2] for touched in operation.touched]
    if app.json:
        value: dict[str, Any] = {"op": operation.id if changed else None, "changed": len(changed)}
        emit_json(value | {"unchanged": len(rels) - len(changed), "images": [json_path(rel) for rel in changed]})
    elif changed:
        app.say(f"{what}: {len(changed)} changed; take it back with: phototag undo {operation.id}")
    else:
        app.say("nothing changed: it was so already")


def _known(library: Library, rel: str) -> Document | None:
    return sidecars.read(library.tree, rel)


def _folder_of(image: str) -> str:
    return os.path.dirname(os.path.abspath(image))
