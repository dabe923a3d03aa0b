"""``refresh``: it ends where a rebuild would, whatever happened to the library in between."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phototag.index import listing, merge
from phototag.index.manifest import load
from phototag.index.refresh import rebuild, refresh
from phototag.index.staleness import is_stale
from phototag.index.verify import verify
from phototag.library import sidecars
from phototag.library.tree import TREE, Tree
from phototag.sidecar.naming import sidecar_name
from tests.index import sidecars_made as made

RELS = [f"{folder}{name}" for folder in ("", "a/", "a/deep/", "b/") for name in ("one.jpg", "two.png", "café.jpg")]
RELS.append("b/" + "n" * 230 + ".jpg")  # its sidecar's name is cut
LINKS = ["a/linked", "b/linked", "zlinked"]
"""Links to folders outside, some to the same."""

edits = st.lists(
    st.one_of(
        st.tuples(st.just("say"), st.sampled_from(RELS), st.integers(0, 5)),
        st.tuples(st.just("alone"), st.sampled_from(RELS), st.integers(0, 5)),
        st.tuples(st.just("remove image"), st.sampled_from(RELS), st.just(0)),
        st.tuples(st.just("remove sidecar"), st.sampled_from(RELS), st.just(0)),
        st.tuples(st.just("damage"), st.sampled_from(RELS), st.just(0)),
        st.tuples(st.just("remove folder"), st.sampled_from(["a", "a/deep", "b"]), st.just(0)),
        st.tuples(st.just("ignore"), st.sampled_from(["a", "b", "one.jpg"]), st.just(0)),
        st.tuples(st.just("move folder"), st.sampled_from(["a", "b"]), st.just(0)),
        st.tuples(st.just("link"), st.sampled_from(LINKS), st.integers(0, 1)),
        st.tuples(st.just("unlink"), st.sampled_from(LINKS), st.just(0)),
        st.tuples(st.just("refresh"), st.just(""), st.just(0)),
    ),
    max_size=14,
)


def edit(tree: Tree, what: str, rel: str, number: int) -> None:
    path = Path(tree.path(rel))
    sidecar = Path(tree.sidecar(rel)) if rel else path
    if what in ("say", "alone"):
        if sidecar.exists():  # replaced, as by a sync tool: the join with what was there is not what is tested
            sidecar.unlink()
        said = {"tags": {"sea": 0.9, f"tag{number}": 0.6}, "seed": number, "user": {"rating": number}}
        made.add(tree, rel, image=what == "say", version=number, **said)
    elif what == "remove image":
        path.unlink(missing_ok=True)
    elif what == "remove sidecar":
        sidecar.unlink(missing_ok=True)
    elif what == "damage" and sidecar.exists():
        replaced = sidecar.with_name("x.tmp")
        replaced.write_bytes(sidecar.read_bytes()[:-1])
        replaced.replace(sidecar)
    elif what == "remove folder":
        shutil.rmtree(path, ignore_errors=True)
    elif what == "ignore":
        (Path(tree.root) / ".phototagignore.new").write_text(f"{rel}\n")
        (Path(tree.root) / ".phototagignore.new").replace(Path(tree.root) / ".phototagignore")
    elif what == "move folder" and path.exists():
        target = path.with_name(f"{path.name}-moved")
        shutil.rmtree(target, ignore_errors=True)
        path.rename(target)
    elif what == "link" and path.parent.is_dir() and not os.path.lexists(path):
        path.symlink_to(Path(tree.root).parent / f"outside{number}")
    elif what == "unlink" and path.is_symlink():
        path.unlink()
    elif what == "refresh":
        refresh(tree)


@given(steps=edits)
@settings(deadline=None, max_examples=60)
def test_refresh_equals_rebuild(steps: list[tuple[str, str, int]]) -> None:
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(merge, "SEGMENTS_AT_MOST", 2)  # so that merging is part of what is tested
        tree = made.library(Path(folder))
        for rel in RELS[:4]:
            edit(tree, "say", rel, 1)
        for number in (0, 1):
            Path(tree.root).parent.joinpath(f"outside{number}").mkdir()
            edit(tree, "link", LINKS[number], number)
            edit(tree, "say", f"{LINKS[number]}/sub/three.jpg", number)
        refresh(tree)
        for what, rel, number in steps:
            edit(tree, what, rel, number)
        refresh(tree)
        after_refresh = made.contents(made.opened(tree))
        assert verify(tree).differences == []
        rebuild(tree)
        assert made.contents(made.opened(tree)) == after_refresh


def test_only_what_changed_is_read(tmp_path: Path) -> None:
    tree = made.library(tmp_path)
    for number in range(20):
        made.add(tree, f"{number % 4}/{number}.jpg", tags={"sea": 0.9}, seed=number)
    assert refresh(tree).rebuilt == "there was none"
    time.sleep(2 * listing.RACY_NS / 1e9)
    refresh(tree)
    again = refresh(tree)
    assert (again.images, again.changed, again.removed, again.rebuilt) == (20, 0, 0, None)
    made.add(tree, "2/2.jpg", tags={"sea": 0.9}, user={"rating": 5})
    Path(tree.path("3/3.jpg")).unlink()
    Path(tree.sidecar("3/3.jpg")).unlink()
    last = refresh(tree)
    assert (last.images, last.changed, last.removed) == (19, 1, 1)


def test_a_change_within_one_tick_of_the_clock_is_seen(tmp_path: Path) -> None:
    """A file written again in the same tick, with the same size, in a folder whose mtime does not move."""
    tree = made.library(tmp_path)
    made.add(tree, "a/x.jpg", user={"rating": 3})
    path = Path(tree.sidecar("a/x.jpg"))
    tick_ns = time.time_ns() + 9 * 10**9  # so that the tick is not over when the folder is listed, on any machine
    for changed in (path, path.parent):
        os.utime(changed, ns=(tick_ns, tick_ns))
    refresh(tree)
    document = made.document("a/x.jpg", user={"rating": 4})
    path.write_bytes(document.encode())
    for changed in (path, path.parent):
        os.utime(changed, ns=(tick_ns, tick_ns))
    refresh(tree)
    assert made.contents(made.opened(tree))["a/x.jpg"][0].rating == 4


def test_a_sidecar_written_in_place_with_its_old_size_and_time_is_seen_by_the_paranoid(tmp_path: Path) -> None:
    tree = made.library(tmp_path)
    made.add(tree, "a/x.jpg", user={"rating": 3})
    path = Path(tree.sidecar("a/x.jpg"))
    os.utime(path, (1_700_000_000, 1_700_000_000.5))
    time.sleep(2 * listing.RACY_NS / 1e9)
    refresh(tree)
    before = path.stat()
    assert refresh(tree, paranoid=True).changed == 0
    path.write_bytes(made.document("a/x.jpg", user={"rating": 4}).encode())
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = path.stat()
    assert (after.st_size, after.st_mtime_ns, after.st_ino) == (before.st_size, before.st_mtime_ns, before.st_ino)
    assert refresh(tree, paranoid=True).changed == 1
    assert made.contents(made.opened(tree))["a/x.jpg"][0].rating == 4


def test_folders_of_one_mtime_that_change_names_are_seen(tmp_path: Path) -> None:
    """A copy keeps mtimes, often in whole seconds: so they do not tell two folders apart."""
    tree = made.library(tmp_path)
    made.add(tree, "a/x.jpg", user={"rating": 1})
    made.add(tree, "b/x.jpg", user={"rating": 5})
    for folder in "ab":
        os.utime(tree.path(folder), (1_700_000_000, 1_700_000_000))
    time.sleep(2 * listing.RACY_NS / 1e9)
    refresh(tree)
    for old, new in (("a", "c"), ("b", "a"), ("c", "b")):
        Path(tree.path(old)).rename(tree.path(new))
    refresh(tree)
    found = made.contents(made.opened(tree))
    assert {path: record.rating for path, (record, _, _) in found.items()} == {"a/x.jpg": 5, "b/x.jpg": 1}


def test_stale_is_seen_by_folder_times_alone(tmp_path: Path) -> None:
    tree = made.library(tmp_path)
    made.add(tree, "a/x.jpg")
    refresh(tree)
    time.sleep(2 * listing.RACY_NS / 1e9)
    refresh(tree)
    manifest = load(tree)
    assert manifest is not None
    assert not is_stale(tree, manifest)
    made.add(tree, "a/y.jpg")
    assert is_stale(tree, manifest)


@pytest.mark.parametrize("overlay", [False, True])
def test_other_layouts(tmp_path: Path, overlay: bool) -> None:
    plain = made.library(tmp_path)
    made.add(plain, "a/x.jpg", user={"rating": 2})
    tree = Tree(plain.root, plain.settings, layout="beside" if overlay else TREE, overlay=overlay)
    refresh(tree)
    made.add(tree, "a/x.jpg", user={"caption": "above"})
    made.add(tree, "a/y.jpg", user={"rating": 5})
    refresh(tree)
    found = made.contents(made.opened(tree))
    assert found["a/y.jpg"][0].rating == 5
    assert found["a/x.jpg"][0].caption == "above"
    assert found["a/x.jpg"][0].rating == (2 if overlay else None)
    assert verify(tree).differences == []


def test_a_purge_applies_to_every_row(tmp_path: Path) -> None:
    from phototag.library.documents import write_document
    from phototag.sidecar.registers import Document

    tree = made.library(tmp_path)
    made.add(tree, "x.jpg", user={"caption": "private"})
    refresh(tree)
    purge = Document()
    purge.purge("user", "00ff")
    write_document(tree, "purge/1", purge)
    report = refresh(tree)
    assert report.rebuilt == "data was purged"
    assert made.contents(made.opened(tree))["x.jpg"][0].caption is None
    assert verify(tree).differences == []


def test_a_conflict_copy_is_no_image(tmp_path: Path) -> None:
    tree = made.library(tmp_path)
    made.add(tree, "x.jpg")
    copy = tmp_path / "photos" / "x.jpg.sync-conflict-20240501-101500-ABCDEFG.phototag"
    shutil.copy(tree.sidecar("x.jpg"), copy)
    assert refresh(tree).images == 1


def test_names_that_differ_in_case_or_unicode_form_are_matched(tmp_path: Path) -> None:
    tree = made.library(tmp_path)
    made.add(tree, "cafe\u0301.JPG", image=False)
    Path(tree.path("CAF\u00c9.jpg")).touch()
    refresh(tree)
    record = made.contents(made.opened(tree))["CAF\u00c9.jpg"][0]
    assert record.present


def test_many_folders_are_read_by_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from phototag.index import build

    tree = made.library(tmp_path)
    for number in range(60):
        made.add(tree, f"{number % 6}/{number}.jpg", tags={"sea": number / 60}, seed=number)
    rebuild(tree)
    alone = made.contents(made.opened(tree))
    monkeypatch.setattr(build, "ALONE_BELOW", 1)
    counted: list[int] = []
    report = rebuild(tree, progress=counted.append, workers=3)
    assert (report.images, report.vectors, sum(counted)) == (60, {made.EMBEDDER: 60}, 60)
    assert len(made.opened(tree).segments) == 3
    assert made.contents(made.opened(tree)) == alone


def test_a_cut_name_is_found_by_the_name_inside(tmp_path: Path) -> None:
    tree = made.library(tmp_path)
    rel = "b/" + "n" * 230 + ".jpg"
    assert sidecar_name(os.path.basename(rel)) != os.path.basename(rel) + ".phototag"
    made.add(tree, rel, image=False, user={"rating": 1})
    refresh(tree)
    assert made.contents(made.opened(tree))[rel][0].rating == 1
    document = sidecars.read(tree, rel)
    assert document is not None
    document.set_person("user", "rating", 2, made.OWNER)
    sidecars.write(tree, rel, document)
    refresh(tree)
    assert {p: r.rating for p, (r, _, _) in made.contents(made.opened(tree)).items()} == {rel: 2}


def test_an_ignore_file_speaks_for_the_folders_below(tmp_path: Path) -> None:
    """Their own mtimes do not change with it; an edit in place does not even change that of its own folder."""
    tree = made.library(tmp_path)
    for rel in ("one.jpg", "a/one.jpg", "a/deep/two.jpg"):
        made.add(tree, rel)
    refresh(tree)
    time.sleep(2 * listing.RACY_NS / 1e9)
    refresh(tree)
    rules = Path(tree.path(".phototagignore"))
    rules.write_text("one.jpg\n")
    refresh(tree)
    assert set(made.contents(made.opened(tree))) == {"a/deep/two.jpg"}
    time.sleep(2 * listing.RACY_NS / 1e9)
    refresh(tree)
    rules.write_text("two.jpg\n# edited in place\n")
    manifest = load(tree)
    assert manifest is not None
    assert is_stale(tree, manifest)
    refresh(tree)
    assert set(made.contents(made.opened(tree))) == {"one.jpg", "a/one.jpg"}
    rules.unlink()
    refresh(tree)
    assert len(made.contents(made.opened(tree))) == 3


@pytest.mark.parametrize("settles", [True, False])
def test_of_several_links_to_one_folder_one_is_followed_whatever_changed_since(tmp_path: Path, settles: bool) -> None:
    tree = made.library(tmp_path)
    (tmp_path / "usb").mkdir()

    def found() -> set[str]:
        if settles:
            time.sleep(2 * listing.RACY_NS / 1e9)
        refresh(tree)
        contents = made.contents(made.opened(tree))
        rebuild(tree)
        assert set(made.contents(made.opened(tree))) == set(contents)
        if settles:
            time.sleep(2 * listing.RACY_NS / 1e9)
        refresh(tree)
        return {path for path in contents if "/link" in path}

    for folder in "abc":
        made.add(tree, f"{folder}/one.jpg")
    Path(tree.path("b/link")).symlink_to(tmp_path / "usb")
    made.add(tree, "b/link/sub/z.jpg")
    assert found() == {"b/link/sub/z.jpg"}
    Path(tree.path("c/link")).symlink_to(tmp_path / "usb")
    assert found() == {"b/link/sub/z.jpg"}
    made.add(tree, "c/two.jpg")
    assert found() == {"b/link/sub/z.jpg"}
    Path(tree.path("a/link")).symlink_to(tmp_path / "usb")
    assert found() == {"a/link/sub/z.jpg"}
    shutil.rmtree(tree.path("a"))
    assert found() == {"b/link/sub/z.jpg"}
    Path(tree.path("b/link")).unlink()
    assert found() == {"c/link/sub/z.jpg"}
    Path(tree.path(".phototagignore")).write_text("c/\n")
    made.add(tree, "b/two.jpg")
    assert found() == set()


def test_a_folder_that_became_a_link_to_another_is_listed_once(tmp_path: Path) -> None:
    tree = made.library(tmp_path)
    for rel in ("a/one.jpg", "b/two.jpg"):
        made.add(tree, rel)
    refresh(tree)
    time.sleep(2 * listing.RACY_NS / 1e9)
    refresh(tree)
    shutil.rmtree(tree.path("b"))
    Path(tree.path("b")).symlink_to("a")
    refresh(tree)
    assert set(made.contents(made.opened(tree))) == {"a/one.jpg"}
    assert verify(tree).differences == []


@pytest.mark.parametrize("known", [True, False], ids=["was there", "was away when the index was built"])
def test_photos_behind_a_link_come_back_with_their_disk(tmp_path: Path, known: bool) -> None:
    tree = made.library(tmp_path)
    made.add(tree, "a.jpg")
    usb, away = tmp_path / "usb", tmp_path / "unplugged"
    usb.mkdir()
    Path(tree.path("link")).symlink_to(usb)
    for rel in ("link/z.jpg", "link/sub/y.jpg"):
        made.add(tree, rel)
    time.sleep(2 * listing.RACY_NS / 1e9)  # settled: only a new time tells of a change
    if known:
        refresh(tree)
        assert set(made.contents(made.opened(tree))) == {"a.jpg", "link/z.jpg", "link/sub/y.jpg"}
    usb.rename(away)
    for _ in range(2):
        refresh(tree)
        assert set(made.contents(made.opened(tree))) == {"a.jpg"}
    assert verify(tree).differences == []
    away.rename(usb)
    manifest = load(tree)
    assert manifest is not None
    assert is_stale(tree, manifest)
    refresh(tree)
    assert set(made.contents(made.opened(tree))) == {"a.jpg", "link/z.jpg", "link/sub/y.jpg"}
    assert verify(tree).differences == []
