"""phototag in Python: ``phototag.open(path)`` gives ``Photos``, to ask and to read as arrays and tables.

What is named in docs/python.md is stable: it changes only with the major version.
"""

from __future__ import annotations

import base64
import html
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Unpack, overload

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

    from phototag.handle import Library
    from phototag.index.reader import Index
    from phototag.index.record import ImageRecord
    from phototag.search.ask import Answer
    from phototag.search.keywords import FilterValues
    from phototag.search.language import Asked
    from phototag.search.semantic import Semantics


SHOWN = 12
"""Images shown in a notebook."""
THUMB_PX = 160


class Images(Sequence["ImageRecord"]):
    """Images in an order: all of a library, or those that answer a question. Records are read as they are looked at."""

    def __init__(self, index: Index, answer: Answer) -> None:
        self._index, self._rows, self._scores = index, answer.rows, answer.scores

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self._rows)

    @overload
    def __getitem__(self, key: int | str) -> ImageRecord: ...

    @overload
    def __getitem__(self, key: slice) -> Images: ...

    def __getitem__(self, key: int | str | slice) -> ImageRecord | Images:
        """Return the image at a position or a path (relative to the library), or a part. Raises IndexError, KeyError."""
        if isinstance(key, slice):
            return self._part(key)
        at = self._position(key) if isinstance(key, str) else range(len(self))[key]
        return self._index.record(int(self._rows[at]), score=None if self._scores is None else float(self._scores[at]))

    def __iter__(self) -> Iterator[ImageRecord]:
        """Yield the images."""
        return (self[at] for at in range(len(self)))

    def __contains__(self, image: object) -> bool:
        """Say whether an image, or the one at a path, is among them."""
        from phototag.index.record import ImageRecord, path_of

        path = path_of(image) if isinstance(image, ImageRecord) else image
        row = self._index.row_of(path) if isinstance(path, str) else None
        return row is not None and row in self._places

    @cached_property
    def paths(self) -> list[str]:
        """Return the paths, relative to the library; what is not UTF-8 in them as Python's ``os`` has it."""
        return self._index.paths(self._rows)

    @property
    def scores(self) -> npt.NDArray[np.float32] | None:
        """Return how well each answers, (n,) float32; None where nothing ranks."""
        return self._scores

    def embeddings(self, space: str | None = None) -> npt.NDArray[np.float32]:
        """Return the vectors of the images, (n, d) float32, L2-normalised; a row of NaN where an image has none.

        Row i belongs to ``paths[i]``. Without ``space``, a model's name or one of ``Photos.spaces``, the fullest is taken.
        Raises UsageError where no image has a vector, or none of that model.
        """
        import numpy as np

        from phototag.errors import UsageError
        from phototag.search.find import space_of

        name = space_of(self._index, space) or next(iter(self._index.spaces), None)
        if name is None:
            raise UsageError("no image has a vector", hint="make some: phototag embed")
        vectors = self._index.vectors(name)
        found = vectors.get(self._rows)
        found[~vectors.has[self._rows]] = np.nan
        return found

    def to_arrow(self) -> pa.Table:
        """Return the images as a pyarrow.Table in this order (columns: docs/python.md), with ``score`` where ranked."""
        from phototag.catalog.table import table

        return table(self._index, self._rows, self._scores)

    def __repr__(self) -> str:
        """Return the number of images and the first paths."""
        first = ", ".join(map(repr, self[:3].paths))
        return f"<{len(self)} {'image' if len(self) == 1 else 'images'}: {first}{', …' if len(self) > 3 else ''}>"

    def _repr_html_(self) -> str:
        figures = "".join(self._figure(record) for record in self[:SHOWN])
        more = f"<p>and {len(self) - SHOWN:,} more</p>" if len(self) > SHOWN else ""
        return f'<div style="display:flex;flex-wrap:wrap;gap:8px">{figures}</div>{more}'

    def _figure(self, record: ImageRecord) -> str:
        from phototag.index.record import path_of

        picture = _thumbnail(os.path.join(self._index.tree.root, path_of(record)))
        data = base64.b64encode(picture).decode()
        shown = f'<img src="data:image/webp;base64,{data}" alt="">' if picture else "<p>not here</p>"
        score = f" {record.score:.3f}" if isinstance(record.score, float) else ""
        name = html.escape(record.path.rpartition("/")[2] + score)
        style = f"margin:0;width:{THUMB_PX}px;font-size:11px;overflow:hidden"
        return f'<figure style="{style}" title="{html.escape(record.path)}">{shown}<figcaption>{name}</figcaption></figure>'

    @cached_property
    def _places(self) -> dict[int, int]:
        return {row: at for at, row in enumerate(self._rows.tolist())}

    def _position(self, path: str) -> int:
        row = self._index.row_of(path)
        if row is None or row not in self._places:
            raise KeyError(path)
        return self._places[row]

    def _part(self, part: slice) -> Images:
        from phototag.search.ask import Answer

        rows = self._rows[part]
        return Images(self._index, Answer(rows, None if self._scores is None else self._scores[part], len(rows)))


class Photos:
    """A library, open for questions: as its sidecars are now, until ``refresh`` looks again."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._index: Index = library.index()
        self._semantics: dict[str | None, Semantics] = {}

    @property
    def root(self) -> str:
        """Return the library's folder."""
        return self._library.tree.root

    @property
    def spaces(self) -> list[str]:
        """Return the embedding spaces that hold vectors, the fullest first."""
        return list(self._index.spaces)

    @property
    def images(self) -> Images:
        """Return all images, sorted by path."""
        from phototag.search.ask import Answer
        from phototag.search.find import list_images

        rows, total = list_images(self._index)
        return Images(self._index, Answer(rows, None, total))

    def __len__(self) -> int:
        """Return the number of images."""
        return self._index.count

    def query(
        self,
        text: str = "",
        *,
        k: int | None = None,
        embedder: str | None = None,
        lexical: bool = False,
        **filters: Unpack[FilterValues],
    ) -> Images:
        """Return the images that answer ``text`` (docs/search.md), at most ``k``, among those that pass ``filters``.

        Best first where words or ``like:`` rank, else the newest first. Words are searched by meaning too, in the space of
        ``embedder`` (the library's by default), unless ``lexical``. Raises UsageError, QueryError for what cannot be read.
        """
        from phototag.search.language import parse

        semantics = None if lexical else self._meaning(embedder)
        return self._ask(parse(text), filters, k, semantics)

    def similar(self, image: str | os.PathLike[str], *, k: int = 20, **filters: Unpack[FilterValues]) -> Images:
        """Return the ``k`` images most like the one at a path. Raises UsageError where it is not in the library."""
        from phototag.search.language import Asked

        return self._ask(Asked(like=(os.fspath(image),)), filters, k, None)

    def tags(self) -> dict[str, int]:
        """Return how many images have each tag, the most frequent first."""
        from phototag.search.facets import top

        return {facet.value: facet.count for facet in top(self._index.tags.counts(self._index.alive))}

    def embeddings(self, space: str | None = None) -> npt.NDArray[np.float32]:
        """Return ``images.embeddings(space)``: row i belongs to ``images.paths[i]``."""
        return self.images.embeddings(space)

    def to_arrow(self) -> pa.Table:
        """Return all images as a pyarrow.Table, sorted by path."""
        return self.images.to_arrow()

    def refresh(self) -> Photos:
        """Bring the index up to date with the sidecars and look at it anew; return this library."""
        self._index = self._library.index()
        return self

    def __repr__(self) -> str:
        """Return the folder and the number of images."""
        return f"<phototag library {self.root!r}: {len(self)} images>"

    def _repr_html_(self) -> str:
        tags = ", ".join(f"{html.escape(tag)} ({count:,})" for tag, count in list(self.tags().items())[:SHOWN])
        spaces = ", ".join(map(html.escape, self.spaces)) or "none"
        rows = {"library": html.escape(self.root), "images": f"{len(self):,}", "tags": tags, "vectors": spaces}
        cells = "".join(f"<tr><th>{name}</th><td>{value}</td></tr>" for name, value in rows.items())
        return f"<table>{cells}</table>"

    def _ask(self, asked: Asked, filters: Mapping[str, Any], k: int | None, semantics: Semantics | None) -> Images:
        from phototag.search.ask import ask
        from phototag.search.keywords import filters_of

        found = ask(self._index, asked, filters_of(filters), locate=self._locate, k=k, semantics=semantics)
        return Images(self._index, found)

    def _locate(self, path: str) -> str:
        """Return a path relative to the library: one that is so already, or any path on this machine."""
        return path if self._index.row_of(path) is not None else self._library.tree.relative(os.path.expanduser(path))

    def _meaning(self, embedder: str | None) -> Semantics:
        if embedder not in self._semantics:
            from phototag.library.defaults import default_model
            from phototag.search.semantic import Semantics

            tree = self._library.tree
            self._semantics[embedder] = Semantics(
                tree.settings,
                embedder=embedder,
                default=default_model(tree, "embedder"),
                notify=self._library.notify,
            )
        return self._semantics[embedder]


def open_library(path: str | os.PathLike[str] = ".", *, notify: Callable[[str], None] | None = None) -> Photos:
    """Open the library at or above ``path``; its index is brought up to date first.

    ``notify`` is told what else happens, as ``print``. Raises LibraryError where there is no library.
    """
    from phototag.handle import Library

    return Photos(Library.open(os.path.expanduser(os.fspath(path)), notify=notify))


def _thumbnail(path: str) -> bytes:
    """Return a small picture for a notebook, empty where the file is not here or cannot be read."""
    from phototag import fsio
    from phototag.errors import ImageError
    from phototag.imaging.thumbs import thumbnail

    try:
        return thumbnail(fsio.read_bytes(path), name=os.path.basename(path), side_px=THUMB_PX)
    except (OSError, ImageError):
        return b""
