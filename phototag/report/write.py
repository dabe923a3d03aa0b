"""Write the report: pictures first, then the pages that show them. Plain files with relative links."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec
import numpy as np

from phototag import fsio
from phototag.errors import UsageError
from phototag.index.clusters import Membership
from phototag.index.reader import Index
from phototag.library.ignore import IGNORE_FILE
from phototag.report.gather import NO_DAY, STRIPS, ClusterPage, Collection, Source, gather
from phototag.report.pictures import LARGE_PX, SMALL_PX, Pictures, file_of
from phototag.wording import count_text

if TYPE_CHECKING:
    from jinja2 import Environment

CARDS_A_PAGE, PHOTOS_A_PAGE = 60, 240
FEW = 16
"""A cluster of so few is shown whole and large, without examples."""
HERE = os.path.dirname(__file__)
MARK = "assets/names.js"
"""What tells a folder with a report from any other."""

Wanted = tuple[int, str, int]


class Written(msgspec.Struct, frozen=True):
    """What was written."""

    out: str
    pages: int
    clusters: int
    photos: int
    thumbnails: int
    """New ones; those of an earlier report in the same folder are kept."""
    missing: int
    """Pictures that could not be read here."""


class Progress(msgspec.Struct, frozen=True):
    """How the writer tells how far it is."""

    start: Callable[[int], None]
    advance: Callable[[int], None]


def write_report(
    index: Index,
    membership: Membership,
    out: str,
    *,
    title: str,
    strip: Sequence[str] = (),
    originals: bool = False,
    progress: Progress,
) -> Written:
    """Write the report of one run into the folder ``out``. Raises UsageError, WriteError."""
    for word in strip:
        if word not in STRIPS:
            raise UsageError(f"the report cannot strip {word!r}", hint=f"it can strip {', '.join(STRIPS)}")
    _check_folder(index, out)
    files = _Files(out)
    files.write_static()  # first, so that an interrupted report is known for one
    report = gather(index, membership, title=title, strip=strip)
    pictures = Pictures(index, out, index.tree.settings.threads)
    wanted = list(_wanted(report))
    progress.start(len({(key, side) for _, key, side in wanted if key}))
    thumbnails = pictures.write(wanted, advance=progress.advance)
    pages = _Pages(index, report, files, pictures.missing, originals)
    pages.write()
    _sweep(out, files.names | pictures.files)
    return Written(out, pages.count, len(report.clusters), report.photos, thumbnails, len(pictures.missing))


def _check_folder(index: Index, out: str) -> None:
    """Refuse a folder that holds something else: a report is written over a report only."""
    if os.path.realpath(out) == os.path.realpath(index.tree.root):
        raise UsageError(f"{fsio.display(out)} is the library itself", hint="give --out a folder of its own")
    try:
        names = os.listdir(out)
    except FileNotFoundError:
        fsio.make_folder(out)
        return
    except NotADirectoryError as error:
        raise UsageError(f"{fsio.display(out)} is not a folder") from error
    if names and not os.path.isfile(os.path.join(out, MARK)):
        raise UsageError(f"{fsio.display(out)} holds other files", hint="give --out a new folder, or one with a report")


def _wanted(report: Collection) -> Iterator[Wanted]:
    for page in [*report.clusters, report.none]:
        for photo in page.examples:
            yield photo.row, photo.key, LARGE_PX
        for row in page.rows.tolist():
            yield row, report.keys[row], SMALL_PX
            if page.size <= FEW:
                yield row, report.keys[row], LARGE_PX


class _Files:
    """Writes files into the report's folder."""

    def __init__(self, out: str) -> None:
        self.out = out
        self.names: set[str] = set()
        """Those that belong to the report."""

    def write(self, name: str, data: bytes) -> None:
        """Write one; ``name`` has ``/`` between its parts. Raises WriteError."""
        path = os.path.join(self.out, name)
        self.names.add(name)
        fsio.make_folder(os.path.dirname(path))
        fsio.write_atomic(path, data, sync=False)

    def write_static(self) -> None:
        """Write what is the same in every report; inside a library its pictures are no photos."""
        for name in sorted(os.listdir(os.path.join(HERE, "static"))):
            self.write(f"assets/{name}", fsio.read_bytes(os.path.join(HERE, "static", name)))
        self.write(IGNORE_FILE, b"# A report of phototag: nothing in it is a photo of the library.\n*\n")


class _Pages:
    """Renders the templates."""

    def __init__(self, index: Index, report: Collection, files: _Files, missing: set[str], originals: bool) -> None:
        self.report, self.files, self.missing = report, files, missing
        self.source = Source(index)
        self.root = index.tree.root if originals else ""
        self.environment = _environment()
        self.count = 0

    def write(self) -> None:
        """Write the map's data and every page."""
        self.files.write("assets/map-data.js", map_data(self.report, self.missing))
        self._overview()
        self._page("map.html", "map.html")
        clusters = self.report.clusters
        for at, one in enumerate(clusters):
            self._cluster(one, clusters[at - 1] if at else None, clusters[at + 1] if at + 1 < len(clusters) else None)
        self._cluster(self.report.none, None, None)

    def _overview(self) -> None:
        pages = max(1, -(-len(self.report.clusters) // CARDS_A_PAGE))
        for page in range(1, pages + 1):
            cards = self.report.clusters[(page - 1) * CARDS_A_PAGE : page * CARDS_A_PAGE]
            href = _numbered("index")
            self._page("overview.html", href(page), clusters=cards, page=page, pages=pages, href=href)

    def _cluster(self, one: ClusterPage, before: ClusterPage | None, after: ClusterPage | None) -> None:
        pages = max(1, -(-one.size // PHOTOS_A_PAGE))
        href = _numbered(one.slug)
        for page in range(1, pages + 1):
            rows = one.rows[(page - 1) * PHOTOS_A_PAGE : page * PHOTOS_A_PAGE]
            values = {"one": one, "before": before, "after": after, "few": one.size <= FEW}
            self._page(
                "cluster.html",
                f"clusters/{href(page)}",
                page=page,
                pages=pages,
                href=href,
                photos=self.source.photos(rows),
                **values,
            )

    def _page(self, template: str, file: str, **values: Any) -> None:
        shared = {
            "report": self.report,
            "missing": self.missing,
            "file_of": file_of,
            "count": count_text,
            "small": SMALL_PX,
            "large": LARGE_PX,
            "up": "../" * file.count("/"),
            "originals": self._original if self.root else None,
        }
        self.files.write(
            file, self.environment.get_template(template).render(shared | values).encode("utf-8", "replace")
        )
        self.count += 1

    def _original(self, path: str) -> str:
        """Return the link from the report's folder to an original."""
        relative = os.path.relpath(os.path.join(self.root, path), self.files.out)
        return quote(os.fsencode(relative))


def _sweep(out: str, kept: set[str]) -> None:
    """Remove pages and thumbnails of an earlier report that this one does not have: they may say what was stripped."""
    for folder, _, names in os.walk(out):
        rel = os.path.relpath(folder, out).replace(os.sep, "/").removeprefix(".")
        for name in names:
            file = f"{rel}/{name}".removeprefix("/")
            if file not in kept and _OURS.fullmatch(file):
                fsio.remove(os.path.join(out, file))


_OURS = re.compile(r"index-\d+\.html|clusters/(\d+|none)(-\d+)?\.html|thumbs/[0-9a-f]{2}/[0-9a-f]{16}-\d+\.webp")


def map_data(report: Collection, missing: set[str]) -> bytes:
    """Return the script that hands the map its points: columns in base64, sorted by cluster, those in none first."""
    order = np.argsort(report.map_labels, kind="stable")
    rows = report.map_rows[order]
    keys = [report.keys[row] for row in rows.tolist()]
    shown = b"".join(bytes.fromhex(key) if key and key not in missing else bytes(8) for key in keys)
    known = set(report.map_labels.tolist())
    pages = [page for page in [*report.clusters, report.none] if page.number in known]
    value = {
        "at": _base64(np.rint(report.map_at[order] * 65535).astype("<u2")),
        "labels": _base64(report.map_labels[order].astype("<i4")),
        "days": _base64(report.days[rows].astype("<i4")),
        "undated": NO_DAY,
        "keys": base64.b64encode(shown).decode(),
        "side": SMALL_PX,
        "clusters": [
            {"number": page.number, "label": page.label, "colour": page.colour, "slug": page.slug} for page in pages
        ],
    }
    return b"window.PHOTOTAG_MAP = " + msgspec.json.encode(value) + b";\n"


def _base64(array: Any) -> str:
    return base64.b64encode(array.tobytes()).decode()


def _numbered(name: str) -> Callable[[int], str]:
    return lambda page: f"{name}.html" if page == 1 else f"{name}-{page}.html"


def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(os.path.join(HERE, "templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
