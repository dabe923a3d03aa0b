"""People: documents under ``.phototag/people`` give names to the ids that faces carry."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from phototag.errors import FormatError
from phototag.library.documents import list_documents, read_document
from phototag.library.tree import Tree


class Person(msgspec.Struct, frozen=True):
    """One person as the library knows them now."""

    id: str
    name: str
    aliases: tuple[str, ...] = ()


class People:
    """Everybody the library knows; merges are followed to their end."""

    def __init__(self, tree: Tree) -> None:
        self._people: dict[str, Person] = {}
        self._merged: dict[str, str] = {}
        for name in list_documents(tree, "people"):
            try:
                document = read_document(tree, name)
            except FormatError:
                continue  # damaged: the snapshots in the sidecars still name them; doctor reports the file
            if document is None or not document.body:
                continue
            person = name.partition("/")[2]
            section = next((s for s in document.body if "name" in document.body[s]), "person")
            called = document.get(section, "name", str)
            aliases = document.get(section, "aliases", list[str]) or []
            target = document.get(section, "merged_into", str)
            if target:
                self._merged[person] = target
            if called:
                self._people[person] = Person(person, called, tuple(aliases))

    def resolve(self, person: str) -> str:
        """Return the id that ``person`` was merged into, followed to the end; a cycle goes to its smallest id."""
        seen = [person]
        while (following := self._merged.get(seen[-1])) is not None:
            if following in seen:
                return min(seen[seen.index(following) :])
            seen.append(following)
        return seen[-1]

    def name(self, person: str, snapshot: str | None) -> str:
        """Return the name of ``person``; the snapshot from a sidecar where the document is not here."""
        found = self._people.get(self.resolve(person))
        return found.name if found is not None else snapshot or person

    def called(self, fits: Callable[[str], bool]) -> set[str]:
        """Return the ids of the people of whom a name or alias, case-folded, ``fits``."""
        return {p.id for p in self._people.values() if any(fits(name.casefold()) for name in (p.name, *p.aliases))}
