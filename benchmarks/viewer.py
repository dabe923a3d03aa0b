"""The viewer over a large index: the first page, a page far down, and memory while scrolling."""

from __future__ import annotations

import statistics
import tempfile

from benchmarks import million
from benchmarks.library import Shape
from benchmarks.row import Row, peak_mib, seconds
from phototag.handle import Library
from phototag.index.reader import Index
from phototag.library.tree import Tree

IMAGES = 1_000_000
SCROLLED = 100_000
DIM = 8
"""The viewer reads no vectors."""


class Standing(Library):
    """A library whose index is there and stays: no sidecars lie under it."""

    def __init__(self, tree: Tree) -> None:
        super().__init__(tree)
        found = Index.open(tree)
        assert found is not None
        self._standing = found

    def index(self) -> Index:
        """Return the index."""
        return self._standing


def rows(images: int = IMAGES, scrolled: int = SCROLLED) -> list[Row]:
    """Measure server time of the first page in fresh applications, then scroll through ``scrolled`` photos."""
    from starlette.testclient import TestClient

    from phototag.serve.access import Access
    from phototag.serve.app import make_app
    from phototag.serve.pages import PAGE

    with tempfile.TemporaryDirectory() as base:
        tree = million.tree_in(base)
        million.make(tree, Shape(images=images, dim=DIM))

        def visitor() -> TestClient:
            return TestClient(make_app(Standing(tree), Access("127.0.0.1")), base_url="http://127.0.0.1")

        def get(path: str, client: TestClient) -> float:
            return 1000 * seconds(lambda: client.get(path).raise_for_status())

        first = statistics.median(get("/", visitor()) for _ in range(5))
        client = visitor()
        get("/", client)
        warm = statistics.median(get("/", client) for _ in range(9))
        pages = [get(f"/tiles?offset={offset}", client) for offset in range(0, scrolled // 2, PAGE)]
        before = peak_mib()
        pages += [get(f"/tiles?offset={offset}", client) for offset in range(scrolled // 2, scrolled, PAGE)]
        grown = peak_mib() - before
    name = f"viewer, {images:,} images"
    return [
        Row(f"{name}: first page", first, 150, "ms", detail=f"warm {warm:.0f} ms"),
        Row(
            f"{name}: a page while scrolling", statistics.median(pages), 150, "ms", detail=f"worst {max(pages):.0f} ms"
        ),
        Row(
            f"{name}: memory over {scrolled // 2:,} photos", grown, 40, "MiB", detail="growth of the peak, second half"
        ),
    ]


if __name__ == "__main__":
    for row in rows():
        print(row)
