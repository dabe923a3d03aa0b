"""Run the viewer: bind first, say where, then serve until Ctrl-C."""

from __future__ import annotations

import contextlib
import errno
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from phototag.errors import PhototagError
from phototag.serve import logs
from phototag.serve.browser import opener

if TYPE_CHECKING:
    import uvicorn

    from phototag.handle import Library
    from phototag.serve.access import Access

_LINGER_S = 2
"""How long open connections may take to end after Ctrl-C."""


def run(library: Library, access: Access, port: int, *, announce: Callable[[str], None], browse: bool) -> int:
    """Serve until interrupted; ``announce`` is given the address once it answers. Returns the exit code."""
    import uvicorn

    from phototag.serve.app import make_app
    from phototag.serve.pages import PAGE
    from phototag.serve.question import Question

    settings = library.tree.settings
    logs.level(settings)  # a level that does not exist is an error before anything is bound
    app = make_app(library, access)
    app.state.shelf.page(Question(), 0, PAGE)  # what is slow the first time is slow before anybody waits
    listening = bind(access.host, port)
    config = uvicorn.Config(
        app,
        log_config=logs.config(settings),
        log_level=logs.level(settings),
        access_log=logs.level(settings) in ("info", "debug"),
        lifespan="off",
        server_header=False,
        date_header=True,
        timeout_graceful_shutdown=_LINGER_S,
        ws="none",
    )
    address = address_of(access.host, listening.getsockname()[1])
    with listening:
        announce(address)
        with contextlib.suppress(KeyboardInterrupt):  # Ctrl-C is how a viewer ends
            _server(config, opener(address) if browse else lambda: None).run(sockets=[listening])
    return 0


def _server(config: uvicorn.Config, started: Callable[[], None]) -> uvicorn.Server:
    """Return a server that calls ``started`` once it answers."""
    import uvicorn

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                started()

    return Server(config)


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket. Raises PhototagError when the port is taken or the host is not of this machine."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
        made.listen(128)
    except OSError as error:
        made.close()
        if error.errno == errno.EADDRINUSE:
            raise PhototagError(
                f"port {port} is in use", hint=f"give another: --port {port + 1}, or --port 0 for any that is free"
            ) from error
        raise PhototagError(f"cannot listen on {host}:{port}: {error.strerror}") from error
    return made


def address_of(host: str, port: int) -> str:
    """Return the address to open in a browser on this machine."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{shown}:{port}/"
