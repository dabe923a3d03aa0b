"""git: the driver is total, the text diff is stable, what a merge dropped comes back, set-up is idempotent."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from phototag.cli.main import run
from phototag.errors import FormatError, PhototagError
from phototag.library import git, moves, syncing
from phototag.sidecar import codec
from phototag.sidecar.dump import text
from phototag.sidecar.registers import Document
from tests import require
from tests.library.replicas import Replica

REPOSITORY = Path(__file__).resolve().parent.parent.parent


def sh(folder: Path, *arguments: str, check: bool = True) -> str:
    environment = {**os.environ, "PYTHONPATH": f"{REPOSITORY}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
    done = subprocess.run(arguments, cwd=folder, capture_output=True, text=True, check=False, env=environment)
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def clones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Replica, Replica]:
    """Return two clones of one library with one scanned photo, both without the driver."""
    require.tool("git")
    monkeypatch.setenv("PYTHONPATH", f"{REPOSITORY}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    a, b = Replica(tmp_path, "a"), Replica(tmp_path, "b", skew_ms=5000)
    a.scanned("x.jpg")
    sh(a.root, "git", "init", "-q", "-b", "main")
    commit(a, "first")
    (b.root / ".phototag").rmdir()
    sh(b.root, "git", "clone", "-q", str(a.root), ".")
    (b.root / ".phototag").mkdir(exist_ok=True)
    return a, b


def commit(a: Replica, message: str) -> None:
    sh(a.root, "git", "add", "-A")
    sh(a.root, "git", "commit", "-qm", message)


def test_both_sides_survive_a_merge_with_the_driver(clones: tuple[Replica, Replica]) -> None:
    a, b = clones
    for side in clones:
        settings = syncing.set_up_git(side.tree, annex=False)
        assert not any(setting.done for setting in settings)
        assert all(setting.done for setting in syncing.git_settings(side.tree, annex=False))
    a.rate("x.jpg", 4)
    commit(a, "a")
    b.tag("x.jpg", "beach")
    commit(b, "b")
    sh(b.root, "git", "pull", "-q", "--no-rebase", "--no-edit", "origin", "main")
    assert (b.rating("x.jpg"), b.tags("x.jpg")) == (4, {"beach": 1})
    sh(a.root, "git", "pull", "-q", "--no-rebase", str(b.root), "main")
    assert (a.root / "x.jpg.phototag").read_bytes() == (b.root / "x.jpg.phototag").read_bytes()


def test_add_add_and_rename_with_edit(clones: tuple[Replica, Replica]) -> None:
    a, b = clones
    for side in clones:
        syncing.set_up_git(side.tree, annex=False)
    a.rate(a.scanned("new.jpg", b"new"), 3)
    sh(a.root, "git", "mv", "x.jpg", "y.jpg")
    sh(a.root, "git", "mv", "x.jpg.phototag", "y.jpg.phototag")
    commit(a, "a")
    b.tag(b.scanned("new.jpg", b"new"), "fresh")
    b.tag("x.jpg", "beach")
    commit(b, "b")
    sh(b.root, "git", "pull", "-q", "--no-rebase", "--no-edit", "origin", "main")
    assert (b.rating("new.jpg"), b.tags("new.jpg")) == (3, {"fresh": 1})
    assert b.tags("y.jpg") == {"beach": 1}


@pytest.mark.parametrize("damaged", ["ours", "theirs"])
def test_a_damaged_side_of_a_renamed_folder_stops_no_merge(clones: tuple[Replica, Replica], damaged: str) -> None:
    a, b = clones
    syncing.set_up_git(a.tree, annex=False)
    a.tag(a.scanned("d/a.jpg", b"photo", tuple(f"tag {n}" for n in range(50))), "beach")
    commit(a, "folder")
    sh(b.root, "git", "pull", "-q", "--no-rebase", "--no-edit", "origin", "main")
    syncing.set_up_git(b.tree, annex=False)
    b_path = b.root / "d/a.jpg.phototag"
    if damaged == "ours":
        b_path.write_bytes(b_path.read_bytes()[:-3] + b"xxx")
    else:
        b.tag("d/a.jpg", "family")
    commit(b, "b")
    sh(a.root, "git", "mv", "d", "e")
    a_path = a.root / "e/a.jpg.phototag"
    if damaged == "theirs":
        a_path.write_bytes(a_path.read_bytes()[:-3] + b"xxx")
    else:
        a.tag("e/a.jpg", "grandma")
    commit(a, "a")
    sh(b.root, "git", "pull", "-q", "--no-rebase", "--no-edit", "origin", "main")
    assert b.tags("e/a.jpg") == {"beach": 1, "grandma" if damaged == "ours" else "family": 1}
    assert len(list((b.root / "e").glob("*.bin"))) == 1


def test_a_damaged_side_is_kept_where_a_folder_cannot_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a = Replica(tmp_path)
    a.rate(a.scanned("x.jpg"), 3)
    for name, data in (("ours", b"junk"), ("theirs", (a.root / "x.jpg.phototag").read_bytes()), ("d", b"a file")):
        (a.root / name).write_bytes(data)
    monkeypatch.chdir(a.root)
    ((kept, _),) = git.merge_files("", "ours", "theirs", "d/x.jpg.phototag").kept_aside
    assert os.path.dirname(kept) == ".phototag"
    assert Path(kept).read_bytes() == b"junk"
    assert Document.decode((a.root / "ours").read_bytes()).body == a.sidecar("x.jpg").body


def dropped_by_a_merge(clones: tuple[Replica, Replica]) -> Replica:
    """Return the clone in which a merge without the driver took one side's sidecar and dropped the other's rating."""
    a, b = clones
    a.rate("x.jpg", 4)
    commit(a, "a")
    b.tag("x.jpg", "beach")
    commit(b, "b")
    sh(b.root, "git", "pull", "-q", "--no-rebase", "--no-edit", "-X", "ours", "origin", "main")
    return b


def test_what_a_merge_without_the_driver_dropped_comes_back(clones: tuple[Replica, Replica]) -> None:
    b = dropped_by_a_merge(clones)
    assert b.rating("x.jpg") is None
    found = list(git.dropped(b.tree))
    assert [one.path for one in found] == ["x.jpg.phototag"]
    assert git.rejoin(b.tree, found) == 1
    assert (b.rating("x.jpg"), b.tags("x.jpg")) == (4, {"beach": 1})
    assert list(git.dropped(b.tree)) == []
    b.rate("x.jpg", 1)
    assert list(git.dropped(b.tree)) == []
    assert b.rating("x.jpg") == 1


@pytest.mark.parametrize("replaced", [True, False])
def test_what_a_merge_dropped_goes_where_the_picture_is_now(clones: tuple[Replica, Replica], replaced: bool) -> None:
    b = dropped_by_a_merge(clones)
    for name in ("x.jpg", "x.jpg.phototag"):
        (b.root / name).rename(b.root / f"moved-{name}")
    if replaced:
        b.scanned("x.jpg", b"another picture")
    found = list(git.dropped(b.tree))
    assert [one.path for one in found] == ["moved-x.jpg.phototag"]
    assert git.rejoin(b.tree, found) == 1
    assert (b.rating("moved-x.jpg"), b.tags("moved-x.jpg")) == (4, {"beach": 1})
    if replaced:
        assert (b.rating("x.jpg"), b.tags("x.jpg")) == (None, {})


def test_two_pictures_added_under_one_name_keep_their_own_words(clones: tuple[Replica, Replica]) -> None:
    a, b = clones
    for n, side in enumerate(clones):
        syncing.set_up_git(side.tree, annex=False)
        side.rate(side.scanned("new.jpg", b"%d" % n), n + 1)
        commit(side, side.root.parent.name)
    for side, other in ((a, b), (b, a)):
        sh(side.root, "git", "fetch", "-q", str(other.root), "main")
    for side in clones:
        sh(side.root, "git", "merge", "-q", "--no-edit", "FETCH_HEAD", check=False)  # the photos themselves conflict
    assert (a.root / "new.jpg.phototag").read_bytes() == (b.root / "new.jpg.phototag").read_bytes()
    for side in clones:
        for n in range(2):
            side.image(f"{n}.jpg", b"%d" % n)
        (side.root / "new.jpg").unlink()
        moves.relink(side.tree)
        assert [side.rating(f"{n}.jpg") for n in range(2)] == [1, 2]


def test_a_library_below_the_top_of_the_work_tree(tmp_path: Path) -> None:
    require.tool("git")
    a = Replica(tmp_path, "deep")
    top = a.root.parent
    a.scanned("x.jpg")
    sh(top, "git", "init", "-q", "-b", "main")
    sh(top, "git", "add", "lib")
    sh(top, "git", "commit", "-qm", "1")
    sh(top, "git", "checkout", "-qb", "other")
    a.rate("x.jpg", 4)
    sh(top, "git", "commit", "-qam", "2")
    sh(top, "git", "checkout", "-q", "main")
    a.tag("x.jpg", "t")
    sh(top, "git", "commit", "-qam", "3")
    sh(top, "git", "merge", "-q", "-s", "ours", "--no-edit", "other")
    assert a.rating("x.jpg") is None
    assert git.rejoin(a.tree, list(git.dropped(a.tree))) == 1
    assert (a.rating("x.jpg"), a.tags("x.jpg")) == (4, {"t": 1})


def test_nothing_is_dropped_outside_git(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    assert list(git.dropped(a.tree)) == []
    with pytest.raises(PhototagError, match="not in a git work tree"):
        syncing.set_up_git(a.tree, annex=False)


def sides(tmp_path: Path) -> tuple[bytes, bytes]:
    one, two = Document(), Document()
    one.put("user", "rating", 1 << 50, b"\x01" * 6, b"\x04")
    two.put("utag", "beach", 1 << 50, b"\x02" * 6, b"\x01")
    return one.encode(), two.encode()


@pytest.mark.parametrize("junk", [b"", b"junk", b"<<<<<<< a\n=======\n>>>>>>> b\n", codec.MAGIC])
@pytest.mark.parametrize("bad", [0, 1])
def test_the_driver_succeeds_whenever_one_side_is_readable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bad: int, junk: bytes
) -> None:
    monkeypatch.chdir(tmp_path)
    both = list(sides(tmp_path))
    good = both[1 - bad]
    both[bad] = junk
    (tmp_path / ".merge_o").write_bytes(b"")
    (tmp_path / ".merge_a").write_bytes(both[0])
    (tmp_path / ".merge_b").write_bytes(both[1])
    assert run(["merge-driver", ".merge_o", ".merge_a", ".merge_b", "x.jpg.phototag"]) == 0
    assert (tmp_path / ".merge_a").read_bytes() == good
    kept = [path.read_bytes() for path in tmp_path.glob("x.jpg.phototag.corrupt-*.bin")]
    assert kept == ([junk] if junk or bad else [])


def test_the_driver_fails_and_keeps_both_where_no_side_is_readable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, data in (("o", b""), ("a", b"one"), ("b", b"two")):
        (tmp_path / name).write_bytes(data)
    with pytest.raises(FormatError):
        git.merge_files("o", "a", "b", "x.phototag")
    assert sorted(path.read_bytes() for path in tmp_path.glob("*.bin")) == [b"one", b"two"]
    assert run(["merge-driver", "o", "a", "b", "x.phototag"]) == 4


def test_a_newer_version_wins_whole_and_the_older_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    old, _ = sides(tmp_path)
    newer = codec.encode({"future": {}}, version=2)
    for ours, theirs in ((old, newer), (newer, old)):
        (tmp_path / "a").write_bytes(ours)
        (tmp_path / "b").write_bytes(theirs)
        merged = git.merge_files("o", "a", "b", "x.phototag")
        assert (tmp_path / "a").read_bytes() == newer
        assert Path(merged.kept_aside[0][0]).read_bytes() == old


def test_setup_is_idempotent_and_keeps_what_others_wrote(clones: tuple[Replica, Replica]) -> None:
    a, _ = clones
    (a.root / ".gitattributes").write_text("*.jpg -text\n")
    for annex in (False, True):
        syncing.set_up_git(a.tree, annex=annex)
    once = (a.root / ".gitattributes").read_bytes()
    assert b"\n*.jpg -text\n" in once
    assert all(setting.done for setting in syncing.set_up_git(a.tree, annex=True))
    assert (a.root / ".gitattributes").read_bytes() == once
    assert syncing.problems(a.tree) == []
    sh(a.root, "git", "config", "--unset", "merge.phototag.driver")
    (problem,) = syncing.problems(a.tree)
    assert "phototag sync setup git" in str(problem)


def test_setup_leaves_the_owners_rules_about_large_files_in_force(clones: tuple[Replica, Replica]) -> None:
    a, _ = clones
    (a.root / ".gitattributes").write_text("*.md annex.largefiles=nothing\n")
    syncing.set_up_git(a.tree, annex=True)
    names = ("notes.md", "x.jpg", "x.jpg.phototag", ".phototag/journal/0/2024-01.log")
    found = sh(a.root, "git", "check-attr", "annex.largefiles", *names).splitlines()
    assert [line.rpartition(": ")[2] for line in found] == ["nothing", "anything", "nothing", "nothing"]


def test_setup_sets_no_default_where_the_owner_told_git_annex_one(clones: tuple[Replica, Replica]) -> None:
    require.tool("git-annex")
    a, _ = clones
    sh(a.root, "git", "annex", "init", "-q")
    sh(a.root, "git", "annex", "config", "--set", "annex.largefiles", "largerthan=100kb")
    syncing.set_up_git(a.tree, annex=True)
    found = sh(a.root, "git", "check-attr", "annex.largefiles", "x.jpg", "x.jpg.phototag").splitlines()
    assert [line.rpartition(": ")[2] for line in found] == ["unspecified", "nothing"]
    assert syncing.problems(a.tree) == []
    sh(a.root, "git", "annex", "config", "--unset", "annex.largefiles")
    assert [s.what for s in syncing.git_settings(a.tree, annex=True) if not s.done] == [syncing.ANNEX_DEFAULT]


def test_syncthing_without_conflict_copies_is_a_warning(tmp_path: Path, sealed: Path) -> None:
    a = Replica(tmp_path)
    config = Path(a.settings.state_dir).parent / "syncthing" / "config.xml"
    config.parent.mkdir(parents=True)
    template = '<configuration><folder id="x" path="{}"><maxConflicts>{}</maxConflicts></folder></configuration>'
    config.write_text(template.format(a.root, 0))
    assert "maxConflicts" in syncing.set_up_syncthing(a.tree)[1][0]
    for path, conflicts in ((a.root, 10), (tmp_path / "elsewhere", 0)):
        config.write_text(template.format(path, conflicts))
        assert syncing.set_up_syncthing(a.tree) == ([], [])
    assert not (a.root / ".stignore").exists()


def test_a_cache_inside_the_library_is_ignored_by_syncthing(tmp_path: Path) -> None:
    import msgspec

    a = Replica(tmp_path)
    inside = msgspec.structs.replace(a.settings, cache_dir=str(a.root / "cache"))
    tree = msgspec.structs.replace(a.tree, settings=inside)
    for _ in range(2):
        syncing.set_up_syncthing(tree)
    assert (a.root / ".stignore").read_text() == "// phototag (phototag sync setup)\n(?d)/cache\n"


def test_the_text_of_a_document_is_stable_and_one_fact_a_line(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    a.scanned("x.jpg", labels=("dog", "cat"))
    before = text(a.sidecar("x.jpg")).splitlines()
    a.tag("x.jpg", "beach\u2028x".replace("\u2028", ""))
    a.rate("x.jpg", 4)
    after = text(a.sidecar("x.jpg")).splitlines()
    assert [line for line in after if line not in before] == [
        "user/rating = 4  # 616161616161 2023-11-14T22:13:23Z +0",
        "utag/beachx = 1  # 616161616161 2023-11-14T22:13:21Z +0",
    ]
    assert [line for line in before if line not in after] == []
    assert "mtag/m@1#00000000 dog = 1.0000" in before
    assert text(Document.decode(a.sidecar("x.jpg").encode())).splitlines() == after


def test_dump_of_a_damaged_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x.phototag"
    path.write_bytes(b"junk")
    assert run(["dump", str(path)]) == 4
    assert run(["dump", "--lenient", str(path)]) == 0
    assert capsys.readouterr().out.startswith("! not a phototag file")


def test_git_diff_shows_what_was_said(clones: tuple[Replica, Replica]) -> None:
    a, _ = clones
    syncing.set_up_git(a.tree, annex=False)
    a.rate("x.jpg", 4)
    assert "+user/rating = 4" in sh(a.root, "git", "diff", "x.jpg.phototag")
