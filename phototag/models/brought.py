"""Which file of a model is which of those that a person brings: single files, folders and ZIPs.

A name alone does not tell: the image tower and the text tower of some models are both called ``model.onnx``. So a file
is known by its name and the folders above it, and by its name alone only where neither the model nor the source has
another of that name. No file is taken for two.
"""

from __future__ import annotations

import itertools
import os
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from phototag.errors import UsageError
from phototag.models.manifest import Entry, File

CHUNK_BYTES = 4 << 20

Opener = Callable[[], Iterable[bytes]]
"""Reads a file in pieces."""


class Offer(msgspec.Struct, frozen=True):
    """One file that a person brings."""

    parts: tuple[str, ...]
    """The folders above it, as far as they are known, and its name."""
    source: str
    """The file, folder or ZIP that was named."""
    read: Opener

    def depth(self, path: str) -> int:
        """Return how many parts of ``path`` it has at its end."""
        pairs = zip(reversed(self.parts), reversed(path.split("/")), strict=False)
        return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))

    @property
    def shown(self) -> str:
        """Return how a message calls it."""
        return os.path.join(*self.parts[-2:])


def assign(entry: Entry, sources: Sequence[str]) -> dict[str, Opener]:
    """Return how to read each file of ``entry`` that ``sources`` have, by its path in the model's folder.

    Raises UsageError where what was brought may be one file or another, BadZipFile for a damaged ZIP.
    """
    offers = [offer for source in sources for offer in _offers(source, entry)]
    names = Counter(_name(file) for file in entry.files)
    found: dict[str, Offer] = {}
    for file in sorted(entry.files, key=lambda file: -file.path.count("/")):  # a longer path says more, and is first
        left = [offer for offer in offers if offer.parts[-1] == _name(file) and offer not in found.values()]
        fitting = [offer for offer in left if _fits(offer, file)]
        if not fitting and names[_name(file)] == 1:
            counts = Counter(offer.source for offer in left)
            fitting = [offer for offer in left if counts[offer.source] == 1]
        if fitting:
            found[file.path] = _deepest(entry, file, fitting)
        elif unclear := [offer for offer in left if not any(_fits(offer, other) for other in entry.files)]:
            raise UsageError(
                f"{unclear[0].shown} may be {' or '.join(f.path for f in entry.files if _name(f) == _name(file))} "
                f"of {entry.name}",
                hint=f"put it into a folder so that its path ends with {file.path}, and give that folder",
            )
    return {path: offer.read for path, offer in found.items()}


def _fits(offer: Offer, file: File) -> bool:
    return offer.depth(file.path) == file.path.count("/") + 1


def _deepest(entry: Entry, file: File, offers: Sequence[Offer]) -> Offer:
    """Return the offer that has most of the file's full path; the source that was named first wins."""
    depths = [offer.depth(f"{entry.name}/{file.path}") for offer in offers]
    best = [offer for offer, depth in zip(offers, depths, strict=True) if depth == max(depths)]
    rivals = [offer.shown for offer in best if offer.source == best[0].source]
    if len(rivals) > 1:
        raise UsageError(
            f"{file.path} of {entry.name} may be any of {len(rivals)} files in {best[0].source}: {', '.join(rivals)}",
            hint="give the one that is meant",
        )
    return best[0]


def _offers(source: str, entry: Entry) -> Iterator[Offer]:
    """Give what a source has that bears the name of a file of ``entry``."""
    names = {_name(file) for file in entry.files}
    above = tuple(os.path.abspath(source).split(os.sep))
    if os.path.isdir(source):
        for inside in dict.fromkeys(end for file in entry.files for end in _ends(file.path)):
            path = os.path.join(source, inside)
            if os.path.isfile(path):
                yield Offer((*above, *inside.split("/")), source, _file(path))
        return
    if above[-1] in names:
        yield Offer(above, source, _file(source))
    if zipfile.is_zipfile(source):
        for member in _members(source):
            if member.rpartition("/")[2] in names:
                yield Offer(tuple(member.split("/")), source, _member(source, member))


def _ends(path: str) -> Iterator[str]:
    """Give ``a/b/c``, ``b/c`` and ``c`` of ``a/b/c``."""
    while path:
        yield path
        path = path.partition("/")[2]


def _members(archive: str) -> list[str]:
    try:
        with zipfile.ZipFile(archive) as opened:
            return opened.namelist()
    except zipfile.BadZipFile as error:
        raise zipfile.BadZipFile(f"{archive} cannot be read: {error}") from error


def _name(file: File) -> str:
    return os.path.basename(file.path)


def _file(path: str) -> Opener:
    def chunks() -> Iterator[bytes]:
        with open(path, "rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk

    return chunks


def _member(archive: str, name: str) -> Opener:
    def chunks() -> Iterator[bytes]:
        with zipfile.ZipFile(archive) as opened, opened.open(name) as file:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk

    return chunks
