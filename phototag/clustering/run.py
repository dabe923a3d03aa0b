"""Make a run: choose photos and their vectors, cluster, name, follow the run before, write it down."""

from __future__ import annotations

import time
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from phototag.clustering import assign, layout2d
from phototag.clustering.graph import GraphMethod
from phototag.clustering.labels import current_edit
from phototag.clustering.lineage import parent_of, take_over
from phototag.clustering.naming import Named, name_clusters
from phototag.clustering.protocol import EOM, LEVELS, Clustering, ClusterMethod, Notify, Options, silent
from phototag.clustering.scope import parse_scope
from phototag.clustering.umap import UmapMethod
from phototag.clustering.words import words_of
from phototag.errors import FormatError, MissingExtraError, PhototagError, UsageError
from phototag.index.reader import Index
from phototag.library import runs
from phototag.library.decide import Edit
from phototag.library.documents import POLICY, read_document
from phototag.library.tree import Tree
from phototag.search.filters import select
from phototag.sidecar.model import model_of

Ints = npt.NDArray[np.integer[Any]]
Floats = npt.NDArray[np.float32]

METHODS: Mapping[str, ClusterMethod] = {method.name: method for method in (GraphMethod(), UmapMethod())}
DEFAULT_METHOD = GraphMethod.name
"""As good as UMAP + HDBSCAN or better on clusters of a known answer, many times quicker, no compiler: docs/clusters.md."""


class Choice(msgspec.Struct, frozen=True):
    """What a person chose about a run."""

    method: str = DEFAULT_METHOD
    level: str = EOM
    embedder: str = ""
    scope: str = ""
    options: Options = Options()


class Made(msgspec.Struct, frozen=True):
    """A run that was written, and the edit that makes it the current one."""

    document: runs.RunDocument
    edit: Edit
    seconds: float
    pictures: int
    """Distinct ones: exact copies count once."""
    stays: str = ""
    """The current run, where it has clusters and this one has none: it had better stay the current one."""


def make_run(index: Index, choice: Choice, *, now_ms: int, notify: Notify = silent) -> Made:
    """Cluster the photos of ``index`` and write the run. Raises PhototagError with what to do."""
    begun = time.monotonic()
    check_method(choice)
    space = choose_space(index, choice.embedder)
    rows = rows_in_scope(index, space, choice.scope)
    first, copies = distinct(index, rows)
    vectors = index.vectors(space).halves(rows[first])
    found = METHODS[choice.method].fit(vectors, choice.options, notify=notify)
    notify("laying out the map")
    at = layout2d.place(vectors, seed=found.options.seed, threads=found.options.threads)
    notify("naming the clusters")
    if index.clusters.awaited:
        notify(runs.awaited(index.clusters.awaited))
    parent = parent_of(index, choice.scope)
    run_id = runs.new_id(now_ms)
    labels, _ = found.level(choice.level)
    taken = take_over(index, parent, choice.scope, labels[copies], rows)
    run = runs.Run(
        method=choice.method,
        level=choice.level,
        space=space,
        created_ms=now_ms,
        photos=len(rows),
        noise=int((labels[copies] < 0).sum()),
        parameters=_parameters(found.options),
        scope=choice.scope,
        parent=parent.run if parent is not None else "",
        also=taken.also,
    )
    leaves, themes = _clusters(index, rows, copies, first, vectors, found)
    runs.write(
        index.tree,
        run_id,
        run,
        leaves=leaves,
        themes=themes,
        carried=taken.carried,
        changes=taken.changes,
        members=columns(index, rows[first], found, at),
    )
    document, current = runs.read(index.tree, run_id), index.clusters.current()
    stays = current.run if current is not None and current.document.clusters and not document.clusters else ""
    return Made(document, current_edit(run_id), time.monotonic() - begun, len(first), stays)


def check_method(choice: Choice) -> None:
    """Refuse what cannot work here before any work begins. Raises UsageError, MissingExtraError."""
    if choice.method not in METHODS or choice.level not in LEVELS:
        raise UsageError(f"the method is {' or '.join(METHODS)} and the level {' or '.join(LEVELS)}")
    if any(find_spec(module) is None for module in METHODS[choice.method].needs):
        raise MissingExtraError("clustering", "cluster")


def choose_space(index: Index, embedder: str) -> str:
    """Return the embedding space to cluster in. Raises UsageError.

    That of the model ``embedder``; else of the library's default embedder, else the one that most photos have.
    """
    spaces = index.spaces
    if not index.count:
        raise PhototagError(
            "there is nothing to cluster: the library has no photos", hint="add some, then: phototag scan"
        )
    if not spaces:
        raise PhototagError(
            "there is nothing to cluster: no photo has an embedding", hint="make them: phototag scan, or phototag embed"
        )
    wanted = embedder or _default_embedder(index.tree)
    for space in spaces:
        model = model_of(space)
        if wanted in (space, model, model.partition("/")[0]):
            return space
    if not embedder:
        return spaces[0]
    known = ", ".join(dict.fromkeys(map(model_of, spaces)))
    raise UsageError(
        f"no photo has an embedding of {embedder!r}; there are those of {known}",
        hint=f"make them: phototag embed --embedder {embedder}",
    )


def _default_embedder(tree: Tree) -> str:
    try:
        policy = read_document(tree, POLICY)
        return (policy.get("models", "embedder", str) if policy is not None else None) or ""
    except (FormatError, OSError):
        return ""  # damaged: doctor reports it; the fullest space serves


def rows_in_scope(index: Index, space: str, scope: str) -> Ints:
    """Return the rows that have a vector in ``space`` and are in ``scope``. Raises PhototagError where none are."""
    mask = index.vectors(space).has
    if scope:
        mask = mask & select(index, parse_scope(scope))
    rows = np.flatnonzero(mask)
    if not len(rows):
        raise PhototagError(f"no photo with an embedding is in the scope {scope!r}", hint="widen the scope")
    return rows


def distinct(index: Index, rows: Ints) -> tuple[Ints, Ints]:
    """Return (first, copies): positions in ``rows`` of one row a picture, and for each row its picture.

    Exact copies are one picture: a hundred copies of one photo are no cluster.
    """
    keys = index.clusters.keys
    pictures = np.column_stack([keys.birth[rows], keys.content[rows]])
    _, first, copies = np.unique(pictures, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")  # in the order of the index, so that numbers do not hang on hashes
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return first[order], place[copies.ravel()]


def columns(index: Index, rows: Ints, found: Clustering, at: Floats) -> list[runs.Members]:
    """Return the members documents of the distinct pictures ``rows``."""
    parts = []
    for begin in range(0, len(rows), runs.PART):
        part = slice(begin, begin + runs.PART)
        birth, content = index.clusters.pictures(rows[part])
        parts.append(
            runs.Members(
                n=len(rows[part]),
                birth=birth,
                content=content,
                leaf=found.labels[part].astype("<i4").tobytes(),
                eom=found.themes[part].astype("<i4").tobytes(),
                leaf_strength=as_u16(found.probabilities[part]),
                eom_strength=as_u16(found.theme_probabilities[part]),
                outlier=as_u16(found.outliers[part]),
                x=as_u16(at[part, 0]),
                y=as_u16(at[part, 1]),
            )
        )
    return parts


def as_u16(values: npt.NDArray[np.floating[Any]]) -> bytes:
    """Return values in [0, 1] as little-endian u16 fractions of 65535."""
    return bytes(np.rint(np.clip(values, 0.0, 1.0) * 65535).astype("<u2").tobytes())


def _parameters(options: Options) -> dict[str, int]:
    # The number of threads is this machine's affair: two machines that get the same result write the same bytes.
    return {name: value for name, value in msgspec.structs.asdict(options).items() if name != "threads"}


def _clusters(
    index: Index, rows: Ints, copies: Ints, first: Ints, vectors: Any, found: Clustering
) -> tuple[list[runs.Cluster], list[runs.Cluster]]:
    """Return the clusters of both levels; sizes count every copy."""
    words = words_of(index, rows)
    levels = []
    for labels, themes in ((found.labels, found.parents), (found.themes, ())):
        spread = labels[copies]
        named = name_clusters(spread, words)
        sizes = np.bincount(spread[spread >= 0], minlength=len(named))
        births, _ = index.clusters.pictures(rows[first[assign.medoids(vectors, labels)]])
        levels.append(
            [
                _cluster(one, int(sizes[at]), themes[at] if themes else -1, births[16 * at : 16 * at + 16])
                for at, one in enumerate(named)
            ]
        )
    return levels[0], levels[1]


def _cluster(named: Named, size: int, theme: int, medoid: bytes) -> runs.Cluster:
    terms = tuple((term.term, term.weight) for term in named.terms)
    return runs.Cluster(size, named.name, terms, theme, medoid, named.place)
