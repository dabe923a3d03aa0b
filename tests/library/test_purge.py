"""Purge: gone from every file, for devices that never heard of it too, and what is said afterwards stays."""

from __future__ import annotations

import shutil
from pathlib import Path

from phototag.library import conflicts, documents, journal, orphans, purge, recovery, sidecars
from phototag.library.decide import finish_unfinished
from phototag.sidecar import codec, disk
from tests.library.replicas import Replica


def purged(a: Replica, section: str = "utag") -> purge.Purged:
    return purge.purge(a.tree, a.clock, section, command="test purge", summary=section)


def on_disk(a: Replica, rel: str) -> bytes:
    return (a.root / f"{rel}.phototag").read_bytes()


def test_the_first_word_about_an_image_after_a_purge_stays(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    purge.purge(a.tree, a.clock, "utag", command="purge", summary="tags")
    a.tag(a.image("x.jpg"), "beach")
    assert a.tags("x.jpg") == {"beach": 1}
    b = Replica(tmp_path, read_only=True)
    b.tag(b.image("y.jpg"), "sea")
    assert b.tags("y.jpg") == {"sea": 1}


def test_purged_data_is_gone_from_files_and_journal(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    for rel in ("x.jpg", "y.jpg"):
        a.scanned(rel, rel.encode())
        a.tag(rel, "verysecret")
    a.rate("x.jpg", 4)
    assert purged(a).cleaned == 2
    assert a.tags("x.jpg") == {}
    assert a.rating("x.jpg") == 4
    for path in a.root.rglob("*"):
        if path.is_file():
            assert b"verysecret" not in path.read_bytes(), path
    assert purge.apply_purges(a.tree, a.clock) == 0
    assert finish_unfinished(a.tree, a.clock) == []


def test_what_is_said_after_a_purge_stays(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    a.tag(a.scanned("x.jpg"), "old")
    purged(a)
    a.tag("x.jpg", "new")
    assert a.tags("x.jpg") == {"new": 1}
    assert purge.apply_purges(a.tree, a.clock) == 0
    purged(a)
    assert a.tags("x.jpg") == {}


def test_a_device_that_never_heard_of_it_brings_nothing_back(tmp_path: Path) -> None:
    a, b = Replica(tmp_path, "a"), Replica(tmp_path, "b", skew_ms=10**10)
    a.scanned("x.jpg")
    shutil.copytree(a.root, b.root, dirs_exist_ok=True)
    b.tag("x.jpg", "verysecret")
    b.rate("x.jpg", 3)
    purged(a)
    shutil.copy(b.root / "x.jpg.phototag", a.root / "x.jpg.sync-conflict-20240501-101500-ABCDEFG.phototag")
    conflicts.resolve(a.tree, conflicts.find(a.tree))
    assert (a.rating("x.jpg"), a.tags("x.jpg")) == (3, {})
    assert b"verysecret" not in on_disk(a, "x.jpg")
    # The purge reaches the other device, which cleans its own files and journal at the next command.
    shutil.copytree(a.root / ".phototag/purge", b.root / ".phototag/purge")
    assert b.tags("x.jpg") == {}
    assert purge.apply_purges(b.tree, b.clock) == 1
    assert b"verysecret" not in on_disk(b, "x.jpg")
    assert all(op.device != b.clock.device or "verysecret" not in repr(op) for op in journal.operations(b.tree))


def test_a_sidecar_that_syncs_back_whole_is_purged_when_read(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    a.tag(a.scanned("x.jpg"), "secret")
    old = on_disk(a, "x.jpg")
    purged(a)
    (a.root / "x.jpg.phototag").write_bytes(old)
    assert a.tags("x.jpg") == {}
    a.rate("x.jpg", 1)
    assert b"secret" not in on_disk(a, "x.jpg")


def test_sections_below_are_purged_and_others_not(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    document = a.sidecar(a.scanned("x.jpg"))
    document.set_machine("face.obs", "m@1#00000000", b"observation")
    document.set_machine("face", "c/auto", ["p", 0.5])
    document.set_machine("facet", "k", 1)
    sidecars.write(a.tree, "x.jpg", document)
    purged(a, "face")
    left = disk.read(str(a.root / "x.jpg.phototag"))
    assert left is not None
    assert left.keys("face") == left.keys("face.obs") == []
    assert left.keys("facet") == ["k"]
    assert len(documents.list_documents(a.tree, "purge")) == 1


def test_machine_output_is_written_again_after_opting_in_again(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    document = a.sidecar(a.scanned("x.jpg"))
    document.set_machine("face.obs", "m@1#00000000", b"observation")
    sidecars.write(a.tree, "x.jpg", document)
    purged(a, "face")
    again = a.sidecar("x.jpg")
    assert again.set_machine("face.obs", "m@1#00000000", b"observation")
    sidecars.write(a.tree, "x.jpg", again)
    assert a.sidecar("x.jpg").get("face.obs", "m@1#00000000", bytes) == b"observation"


def test_purged_data_is_gone_where_no_picture_is_too(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    for rel in ("gone.jpg", "d/gone.jpg", "parked.jpg", "here.jpg"):
        a.tag(a.scanned(rel, rel.encode()), "verysecret")
    orphans.park(a.tree, a.sidecar("parked.jpg"), "parked.jpg")
    (a.root / "gone.jpg").unlink()
    (a.root / "d/gone.jpg").rename(a.root / "elsewhere")
    purged(a)
    assert not [path for path in a.root.rglob("*") if path.is_file() and b"verysecret" in path.read_bytes()]


def test_a_damaged_or_newer_parked_document_stops_no_purge(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    a.tag(a.scanned("x.jpg"), "verysecret")
    newer = codec.encode(a.sidecar("x.jpg").body, version=codec.VERSION + 1)
    for name, data in (("damaged", b"junk"), ("newer", newer)):
        path = a.root / f".phototag/orphans/{name}.phototag"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
    assert purged(a).cleaned == 1
    assert a.tags("x.jpg") == {}


def test_what_is_computed_of_a_new_picture_after_a_purge_stays(tmp_path: Path) -> None:
    a = Replica(tmp_path)
    purged(a, "exif")
    document, _ = recovery.read_or_set_aside(a.tree, a.image("x.jpg"))
    document.set_machine("exif.gps", "pos", [48.0, 2.0])
    sidecars.write(a.tree, "x.jpg", document)
    assert a.sidecar("x.jpg").get("exif.gps", "pos", list) == [48.0, 2.0]
