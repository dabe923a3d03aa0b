"""The viewer's application: routes, and the guard around them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.convertors import PathConvertor, register_url_convertor
from starlette.middleware import Middleware
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from phototag.errors import PhototagError
from phototag.serve.access import Guard
from phototag.serve.images import Pictures
from phototag.serve.pages import Pages
from phototag.serve.shelf import Shelf

if TYPE_CHECKING:
    from phototag.handle import Library
    from phototag.serve.access import Access


class AnyPath(PathConvertor):
    """A path with any characters: file names may hold line breaks."""

    regex = r"[\s\S]*"


register_url_convertor("any", AnyPath())


def make_app(library: Library, access: Access) -> Starlette:
    """Return the viewer of ``library`` as an ASGI application."""
    shelf = Shelf(library)
    pages, pictures = Pages(shelf, access), Pictures(shelf)
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
    handlers = {404: pages.failed, 405: pages.failed, PhototagError: pages.failed}
    app = Starlette(routes=routes, middleware=[Middleware(Guard, access=access)], exception_handlers=handlers)
    app.state.shelf = shelf
    return app
