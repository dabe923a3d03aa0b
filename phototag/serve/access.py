"""Who may look: loopback by default, a token elsewhere, no DNS rebinding, no other site, nothing from outside.

A page on the web can make a browser send requests to 127.0.0.1. Against that stand the Host check (a rebound name is
not ours), ``Cross-Origin-Resource-Policy`` (no embedding), and the same-origin rule for anything that is not a read.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, urlsplit

import msgspec
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from phototag import fsio
from phototag.errors import UsageError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from phototag.settings import Settings

COOKIE = "phototag"
COOKIE_DAYS = 90
TOKEN_LEAST = 16
"""Characters of the shortest token that is taken on an open port."""
STATIC = "/static/"
OPEN_PATHS = ("/login", STATIC)
"""What may be seen without a token."""
FOR_EVER = "private, max-age=31536000, immutable"
ASKED_ABOUT = "private, no-cache"
"""May be kept, but is asked about."""
TARGET_LIMIT = 2000
"""Characters of an address to come back to after signing in."""

CONTENT_POLICY = (
    "default-src 'self'; img-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
SECURITY_HEADERS = {
    "content-security-policy": CONTENT_POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    # Not no-referrer: with that a browser says "Origin: null" of our own form, as it would of another site's.
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


class Access(msgspec.Struct, frozen=True):
    """Where the viewer listens and what it asks of a visitor."""

    host: str
    token: str = ""

    @property
    def loopback(self) -> bool:
        """Say whether only this machine can reach the viewer."""
        return is_loopback(self.host)

    def knows_host(self, header: str) -> bool:
        """Say whether a Host header names this viewer.

        On loopback only loopback's own names do: any other name was made to point here (DNS rebinding). On an open
        port any name may be ours, and the token stands guard: a rebound page has no cookie for its own name.
        """
        return not self.loopback or host_of(header) in _LOOPBACK_NAMES | {self.host}

    def accepts(self, said: str) -> bool:
        """Compare a token in constant time."""
        return hmac.compare_digest(said.encode("utf-8", "replace"), self.token.encode("utf-8", "replace"))

    @property
    def session(self) -> str:
        """Return what the cookie holds: derived from the token, which it does not give away."""
        return hmac.new(self.token.encode("utf-8", "replace"), b"phototag viewer session", hashlib.sha256).hexdigest()

    @property
    def cookie(self) -> str:
        """Return the cookie's name: browsers keep one set for all ports of a machine, and each may have its library."""
        return f"{COOKIE}-{self.session[:8]}"

    def admits(self, headers: Headers) -> bool:
        """Say whether a request carries the token (``Authorization: Bearer``) or the cookie."""
        if not self.token:
            return True
        scheme, _, said = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self.accepts(said.strip()):
            return True
        return hmac.compare_digest(_cookie(headers, self.cookie).encode("utf-8", "replace"), self.session.encode())


def open_access(host: str, settings: Settings, *, token_file: str = "") -> Access:
    """Return the access in force. Raises UsageError: another host than loopback wants a token."""
    token = _token(settings, token_file)
    if not is_loopback(host):
        if not token:
            raise UsageError(
                f"the viewer does not listen on {host} without a token",
                hint="put a long random line into a file and give --token-file FILE, or set PHOTOTAG_API_TOKEN",
            )
        if len(token) < TOKEN_LEAST:
            raise UsageError(
                f"the token is too short for an open port: {len(token)} characters", hint=f"use {TOKEN_LEAST} or more"
            )
    return Access(host, token)


def is_loopback(host: str) -> bool:
    """Say whether ``host`` is reachable from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def host_of(header: str) -> str:
    """Return the host in a Host header, without its port and brackets, lower-case."""
    try:
        return (urlsplit(f"//{header.strip()}").hostname or "").rstrip(".")
    except ValueError:
        return ""


class Guard:
    """ASGI middleware: the checks above before the app, the security headers after it."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self.app, self.access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or let the app answer with the security headers added."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("cache-control", _keep(scope, message["status"]))
            await send(message)

        refusal = self.refusal(scope)
        await (refusal or self.app)(scope, receive, with_headers)

    def refusal(self, scope: Scope) -> Response | None:
        """Return the answer to a request that goes no further, None where it may."""
        headers, path = Headers(scope=scope), scope["path"]
        if not self.access.knows_host(headers.get("host", "")):
            return PlainTextResponse("This name does not belong to the viewer. Use http://127.0.0.1.\n", 421)
        if scope["method"] not in ("GET", "HEAD") and not same_origin(headers):
            return PlainTextResponse("This request came from another site.\n", 403)
        if path.startswith(OPEN_PATHS) or self.access.admits(headers):
            return None
        return self._ask_for_token(scope, headers)

    def _ask_for_token(self, scope: Scope, headers: Headers) -> Response:
        """Take a token from the address (a link that ``serve`` printed), else lead a person to the form."""
        said = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        target = _target(scope)
        if said and self.access.accepts(said) and scope["method"] == "GET":
            return signed_in(self.access, target)
        if "text/html" in headers.get("accept", "") and scope["method"] == "GET":
            again = f"?next={quote(target, safe='')}" if target != "/" and len(target) <= TARGET_LIMIT else ""
            return RedirectResponse(f"/login{again}", 303)
        return PlainTextResponse("A token is needed.\n", 401, {"www-authenticate": "Bearer"})


def signed_in(access: Access, target: str) -> Response:
    """Return a redirect that sets the cookie."""
    response = RedirectResponse(own_path(target), 303)
    response.set_cookie(access.cookie, access.session, max_age=COOKIE_DAYS * 86_400, httponly=True, samesite="strict")
    return response


def own_path(target: str) -> str:
    """Return ``target`` where it is an address of this viewer, else that of all photos: no link leads elsewhere."""
    ours = target.startswith("/") and target[1:2] not in ("/", "\\") and target.isascii() and target.isprintable()
    return target if ours else "/"


def raw_path(scope: Scope) -> bytes:
    """Return the path of a request as it was sent, percent signs and all."""
    raw: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
    return raw.partition(b"?")[0]


def _target(scope: Scope) -> str:
    """Return the address of a request as it was sent, without its token."""
    parts = scope["query_string"].decode("latin-1").split("&")
    query = "&".join(part for part in parts if part and part.partition("=")[0] != "token")
    return raw_path(scope).decode("latin-1") + (f"?{query}" if query else "")


def _keep(scope: Scope, status: int) -> str:
    """Return how long a browser may keep an answer that does not say so itself."""
    if not scope["path"].startswith(STATIC) or status not in (200, 206, 304):
        return "no-store"
    versioned = any(part.startswith(b"v=") for part in scope["query_string"].split(b"&"))
    return FOR_EVER if versioned else ASKED_ABOUT


def same_origin(headers: Headers) -> bool:
    """Say whether a request that changes something comes from our own pages, or from no browser at all."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers.get("host")


def _cookie(headers: Headers, name: str) -> str:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(name)
    except CookieError:
        return ""
    return "" if found is None else found.value


def _token(settings: Settings, token_file: str) -> str:
    path = token_file or ("" if settings.api_token else settings.api_token_file)
    if not path:
        return settings.api_token.strip()
    try:
        lines = fsio.read_bytes(path).decode("utf-8", "replace").split()
    except OSError as error:
        raise UsageError(f"cannot read the token file {fsio.display(path)}: {error.strerror}") from error
    if len(lines) != 1:
        raise UsageError(f"the token file {fsio.display(path)} must hold one word on one line")
    return lines[0]
