"""How a count is written, the same in the terminal and in the browser."""

from __future__ import annotations


def count_text(count: int, noun: str, plural: str = "") -> str:
    """Return ``1 photo``, ``1,234 photos``; ``plural`` where it is not the noun with an s."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"
