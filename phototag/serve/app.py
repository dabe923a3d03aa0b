"""The viewer's application: routes, and the guard around them."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.convertors import PathConvertor, register_url_convertor
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from phototag.errors import PhototagError
from phototag.serve.access import Guard
from phototag.serve.images import Pictures
from phototag.serve.pages import Pages
from phototag.serve.shelf import Shelf

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from phototag.handle import Library
    from phototag.serve.access import Access

Failed = Callable[[Request, Exception], Awaitable[Response]]


class AnyPath(PathConvertor):
    """A path with any characters: file names may hold line breaks."""

    regex = r"[\s\S]*"


register_url_convertor("any", AnyPath())


class Unforeseen:
    """ASGI middleware: an error that nobody foresaw is answered like any other, and goes on to the server's log."""

    def __init__(self, app: ASGIApp, failed: Failed) -> None:
        self.app, self.failed = app, failed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the app answer; where it fails before it began to, answer for it."""
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except ClientDisconnect:
            return  # nobody is there any more
        except Exception as error:
            if scope["type"] == "http" and not begun:
                answer = await self.failed(Request(scope), error)
                await answer(scope, receive, send)
            raise


def make_app(library: Library, access: Access) -> Starlette:
    """Return the viewer of ``library`` as an ASGI application."""
    shelf = Shelf(library)
    pictures = Pictures(shelf)
    pages = Pages(shelf, access, pictures)
    static = os.path.join(os.path.dirname(__file__), "static")
    routes = [
        Route("/", pages.grid),
        Route("/tiles", pages.tiles),
        Route("/filters", pages.filters),
        Route("/photo/{path:any}", pages.photo),
        Route("/thumb/{side:int}/{path:any}", pictures.thumb),
        Route("/view/{path:any}", pictures.view),
        Route("/original/{path:any}", pictures.original),
        Route("/api/photos", pages.list_json),
        Route("/api/photo/{path:any}", pages.photo_json),
        Route("/login", pages.sign_in, methods=["GET", "POST"]),
        Mount("/static", StaticFiles(directory=static)),
    ]
    handlers = {404: pages.failed, 405: pages.failed, 413: pages.failed, PhototagError: pages.failed}
    around = [Middleware(Guard, access=access), Middleware(Unforeseen, failed=pages.failed)]
    app = Starlette(routes=routes, middleware=around, exception_handlers=handlers)
    app.state.shelf = shelf
    return app
