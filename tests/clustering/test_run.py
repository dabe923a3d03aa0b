"""Runs: written once, current by decision, labels carried over, photos that join later."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import xxhash

from phototag.clustering.difference import difference
from phototag.clustering.labels import parse_bulk, pick_cluster, pick_run, rename_edits
from phototag.clustering.latecomers import assign_new
from phototag.clustering.listing import run_item
from phototag.clustering.protocol import Options
from phototag.clustering.run import Choice, choose_space, make_run
from phototag.errors import MissingExtraError, PhototagError, UsageError
from phototag.handle import Library
from phototag.index.record import ClusterRecord
from phototag.library import runs, sidecars
from phototag.library.documents import POLICY, write_document
from phototag.library.runs import RunDocument
from phototag.sidecar.model import Embedding
from phototag.sidecar.registers import Document
from tests.clustering import library_made

NOW = 1_790_000_000_000
CHOICE = Choice(options=Options(min_size=5))


def cluster(library: Library, choice: Choice = CHOICE, now_ms: int = NOW) -> RunDocument:
    """Make a run, make it the current one and return it."""
    made = make_run(library.index(), choice, now_ms=now_ms)
    library.decide("cluster", "test", [made.edit])
    return runs.read(library.tree, made.document.id)


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return library_made.make(tmp_path / "photos")


def test_groups_become_clusters_with_their_words(library: Library) -> None:
    document = cluster(library)
    assert sorted(c.size for c in document.clusters.values()) == [12] * 4
    names = {c.name for c in document.clusters.values()}
    assert {name.split(" ")[0] for name in names} == set(library_made.GROUPS)
    assert "beach · Nice in summer" in names
    assert document.run.noise == 3
    item = run_item(library.index(), document)
    assert (item.current, item.noise, item.new) == (True, 3, 0)


def test_members_are_found_by_picture_after_a_move(library: Library) -> None:
    document = cluster(library)
    number = pick_cluster(document, "forest")
    old = Path(library.tree.path("forest/003.jpg"))
    for path in (old, old.with_name(old.name + ".phototag")):
        path.rename(path.parent.parent / "odd" / path.name)
    index = library.index()
    row = index.row_of("odd/003.jpg")
    assert row is not None
    record = index.record(row)
    assert isinstance(record.cluster, ClusterRecord)
    assert (record.cluster.id, record.cluster.run) == (number, document.id)


def test_a_label_is_a_decision_and_carries_over(library: Library) -> None:
    first = cluster(library)
    number = pick_cluster(first, "snow")
    library.decide("rename", "x", rename_edits(first, {number: "Winter  sports"}))
    assert pick_run(library.tree).label(number) == "Winter sports"
    library_made.add(library, "snow", range(12, 16))
    second = cluster(library, now_ms=NOW + 60_000)
    assert second.run.parent == first.id
    again = pick_cluster(second, "Winter sports")
    assert second.carried[again].overlap == 1.0
    assert second.clusters[again].size == 16
    library.undo()
    assert runs.current(library.tree) == first.id


def test_a_cleared_label_does_not_come_back_from_the_run_before(library: Library) -> None:
    first = cluster(library)
    library.decide("rename", "x", rename_edits(first, {0: "Mine"}))
    second = cluster(library, now_ms=NOW + 60_000)
    number = pick_cluster(second, "Mine")
    library.decide("rename", "x", rename_edits(second, {number: None}))
    second = pick_run(library.tree)
    assert second.label(number) == second.clusters[number].name
    third = cluster(library, now_ms=NOW + 120_000)
    assert third.carried == {}


def test_undo_takes_a_label_back(library: Library) -> None:
    document = cluster(library)
    library.decide("rename", "x", rename_edits(document, {0: "Mine"}))
    library.undo()
    assert pick_run(library.tree).label(0) == document.clusters[0].name


def test_new_photos_join_without_clustering_again(library: Library) -> None:
    document = cluster(library)
    before = {name: (Path(library.tree.folder) / f"runs/{document.id}.phototag").read_bytes() for name in "x"}
    library_made.add(library, "city", range(20, 23))
    library_made.photo(library, "odd/new.jpg", -np.ones(library_made.DIM), {"odd": 0.9})
    index = library.index()
    joined = assign_new(index, index.clusters.of(document))
    city = pick_cluster(document, "city")
    assert (joined.assigned, joined.noise, joined.clusters) == (3, 1, {city: 3})
    item = run_item(index, document)
    assert (item.clusters[city].size, item.clusters[city].assigned, item.new) == (15, 3, 0)
    assert assign_new(index, index.clusters.of(document)).assigned == 0
    assert before == {name: (Path(library.tree.folder) / f"runs/{document.id}.phototag").read_bytes() for name in "x"}


def test_more_new_photos_than_one_document_holds(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    document = cluster(library)
    library_made.add(library, "city", range(20, 27))
    index = library.index()
    monkeypatch.setattr(runs, "PART", 3)
    assert assign_new(index, index.clusters.of(document)).assigned == 7
    assert sorted(part.n for part in runs.assigned(library.tree, document.id)) == [1, 3, 3]
    assert run_item(index, document).clusters[pick_cluster(document, "city")].size == 19


def test_exact_copies_are_one_picture(library: Library) -> None:
    original = Path(library.tree.path("odd/0.jpg.phototag")).read_bytes()
    for number in range(20):
        Path(library.tree.path(f"odd/copy{number}.jpg")).write_bytes(b"")
        Path(library.tree.path(f"odd/copy{number}.jpg.phototag")).write_bytes(original)
    document = cluster(library)
    assert sorted(c.size for c in document.clusters.values()) == [12] * 4
    assert document.run.photos == 4 * 12 + 3 + 20
    assert document.run.noise == 23


def test_a_run_of_a_scope(library: Library) -> None:
    document = cluster(library, Choice(options=Options(min_size=5), scope="beach forest"))
    assert document.run.photos == 24
    assert len(document.clusters) == 2
    item = run_item(library.index(), document)
    assert item.new == 24 + 3


def test_a_folder_clustered_in_between_does_not_cost_the_labels(library: Library) -> None:
    document = cluster(library)
    forest = pick_cluster(document, "forest")
    library.decide("rename", "x", rename_edits(document, {forest: "The woods"}))
    scoped = cluster(library, Choice(scope="beach", options=Options(min_size=3)), now_ms=NOW + 2000)
    assert scoped.run.parent == document.id
    again = cluster(library, now_ms=NOW + 4000)
    assert again.run.parent == document.id
    assert "The woods" in [again.label(number) for number in again.clusters]


def test_a_run_that_finds_nothing_leaves_the_current_one(library: Library) -> None:
    nothing = Choice(options=Options(min_size=1000))
    first = make_run(library.index(), nothing, now_ms=NOW)
    assert first.stays == "", "there is no other"
    library.decide("cluster", "test", [first.edit])
    document = cluster(library, now_ms=NOW + 2000)
    assert make_run(library.index(), nothing, now_ms=NOW + 4000).stays == document.id
    assert make_run(library.index(), CHOICE, now_ms=NOW + 6000).stays == ""


def test_nothing_joins_a_run_whose_photos_have_not_arrived(library: Library) -> None:
    """Another machine's run: its document came first, who belongs where comes later."""
    document = cluster(library)
    (members,) = Path(library.tree.path(f".phototag/runs/{document.id}")).iterdir()
    aside = members.rename(Path(library.tree.root).parent / members.name)
    index = library.index()
    with pytest.raises(PhototagError, match="no photo of the run"):
        assign_new(index, index.clusters.of(document))
    assert not [*members.parent.iterdir()]
    aside.rename(members)
    index = library.index()
    assert assign_new(index, index.clusters.of(document)).assigned == 0


def test_what_became_of_clusters(library: Library) -> None:
    first = cluster(library)
    second = cluster(library, Choice(options=Options(min_size=5), scope="beach forest city"), NOW + 60_000)
    changes = difference(library.index(), first, second)
    assert {(first.label(a), second.label(b)) for a, b, _, _ in changes.matches} >= {("forest", "forest")}
    assert [first.label(one) for one in changes.gone] == ["snow"]


def test_the_run_documents_are_the_same_on_two_machines(tmp_path: Path) -> None:
    bodies = []
    for name in ("one", "two"):
        library = library_made.make(tmp_path / name / "photos")
        document = cluster(library)
        part = Path(library.tree.folder) / "runs" / document.id / "members-0000.phototag"
        bodies.append(part.read_bytes())
    assert bodies[0] == bodies[1]


@pytest.mark.parametrize("each", [0, 1, 5])
def test_a_handful_of_photos(tmp_path: Path, each: int) -> None:
    library = library_made.make(tmp_path, each=each, groups=("beach",), noise=0)
    if each == 0:
        with pytest.raises(PhototagError, match="nothing to cluster: the library has no photos"):
            cluster(library)
        return
    document = cluster(library)
    assert document.run.photos == each
    assert run_item(library.index(), document).noise == document.run.noise


def test_a_missing_embedder_is_named(library: Library) -> None:
    with pytest.raises(UsageError, match="no photo has an embedding of 'clip'; there are those of vec"):
        make_run(library.index(), Choice(embedder="clip"), now_ms=NOW)


def test_the_library_s_default_embedder_is_taken(library: Library) -> None:
    for number, rel in enumerate(("beach/000.jpg", "beach/001.jpg")):
        document = sidecars.read(library.tree, rel)
        assert document is not None
        vector = np.eye(4, dtype="<f2")[number].tobytes()
        document.set_machine("emb", "other@1#00000000", Embedding(xxhash.xxh3_128_digest(rel.encode())[:8], 4, vector))
        sidecars.write(library.tree, rel, document)
    assert choose_space(library.index(), "") == library_made.EMBEDDER
    policy = Document()
    policy.set_machine("models", "embedder", "other")
    write_document(library.tree, POLICY, policy)
    assert choose_space(library.index(), "") == "other@1#00000000"
    assert choose_space(library.index(), "vec") == library_made.EMBEDDER


@pytest.mark.parametrize(("method", "module"), [("graph", "scipy"), ("graph", "hdbscan"), ("umap", "umap")])
def test_a_missing_extra_is_named_before_any_work(
    library: Library, monkeypatch: pytest.MonkeyPatch, method: str, module: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    said: list[str] = []
    with pytest.raises(MissingExtraError) as caught:
        make_run(library.index(), Choice(method=method), now_ms=NOW, notify=said.append)
    assert caught.value.hint == "pip install 'phototag[cluster]'"
    assert said == []


def test_an_empty_scope_is_named(library: Library) -> None:
    with pytest.raises(PhototagError, match="in the scope 'nowhere'"):
        make_run(library.index(), Choice(scope="nowhere"), now_ms=NOW)


@pytest.mark.parametrize("scope", ["colour:red", 'place:"open', "tag:"])
def test_a_scope_that_says_nothing(library: Library, scope: str) -> None:
    with pytest.raises(UsageError, match="scope"):
        make_run(library.index(), Choice(scope=scope), now_ms=NOW)


def test_noise_cannot_be_named(library: Library) -> None:
    document = cluster(library)
    for text in ("-1", "noise"):
        with pytest.raises(UsageError, match="noise"):
            pick_cluster(document, text)
    with pytest.raises(UsageError, match="noise"):
        parse_bulk(document, {"-1": "Rest"})


def test_bulk_names_in_both_shapes(library: Library) -> None:
    document = cluster(library)
    assert parse_bulk(document, {"0": "A", "1": None}) == {0: "A", 1: None}
    assert parse_bulk(document, [{"id": 0, "label": "A"}, {"id": 1}]) == {0: "A", 1: None}
    for wrong in ([1], {"0": 3}, "x", [{"label": "A"}]):
        with pytest.raises(UsageError, match="JSON"):
            parse_bulk(document, wrong)
    for twice in ({"0": "A", document.label(0): "B"}, [{"id": 0, "label": "A"}, {"id": 0, "label": None}]):
        with pytest.raises(UsageError, match="calls cluster 0 both"):
            parse_bulk(document, twice)
    assert parse_bulk(document, {"0": "A", document.label(0): "A"}) == {0: "A"}


def test_names_that_come_back_unchanged_stay_the_machine_s(library: Library) -> None:
    """``clusters --json | jq .clusters | rename-bulk -``, with one name changed."""
    document = cluster(library)
    listed = [{"id": one.id, "label": one.label} for one in run_item(library.index(), document).clusters]
    assert parse_bulk(document, listed) == {}
    assert library.decide("rename", "x", rename_edits(document, parse_bulk(document, listed))).touched == ()
    listed[2]["label"] = "Ours"
    assert parse_bulk(document, listed) == {2: "Ours"}


def test_a_library_that_cannot_be_written_keeps_its_runs_in_the_overlay(tmp_path: Path) -> None:
    library_made.make(tmp_path / "photos")
    before = sorted(path for path in (tmp_path / "photos").rglob("*"))
    library = Library.open(str(tmp_path / "photos"), read_only=True)
    document = cluster(library)
    library.decide("rename", "x", rename_edits(document, {0: "Mine"}))
    assert sorted(path for path in (tmp_path / "photos").rglob("*")) == before
    index = Library.open(str(tmp_path / "photos"), read_only=True).index()
    membership = index.clusters.current()
    assert membership is not None
    assert membership.document.label(0) == "Mine"
    assert (membership.labels == 0).sum() == document.clusters[0].size


def test_a_damaged_run_is_no_cluster_rather_than_a_failure(library: Library) -> None:
    document = cluster(library)
    path = Path(library.tree.folder) / "runs" / f"{document.id}.phototag"
    path.write_bytes(path.read_bytes()[:-5])
    index = library.index()
    assert index.clusters.current() is None
    assert "cluster" not in str(index.record(0).cluster)
