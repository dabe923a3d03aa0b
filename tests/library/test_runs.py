"""Documents of cluster runs: round trip, labels, what an older reader keeps."""

from __future__ import annotations

from pathlib import Path

import pytest

from phototag.errors import UsageError
from phototag.handle import Library
from phototag.library import runs
from phototag.library.runs import Carried, Changes, Cluster, Members, Run

RUN = Run("graph", runs.EOM, "vec@1#00000000", 1_790_000_000_000, 3, 1, {"seed": 0})
CLUSTERS = [Cluster(2, "beach · Nice", (("beach", 0.8),), place="Nice"), Cluster(1, "Nice", place="Nice")]


def part(n: int) -> Members:
    """Return the columns of n photos."""
    four, two = bytes(4 * n), bytes(2 * n)
    return Members(n, bytes(16 * n), bytes(8 * n), four, four, two, two, two)


@pytest.fixture
def library(tmp_path: Path) -> Library:
    (tmp_path / ".phototag").mkdir()
    library = Library.open(str(tmp_path))
    runs.write(
        library.tree,
        "20260101-000000-aaaa",
        RUN,
        leaves=[Cluster(1, "leaf", theme=0)],
        themes=CLUSTERS,
        carried={1: Carried("Old name", 4, 0.75)},
        changes=Changes(matches=((4, 1, 3, 0.75),), splits=((0, (0, 1)),)),
        members=[part(3), part(2)],
    )
    return library


def test_a_run_is_read_as_it_was_written(library: Library) -> None:
    assert runs.run_ids(library.tree) == ["20260101-000000-aaaa"]
    found = runs.read(library.tree, "20260101-000000-aaaa")
    assert found.run == RUN
    assert dict(found.themes) == dict(enumerate(CLUSTERS))
    assert found.leaves[0].theme == 0
    assert found.changes.matches == ((4, 1, 3, 0.75),)
    assert found.changes.splits == ((0, (0, 1)),)
    assert [one.n for one in runs.members(library.tree, found.id)] == [3, 2]
    assert runs.assigned(library.tree, found.id) == []


def test_what_a_cluster_is_called(library: Library) -> None:
    found = runs.read(library.tree, "20260101-000000-aaaa")
    assert (found.label(0), found.labelled(0)) == ("beach · Nice", "")
    assert (found.label(1), found.labelled(1)) == ("Old name", "Old name")


def test_later_photos_are_kept_beside_the_run(library: Library) -> None:
    runs.write_assigned(library.tree, "20260101-000000-aaaa", part(4))
    runs.write_assigned(library.tree, "20260101-000000-aaaa", part(4))
    assert [one.n for one in runs.assigned(library.tree, "20260101-000000-aaaa")] == [4]
    assert runs.run_ids(library.tree) == ["20260101-000000-aaaa"]


def test_no_run(library: Library) -> None:
    assert runs.current(library.tree) == ""
    with pytest.raises(UsageError, match="no cluster run"):
        runs.read(library.tree, "20990101-000000-ffff")


def test_ids_sort_by_time() -> None:
    assert runs.new_id(1_790_000_000_000)[:15] < runs.new_id(1_790_000_100_000)[:15]
