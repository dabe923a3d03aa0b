"""A scan over real files: what is written, what is kept, what a second run costs, and how it stops."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from phototag import fsio
from phototag.errors import WriteError
from phototag.imaging.picture import Picture
from phototag.library import sidecars
from phototag.library.tree import Tree
from phototag.models import registry
from phototag.models.protocols import ModelInfo, Tags, Thresholds
from phototag.scan.run import Hooks, Scanned, scan
from phototag.scan.wanted import Wanted
from phototag.settings import load
from phototag.sidecar import model as fields
from phototag.sidecar.model import Content, Embedding, Exif, TagScores
from phototag.sidecar.registers import Document
from tests import make


class Brightness:
    """A tagger that tells the mean brightness, and fails on pictures named ``poison``."""

    def __init__(self, rev: str = "1") -> None:
        self.info = ModelInfo("mean", rev, "00000000")
        self.side_px, self.batch_size, self.thresholds = 16, 4, Thresholds(0.5)

    def prepare(self, picture: Picture) -> float:
        return -1.0 if "poison" in picture.name else float(picture.rgb.mean() / 255)

    def infer(self, batch: Sequence[float]) -> list[Tags]:
        if any(value < 0 for value in batch):
            raise ValueError("poisoned")
        return [Tags(("bright",), (value,)) for value in batch]


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    root = tmp_path / "library"
    root.mkdir()
    return Tree(str(root), load(str(root)))


def run(tree: Tree, wanted: Wanted | None = None, hooks: Hooks | None = None) -> Scanned:
    return scan(tree, "", wanted or Wanted(taggers=[Brightness()]), hooks=hooks)


def sidecar(tree: Tree, rel: str) -> Document:
    found = sidecars.read(tree, rel)
    assert found is not None
    return found


def age(folder: Path) -> None:
    """Date every image a minute back, so that the gate takes its mtime for settled."""
    for path in folder.rglob("*.*"):
        os.utime(path, ns=(path.stat().st_mtime_ns - 60 * 10**9,) * 2)


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*.phototag")) if p.is_file()}


def test_writes_identity_exif_and_outputs_beside_every_image(tree: Tree) -> None:
    path = make.jpeg(Path(tree.root, "a.jpg"), seed=1, taken="2024:05:01 10:00:00", make="Canon", orientation=6)
    report = run(tree).report
    assert (report.found, report.written, report.unchanged, report.failed) == (1, 1, 0, [])
    document = sidecar(tree, "a.jpg")
    content = document.get(fields.ID, fields.CONTENT, Content)
    assert content is not None
    assert (content.n, content.w, content.h, content.fmt) == (path.stat().st_size, 48, 64, "jpeg")
    assert document.get(fields.ID, fields.BIRTH, bytes) == content.x
    facts = document.get(fields.EXIF, fields.V1, Exif)
    assert facts is not None
    assert (facts.taken, facts.make) == ("2024-05-01T10:00:00", "Canon")
    tags = document.get(fields.MTAG, "mean@1#00000000", TagScores)
    assert tags is not None
    assert (tags.labels, tags.src, len(tags.scores)) == (("bright",), content.px[:8], 2)


def test_a_second_run_writes_nothing_and_examines_nothing(tree: Tree) -> None:
    make.photos(Path(tree.root), 5)
    age(Path(tree.root))
    run(tree)
    before = bytes_of(Path(tree.root))
    started: list[int] = []
    report = run(tree, hooks=Hooks(started=started.append)).report
    assert (report.written, report.unchanged, started) == (0, 5, [0])
    assert bytes_of(Path(tree.root)) == before


def test_without_the_cache_nothing_is_written_either(tree: Tree) -> None:
    make.photos(Path(tree.root), 4)
    run(tree)
    fsio.remove_tree(tree.cache)
    report = run(tree).report
    assert (report.written, report.unchanged) == (0, 4)


def test_two_copies_of_a_library_get_the_same_bytes(tmp_path: Path) -> None:
    found = []
    for name, threads in (("one", 1), ("two/deeper", 3)):
        root = tmp_path / name
        make.photos(root, 6)
        os.utime(next(root.rglob("*.jpg")), (10**9, 10**9))
        builtin = registry.open_tagger("builtin", load()), registry.open_image_embedder("builtin", load())
        run(Tree(str(root), load(str(root), threads=threads)), Wanted(taggers=[builtin[0]], embedders=[builtin[1]]))
        found.append(bytes_of(root))
    assert found[0] == found[1]
    assert len(found[0]) == 6


def test_metadata_edited_in_place_keeps_the_models_outputs(tree: Tree) -> None:
    path = make.jpeg(Path(tree.root, "a.jpg"), seed=1, taken="2024:05:01 10:00:00")
    run(tree)
    before = sidecar(tree, "a.jpg")
    pixels = path.read_bytes()
    path.write_bytes(pixels[:2] + b"\xff\xfe\x00\x07hello" + pixels[2:])  # a comment segment
    run(tree)
    after = sidecar(tree, "a.jpg")
    old, new = before.get("id", "content", Content), after.get("id", "content", Content)
    assert old is not None
    assert new is not None
    assert old.x != new.x
    assert old.px == new.px
    assert (old.w, old.h, old.fmt) == (new.w, new.h, new.fmt)
    assert before.body["mtag"] == after.body["mtag"]
    assert after.get("id", "birth", bytes) == old.x


def test_other_pixels_get_new_outputs_and_keep_the_owners_word(tree: Tree) -> None:
    path = make.jpeg(Path(tree.root, "a.jpg"), seed=1)
    run(tree)
    document = sidecar(tree, "a.jpg")
    document.put("utag", "mine", 1 << 60, b"device", b"\x01")
    sidecars.write(tree, "a.jpg", document)
    path.write_bytes(make.encoded(make.picture((80, 60), colour=(250, 250, 250), seed=2)))
    run(tree)
    after = sidecar(tree, "a.jpg")
    content, tags = after.get("id", "content", Content), after.get("mtag", "mean@1#00000000", TagScores)
    assert content is not None
    assert tags is not None
    assert tags.src == content.px[:8]
    assert (content.w, content.h) == (80, 60)
    assert after.get("utag", "mine", int) == 1
    register = after.register("id", "content")
    assert register is not None
    assert register.stamp == 1


def test_another_model_is_added_beside_without_reading_what_is_known(tree: Tree) -> None:
    make.photos(Path(tree.root), 3)
    age(Path(tree.root))
    run(tree)
    run(tree, Wanted(taggers=[Brightness("2")]))
    document = sidecar(tree, "a/IMG_0001.jpg")
    assert document.keys("mtag") == ["mean@1#00000000", "mean@2#00000000"]
    started: list[int] = []
    run(tree, Wanted(taggers=[Brightness(), Brightness("2")]), Hooks(started=started.append))
    assert started == [0]


def test_a_poisoned_image_costs_itself_and_only_a_bad_file_is_not_tried_again(tree: Tree) -> None:
    for name in ("a.jpg", "poison.jpg", "z.jpg"):
        make.jpeg(Path(tree.root, name), seed=len(name))
    Path(tree.root, "empty.jpg").write_bytes(b"")
    Path(tree.root, "text.png").write_text("not a picture")
    age(Path(tree.root))
    os.symlink("nowhere", Path(tree.root, "gone.jpg"))
    os.utime(Path(tree.root, "gone.jpg"), (0, 0), follow_symlinks=False)
    os.mkfifo(Path(tree.root, "pipe.jpg"))
    report = run(tree).report
    assert [one.path for one in report.failed] == ["empty.jpg", "gone.jpg", "pipe.jpg", "poison.jpg", "text.png"]
    assert all(one.reason and "\n" not in one.reason for one in report.failed)
    assert (report.found, report.written, report.unchanged) == (6, 2, 0)
    assert sorted(bytes_of(Path(tree.root))) == [f"{name}.jpg.phototag" for name in ("a", "poison", "z")]
    assert list(sidecar(tree, "poison.jpg").items(fields.MTAG, TagScores)) == []
    started: list[int] = []
    again = run(tree, hooks=Hooks(started=started.append)).report
    assert again.failed == report.failed
    assert (again.written, again.unchanged) == (0, 2)
    assert started == [1]  # the model's error may pass


@pytest.mark.parametrize("passing", [PermissionError(13, "Permission denied"), MemoryError()])
def test_what_may_pass_is_tried_again(tree: Tree, monkeypatch: pytest.MonkeyPatch, passing: Exception) -> None:
    def fails(*args: Any, **options: Any) -> Any:
        raise passing

    make.jpeg(Path(tree.root, "a.jpg"), seed=1)
    age(Path(tree.root))
    where = "phototag.fsio.read_bytes" if isinstance(passing, OSError) else "phototag.imaging.raster._open_plain"
    real = fsio.read_bytes

    def denied(path: str) -> bytes:
        return fails() if path.endswith(".jpg") else real(path)

    with monkeypatch.context() as patched:
        patched.setattr(where, denied if isinstance(passing, OSError) else fails)
        assert [one.path for one in run(tree).report.failed] == ["a.jpg"]
    report = run(tree).report
    assert (report.written, report.failed) == (1, [])


def test_a_later_reader_tries_what_an_older_one_could_not_read(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    make.jpeg(Path(tree.root, "good.jpg"), seed=1)
    Path(tree.root, "odd.jpg").write_text("not a picture")
    age(Path(tree.root))
    first = run(tree).report
    started: list[int] = []
    run(tree, hooks=Hooks(started=started.append))
    monkeypatch.setattr("phototag.scan.run.readers", lambda: "a later one")
    assert run(tree, hooks=Hooks(started=started.append)).report.failed == first.failed
    run(tree, hooks=Hooks(started=started.append))
    assert started == [0, 1, 0]


def test_a_removed_sidecar_comes_back(tree: Tree) -> None:
    make.photos(Path(tree.root), 3)
    age(Path(tree.root))
    run(tree)
    before = bytes_of(Path(tree.root))
    Path(tree.root, "a/IMG_0001.jpg.phototag").unlink()
    assert run(tree).report.written == 1
    assert bytes_of(Path(tree.root)) == before


def test_a_damaged_sidecar_is_kept_aside_and_made_anew(tree: Tree) -> None:
    make.jpeg(Path(tree.root, "a.jpg"), seed=1)
    run(tree)
    path = Path(tree.root, "a.jpg.phototag")
    good = path.read_bytes()
    path.write_bytes(good[:-3])
    fsio.remove_tree(tree.cache)
    said: list[str] = []
    assert run(tree, hooks=Hooks(notice=said.append)).report.written == 1
    assert path.read_bytes() == good
    kept = list(Path(tree.root).glob("*.corrupt-*.bin"))
    assert [one.read_bytes() for one in kept] == [good[:-3]]
    assert "damaged" in said[0]


def test_stopped_midway_it_resumes_where_it_was(tree: Tree) -> None:
    make.photos(Path(tree.root), 60)
    age(Path(tree.root))
    calls: list[int] = []

    def stop() -> bool:
        calls.append(1)
        return len(calls) > 21

    scanned = run(tree, hooks=Hooks(stop=stop))
    assert scanned.interrupted
    assert 0 < scanned.report.written < 60
    assert scanned.remaining == 60 - scanned.report.written
    started: list[int] = []
    assert run(tree, hooks=Hooks(started=started.append)).report.written == 60 - scanned.report.written
    assert started == [60 - scanned.report.written]


def test_a_full_disk_stops_the_run_with_a_clear_error(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    make.photos(Path(tree.root), 3)

    def full(path: str, data: bytes, **options: object) -> bool:
        raise fsio.explain(OSError(28, "No space left on device"), path) from OSError(28, "No space left on device")

    monkeypatch.setattr(fsio, "write_atomic", full)
    with pytest.raises(WriteError, match="disk is full"):
        run(tree)
    assert bytes_of(Path(tree.root)) == {}


def test_a_forced_run_with_equal_results_keeps_equal_bytes(tree: Tree) -> None:
    make.photos(Path(tree.root), 2)
    run(tree)
    before = bytes_of(Path(tree.root))
    assert run(tree, Wanted(taggers=[Brightness()], force=True)).report.written == 0
    assert bytes_of(Path(tree.root)) == before


def test_an_image_over_the_limit_is_refused_by_its_header(tree: Tree) -> None:
    Image.new("L", (3000, 2000)).save(Path(tree.root, "big.png"))
    report = run(tree, Wanted(taggers=[Brightness()], max_megapixels=1)).report
    assert "megapixel" in report.failed[0].reason


def test_embeddings_are_stored_as_unit_half_floats(tree: Tree) -> None:
    make.photos(Path(tree.root), 2)
    embedder = registry.open_image_embedder("builtin", load())
    run(tree, Wanted(embedders=[embedder]))
    stored = sidecar(tree, "a/IMG_0001.jpg").get("emb", embedder.info.space, Embedding)
    assert stored is not None
    vector = np.frombuffer(stored.v, "<f2").astype(np.float32)
    assert stored.d == embedder.dim == len(vector)
    assert abs(float(np.linalg.norm(vector)) - 1) < 2e-3


def test_temp_files_of_a_killed_writer_are_swept_a_writers_own_are_not(tree: Tree) -> None:
    import fcntl

    dead = [Path(tree.root, folder, ".syncthing.phototag-0123456789ab.tmp") for folder in ("", ".phototag")]
    alive = Path(tree.root, ".syncthing.phototag-ba9876543210.tmp")
    for path in dead:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"half")
    with alive.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        run(tree)
        assert not any(path.exists() for path in dead)
        assert alive.exists()
