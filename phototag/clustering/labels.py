"""What a person calls clusters: edits for ``library.decide``, so that they are journaled and undone like all else."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any

from phototag.clustering.protocol import Notify, silent
from phototag.errors import UsageError
from phototag.library import runs
from phototag.library.decide import Edit
from phototag.library.documents import LIBRARY
from phototag.library.operation import DOC
from phototag.library.runs import RunDocument
from phototag.library.tree import Tree
from phototag.wording import unprintable

LABEL_LIMIT = 250
"""Bytes, as of a tag: labels become keywords."""


def pick_run(tree: Tree, run: str = "", *, notify: Notify = silent) -> RunDocument:
    """Return the run that ``run`` names (an id or its beginning), else the current one. Raises UsageError.

    Where the current one has not arrived here, it is the newest that has, and ``notify`` says so.
    """
    if not run:
        wanted = runs.current(tree)
        found = runs.find(tree, wanted) if wanted else None
        if wanted and found is None and (found := runs.stand_in(tree)) is not None:
            notify(f"{runs.awaited(wanted)}; this is {found.id}")
        if found is None:
            raise runs.none_here(tree)
        return found
    near = [one for one in runs.run_ids(tree) if one.startswith(run)]
    if len(near) > 1 and run not in near:
        raise UsageError(f"{run} begins several runs: {', '.join(near)}", hint="write more of it")
    return runs.read(tree, run if run in near or not near else near[0])


def pick_cluster(document: RunDocument, text: str) -> int:
    """Return the number of the cluster that ``text`` means: its number or what it is called. Raises UsageError."""
    wanted = text.strip()
    if wanted in ("-1", "noise"):
        raise UsageError(
            "noise is not a cluster and cannot be named", hint="it is what belongs to no cluster; try phototag clusters"
        )
    if wanted.isdecimal() and int(wanted) in document.clusters:
        return int(wanted)
    named = [n for n in document.clusters if document.label(n).casefold() == wanted.casefold()]
    if len(named) == 1:
        return named[0]
    if named:
        raise UsageError(f"{len(named)} clusters are called {text!r}", hint=f"say which: {', '.join(map(str, named))}")
    raise UsageError(f"there is no cluster {text!r} in run {document.id}", hint="see them: phototag clusters")


def current_edit(run: str) -> Edit:
    """Return the edit that makes ``run`` the current one."""
    return Edit(DOC + LIBRARY, runs.RUN, runs.CURRENT, run)


def rename_edits(document: RunDocument, wanted: Mapping[int, str | None]) -> list[Edit]:
    """Return the edits that give clusters their labels; None or empty text clears one. Raises UsageError."""
    edits = []
    for number, label in wanted.items():
        if number not in document.clusters:
            pick_cluster(document, str(number))
        text = clean(label)
        # A cleared label is an empty one, not a missing one: it also stands against a label carried over.
        if text or document.labelled(number):
            edits.append(Edit(f"{DOC}{runs.KIND}/{document.id}", runs.LABEL, str(number), text))
    return edits


def clean(label: str | None) -> str:
    """Return ``label`` in NFC with white space folded. Raises UsageError for what cannot be shown."""
    text = " ".join(unicodedata.normalize("NFC", label or "").split())
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        raise UsageError(f"the label {label!r} is not valid text") from error
    if size > LABEL_LIMIT or unprintable(text):
        raise UsageError(f"{text[:60]!r} cannot be a label", hint=f"up to {LABEL_LIMIT} bytes of printable text")
    return text


def parse_bulk(document: RunDocument, value: Any) -> dict[int, str | None]:
    """Return {cluster: label} from ``{"0": "Beach", "3": null}`` or ``[{"id": 0, "label": "Beach"}]``. Raises UsageError.

    What is called so already is left out: a list that came from ``clusters --json`` makes no name of a machine a person's.
    """
    pairs: list[tuple[Any, Any]] | None = None
    if isinstance(value, list) and all(isinstance(one, dict) and "id" in one for one in value):
        pairs = [(one["id"], one.get("label")) for one in value]
    elif isinstance(value, dict):
        pairs = list(value.items())
    if pairs is None or not all(label is None or isinstance(label, str) for _, label in pairs):
        hint = 'write {"0": "Beach", "3": null} or [{"id": 0, "label": "Beach"}]'
        raise UsageError("the JSON does not say which cluster is called what", hint=hint)
    wanted: dict[int, str | None] = {}
    for key, label in pairs:
        number = pick_cluster(document, str(key))
        if wanted.setdefault(number, label) != label:
            raise UsageError(f"the JSON calls cluster {number} both {wanted[number]!r} and {label!r}")
    return {number: label for number, label in wanted.items() if label is None or label != document.label(number)}
