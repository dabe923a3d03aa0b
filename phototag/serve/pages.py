"""The pages: grid, photo, sign-in, and the JSON that programs read. Thin: question in, core call, template out."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import msgspec
from msgspec import UnsetType
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from phototag.errors import PhototagError, QueryError, UsageError
from phototag.index.clusters import NOISE
from phototag.serve import present
from phototag.serve.access import own_path, signed_in
from phototag.serve.details import details
from phototag.serve.facet_links import Group, groups
from phototag.serve.images import VIEW_PX, rel_in
from phototag.serve.question import LIKE, SORTS, Question, read_question, readable, shown
from phototag.serve.shelf import RANKED_LIMIT
from phototag.serve.writing import Templates
from phototag.wording import count_text

if TYPE_CHECKING:
    from starlette.requests import Request

    from phototag.index.record import ImageRecord
    from phototag.serve.access import Access
    from phototag.serve.images import Pictures
    from phototag.serve.shelf import Shelf

PAGE = 120
"""Photos of one page of the grid."""
API_LIMIT = 1000
COUNTED_AT_ONCE = 100_000
"""Above so many photos the page does not wait for the counts of its filters (0.1 to 0.5 s at a million)."""
SIGN_IN_BYTES = 4096
"""More than a token needs: whoever has none yet must not fill the memory."""
SLOW_SIGN_IN_S = 0.4
"""A wrong token is answered this much later."""


class Pages:
    """The endpoints that answer with HTML or JSON."""

    def __init__(self, shelf: Shelf, access: Access, pictures: Pictures) -> None:
        self.shelf, self.access, self.pictures = shelf, access, pictures
        self.html = Templates().answer

    async def grid(self, request: Request) -> Response:
        """Answer ``/``: search box, filters, the first or ``?offset=``-th page of photos."""
        return await run_in_threadpool(self._grid, request)

    async def tiles(self, request: Request) -> Response:
        """Answer ``/tiles``: one page of the grid alone, for the script that scrolls."""
        return await run_in_threadpool(self._tiles, request)

    async def filters(self, request: Request) -> Response:
        """Answer ``/filters``: the column of filters with its counts, which takes a moment in a very large library."""
        return await run_in_threadpool(self._filters, request)

    async def photo(self, request: Request) -> Response:
        """Answer ``/photo/<path>``: the picture and all that is known of it; ``?fragment`` without the page around it."""
        return await run_in_threadpool(self._photo, request)

    async def list_json(self, request: Request) -> Response:
        """Answer ``/api/photos``: the records of ``phototag list`` and ``query``."""
        return await run_in_threadpool(self._list_json, request)

    async def photo_json(self, request: Request) -> Response:
        """Answer ``/api/photo/<path>``: one record of ``phototag info``."""
        return await run_in_threadpool(self._photo_json, request)

    async def sign_in(self, request: Request) -> Response:
        """Show the form for the token, and take it."""
        if not self.access.token:
            return RedirectResponse("/", 303)
        target = own_path(request.query_params.get("next", "/"))
        if request.method == "POST":
            form = await _short_body(request)
            if self.access.accepts(_form_value(form, "token")):
                return signed_in(self.access, target)
            import anyio

            await anyio.sleep(SLOW_SIGN_IN_S)
        wrong = request.method == "POST"
        action = "/login" if target == "/" else f"/login?next={quote(target, safe='')}"
        return self.html("login.html", status=401 if wrong else 200, wrong=wrong, action=action)

    async def failed(self, request: Request, error: Exception) -> Response:
        """Answer a request that failed: a page for people, a line for scripts."""
        status, message, hint = _said(error)
        if request.url.path.startswith("/api/"):
            return _json({"error": message, "hint": hint}, status)
        return self.html(
            "error.html", status=status, missing=status == 404, message=message, hint=hint, where=_where(error)
        )

    def _grid(self, request: Request) -> Response:
        question, offset = _asked(request), _number(request, "offset", 0)
        values: dict[str, Any] = {"tiles": [], "total": 0, "groups": [], "sorts": [], "earlier": "", "later": ""}
        problem = None
        try:
            values |= self._found(question, offset)
        except PhototagError as error:
            problem = error
        return self.html(
            "grid.html",
            status=200 if problem is None else 400,
            question=question,
            chips=question.chips(cluster=self._label(question.filters.cluster)),
            problem=problem,
            where=_where(problem),
            offset=offset,
            page=PAGE,
            library=readable(os.path.basename(self.shelf.tree.root) or self.shelf.tree.root),
            heading="" if problem is not None else _heading(question, values["total"]),
            cleared=Question(text=question.text).address(),
            **values,
        )

    def _found(self, question: Question, offset: int) -> dict[str, Any]:
        """Return what the grid shows of the answer. Raises UsageError for a question that makes no sense."""
        records, total = self.shelf.page(question, offset, PAGE)
        at_once = self.shelf.index().count <= COUNTED_AT_ONCE
        return {
            "tiles": self._tiles_of(question, records, offset),
            "total": total,
            "groups": self._groups(question) if at_once else None,
            "sorts": _sorts(question),
            "earlier": _page_address(question, max(0, offset - PAGE)) if offset else "",
            "later": _page_address(question, offset + PAGE) if offset + PAGE < total else "",
            "meant": [] if total else self.shelf.meant(question),
        }

    def _groups(self, question: Question) -> list[Group]:
        return groups(self.shelf.counts(question), question, awaited=self.shelf.index().clusters.awaited)

    def _filters(self, request: Request) -> Response:
        question = _asked(request)
        template = "filters.html" if "fragment" in request.query_params else "filters_page.html"
        return self.html(template, groups=self._groups(question), back=question.address())

    def _tiles(self, request: Request) -> Response:
        question, offset = _asked(request), _number(request, "offset", 0)
        records, total = self.shelf.page(question, offset, PAGE)
        answer = self.html("tiles.html", tiles=self._tiles_of(question, records, offset))
        answer.headers["x-phototag-total"] = str(
            total
        )  # another one than the page was made with: the library has changed
        return answer

    def _tiles_of(self, question: Question, records: list[ImageRecord], offset: int) -> list[present.Tile]:
        if question.order not in ("-taken", "taken"):
            return present.tiles(records, question.query(), offset)
        group = self.shelf.grouping(question)
        before = self.shelf.page(question, offset - 1, 1)[0] if offset and group else []
        last_key = (before[0].taken or "")[:group] if before else "-"
        return present.tiles(records, question.query(), offset, group=group, last_key=last_key)

    def _photo(self, request: Request) -> Response:
        rel = rel_in(request, 1)
        record = self._record(rel)
        question, at = _asked(request), _number(request, "at", -1)
        at, earlier, later, position = self._neighbours(question, rel, at)
        here, unseen = self.pictures.is_here(rel), self.pictures.trouble(record)
        return self.html(
            "panel.html" if "fragment" in request.query_params else "photo.html",
            record=record,
            url=present.url_of(rel),
            thumb=present.thumb_url(record),
            rendered=present.thumb_url(record, VIEW_PX),
            details=details(self.shelf.tree, record, cluster=self._cluster_name(record), here=here),
            alt=present.unseen_text(record, unseen) if unseen else present.alt_text(record),
            here=here,
            unseen=unseen,
            earlier=earlier,
            later=later,
            back=_page_address(question, max(0, at) // PAGE * PAGE) if at >= PAGE else question.address(),
            position=position,
            like=Question(like=rel).address(),
            tag_address=lambda name: Question().address(add=[("tag", name)]),
        )

    def _neighbours(self, question: Question, rel: str, at: int) -> tuple[int, str, str, str]:
        """Return this photo's place in the answer, -1 unknown, the addresses of those before and after, and it in words.

        ``at`` is its place when the page was made.
        """
        at = self.shelf.place(question, rel, at)
        if at < 0:
            return -1, "", "", ""
        first = max(0, at - 1)
        records, total = self.shelf.page(question, first, 3 if at else 2)
        found = present.tiles(records, question.query(), first)
        earlier = found[0].href if at else ""
        later = found[at - first + 1].href if at + 1 < total else ""
        return at, earlier, later, f"{at + 1:,} of {total:,}"

    def _cluster_name(self, record: ImageRecord) -> str:
        """Return what the photo's cluster is called, empty where it is in none."""
        current = self.shelf.index().clusters.current()
        if current is None or isinstance(record.cluster, UnsetType) or current.run != record.cluster.run:
            return ""
        return current.document.label(record.cluster.id)

    def _label(self, number: int | None) -> str:
        """Return what a cluster of the current run is called, empty where there is none of that number."""
        current = self.shelf.index().clusters.current()
        if number is None or current is None or number not in current.document.clusters:
            return "none" if number == NOISE else ""
        return current.document.label(number)

    def _list_json(self, request: Request) -> Response:
        offset, limit = _number(request, "offset", 0), min(API_LIMIT, _number(request, "limit", PAGE))
        records, total = self.shelf.page(_asked(request), offset, limit)
        return _json({"total": total, "offset": offset, "images": records})

    def _photo_json(self, request: Request) -> Response:
        return _json(self._record(rel_in(request, 2)))

    def _record(self, rel: str) -> ImageRecord:
        record = self.shelf.record(rel)
        if record is None:
            raise HTTPException(404, "No such photo in this library.")
        return record


def _asked(request: Request) -> Question:
    return read_question(request.scope["query_string"])


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else default


def _page_address(question: Question, offset: int) -> str:
    address = question.address()
    return address if not offset else f"{address}{'&' if '?' in address else '?'}{urlencode({'offset': offset})}"


def _said(error: Exception) -> tuple[int, str, str | None]:
    """Return the status, what is said and what may help; of an error that nobody foresaw nothing is given away."""
    if isinstance(error, HTTPException):
        return error.status_code, error.detail, None
    if isinstance(error, PhototagError):
        return 400 if isinstance(error, UsageError) else 500, readable(str(error)), error.hint
    return 500, "phototag made a mistake here.", "What happened is on the terminal where phototag serve runs."


def _where(error: Exception | None) -> tuple[str, str] | None:
    """Return what was typed before a mistake, and from it on."""
    return (error.text[: error.at], error.text[error.at :]) if isinstance(error, QueryError) else None


def _heading(question: Question, total: int) -> str:
    count = count_text(total, "photo")
    if question.like:
        return f"Like {present.name_of(shown(LIKE, question.like))}"
    if not question.text:
        return count
    best = "The best " if question.ranked and total >= RANKED_LIMIT else ""
    return f"{best}{count} for “{question.text}”"


def _sorts(question: Question) -> list[tuple[str, str, bool]]:
    """Return (address, name, whether it is in force) of each order that makes sense here."""
    ranks = Question(question.text, question.like).ranked
    found = [(question.address(only_one="sort"), "Best match", question.ranked)] if ranks else []
    for key, name in SORTS.items():
        address = question.address(only_one="sort", add=[("sort", key)])
        found.append((address, name, question.order == key))
    return found


async def _short_body(request: Request) -> str:
    """Return the body of a request. Raises HTTPException (413) as soon as it is too long, without reading the rest."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > SIGN_IN_BYTES:
            raise HTTPException(413, "That is too long for a token.")
    return body.decode("utf-8", "replace")


def _form_value(body: str, name: str) -> str:
    from urllib.parse import parse_qs

    return parse_qs(body).get(name, [""])[0].strip()


def _json(value: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, media_type="application/json")
