"""``info``: everything known about one image, with which model or whom said so and when. Reads the sidecar only."""

from __future__ import annotations

import base64
import datetime as dt
from typing import Any

import msgspec

from phototag.errors import LibraryError, PhototagError
from phototag.fsio import display
from phototag.ids import MACHINE, stamp_ms
from phototag.index.direct import Direct
from phototag.index.record import ImageRecord
from phototag.library import sidecars
from phototag.library.tree import Tree
from phototag.library.walk import demand_image
from phototag.sidecar import codec, model
from phototag.sidecar.registers import Document, Register

OWNER, MACHINE_SAID, IMPORTED = "owner", "machine", "import"


class Statement(msgspec.Struct, frozen=True):
    """One thing that a person said, here, on another device or in another program."""

    what: str
    """Section and key: ``user/rating``, ``utag/beach``."""
    value: Any
    by: str
    """``owner``, ``import`` (another program's file) or ``machine``."""
    device: str | None
    at: str | None
    """ISO 8601, UTC."""


class Output(msgspec.Struct, frozen=True):
    """What one model made of the image."""

    kind: str
    """``tags``, ``vector``, ``faces`` or ``hash``."""
    model: str
    rev: str
    space: str
    count: int
    """Tags, dimensions, faces or bits."""
    current: bool
    """Computed from the pixels the file holds now."""
    tags: list[tuple[str, float]] = []
    """All stored tags with scores, those below the threshold too."""


class Description(ImageRecord, frozen=True, kw_only=True):
    """``info --json``: the image as everywhere, and where all of it comes from."""

    sidecar: str
    format: str | None
    pixels: str | None
    exif: dict[str, Any]
    gps: dict[str, Any] | None
    places: dict[str, Any]
    """Named places by the data set that named them."""
    outputs: list[Output]
    said: list[Statement]
    unknown: list[str]
    """Sections a newer phototag wrote; they are kept as they are."""


_KNOWN = {"id", "exif", "exif.gps", "geo", "user", "utag", "mtag", "emb", "hash", "face.obs", "face", "P"}


def describe(tree: Tree, rel: str) -> Description:
    """Return everything known about the image ``rel``.

    Raises UsageError where there is neither picture nor sidecar, LibraryError where it has no sidecar, FormatError.
    """
    document = sidecars.read(tree, rel)
    if document is None:
        demand_image(tree, rel)
        raise LibraryError(
            f"{display(rel)} has no sidecar yet", hint=f"scan it first: phototag scan {display(tree.root)}"
        )
    record = Direct(tree).record(rel)
    if record is None:
        raise PhototagError(f"{display(rel)} was removed just now")
    content = document.get(model.ID, model.CONTENT, model.Content)
    exif, gps = document.get(model.EXIF, model.V1, model.Exif), document.get(model.GPS, model.V1, model.Gps)
    plain = {name: getattr(record, name) for name in ImageRecord.__struct_fields__}
    return Description(
        **plain,
        sidecar=display(sidecars.path_to_write(tree, rel)),
        format=None if content is None else content.fmt or None,
        pixels=None if content is None else content.px.hex(),
        exif={} if exif is None else _plain(msgspec.to_builtins(msgspec.structs.replace(exif, rev=1))),
        gps=None if gps is None else msgspec.to_builtins(gps),
        places={key: msgspec.to_builtins(place) for key, place in document.items(model.GEO, model.Place)},
        outputs=_outputs(document, content),
        said=_said(document),
        unknown=sorted(section for section in document.body if section not in _KNOWN),
    )


def _outputs(document: Document, content: model.Content | None) -> list[Output]:
    now = None if content is None else content.px[:8]
    found: list[Output] = []
    for space, tags in document.items(model.MTAG, model.TagScores):
        scores = [int.from_bytes(tags.scores[at : at + 2], "little") for at in range(0, len(tags.scores), 2)]
        pairs = [(t, round(s / model.SCORE_SCALE, 4)) for t, s in zip(tags.labels, scores, strict=False)]
        found.append(_output("tags", space, len(pairs), tags.src == now, pairs))
    for space, vector in document.items(model.EMB, model.Embedding):
        found.append(_output("vector", space, vector.d, vector.src == now))
    for space, faces in document.items(model.FACE_OBS, model.FaceObservations):
        found.append(_output("faces", space, len(faces.faces), faces.src == now))
    for space, phash in document.items(model.HASH, model.Phash):
        found.append(_output("hash", space, 8 * len(phash.v), phash.src == now))
    return found


def _output(kind: str, space: str, count: int, current: bool, tags: list[tuple[str, float]] | None = None) -> Output:
    name, _, rest = space.partition("@")
    return Output(kind, name, rest.partition("#")[0], space, count, current, tags or [])


def _said(document: Document) -> list[Statement]:
    """Return what people said, the newest first; cleared values are shown as null."""
    found: list[tuple[int, Statement]] = []
    for section in (model.USER, model.UTAG, model.FACE):
        for key in document.keys(section):
            register = document.register(section, key)
            if register is not None:
                found.append((register.stamp, _statement(section, key, register)))
    return [statement for _, statement in sorted(found, key=lambda pair: (-pair[0], pair[1].what))]


def _statement(section: str, key: str, register: Register) -> Statement:
    owner = register.device != MACHINE
    by = OWNER if owner else IMPORTED if register.by_person else MACHINE_SAID
    at = None
    if register.by_person:
        moment = dt.datetime.fromtimestamp(stamp_ms(register.stamp) / 1000, dt.UTC)
        at = moment.isoformat(timespec="seconds").replace("+00:00", "Z")
    value = _plain(codec.decode_value(register.value, object))
    return Statement(f"{section}/{key}", value, by, register.device.hex() if owner else None, at)


def _plain(value: Any) -> Any:
    """Return ``value`` with bytes as base64, so that it can be JSON."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
