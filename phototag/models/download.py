"""One file over HTTP: resumed, checked, put in place whole. The only module of phototag that opens a socket outward.

Proxies come from ``HTTP_PROXY``, ``HTTPS_PROXY`` and ``NO_PROXY`` as everywhere.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import IO, Any
from urllib.parse import urlsplit

from phototag import __version__, fsio
from phototag.errors import PhototagError
from phototag.models.record import sha256_of

Progress = Callable[[int], None]
"""Called with the bytes that are newly on disk; negative when a file begins again."""

PART, TAG = ".part", ".part.etag"
_WEB = ("http", "https")
CHUNK_BYTES = 4 << 20
"""Written and synced at once."""
PIECE_BYTES = 1 << 16
TIMEOUT_S = 30.0
"""Without a byte for so long, the connection counts as lost."""
ATTEMPTS = 5
"""In a row without progress."""
PAUSE_S = 1.0
"""Before the second attempt; doubled each time."""


class DownloadError(PhototagError):
    """A file could not be fetched; ``code`` is the server's refusal, 0 where it did not refuse."""

    def __init__(self, message: str, *, hint: str | None = None, code: int = 0) -> None:
        super().__init__(message, hint=hint)
        self.code = code


def mirrored(url: str, mirror: str) -> str:
    """Return ``url`` at ``mirror``: its path stays, the host is replaced."""
    return url if not mirror else mirror.rstrip("/") + urlsplit(url).path


def begun(target: str) -> int:
    """Return the bytes that an earlier try left of ``target``."""
    return _size(target + PART)


def fetch(url: str, target: str, *, size: int = 0, sha256: str = "", progress: Progress = lambda count: None) -> str:
    """Download ``url`` to ``target`` and return its SHA-256; a ``.part`` left by an earlier try is gone on with.

    Raises DownloadError (not found, no connection, wrong content), WriteError.
    """
    if urlsplit(url).scheme not in _WEB:
        raise DownloadError(f"not a web address: {url}", hint="it begins with http:// or https://, a mirror too")
    part = target + PART
    if begun(target) and not sha256 and not _tag(part):
        _again(part, progress)  # nothing would tell whether the rest is of the same file
    resumed = begun(target) > 0
    _all_bytes(url, part, size, bool(sha256), progress)
    found = sha256_of(part)
    if sha256 and found != sha256 and resumed:
        # The beginning came from another try, perhaps from another file: once more, from the start.
        _again(part, progress)
        _all_bytes(url, part, size, True, progress)
        found = sha256_of(part)
    if sha256 and found != sha256:
        _forget(part)
        raise DownloadError(
            f"{url}: what came is not the file that was expected (SHA-256 {found[:16]}..., not {sha256[:16]}...)",
            hint="the file has changed at its source or on the way; nothing was kept",
        )
    fsio.replace(part, target)
    fsio.remove(target + TAG)
    return found


def _all_bytes(url: str, part: str, size: int, checked: bool, progress: Progress) -> None:
    """Fetch until the server has no more; a lost connection is taken up again where it broke.

    ``checked``: a hash will tell whether the pieces belong together; else the server must (``If-Range``).
    """
    failures = 0
    while not (size and _size(part) == size):
        before = _size(part)
        try:
            if _some_bytes(url, part, size, progress):
                return
            error: Exception = DownloadError("the connection ended early")
        except urllib.error.HTTPError as problem:
            with problem:
                if problem.code == 416 and before:
                    if _range(problem)[1] == before:
                        return  # all of it was here
                    _again(part, progress)
                elif problem.code not in (408, 425, 429) and problem.code < 500:
                    raise _refused(url, problem.code) from problem
            error = problem
        except (OSError, http.client.HTTPException) as problem:
            error = problem
        failures = 0 if _size(part) > before else failures + 1
        if not checked and not _tag(part):
            _again(part, progress)
        if failures >= ATTEMPTS:
            raise _lost(url, part, error) from error
        time.sleep(PAUSE_S * 2 ** max(0, failures - 1))


def _some_bytes(url: str, part: str, size: int, progress: Progress) -> bool:
    """Fetch from where ``part`` ends; return whether all of it is there now."""
    offset = _size(part)
    with contextlib.closing(_open(url, part, offset)) as answer:
        _must_be_a_file(url, answer.headers)
        start, total = _range(answer)
        if offset and (answer.status != 206 or start != offset):
            _again(part, progress)
            if answer.status == 206:
                return False  # some other part of the file: from the start, then
            offset = 0
        length = answer.headers.get("Content-Length")
        total = total or (offset + int(length) if length and length.isdigit() else size)
        if size and total and total != size:
            raise DownloadError(
                f"{url} is {total:,} bytes, expected {size:,}", hint="the file has changed at its source"
            )
        if not offset and _validator(answer.headers):
            fsio.write_atomic(part[: -len(PART)] + TAG, _validator(answer.headers).encode())
        if not os.path.lexists(part):
            fsio.append(part, b"")
        _append_all(answer, part, progress)
    return not total or _size(part) == total


def _range(answer: Any) -> tuple[int, int]:
    """Return (first byte, bytes of the whole file) of ``Content-Range``; -1 and 0 where it does not say."""
    found = re.fullmatch(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)", answer.headers.get("Content-Range", "").strip())
    if found is None:
        return -1, 0
    return int(found[1] or -1), int(found[2]) if found[2] != "*" else 0


def _validator(headers: Any) -> str:
    """Return what tells this version of the file from another in ``If-Range``: a strong ETag, else its date."""
    tag = str(headers.get("ETag", ""))
    return tag if tag.startswith('"') else str(headers.get("Last-Modified", ""))


def _must_be_a_file(url: str, headers: Any) -> None:
    """Raise DownloadError for a login page, or for bytes that were packed on the way though we ask for them as they are."""
    if headers.get_content_type() == "text/html":
        raise DownloadError(f"{url}: a web page came instead of the file", hint="a login page, or a wrong mirror?")
    packed = headers.get("Content-Encoding", "identity").lower()
    if packed != "identity" and not urlsplit(url).path.endswith(".gz"):
        raise DownloadError(
            f"{url}: the server packs the file ({packed}) though it is asked not to",
            hint="fetch it by hand and give it with --from FILE",
        )


def _append_all(answer: Any, part: str, progress: Progress) -> None:
    """Append what the server sends, synced in large pieces; what came before a break is kept."""
    waiting = bytearray()
    try:
        while piece := answer.read1(PIECE_BYTES):
            waiting += piece
            if len(waiting) >= CHUNK_BYTES:
                waiting, full = bytearray(), waiting
                fsio.append(part, bytes(full))
            progress(len(piece))
    finally:
        if waiting:
            fsio.append(part, bytes(waiting))


def _open(url: str, part: str, offset: int) -> Any:
    request = urllib.request.Request(url, headers={"User-Agent": f"phototag/{__version__}"})  # noqa: S310 - fetch checks
    if offset:
        request.add_header("Range", f"bytes={offset}-")
        if tag := _tag(part):
            request.add_header("If-Range", tag)
    return urllib.request.build_opener(_NoDowngrade).open(request, timeout=TIMEOUT_S)


class _NoDowngrade(urllib.request.HTTPRedirectHandler):
    """Follow redirects, but never from https to something less, nor out of the web."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        """Return the request to the new address. Raises DownloadError."""
        scheme = urlsplit(newurl).scheme
        if urlsplit(req.full_url).scheme == "https" and scheme != "https":
            raise DownloadError(f"{req.full_url} sends us on to an address without encryption")
        if scheme not in _WEB:
            raise DownloadError(f"{req.full_url} sends us on to {newurl}, which is no web address")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _refused(url: str, code: int) -> DownloadError:
    what = {404: "not there", 401: "asks for a login", 403: "refused"}.get(code, "refused")
    return DownloadError(
        f"{url}: {what} (HTTP {code})",
        code=code,
        hint="fetch it by hand and give it with --from FILE, or set PHOTOTAG_MODELS_MIRROR",
    )


def _lost(url: str, part: str, error: Exception) -> DownloadError:
    reason = getattr(error, "reason", None) or error
    kept = _size(part)
    hint = (
        f"run it again: {kept:,} bytes are kept and gone on with"
        if kept
        else "is there a network? a proxy is HTTPS_PROXY"
    )
    return DownloadError(f"cannot fetch {url}: {reason}", hint=hint)


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def _tag(part: str) -> str:
    try:
        return fsio.read_bytes(part[: -len(PART)] + TAG).decode("latin-1").strip()
    except OSError:
        return ""


def _again(part: str, progress: Progress) -> None:
    """Begin again: take back what was counted of ``part`` and forget it."""
    progress(-_size(part))
    _forget(part)


def _forget(part: str) -> None:
    fsio.remove(part)
    fsio.remove(part[: -len(PART)] + TAG)
