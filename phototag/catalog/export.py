"""``export``: the catalogue as CSV, JSON, JSON lines or Parquet; what is private can be stripped."""

from __future__ import annotations

import base64
import contextlib
import csv
import os
from collections.abc import Iterable, Iterator
from typing import IO

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from msgspec import UNSET

from phototag import fsio
from phototag.errors import UsageError
from phototag.imaging.formats import is_image_name
from phototag.index.reader import Index
from phototag.index.record import ClusterRecord, ImageRecord, PlaceRecord
from phototag.sidecar.naming import is_sidecar_name

FORMATS = ("csv", "json", "jsonl", "parquet")
GPS, FACES, PEOPLE = "gps", "faces", "people"
STRIPS = (GPS, FACES, PEOPLE)

COLUMNS = (
    "path", "id", "content", "size", "width", "height", "taken", "tags", "user_tags", "rating", "title", "caption",
    "city", "region", "country", "lat", "lon", "camera", "people", "faces", "present",
    "cluster", "cluster_probability", "path_bytes",
)  # fmt: skip
"""Of the flat formats; lists are joined by ``;`` in CSV, lists of text in Parquet.

``path_bytes`` is there where ``path`` cannot say it: base64 in CSV, binary in Parquet.
"""

_BATCH = 4096
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula."""


def format_of(path: str | None) -> str:
    """Return the format that the name of the file to write asks for; JSON where it asks for none."""
    suffix = os.path.splitext(path or "")[1][1:].lower()
    return suffix if suffix in FORMATS else "json"


def parse_strip(text: str) -> frozenset[str]:
    """Return what ``gps,faces,people`` names. Raises UsageError."""
    wanted = frozenset(part.strip() for part in text.split(",") if part.strip())
    for part in wanted:
        if part not in STRIPS:
            raise UsageError(f"cannot strip {part!r}", hint=f"any of {', '.join(STRIPS)}, joined by commas")
    return wanted


@contextlib.contextmanager
def output(path: str) -> Iterator[IO[bytes]]:
    """Yield the file to export to; it takes the place of ``path`` when all is written.

    Raises UsageError where that would take the place of a photo, a sidecar or what is no file; WriteError.
    """
    if is_image_name(path) or is_sidecar_name(os.path.basename(path)):
        raise UsageError(f"{path} is called like a photo or its sidecar", hint="call the export otherwise: photos.csv")
    if os.path.lexists(path) and not os.path.isfile(path):
        raise UsageError(f"{path} is not a file", hint="without --out the export goes to stdout")
    with fsio.replacing(path) as file:
        yield file


def records(index: Index, rows: Iterable[int], strip: frozenset[str]) -> Iterator[ImageRecord]:
    """Yield the images without what is to be stripped: ``gps`` takes position and place names, ``people`` names."""
    changes: dict[str, object] = {}
    if GPS in strip:
        changes["place"] = None
    if FACES in strip:
        changes["faces"] = 0
    if PEOPLE in strip:
        changes["people"] = []
    for record in index.records(rows):
        yield msgspec.structs.replace(record, **changes) if changes else record


def export(found: Iterable[ImageRecord], form: str, out: IO[bytes]) -> int:
    """Write ``found`` to ``out`` as ``form``; return how many images. Raises UsageError for an unknown format."""
    writers = {"csv": _csv, "json": _json, "jsonl": _jsonl, "parquet": _parquet}
    if form not in writers:
        raise UsageError(f"cannot export as {form!r}", hint=f"one of {', '.join(FORMATS)}")
    return writers[form](found, out)


def _json(found: Iterable[ImageRecord], out: IO[bytes]) -> int:
    count = 0
    out.write(b"[")
    for record in found:
        out.write((b",\n " if count else b"\n ") + msgspec.json.encode(record))
        count += 1
    out.write(b"\n]\n" if count else b"]\n")
    return count


def _jsonl(found: Iterable[ImageRecord], out: IO[bytes]) -> int:
    count = 0
    for record in found:
        out.write(msgspec.json.encode(record) + b"\n")
        count += 1
    return count


class _Lines(list[str]):
    """Takes what ``csv`` writes, a row at a time, each to end with a line feed.

    ``csv`` is told to end rows with both characters: only those that end rows does it put in quotes inside of cells, and
    readers take a carriage return in a cell without quotes for the end of the row.
    """

    def write(self, row: str) -> None:
        self.append(row.removesuffix("\r\n") + "\n")


def _csv(found: Iterable[ImageRecord], out: IO[bytes]) -> int:
    lines = _Lines()
    writer = csv.writer(lines, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    count = 0
    for record in found:
        row = _flat(record)
        if record.path.startswith(_FORMULA):
            row["path"] = f"./{record.path}"  # the same file, and no formula
        cells = [";".join(value) if isinstance(value, list) else value for value in row.values()]
        writer.writerow([_harmless(cell) if isinstance(cell, str) else "" if cell is None else cell for cell in cells])
        count += 1
        if count % _BATCH == 0:
            out.write("".join(lines).encode())
            lines.clear()
    out.write("".join(lines).encode())
    return count


def _harmless(cell: str) -> str:
    """Keep spreadsheets from running a cell as a formula (OWASP, "CSV Injection")."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _parquet(found: Iterable[ImageRecord], out: IO[bytes]) -> int:
    text, number, texts = pa.string(), pa.int64(), pa.list_(pa.string())
    types = dict.fromkeys(COLUMNS, text) | dict.fromkeys(("size", "width", "height", "rating", "faces"), number)
    types |= {"tags": texts, "user_tags": texts, "people": texts, "lat": pa.float64(), "lon": pa.float64()}
    types |= {"cluster": number, "cluster_probability": pa.float64()}
    types |= {
        "path_bytes": pa.binary(),
        "taken": pa.timestamp("us"),
        "present": pa.bool_(),
        "tag_scores": pa.list_(pa.float32()),
    }
    schema = pa.schema(list(types.items()))
    count = 0
    with pq.ParquetWriter(out, schema) as writer:
        for batch in _batches(found):
            rows = [_flat(record) | {"tag_scores": [tag.score for tag in record.tags]} for record in batch]
            columns = {name: [row[name] for row in rows] for name in schema.names}
            columns["path_bytes"] = [
                None if raw is None else base64.b64decode(str(raw)) for raw in columns["path_bytes"]
            ]
            columns["taken"] = pa.array(columns["taken"], pa.string()).cast(pa.timestamp("us"))
            writer.write_table(pa.table(columns, schema=schema))
            count += len(rows)
    return count


def _batches(found: Iterable[ImageRecord]) -> Iterator[list[ImageRecord]]:
    batch: list[ImageRecord] = []
    for record in found:
        batch.append(record)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _flat(record: ImageRecord) -> dict[str, object]:
    place = record.place or PlaceRecord(None, None, None, None, None)
    flat = {name: getattr(place if name in PlaceRecord.__struct_fields__ else record, name, None) for name in COLUMNS}
    for name in ("path_bytes", "title"):
        flat[name] = None if flat[name] is UNSET else flat[name]
    flat["tags"] = [tag.tag for tag in record.tags]
    flat["cluster"] = record.cluster.id if isinstance(record.cluster, ClusterRecord) else None
    flat["cluster_probability"] = record.cluster.probability if isinstance(record.cluster, ClusterRecord) else None
    return flat
