"""The record of one image straight from its sidecar, without the index: what ``info`` shows and ``verify`` trusts."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cached_property

from phototag.errors import FormatError, LibraryError
from phototag.fsio import display
from phototag.index.effective_faces import effective_faces
from phototag.index.facts import bare, facts, is_fresh, owner_tags, tags_fault, vector_fault
from phototag.index.nothing import Output, counting
from phototag.index.people import People
from phototag.index.record import ImageRecord, make_record
from phototag.index.thresholds import limit_of, thresholds_in
from phototag.index.view import SidecarView, from_document
from phototag.library import annex, sidecars
from phototag.library.tree import Tree
from phototag.models.protocols import Thresholds
from phototag.sidecar.model import PRESENT, SCORE_SCALE, model_of


def is_present(path: str) -> bool:
    """Say whether the content of an image is here, not only a dangling link or a pointer of git-annex to it."""
    try:
        return not annex.is_absent_pointer(path, os.stat(path).st_size)
    except OSError:
        return False


class Direct:
    """Reads records from sidecars; policy and people are read once."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.thresholds: Callable[[str], Thresholds] = thresholds_in(tree)

    @cached_property
    def people(self) -> People:
        """Return everybody the library knows."""
        return People(self.tree)

    def record(self, rel: str) -> ImageRecord | None:
        """Return the record of the image ``rel``, None where it has no sidecar."""
        found = self.read(rel)
        return None if found is None else found[0]

    def read(self, rel: str) -> tuple[ImageRecord, dict[str, bytes]] | None:
        """Return the record of the image ``rel`` and its vectors as half floats by space, None without a sidecar."""
        present = is_present(self.tree.path(rel))
        try:
            document = sidecars.read(self.tree, rel)
        except (FormatError, LibraryError) as error:
            values = bare(rel, present=present, trouble=self._reason(rel, error))._asdict()
            return make_record(values, None, [], [], []), {}
        if document is None:
            return None
        view, trouble = from_document(document)
        return self._of_view(rel, view, trouble, present=present), _vectors(view)

    def _reason(self, rel: str, error: LibraryError) -> str:
        """Return why a sidecar cannot be read, without its path: the record has that."""
        if isinstance(error.__cause__, OSError):
            return f"cannot be read: {error.__cause__.strerror}"
        text = str(error)
        for path in (self.tree.sidecar(rel), self.tree.overlay_sidecar(rel)):
            text = text.removeprefix(f"{display(path)}: ")
        return text

    def _of_view(self, rel: str, view: SidecarView, trouble: str, *, present: bool) -> ImageRecord:
        found = effective_faces(view) if view.observations or view.claims else []
        counted = [face for face in found if face.counts]
        people = {
            self.people.resolve(face.person): self.people.name(face.person, face.name)
            for face in counted
            if face.person is not None
        }
        machine, user = self._tags(view)
        trouble = "; ".join(filter(None, [trouble, *_faults(view)]))
        row = facts(rel, view, present=present, faces=len(counted), trouble=trouble)
        return make_record(row._asdict(), row.taken, machine, user, sorted(people.values()))

    def _tags(self, view: SidecarView) -> tuple[list[tuple[str, float, str]], list[str]]:
        said = owner_tags(view)
        outputs = []
        for space, slot in (view.mtag or {}).items():
            value = slot.value
            if value is None or not is_fresh(value.src, view) or tags_fault(space, value):
                continue
            thresholds = self.thresholds(space)
            scores = memoryview(value.scores)
            pairs = ((label, scores[2 * at : 2 * at + 2]) for at, label in enumerate(value.labels))
            stored = ((label, int.from_bytes(score, "little")) for label, score in pairs)
            tags = [(tag, score / SCORE_SCALE) for tag, score in stored if score > limit_of(thresholds.of(tag))]
            outputs.append(Output(model_of(space), tags))
        best: dict[tuple[str, str], float] = {}
        for model, tag, score in counting(outputs):
            if said.get(tag, PRESENT) == PRESENT:
                best[tag, model] = max(score, best.get((tag, model), 0.0))
        machine = sorted(
            ((tag, score, model) for (tag, model), score in best.items()), key=lambda t: (-t[1], t[0], t[2])
        )
        return machine, sorted(tag for tag, value in said.items() if value == PRESENT)


def _vectors(view: SidecarView) -> dict[str, bytes]:
    """Return the vectors that the index takes: of the pixels as they are, and whole."""
    values = ((space, slot.value) for space, slot in (view.emb or {}).items())
    return {
        space: value.v
        for space, value in values
        if value is not None and is_fresh(value.src, view) and not vector_fault(space, value)
    }


def _faults(view: SidecarView) -> list[str]:
    """Return what is wrong with the models' outputs that have to be left out."""
    tags = ((space, slot.value) for space, slot in (view.mtag or {}).items())
    vectors = ((space, slot.value) for space, slot in (view.emb or {}).items())
    faults = [tags_fault(space, value) for space, value in tags if value is not None and is_fresh(value.src, view)]
    faults += [
        vector_fault(space, value) for space, value in vectors if value is not None and is_fresh(value.src, view)
    ]
    return [fault for fault in faults if fault]
