"""Find pictures by what they are, not where: a pass over all sidecars, for the rare times a path no longer says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from phototag.errors import FormatError, LibraryError
from phototag.library import sidecars
from phototag.library.tree import Tree
from phototag.library.walk import walk
from phototag.sidecar.model import BIRTH, CONTENT, ID, Content
from phototag.sidecar.registers import Document


def documents_of_images(tree: Tree) -> Iterator[tuple[str, Document]]:
    """Yield (relative path, sidecar) of every image that has a readable one."""
    for folder in walk(tree):
        for name in folder.images:
            rel = f"{folder.rel}/{name}" if folder.rel else name
            try:
                document = sidecars.read(tree, rel)
            except (FormatError, LibraryError):
                continue
            if document is not None:
                yield rel, document


class Pictures:
    """Where every picture is, by its birth: one pass over all sidecars, made when it is first asked."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self._places: dict[bytes, list[tuple[str, bytes]]] | None = None

    def of(self, birth: bytes) -> list[tuple[str, bytes]]:
        """Return (relative path, content hash) of every image of this birth."""
        if self._places is None:
            self._places = {}
            for rel, born, now in pictures(self.tree):
                self._places.setdefault(born, []).append((rel, now))
        return self._places.get(birth, [])


def pictures(tree: Tree) -> Iterator[tuple[str, bytes, bytes]]:
    """Yield (relative path, birth, content hash) of every image whose sidecar tells them."""
    for rel, document in documents_of_images(tree):
        birth, content = document.get(ID, BIRTH, bytes), document.get(ID, CONTENT, Content)
        if birth is not None:
            yield rel, birth, b"" if content is None else content.x


def chosen(places: Iterable[tuple[str, bytes]], content: bytes) -> str | None:
    """Return the path of the first of ``places`` (path, content hash) with this content, else of the first."""
    found = None
    for rel, now in places:
        if now == content:
            return rel
        found = found or rel
    return found
