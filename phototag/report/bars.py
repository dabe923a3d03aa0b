"""Lines of bar charts."""

from __future__ import annotations

import msgspec

MOST_BARS = 12


class Bar(msgspec.Struct, frozen=True):
    """One line of a bar chart."""

    label: str
    value: str
    """As it is written beside the bar."""
    share: float
    """Of the longest bar, in [0, 1]."""
    country: str = ""
    """Code of the country that the label is in; a script turns it into the country's name."""


def bars(counts: dict[tuple[str, str], int]) -> list[Bar]:
    """Return counts of (label, country) as bars, the longest first."""
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:MOST_BARS]
    return [Bar(name, f"{count:,}", count / ordered[0][1], country) for (name, country), count in ordered]
