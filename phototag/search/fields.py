"""The vocabulary of filters: the same names in the query language, as options, and in the viewer's addresses.

Nothing here is heavy: the command line reads it for its help.
"""

from __future__ import annotations

from typing import NamedTuple

HAS = (
    "caption",
    "camera",
    "cluster",
    "date",
    "faces",
    "gps",
    "people",
    "place",
    "rating",
    "title",
    "trouble",
    "vector",
)
"""What ``has:`` can ask for; ``search.traits`` knows how."""

IS = (
    "absent",
    "document",
    "drawing",
    "duplicate",
    "landscape",
    "panorama",
    "portrait",
    "present",
    "raw",
    "rejected",
    "scan",
    "screenshot",
    "square",
)
"""What ``is:`` can ask for; ``search.traits`` knows how."""

LIKE = "like"
"""Not a filter: it ranks by likeness to a picture."""


class Field(NamedTuple):
    """One filter."""

    field: str
    """Of ``Filters``."""
    many: bool
    """Whether it may be given several times."""
    metavar: str
    help: str
    spaces: bool = False
    """Whether a value may hold spaces."""
    whole: bool = False
    """Whether its value is a whole number."""


FIELDS: dict[str, Field] = {
    "tag": Field(
        "tags", True, "TAG", "With this tag, or TAG* that begins so; repeated: with all of them.", spaces=True
    ),
    "any-tag": Field("any_tags", True, "TAG", "With any of the tags given so.", spaces=True),
    "not-tag": Field("not_tags", True, "TAG", "Without this tag.", spaces=True),
    "person": Field("people", True, "NAME", "With this person; repeated: with all of them.", spaces=True),
    "not-person": Field("not_people", True, "NAME", "Without this person.", spaces=True),
    "place": Field("places", True, "NAME", "Taken in this city, region or country.", spaces=True),
    "camera": Field("cameras", True, "NAME", "Taken with this make or model.", spaces=True),
    "category": Field("categories", True, "NAME", "In a cluster of the current run that is called so.", spaces=True),
    "cluster": Field("cluster", False, "N", "In this cluster of the current run; -1: in none.", whole=True),
    "path": Field("path", True, "PATH", "In this folder, or this file; relative to the library.", spaces=True),
    "after": Field("after", False, "DATE", "Taken from then on: 2019, 2019-06 or 2019-06-30."),
    "before": Field("before", False, "DATE", "Taken before then."),
    "rating": Field("rating", False, "STARS", "Rated 3, '>=3' or 3..5; 0: not rated."),
    "faces": Field("faces", False, "N", "With so many faces: 2, '>1' or 1..3."),
    "has": Field("has", True, "WHAT", f"Of which is known: {', '.join(HAS)}."),
    "is": Field("kinds", True, "WHAT", f"Which are: {', '.join(IS)}."),
}
"""Filters by name, in the order of the help."""

NEGATED = {"tag": "not-tag", "person": "not-person"}
"""Filters whose opposite has a name of its own."""
