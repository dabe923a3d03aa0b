"""Pictures over HTTP: thumbnails from the cache, pictures as a browser can show them, originals byte for byte."""

from __future__ import annotations

import functools
import os
import stat
import threading
from email.utils import parsedate
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote_to_bytes

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response
from starlette.staticfiles import NotModifiedResponse

from phototag import fsio
from phototag.errors import ImageError
from phototag.imaging import formats
from phototag.imaging.thumbs import MEDIA_TYPE, Thumb, ThumbCache, thumb_of
from phototag.serve.access import ASKED_ABOUT, FOR_EVER, raw_path
from phototag.serve.present import rel_of

if TYPE_CHECKING:
    from starlette.datastructures import Headers
    from starlette.requests import Request

    from phototag.index.record import ImageRecord
    from phototag.serve.shelf import Shelf

SIDES_PX = frozenset({240, 480, 960, 2048})
"""Sizes that are made: any number would fill the cache at a visitor's whim."""
VIEW_PX = 2048
"""Longer side of the rendering of a picture that browsers cannot show."""
SHOWN_BY_BROWSERS = frozenset({formats.JPEG, formats.PNG, formats.WEBP, formats.GIF, formats.AVIF, formats.BMP})
A_WHILE = "private, max-age=60"
_HEAD_BYTES = 4096

_decoding = threading.BoundedSemaphore(max(2, os.cpu_count() or 2))
"""A decoder holds a whole picture: as many at once as there are cores, however many a browser asks for."""


class Pictures:
    """The three endpoints; each serves only what is in the index, so no path leads out of the library."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf
        self.cache = ThumbCache(os.path.join(shelf.tree.cache, "thumbs"))

    async def thumb(self, request: Request) -> Response:
        """Answer ``/thumb/<side>/<path>``: a WebP, or a drawing that says there is none."""
        side = int(request.path_params["side"])
        if side not in SIDES_PX:
            raise HTTPException(404)
        return await run_in_threadpool(self._thumb, rel_in(request, 2), side)

    async def view(self, request: Request) -> Response:
        """Answer ``/view/<path>``: the original where browsers show it, else a rendering."""
        return await run_in_threadpool(self._view, rel_in(request, 1), request.headers)

    async def original(self, request: Request) -> Response:
        """Answer ``/original/<path>``: the file itself, in ranges if asked; ``?download`` saves it."""
        download = "download" in request.query_params
        return await run_in_threadpool(self._original, rel_in(request, 1), download, request.headers)

    def is_here(self, rel: str) -> bool:
        """Say whether the original can be asked for."""
        try:
            _regular(self.shelf.tree.path(rel))
        except OSError:
            return False
        return True

    def trouble(self, record: ImageRecord) -> str:
        """Return why a photo cannot be shown, empty where it can: as far as is known without decoding it."""
        rel, content = rel_of(record), _content(record)
        try:
            found = _regular(self.shelf.tree.path(rel))
            with open(found[0], "rb") as file:
                known = bool(formats.sniff(file.read(_HEAD_BYTES), os.path.basename(rel)))
            if not known:
                self._render(rel, VIEW_PX)  # refused at its first bytes, with the reason
        except (ImageError, OSError) as error:
            kept = content is not None and self.cache.get(content, VIEW_PX) is not None
            return "" if kept else _reason(error)
        return ""

    def _thumb(self, rel: str, side_px: int) -> Response:
        record = self._record(rel)
        content = _content(record)
        try:
            if content is None:
                made = self._render(rel, side_px)
            else:
                made = self.cache.obtain(content, side_px, lambda: self._render(rel, side_px))
        except (ImageError, OSError) as error:
            return _no_picture(error)
        keep = FOR_EVER if made.content == content else A_WHILE  # edited since the scan: the address names another
        return Response(made.data, media_type=MEDIA_TYPE, headers={"cache-control": keep})

    def _view(self, rel: str, asked: Headers) -> Response:
        self._record(rel)
        try:
            found = _regular(self.shelf.tree.path(rel))
            with open(found[0], "rb") as file:
                fmt = formats.sniff(file.read(_HEAD_BYTES), os.path.basename(rel))
        except OSError as error:
            if (kept := self._rendering(rel, asked)).media_type == MEDIA_TYPE:
                return kept  # the original is elsewhere, a rendering of it is not
            return _no_picture(error)
        if fmt in SHOWN_BY_BROWSERS:
            file_answer = FileResponse(found[0], media_type=formats.MIME[fmt], stat_result=found[1], headers=_reuse())
            return unless_known(file_answer, asked)
        return self._rendering(rel, asked)

    def _rendering(self, rel: str, asked: Headers) -> Response:
        """Return a rendering at an address that does not name the content: a browser asks whether it still is that one."""
        made, record = self._thumb(rel, VIEW_PX), self._record(rel)
        if made.media_type != MEDIA_TYPE or made.headers["cache-control"] != FOR_EVER or not record.content:
            return made
        made.headers.update(_reuse() | {"etag": f'"{record.content.rpartition(":")[2]}-{VIEW_PX}"'})
        return unless_known(made, asked)

    def _original(self, rel: str, download: bool, asked: Headers) -> Response:
        self._record(rel)
        name = os.path.basename(rel)
        try:
            path, found = _regular(self.shelf.tree.path(rel))
            with open(path, "rb") as file:
                fmt = formats.sniff(file.read(_HEAD_BYTES), name)
        except OSError as error:
            raise HTTPException(404, f"This cannot be sent: {_reason(error)}.") from error
        media_type = formats.MIME.get(fmt, "application/octet-stream")
        kind = "attachment" if download or not fmt else "inline"
        headers = _reuse() | {"content-disposition": disposition(kind, name)}
        return unless_known(FileResponse(path, media_type=media_type, stat_result=found, headers=headers), asked)

    def _render(self, rel: str, side_px: int) -> Thumb:
        path, _ = _regular(self.shelf.tree.path(rel))
        with _decoding:
            return thumb_of(path, side_px, self.shelf.tree.settings.max_megapixels)

    def _record(self, rel: str) -> ImageRecord:
        record = self.shelf.record(rel)
        if record is None:
            raise HTTPException(404, "No such photo in this library.")
        return record


def rel_in(request: Request, skip: int) -> str:
    """Return the path after the first ``skip`` parts of the address, byte for byte (surrogateescape)."""
    return os.fsdecode(unquote_to_bytes(raw_path(request.scope).split(b"/", skip + 1)[skip + 1]))


def unless_known(answer: Response, asked: Headers) -> Response:
    """Return ``answer``, or that the browser has it already (304)."""
    have, since = asked.get("if-none-match"), parsedate(asked.get("if-modified-since", ""))
    if have is not None:
        tags = {tag.strip().removeprefix("W/") for tag in have.split(",")}
        known = "*" in tags or answer.headers.get("etag") in tags
    else:
        changed = parsedate(answer.headers.get("last-modified", ""))
        known = since is not None and changed is not None and changed[:6] <= since[:6]
    return NotModifiedResponse(answer.headers) if known else answer


def disposition(kind: str, name: str) -> str:
    """Return a Content-Disposition for any name (RFC 6266): an ASCII shadow, and UTF-8 in full."""
    shadow = "".join(char if " " <= char <= "~" and char not in '"\\%' else "_" for char in name)
    return f"{kind}; filename=\"{shadow}\"; filename*=UTF-8''{quote(os.fsencode(name), safe='')}"


def _reuse() -> dict[str, str]:
    return {"cache-control": ASKED_ABOUT}  # originals can be edited


def _content(record: ImageRecord) -> bytes | None:
    return bytes.fromhex(record.content.rpartition(":")[2]) if record.content else None


def _regular(path: str) -> tuple[str, os.stat_result]:
    found = os.stat(path)
    if not stat.S_ISREG(found.st_mode):  # a pipe would never end
        raise OSError(0, "not a regular file")
    return path, found


def _no_picture(error: Exception) -> Response:
    """Return a drawing that stands for a picture that cannot be shown; the reason is in a header."""
    headers = {"cache-control": "no-store", "x-phototag-reason": quote(_reason(error)[:200])}
    return Response(_no_picture_svg(), media_type="image/svg+xml", headers=headers)


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "the original is not here"
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)


@functools.cache
def _no_picture_svg() -> bytes:
    return fsio.read_bytes(os.path.join(os.path.dirname(__file__), "static", "no-picture.svg"))
