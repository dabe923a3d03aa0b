"""Everything known about one photo, ready to be shown: who said what, and when."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UnsetType

from phototag.catalog.describe import IMPORTED, OWNER, Description, Output, Statement, describe
from phototag.catalog.exposure import exposure_line
from phototag.errors import PhototagError
from phototag.index.spelling import taken_as_known
from phototag.serve import present
from phototag.serve.question import Question, country_in, shown
from phototag.sidecar import model as fields
from phototag.sidecar.model import Exif, Gps

if TYPE_CHECKING:
    from phototag.index.record import ImageRecord, PlaceRecord
    from phototag.library.tree import Tree


class Piece(msgspec.Struct, frozen=True):
    """Something known that other photos share: a link to them."""

    text: str
    address: str
    country: str = ""
    """A country's code, which the script turns into its name."""


class Fact(msgspec.Struct, frozen=True):
    """One line of the panel: a label and what is known, as text or as pieces."""

    label: str
    value: str = ""
    code: bool = False
    pieces: tuple[Piece, ...] = ()


class ShownTag(msgspec.Struct, frozen=True):
    """A tag with where it is from; ``percent`` 0 to 100 in steps of 5 for the bar, None for the owner's."""

    name: str
    score: str = ""
    model: str = ""
    percent: int | None = None


class Said(msgspec.Struct, frozen=True):
    """One entry of the history: what, by whom, when."""

    what: str
    who: str


class Details(msgspec.Struct, frozen=True):
    """What the panel of one photo shows."""

    name: str
    tags: list[ShownTag]
    facts: list[Fact]
    file: list[Fact]
    history: list[Said]
    title: str
    caption: str
    rating: int
    keywords: tuple[str, ...]
    trouble: str


def details(tree: Tree, record: ImageRecord, *, cluster: str = "", here: bool = True) -> Details:
    """Return what is known of the photo of ``record``, which is in the cluster called ``cluster``.

    ``here``: its original is. A sidecar that cannot be read is named, not an error.
    """
    trouble = record.trouble if isinstance(record.trouble, str) else ""
    found: Description | None = None
    try:
        found = describe(tree, present.rel_of(record))
    except PhototagError as error:
        trouble = str(error)
    exif = Exif() if found is None else msgspec.convert(found.exif, Exif)
    gps = None if found is None or found.gps is None else msgspec.convert(found.gps, Gps)
    return Details(
        name=present.name_of(record.path),
        tags=_tags(record),
        facts=list(_facts(record, exif, gps, cluster)),
        file=list(_file(record, exif, found, here=here)),
        history=[] if found is None else list(_history(found)),
        title=record.title if isinstance(record.title, str) else exif.title or "",
        caption=record.caption or exif.description or "",
        rating=record.rating or 0,
        keywords=exif.keywords,
        trouble=trouble,
    )


def _tags(record: ImageRecord) -> list[ShownTag]:
    own = [ShownTag(name) for name in record.user_tags]
    taken = set(record.user_tags)
    return own + [
        ShownTag(tag.tag, f"{tag.score:.0%}", tag.model, round(tag.score * 20) * 5)
        for tag in record.tags
        if tag.tag not in taken
    ]


def _facts(record: ImageRecord, exif: Exif, gps: Gps | None, cluster: str) -> Iterator[Fact]:
    place = record.place
    direction = f"{gps.direction:.0f}° from north" if gps is not None and gps.direction is not None else ""
    altitude = f"{gps.alt:,.0f} m" if gps is not None and gps.alt is not None else ""
    number = "" if isinstance(record.cluster, UnsetType) else str(record.cluster.id)
    found = (
        Fact("Taken", present.moment(taken_as_known(record.taken, exif.taken), exif.offset)),
        Fact("People", pieces=tuple(_piece("person", name) for name in record.people)),
        Fact("Place", pieces=() if place is None else _place(place)),
        Fact("Position", present.coordinates(place.lat, place.lon) if place is not None else ""),
        Fact("Altitude", altitude),
        Fact("Looking", direction),
        Fact("Cluster", pieces=(_piece("cluster", number, cluster),) if cluster else ()),
        Fact("Camera", pieces=(_piece("camera", record.camera),) if record.camera else ()),
        Fact("Lens", exif.lens or ""),
        Fact("Exposure", _unbroken(exposure_line(exif))),
        Fact("Faces", str(record.faces) if record.faces else ""),
        Fact("Artist", exif.artist or ""),
        Fact("Copyright", exif.copyright or ""),
        Fact("Software", exif.software or ""),
    )
    return (fact for fact in found if fact.value or fact.pieces)


def _piece(name: str, value: str, text: str = "") -> Piece:
    """Return the link to all photos of which the filter ``name`` says ``value``."""
    return Piece(text or value, Question().address(add=[(name, value)]), country_in(name, value))


def _place(place: PlaceRecord) -> tuple[Piece, ...]:
    names = dict.fromkeys(name for name in (place.city, place.region, place.country) if name)
    return tuple(_piece("place", name) for name in names)


def _unbroken(line: str) -> str:
    """Return ``line`` with its numbers and units held together: no lonely ``mm`` on the next line."""
    return re.sub(r"(?<=[\d)]) (?=(?:mm|s|EV)\b)|(?<=ISO) ", "\N{NO-BREAK SPACE}", line)


def _file(record: ImageRecord, exif: Exif, found: Description | None, *, here: bool) -> Iterator[Fact]:
    folder = os.path.dirname(present.rel_of(record))
    pairs = (
        ("Dimensions", present.dimensions(record.width, record.height)),
        ("Size", present.size_text(record.size)),
        ("Format", (found.format or "").upper() if found is not None else ""),
        ("Stored", present.orientation_text(exif.orientation)),
        ("Here", "" if here else "no, only what is known about it"),
    )
    yield Fact("Name", present.name_of(record.path))
    if folder:
        yield Fact("Folder", pieces=(_piece("path", folder, shown("path", folder)),))
    yield from (Fact(label, value) for label, value in pairs if value)
    if record.content:
        yield Fact("Content", record.content, code=True)
    if record.id and record.id != (record.content or "").rpartition(":")[2]:
        yield Fact("First content", record.id, code=True)


def _history(found: Description) -> Iterator[Said]:
    """Yield what people said, the newest first, then what the camera, models and data sets gave."""
    for statement in found.said:
        what = _statement(statement)
        if what:
            yield Said(what, _speaker(statement))
    if found.exif:
        yield Said("date, camera and exposure" + (", position" if found.gps else ""), "the camera, in the file (EXIF)")
    for dataset, place in found.places.items():
        far = float(place.get("km", 0.0))
        yield Said(f"the place: {place['city']}" + (f", {far:.0f} km away" if far >= 1 else ""), dataset)
    for output in found.outputs:
        yield Said(_made(output), f"the model {output.model}, revision {output.rev}")


def _statement(said: Statement) -> str:
    section, _, key = said.what.partition("/")
    if section == fields.USER:
        return f"{key} cleared" if said.value is None else f"{key}: {_short(said.value)}"
    if section == fields.UTAG:
        verbs = {fields.PRESENT: "tag added", fields.REMOVED: "tag removed", fields.REJECTED: "tag rejected"}
        return f"{verbs.get(said.value, 'tag cleared')}: {key}"
    _, _, kind = key.partition("/")
    return {"who": "a face named", "state": "a face judged", "box": "a face drawn"}.get(kind.partition("/")[0], "")


def _short(value: Any) -> str:
    text = ", ".join(str(item) for item in value.values()) if isinstance(value, dict) else str(value)
    return text if len(text) <= 80 else text[:79] + "…"


def _speaker(said: Statement) -> str:
    who = {OWNER: "you", IMPORTED: "another program's file"}.get(said.by, "a model")
    if said.by == OWNER and said.device:
        who += f", on the device {said.device}"
    return who + (f", {said.at[:16].replace('T', ' ')} UTC" if said.at else "")


def _made(output: Output) -> str:
    what = {
        "tags": f"{output.count} tags with scores",
        "vector": f"{output.count} numbers for finding similar photos",
        "faces": f"{output.count} faces",
        "hash": "a hash for finding near-duplicates",
    }.get(output.kind, output.kind)
    return what + ("" if output.current else " (of an earlier version of the picture)")
