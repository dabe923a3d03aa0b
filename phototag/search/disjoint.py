"""Disjoint sets: what hangs together when pairs are joined one by one."""

from __future__ import annotations


class Sets:
    """Disjoint sets of the numbers below ``count``, each alone at first."""

    def __init__(self, count: int) -> None:
        self._parent = list(range(count))

    def join(self, one: int, other: int) -> None:
        """Make one set of the two that ``one`` and ``other`` are in."""
        a, b = self._root(one), self._root(other)
        if a != b:
            self._parent[max(a, b)] = min(a, b)

    def all(self) -> list[list[int]]:
        """Return every set, sorted, by its smallest number."""
        found: dict[int, list[int]] = {}
        for at in range(len(self._parent)):
            found.setdefault(self._root(at), []).append(at)
        return list(found.values())

    def _root(self, at: int) -> int:
        parent = self._parent
        while parent[at] != at:
            parent[at] = parent[parent[at]]
            at = parent[at]
        return at
