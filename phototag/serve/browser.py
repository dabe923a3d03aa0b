"""Open the browser of the person who started the viewer, where there is one that has a window of its own."""

from __future__ import annotations

import contextlib
import os
import threading
import webbrowser
from collections.abc import Callable

from phototag.settings import has_screen

_IN_THE_TERMINAL = frozenset({"www-browser", "links", "links2", "elinks", "lynx", "w3m", "browsh"})
"""These would share the terminal with the viewer, and end only when the person leaves them."""


def opener(address: str) -> Callable[[], None]:
    """Return what opens ``address`` in a window of its own, without waiting for it; nothing where there is none."""

    def work() -> None:
        with contextlib.suppress(webbrowser.Error, OSError):
            found = webbrowser.get()
            words = str(getattr(found, "name", "")).split()
            if not words or os.path.basename(words[0]) not in _IN_THE_TERMINAL:
                found.open(address)

    def begin() -> None:
        if has_screen():
            threading.Thread(target=work, daemon=True).start()

    return begin
