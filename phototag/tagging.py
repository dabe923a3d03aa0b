"""Choosing models for a library and running them over it: what ``scan``, ``tag``, ``embed`` and the backfills share."""

from __future__ import annotations

import time

import msgspec

from phototag.errors import LibraryError, MissingExtraError
from phototag.imaging import places as place_names
from phototag.library import documents, sidecars
from phototag.library.defaults import default_model
from phototag.library.tree import Tree
from phototag.library.walk import walk
from phototag.models import registry
from phototag.models.protocols import Tagger, Thresholds
from phototag.scan import run as scanning
from phototag.scan.run import Hooks, Scanned, ScanReport
from phototag.scan.survey import Failed
from phototag.scan.wanted import Wanted, lacks_place
from phototag.sidecar import model as fields
from phototag.sidecar.model import Gps
from phototag.sidecar.registers import Document

THRESHOLDS = "thr"
"""Section of the policy document: from which score a tag of a model counts."""

DEFAULT = "default"
"""Stands for the model the library or the settings name."""


class Choice(msgspec.Struct, frozen=True):
    """What a command asks of a scan. An empty tuple of models means that this step is not done."""

    taggers: tuple[str, ...] = (DEFAULT,)
    embedders: tuple[str, ...] = (DEFAULT,)
    exif: bool = True
    geo: bool = True
    phash: bool = True
    """Compute the perceptual hash that duplicates are found by."""
    force: bool = False
    replace: bool = False
    """Drop what the taggers said with another vocabulary or in another language."""
    options: registry.Options = registry.Options()


def run(tree: Tree, under: str, choice: Choice, hooks: Hooks) -> Scanned:
    """Scan the library at and below ``under`` as ``choice`` says.

    Raises MissingModelError, MissingExtraError before anything is touched; WriteError as ``scanning.scan``.
    """
    policy = documents.read_document(tree, documents.POLICY) or Document()
    settings = tree.settings
    names = [_named(tree, name, "tagger") for name in choice.taggers]
    taggers = [registry.open_tagger(name, settings, _options_of(name, names, choice.options)) for name in names]
    embedders = [
        registry.open_image_embedder(_named(tree, name, "embedder"), settings, choice.options)
        for name in choice.embedders
    ]
    places = place_names.open_places() if choice.geo else place_names.NullPlaces()
    wanted = Wanted(
        taggers=taggers,
        embedders=embedders,
        exif=choice.exif,
        geo=places.dataset or None,
        phash=choice.phash,
        force=choice.force,
        replace=choice.replace,
        words=bool(choice.options.vocabulary),
        max_megapixels=settings.max_megapixels,
    )
    _note_thresholds(tree, policy, taggers)
    return scanning.scan(tree, under, wanted, places=places, hooks=hooks)


def name_places(tree: Tree, under: str, limit: int | None, hooks: Hooks) -> Scanned:
    """Fill in the place of at most ``limit`` images that have a position and no place; no image is read.

    Raises MissingExtraError without the data set of places, WriteError.
    """
    begun = time.monotonic()
    places = place_names.open_places()
    if not places.dataset:
        raise MissingExtraError("naming places", "geo")
    wanted = Wanted(exif=False, geo=places.dataset)
    folders = list(walk(tree, under))
    rels = [folder.path(name) for folder in folders for name in folder.images]
    scanned = Scanned(ScanReport(found=len(rels)), folders, remaining=len(rels))
    report = scanned.report
    hooks.started(report.found)
    for rel in rels:
        scanned.interrupted = hooks.stop()
        if scanned.interrupted or report.written == limit:
            break
        try:
            report.written += _name_place(tree, rel, wanted, places)
        except LibraryError as error:  # one sidecar that cannot be read keeps no other from its place
            report.failed.append(Failed(rel, scanning.reason(error)))
        scanned.remaining -= 1
        hooks.advanced(1)
    report.unchanged = report.found - report.written - len(report.failed) - scanned.remaining * scanned.interrupted
    report.seconds = round(time.monotonic() - begun, 3)
    return scanned


def _name_place(tree: Tree, rel: str, wanted: Wanted, places: place_names.Places) -> bool:
    """Name the place of the image ``rel`` where it has a position and no place; return whether anything changed."""
    document = sidecars.read(tree, rel)
    gps = None if document is None else document.get(fields.GPS, fields.V1, Gps)
    if document is None or gps is None or not lacks_place(document, wanted):
        return False
    document.set_machine(fields.GEO, places.dataset, places.nearest([(gps.lat, gps.lon)])[0])
    return sidecars.write(tree, rel, document)


def _named(tree: Tree, name: str, task: str) -> str:
    return default_model(tree, task) if name == DEFAULT else name


def _options_of(name: str, names: list[str], options: registry.Options) -> registry.Options:
    """Return ``options`` for the tagger ``name``; the words are for those beside the built-in one, which has none."""
    if name != registry.BUILTIN or all(one == registry.BUILTIN for one in names):
        return options
    return msgspec.structs.replace(options, vocabulary=(), language="")


def _note_thresholds(tree: Tree, policy: Document, taggers: list[Tagger]) -> None:
    """Write the models' thresholds into the policy, so that a machine without the weights reads tags the same way."""
    changed = False
    for tagger in taggers:
        mine: Thresholds = tagger.thresholds
        changed |= policy.set_machine(THRESHOLDS, tagger.info.space, mine)
    if changed:
        documents.write_document(tree, documents.POLICY, policy)
