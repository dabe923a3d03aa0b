"""Faces and people across the segments of an index."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from phototag.index.opened import Segment
from phototag.index.people import People
from phototag.sidecar.model import IGNORED, NOT_A_FACE

Rows = npt.NDArray[np.uint32]


class FaceIndex:
    """All faces; rows of images are counted through all segments."""

    def __init__(self, segments: Sequence[Segment], bases: Sequence[int], people: People) -> None:
        self._segments, self._bases, self.people = segments, bases, people

    def table(self) -> pa.Table:
        """Return the faces of live images as one table; ``row`` is counted in the whole index."""
        parts = []
        for segment, base in zip(self._segments, self._bases, strict=True):
            if segment.info.faces:
                part = segment.table("faces")
                rows = part.column("row").to_numpy()
                kept = part.set_column(0, "row", pa.array(rows + np.uint32(base))).filter(pa.array(segment.alive[rows]))
                parts.append(kept)
        if not parts:
            return self._segments[0].table("faces").slice(0, 0) if self._segments else pa.table({})
        return pa.concat_tables(parts, promote_options="permissive").unify_dictionaries()

    def __len__(self) -> int:
        """Return the number of faces of live images, ignored ones and mistakes too."""
        return sum(
            int(segment.alive[segment.array("faces", "row")].sum()) for segment in self._segments if segment.info.faces
        )

    @cached_property
    def by_row(self) -> dict[int, list[str]]:
        """Return {row: ids of the people in the image}, merges followed, each once."""
        found: dict[int, list[str]] = {}
        for row, person, _ in self._named():
            ids = found.setdefault(row, [])
            if person not in ids:
                ids.append(person)
        return found

    @cached_property
    def names(self) -> dict[str, str]:
        """Return {person id: name as known now} of everybody who is in an image."""
        return {person: self.people.name(person, snapshot) for _, person, snapshot in self._named()}

    @cached_property
    def _rows(self) -> dict[str, Rows]:
        rows: dict[str, set[int]] = {}
        for row, person, _ in self._named():
            rows.setdefault(person, set()).add(row)
        return {person: np.array(sorted(found), np.uint32) for person, found in rows.items()}

    def rows_of(self, person: str) -> Rows:
        """Return the rows with the person of this id."""
        return self._rows.get(self.people.resolve(person), np.zeros(0, np.uint32))

    def find(self, text: str) -> set[str]:
        """Return the ids of the people called ``text`` (name, alias or id), whatever its case.

        Where nobody is and it ends in a ``*``, those whose name or alias begins so.
        """
        found = self._called(lambda name: name == text.casefold())
        found |= {person for person in self.names if person == text}
        if found or not text.endswith("*"):
            return found
        return self._called(lambda name: name.startswith(text[:-1].casefold()))

    def _called(self, fits: Callable[[str], bool]) -> set[str]:
        known = {self.people.resolve(person) for person in self.people.called(fits)}
        return known | {person for person, name in self.names.items() if fits(name.casefold())}

    def people_in(self, row: int) -> list[str]:
        """Return the names of the people in one image, sorted."""
        return sorted(self.names[person] for person in self.by_row.get(row, ()))

    @cached_property
    def _kept(self) -> list[tuple[int, str, str | None]]:
        kept = []
        for segment, base in zip(self._segments, self._bases, strict=True):
            if not segment.info.faces:
                continue
            table = segment.table("faces")
            columns = (table.column(name).to_pylist() for name in ("row", "person", "name", "state"))
            for row, person, name, state in zip(*columns, strict=True):
                if person is not None and state not in (NOT_A_FACE, IGNORED) and segment.alive[row]:
                    kept.append((base + row, self.people.resolve(person), name))
        return kept

    def _named(self) -> list[tuple[int, str, str | None]]:
        """Return (row, person id, name snapshot) of every face with a person."""
        return self._kept
