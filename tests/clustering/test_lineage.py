"""What a run takes over: labels of machines that clustered apart, of runs on their way, of words said later."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from phototag.clustering.labels import pick_cluster, pick_run, rename_edits
from phototag.clustering.lineage import unheard
from phototag.clustering.protocol import Options
from phototag.clustering.run import Choice, make_run
from phototag.errors import UsageError
from phototag.handle import Library
from phototag.library import runs
from phototag.library.documents import LIBRARY, all_documents, read_document, write_document
from phototag.search.filters import Filters, select
from phototag.serve.facet_links import groups
from phototag.serve.question import Question
from phototag.serve.shelf import Shelf
from tests.clustering import library_made
from tests.clustering.test_run import CHOICE, NOW, cluster
from tests.make import phototag


def rename(library: Library, said: dict[str, str]) -> None:
    """Give clusters of the current run other names."""
    document = pick_run(library.tree)
    library.decide("rename", "x", rename_edits(document, {pick_cluster(document, n): new for n, new in said.items()}))


def sync(one: Library, other: Library, *, without: str = "") -> None:
    """Carry every document of the library from ``one`` to ``other``, but for one run."""
    for name in all_documents(one.tree):
        document = read_document(one.tree, name)
        if document is not None and not (without and without in name):
            write_document(other.tree, name, document)


def labels(library: Library) -> set[str]:
    document = pick_run(library.tree)
    return {document.label(number) for number in document.clusters}


@pytest.fixture
def apart(tmp_path: Path) -> tuple[Library, Library]:
    """Return two machines' copies of a library: one clustered and named, then the other clustered."""
    library_made.make(tmp_path / "a" / "photos")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    a, b = (Library.open(str(tmp_path / name / "photos")) for name in "ab")
    cluster(a)
    rename(a, {"snow": "Night A", "city": "Boats A"})
    cluster(b, now_ms=NOW + 60_000)
    return a, b


def test_labels_of_machines_that_clustered_apart_come_together(apart: tuple[Library, Library]) -> None:
    a, b = apart
    first, second = pick_run(a.tree), pick_run(b.tree)
    rename(b, {"forest": "Woods B"})
    sync(b, a)
    assert pick_run(a.tree).id == second.id
    assert not {"Night A", "Boats A"} & labels(a)
    assert [(one.run, set(one.labels)) for one in unheard(a.tree, second)] == [(first.id, {"Night A", "Boats A"})]
    third = cluster(a, now_ms=NOW + 120_000)
    assert {"Night A", "Boats A", "Woods B"} <= labels(a)
    assert (third.run.parent, third.run.also) == (second.id, (first.id,))
    night = pick_cluster(third, "Night A")
    assert third.carried[night] == runs.Carried("Night A", pick_cluster(first, "Night A"), 1.0, first.id)
    assert unheard(a.tree, third) == []
    fourth = cluster(a, now_ms=NOW + 180_000)
    assert (fourth.run.parent, fourth.run.also) == (third.id, ())
    assert {"Night A", "Boats A", "Woods B"} <= labels(a)


def test_of_two_words_about_one_cluster_the_later_counts(apart: tuple[Library, Library]) -> None:
    a, b = apart
    rename(b, {"snow": "Winter B", "city": "Town B"})
    rename(a, {"Boats A": "Harbour A"})
    rename(b, {"Winter B": ""})
    sync(b, a)
    third = cluster(a, now_ms=NOW + 120_000)
    found = {third.clusters[n].name: third.label(n) for n in third.clusters}
    assert found["snow"] == "snow", "the last word was that it has no label"
    assert found["city"] == "Harbour A"


def test_a_word_said_about_an_earlier_run_meanwhile_is_heard(apart: tuple[Library, Library]) -> None:
    """One machine clusters again while the other, which has not seen it, renames a cluster of the run before."""
    a, b = apart
    sync(a, b)
    cluster(b, now_ms=NOW + 120_000)
    assert "Night A" in labels(b)
    document = runs.read(a.tree, runs.run_ids(a.tree)[0])
    number = pick_cluster(document, "Night A")
    a.decide("rename", "x", rename_edits(document, {number: "Later A"}))
    sync(a, b)
    cluster(b, now_ms=NOW + 180_000)
    assert "Later A" in labels(b)
    assert "Night A" not in labels(b)


def test_a_name_taken_back_leaves_the_label_that_was_carried_over(tmp_path: Path) -> None:
    library = library_made.make(tmp_path / "photos")
    cluster(library)
    rename(library, {"snow": "Winter"})
    cluster(library, now_ms=NOW + 60_000)
    rename(library, {"Winter": "Summer"})
    library.undo()
    assert "Winter" in labels(library)
    cluster(library, now_ms=NOW + 120_000)
    assert "Winter" in labels(library)


def test_a_run_on_its_way_has_another_stand_in(apart: tuple[Library, Library]) -> None:
    a, b = apart
    first, second = pick_run(a.tree), pick_run(b.tree)
    shelf = Shelf(a)
    sync(b, a, without=second.id)
    said: list[str] = []
    assert pick_run(a.tree, notify=said.append).id == first.id
    assert said == [f"the current cluster run {second.id} has not arrived yet; this is {first.id}"]
    index = a.index()
    assert index.clusters.awaited == second.id
    assert select(index, Filters(cluster=0)).sum() == 12
    (shown,) = [
        one for one in groups(shelf.counts(Question()), Question(), awaited=second.id) if one.name == "Clusters"
    ]
    assert {"Night A", "Boats A"} <= {choice.label for choice in shown.choices}
    assert "has not arrived yet" in shown.note
    rename(a, {"forest": "Woods A"})
    notices: list[str] = []
    made = make_run(index, CHOICE, now_ms=NOW + 120_000, notify=notices.append)
    assert any("has not arrived yet" in text for text in notices)
    assert {"Night A", "Boats A", "Woods A"} <= {one.label for one in made.document.carried.values()}
    sync(b, a)
    assert pick_run(a.tree, notify=said.append).id == second.id
    assert index.clusters.awaited == ""
    found = index.clusters.current()
    assert found is not None
    assert found.run == second.id
    assert len(said) == 1


def test_no_run_but_one_on_its_way(tmp_path: Path) -> None:
    a, b = (library_made.make(tmp_path / name / "photos") for name in "ab")
    run = cluster(b).id
    sync(b, a, without=run)
    assert read_document(a.tree, LIBRARY) is not None
    for ask in (lambda: pick_run(a.tree), lambda: select(a.index(), Filters(cluster=0))):
        with pytest.raises(UsageError, match=f"{run} has not arrived yet"):
            ask()
    assert cluster(a, now_ms=NOW + 60_000).clusters


def test_a_folder_clustered_apart_gives_no_labels_to_everything(apart: tuple[Library, Library]) -> None:
    """Of a folder's photos most may be in one cluster of the whole that is something else altogether."""
    a, _ = apart
    scoped = cluster(a, Choice(scope="snow forest", options=Options(min_size=5)), now_ms=NOW + 30_000)
    rename(a, {scoped.label(0): "Of the folder"})
    a.decide("clusters use", "x", [make_run(a.index(), CHOICE, now_ms=NOW + 40_000).edit])
    assert "Of the folder" not in labels(a)


def test_the_commands_say_it(apart: tuple[Library, Library]) -> None:
    a, b = apart
    first, second = pick_run(a.tree), pick_run(b.tree)
    sync(b, a, without=second.id)
    for words in (["clusters", a.tree.root], ["assign", a.tree.root], ["rename", "0", "x", "--library", a.tree.root]):
        done = phototag(*words)
        assert f"{second.id} has not arrived yet; this is {first.id}" in done.stderr
    sync(b, a)
    told = phototag("clusters", a.tree.root).stderr
    assert f"run {first.id}, made apart, has labels of its own: " in told
    assert "Boats A" in told
    assert "made apart" not in phototag("clusters", a.tree.root, "--run", second.id).stderr
