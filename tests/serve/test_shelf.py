import os
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from phototag.clustering.labels import pick_run, rename_edits
from phototag.clustering.protocol import Options
from phototag.clustering.run import Choice, make_run
from phototag.errors import UsageError, WriteError
from phototag.handle import Library
from phototag.library.decide import Edit
from phototag.library.operation import IMAGE
from phototag.models.protocols import Thresholds
from phototag.serve import shelf as shelves
from phototag.serve.question import Question, from_pairs
from phototag.serve.shelf import Shelf
from phototag.sidecar.model import PRESENT, UTAG
from tests.clustering import library_made
from tests.index import sidecars_made
from tests.search import library_made as search_made


def test_several_visitors_at_once(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelves, "LOOK_AGAIN_S", 0.0)
    monkeypatch.setattr(shelves, "ANSWERS_KEPT", 2)
    shelf = Shelf(library)
    questions = [
        from_pairs(pairs) for pairs in ([], [("q", "canon")], [("rating", "5")], [("like", "2024/IMG_0001.jpg")])
    ]
    expected = [shelf.page(question, 0, 50) for question in questions]

    def visit(number: int) -> bool:
        if number % 7 == 0:
            shelf._stamp = None  # a scan elsewhere has just ended
        question = questions[number % 4]
        shelf.counts(question)
        return shelf.page(question, 0, 50) == expected[number % 4]

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(visit, range(80)))
    assert len(shelf._answers) <= 2


def test_what_a_sync_program_brings_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelves, "LOOK_AGAIN_S", 0.0)
    monkeypatch.setattr(shelves, "LOOK_AROUND_S", 0.0)
    there = library_made.make(tmp_path / "there", groups=("beach",))
    shutil.copytree(tmp_path / "there", tmp_path / "here")
    shelf, beach = Shelf(Library.open(str(tmp_path / "here"))), from_pairs([("tag", "sun")])
    assert shelf.page(beach, 0, 10) == ([], 0)
    there.decide("tag", "test", [Edit(IMAGE + "beach/001.jpg", UTAG, "sun", PRESENT)])
    brought = shutil.copy(tmp_path / "there/beach/001.jpg.phototag", tmp_path / "here/beach/.brought")
    os.replace(brought, tmp_path / "here/beach/001.jpg.phototag")
    until = time.monotonic() + 30
    while not shelf.page(beach, 0, 10)[1] and time.monotonic() < until:
        time.sleep(0.05)
    assert [record.path for record in shelf.page(beach, 0, 10)[0]] == ["beach/001.jpg"]


def test_looking_around_may_fail(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelves, "LOOK_AGAIN_S", 0.0)
    monkeypatch.setattr(shelves, "LOOK_AROUND_S", 0.0)
    shelf, looked = Shelf(library), threading.Event()
    index = shelf.index()

    def failing() -> None:
        looked.set()
        raise WriteError("the disk is full")

    monkeypatch.setattr(library, "index", failing)
    while not looked.wait(0.01):
        assert shelf.index() is index
    assert shelf.index() is index


def test_deeper_pages_sort_more(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelves, "FIRST_DEPTH", 4)
    shelf = Shelf(library)
    whole = [record.path for record in shelf.page(Question(), 0, 100)[0]]
    again = Shelf(library)
    pieces = [record.path for at in range(0, 37, 3) for record in again.page(Question(), at, 3)[0]]
    assert pieces == whole
    assert again.page(Question(), 1000, 10) == ([], 37)


def test_pictures_elsewhere_are_not_read(library: Library) -> None:
    shelf = Shelf(library)
    for text in ("like:/etc/passwd", "like:../../x.jpg", "sea + ./2024/IMG_0001.jpg", "like:~/x.jpg"):
        with pytest.raises(UsageError):
            shelf.page(Question(text=text), 0, 10)


def test_clusters_made_elsewhere_are_seen_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a run nor a label changes the index."""
    monkeypatch.setattr(shelves, "LOOK_AGAIN_S", 1e9)
    elsewhere = library_made.make(tmp_path / "photos")
    shelf = Shelf(Library.open(str(tmp_path / "photos")))
    first = from_pairs([("cluster", "0")])

    def clusters() -> list[tuple[str, int]]:
        return [(one.value, one.count) for one in shelf.counts(Question()).facets.clusters]

    def cluster(scope: str, now_ms: int) -> None:
        made = make_run(elsewhere.index(), Choice(options=Options(min_size=5), scope=scope), now_ms=now_ms)
        elsewhere.decide("cluster", "test", [made.edit])

    index = shelf.index()
    assert clusters() == []
    with pytest.raises(UsageError, match="no clusters yet"):
        shelf.page(first, 0, 50)
    cluster("", 1_790_000_000_000)
    assert [count for _, count in clusters()] == [12] * 4
    before = [record.path for record in shelf.page(first, 0, 50)[0]]
    elsewhere.decide("rename", "test", rename_edits(pick_run(elsewhere.tree), {0: "Mine"}))
    assert ("Mine", 12) in clusters()
    assert shelf.counts(first).facets.clusters[0].value == "Mine"
    others = [group for group in library_made.GROUPS if not before[0].startswith(group)]
    cluster(" ".join(others), 1_790_000_060_000)
    assert [count for _, count in clusters()] == [12] * 3
    assert {record.path.partition("/")[0] for record in shelf.page(first, 0, 50)[0]} <= set(others)
    elsewhere.undo()
    assert [record.path for record in shelf.page(first, 0, 50)[0]] == before
    assert ("Mine", 12) in clusters()
    assert shelf.index() is index


def test_thresholds_that_came_from_elsewhere_are_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They change neither a sidecar nor the index."""
    monkeypatch.setattr(shelves, "LOOK_AGAIN_S", 0.0)
    tree = search_made.build(tmp_path)
    shelf, question = Shelf(Library(tree)), from_pairs([("q", "tag:beach")])
    assert shelf.page(question, 0, 10)[1] == 3
    sidecars_made.thresholds(tree, sidecars_made.TAGGER, Thresholds(default=0.99))
    assert shelf.page(question, 0, 10)[1] == 1
