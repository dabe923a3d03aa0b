"""The viewer in a real browser: Chromium without a window, driven by Playwright, against a server on loopback."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from phototag.cli.main import run
from phototag.handle import Library
from phototag.serve.access import Access
from tests import make, require

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP photos.lan 127.0.0.1",
]
PHOTOS = 400
PATIENCE_MS = 60_000
"""A busy machine is slow, a page that hangs is not in a hurry."""


@pytest.fixture(scope="session")
def photos(sealed_session: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a scanned library of many small photos of all shapes."""
    root = tmp_path_factory.mktemp("browser") / "photos"
    shapes = [(96, 64), (64, 96), (96, 72), (160, 60), (80, 80)]
    for number in range(PHOTOS):
        make.jpeg(
            root / f"IMG_{number:04}.jpg",
            size=shapes[number % len(shapes)],
            seed=number + 1,
            taken=f"2024:{number % 12 + 1:02}:{number % 27 + 1:02} 10:{number % 60:02}:00",
            make="Canon",
            model="EOS 80D",
        )
    assert run(["scan", str(root), "-q"]) == 0
    for stars, number in (("5", 3), ("2", 11)):
        assert run(["rate", stars, str(root / f"IMG_{number:04}.jpg"), "-q"]) == 0
    return root


@pytest.fixture(scope="session")
def address(photos: Path) -> Iterator[str]:
    """Serve the library on loopback; return the address."""
    with served(photos, Access("127.0.0.1")) as port:
        yield f"http://127.0.0.1:{port}"


@contextmanager
def served(root: Path, access: Access) -> Iterator[int]:
    """Serve the library ``root``; return the port, on loopback whatever ``access`` says."""
    import uvicorn

    from phototag.serve.app import make_app
    from phototag.serve.run import bind

    listening = bind("127.0.0.1", 0)
    app = make_app(Library.open(str(root)), access)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off", ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(PATIENCE_MS / 1000)
        listening.close()


@pytest.fixture(scope="session")
def chromium(sealed_session: None) -> Iterator[Browser]:
    """Return a running Chromium."""
    path = require.tool("chromium")
    api = require.module("playwright.sync_api")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS, timeout=2 * PATIENCE_MS)
        yield browser
        browser.close()


class Watched:
    """A page, with all it asked for and all it complained about."""

    def __init__(self, page: Page, address: str) -> None:
        self.page, self.address = page, address
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.expected = ""
        """A complaint that holds this was to be expected."""
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def go(self, path: str = "/") -> Page:
        """Open a path of the viewer and wait until it is quiet."""
        self.page.goto(self.address + path)
        self.page.wait_for_load_state("networkidle")
        return self.page

    def check(self) -> None:
        """Fail where the page asked anyone else, or complained."""
        assert [text for text in self.complaints if not self.expected or self.expected not in text] == []
        assert [url for url in self.requests if not url.startswith(self.address + "/")] == []


@pytest.fixture
def watched(chromium: Browser, address: str) -> Iterator[Callable[..., Watched]]:
    """Return a function that opens a page of a size and colour scheme; afterwards every page is checked.

    A test that holds or changes answers while its page is open says ``intercepted=True``: Chromium tells a page that is
    already there by a message which a key or a click may overtake (2 of 150 times on a busy machine), a page to come at
    once.
    """
    contexts, opened = [], []

    def make_page(width: int = 1280, height: int = 800, *, intercepted: bool = False, **options: Any) -> Watched:
        context = chromium.new_context(viewport={"width": width, "height": height}, **options)
        context.set_default_timeout(PATIENCE_MS)
        if intercepted:
            context.route("**/nothing-asks-for-this", lambda route: route.abort())
        contexts.append(context)
        opened.append(Watched(context.new_page(), address))
        return opened[-1]

    yield make_page
    for one in opened:
        one.check()
    for context in contexts:
        context.close()
