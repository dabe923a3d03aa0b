"""Templates made into answers."""

from __future__ import annotations

import functools
import os
from typing import TYPE_CHECKING, Any

from starlette.responses import HTMLResponse, Response

from phototag import fsio

if TYPE_CHECKING:
    from jinja2 import Environment

HERE = os.path.dirname(__file__)


class Templates:
    """The templates, compiled."""

    def __init__(self) -> None:
        self.environment = _environment()

    def answer(self, template: str, *, status: int = 200, **values: Any) -> Response:
        """Return a page, or a part of one."""
        text = self.environment.get_template(template).render(version=version(), **values)
        return HTMLResponse(text.encode("utf-8", "replace"), status)  # a reason may name a file whose name is not UTF-8


def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    folder = os.path.join(HERE, "templates")
    made = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name in made.list_templates():
        made.get_template(name)  # compiled now, not while the first visitor waits
    return made


@functools.cache
def version() -> str:
    """Return what tells the style sheets and scripts of this version from those of any other: browsers keep them."""
    import xxhash

    digest, folder = xxhash.xxh3_64(), os.path.join(HERE, "static")
    for name in sorted(os.listdir(folder)):
        digest.update(fsio.read_bytes(os.path.join(folder, name)))
    return digest.hexdigest()[:10]
