"""Keep Pillow quiet: what it has to say about a file goes into our reasons, not onto the terminal."""

from __future__ import annotations

import logging
import threading
import warnings

from PIL import Image

_lock = threading.Lock()
_MODULES = r"(PIL|pillow_heif|phototag\.imaging)\b"

# Our own limit is checked before any pixel is decoded, for every format alike (decode.read_picture). Pillow's is a
# global that warns at half its value, so it is switched off.
Image.MAX_IMAGE_PIXELS = None
logging.getLogger("PIL").addHandler(logging.NullHandler())


def hush() -> None:
    """Ignore warnings that Pillow raises about odd files.

    Called before each decode and not once: ``warnings.catch_warnings`` anywhere in the process restores the filters
    that were there before, and it is not safe to use in decode threads itself.
    """
    if not _is_hushed():
        with _lock:
            if not _is_hushed():
                warnings.filterwarnings("ignore", module=_MODULES)


def _is_hushed() -> bool:
    first = warnings.filters[0] if warnings.filters else None
    return first is not None and first[0] == "ignore" and getattr(first[3], "pattern", "") == _MODULES
