"""A device with its own copy of a library: what tests about sync and crashes are made of."""

from __future__ import annotations

import os
from pathlib import Path

from phototag.ids import Clock
from phototag.library import decide, documents, sidecars
from phototag.library.decide import Edit
from phototag.library.operation import IMAGE, Operation
from phototag.library.tree import Tree
from phototag.settings import Settings
from phototag.sidecar.model import BIRTH, CONTENT, ID, MTAG, USER, UTAG, Content, TagScores
from phototag.sidecar.registers import Document


class Ticking:
    """A wall clock that a test sets: it goes on by a second at every look, from wherever it stands."""

    def __init__(self, at_ms: int = 1_700_000_000_000) -> None:
        self.at_ms = at_ms

    def __call__(self) -> int:
        self.at_ms += 1000
        return self.at_ms


class Replica:
    """One device: a root, a state of its own, a clock that may be wrong."""

    def __init__(self, folder: Path, name: str = "a", *, skew_ms: int = 0, read_only: bool = False) -> None:
        self.root = folder / name / "lib"
        self.root.mkdir(parents=True, exist_ok=True)
        (self.root / ".phototag").mkdir(exist_ok=True)
        home = folder / name / "home"
        self.settings = Settings(
            cache_dir=str(home / "cache"),
            state_dir=str(home / "state"),
            data_dir=str(home / "data"),
            models_dir=str(home / "models"),
            read_only=read_only,
        )
        self.wall = Ticking(1_700_000_000_000 + skew_ms)
        device = (name.encode() * 6)[:6]
        self.clock = Clock(device, self.wall)

    @property
    def tree(self) -> Tree:
        """Return the tree as a new command would open it."""
        return documents.open_tree(str(self.root), self.settings)

    def image(self, rel: str, data: bytes = b"pixels") -> str:
        """Make an image file; its bytes need not be an image for the library."""
        path = self.root / rel
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return rel

    def scanned(self, rel: str, data: bytes = b"pixels", labels: tuple[str, ...] = ()) -> str:
        """Make an image with the sidecar a scan would write."""
        import xxhash

        self.image(rel, data)
        digest = xxhash.xxh3_128_digest(data)
        document = Document()
        document.set_machine(ID, CONTENT, Content(digest, digest, len(data), 4, 3, "jpeg"))
        document.set_machine(ID, BIRTH, digest)
        document.set_machine(ID, "name", os.fsencode(rel.rpartition("/")[2]))
        if labels:
            document.set_machine(MTAG, "m@1#00000000", TagScores(digest[:8], labels, b"\xff\xff" * len(labels)))
        sidecars.write(self.tree, rel, document)
        return rel

    def decide(self, *edits: Edit, command: str = "test") -> Operation:
        """Decide as this device."""
        return decide.decide(self.tree, self.clock, command=command, summary=command, edits=edits)

    def tag(self, rel: str, tag: str, state: int = 1) -> Operation:
        """Say one tag."""
        return self.decide(Edit(IMAGE + rel, UTAG, tag, state))

    def rate(self, rel: str, rating: int | None) -> Operation:
        """Say one rating."""
        return self.decide(Edit(IMAGE + rel, USER, "rating", rating))

    def sidecar(self, rel: str) -> Document:
        """Return the sidecar of ``rel``, which must be there."""
        document = sidecars.read(self.tree, rel)
        assert document is not None
        return document

    def rating(self, rel: str) -> int | None:
        """Return the rating of ``rel``."""
        return self.sidecar(rel).get(USER, "rating", int)

    def tags(self, rel: str) -> dict[str, int]:
        """Return {tag: state} as the owner said."""
        return dict(self.sidecar(rel).items(UTAG, int))
