"""Automatic names without their places."""

from __future__ import annotations

from phototag.library.cluster_names import names_without_places
from phototag.library.runs import Cluster


def test_names_without_their_places() -> None:
    """The place alone, with a season, with a number; nothing says it, and no two are alike."""
    names = [
        ("beach · Nice in summer", ("beach",)),
        ("beach · Oslo in summer", ("beach",)),
        ("Nice in summer", ()),
        ("Nice", ()),
        ("Nice 2", ("winter",)),
    ]
    made = {
        number: Cluster(1, name, tuple((term, 0.5) for term in terms), place="Oslo" if "Oslo" in name else "Nice")
        for number, (name, terms) in enumerate(names)
    }
    assert names_without_places(made, {}) == {
        0: "beach in summer",
        1: "beach in summer 2",
        2: "summer",
        3: "group 3",
        4: "winter",
    }
    said = {3: "Beach in summer", 2: "Nice"}
    assert names_without_places(made, said) == {
        0: "beach in summer 2",
        1: "beach in summer 3",
        2: "Nice",
        3: "Beach in summer",
        4: "winter",
    }
