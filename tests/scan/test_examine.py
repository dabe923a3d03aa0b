"""Pictures whose metadata another program edited: what a scan takes over, and what it computes again."""

from __future__ import annotations

import os
import shutil
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from PIL import ExifTags

from phototag.errors import ImageError
from phototag.index.direct import Direct
from phototag.index.facts import PARTIAL
from phototag.library import sidecars
from phototag.library.identity import LARGE_BYTES
from phototag.library.tree import Tree
from phototag.models import registry
from phototag.scan.examine import Task, read
from phototag.scan.run import Hooks, ScanReport, scan
from phototag.scan.wanted import EXIF_REVISION, Wanted
from phototag.settings import load
from phototag.sidecar import model as fields
from phototag.sidecar.model import Content, Embedding, Exif, Gps, Phash, Place, TagScores
from phototag.sidecar.registers import Document
from tests import make

NICE, BERLIN = (43.7, 7.25), (52.5, 13.4)
JANUARY, JULY = "2024:01:15 12:00:00", "2024:07:15 12:00:00"


class Towns:
    """Places that name each position by its degrees."""

    dataset = "towns@1"

    def nearest(self, points: Sequence[tuple[float, float]]) -> list[Place]:
        return [Place(f"{lat:.0f} {lon:.0f}", "", "XX", lat, lon) for lat, lon in points]


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    root = tmp_path / "library"
    root.mkdir()
    return Tree(str(root), load(str(root)))


def photo(tree: Tree, **exif_fields: Any) -> None:
    """Write the one photo of the library, always with the same pixels."""
    make.jpeg(Path(tree.root, "a.jpg"), seed=1, **exif_fields)


def run(tree: Tree, *, tag: bool = True, embed: bool = False, facts: bool = True) -> ScanReport:
    builtin = registry.open_tagger("builtin", load()), registry.open_image_embedder("builtin", load())
    wanted = Wanted(
        taggers=builtin[:1] if tag else (),
        embedders=builtin[1:] if embed else (),
        exif=facts,
        geo=Towns.dataset if facts else None,
        phash=facts,
    )
    report = scan(tree, "", wanted, places=Towns()).report
    assert report.failed == []
    return report


def sidecar(tree: Tree) -> Document:
    found = sidecars.read(tree, "a.jpg")
    assert found is not None
    return found


def tags(tree: Tree) -> set[str]:
    return {label for _, scores in sidecar(tree).items(fields.MTAG, TagScores) for label in scores.labels}


def places(tree: Tree) -> list[str]:
    return [place.city for _, place in sidecar(tree).items(fields.GEO, Place)]


def test_another_position_gets_another_place(tree: Tree) -> None:
    photo(tree, gps=NICE)
    run(tree)
    assert places(tree) == ["44 7"]
    photo(tree, gps=BERLIN)
    run(tree)
    assert places(tree) == ["52 13"]


def test_a_position_that_was_taken_out_takes_its_place_along(tree: Tree) -> None:
    photo(tree, gps=NICE)
    run(tree)
    photo(tree)
    run(tree)
    assert sidecar(tree).get(fields.GPS, fields.V1, Gps) is None
    assert places(tree) == []
    photo(tree, gps=NICE)
    run(tree)
    assert places(tree) == ["44 7"]


def test_tags_that_a_date_made_follow_it(tree: Tree) -> None:
    photo(tree, gps=NICE, taken=JANUARY)
    run(tree)
    assert "winter" in tags(tree)
    photo(tree, gps=NICE, taken=JULY)
    run(tree)
    assert "winter" not in tags(tree)
    assert "summer" in tags(tree)


def test_frames_are_counted_and_stay_known_when_a_word_is_written_into_the_animation(tree: Tree) -> None:
    path = Path(tree.root, "a.jpg")
    data = make.encoded(make.picture(seed=1), "PNG", save_all=True, append_images=[make.picture(seed=2)])
    words = b"tEXtTitle\0a"
    chunk = struct.pack(">I", len(words) - 4) + words + struct.pack(">I", zlib.crc32(words))
    found = []
    for changed in (data, data[:33] + chunk + data[33:]):
        path.write_bytes(changed)
        run(tree)
        found.append(sidecar(tree).get(fields.ID, fields.CONTENT, Content))
    one, other = found
    assert one is not None
    assert other is not None
    assert (one.frames, other.frames, one.px == other.px, one.x == other.x) == (2, 2, True, False)


def test_a_name_written_into_the_picture_decodes_nothing(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    photo(tree, gps=NICE, taken=JANUARY)
    run(tree)
    signed = make.exif(gps=NICE, taken=JANUARY)
    signed[ExifTags.Base.Artist] = "Ada"
    Path(tree.root, "a.jpg").write_bytes(make.encoded(make.picture(seed=1), quality=85, exif=signed))

    def no(*args: Any, **options: Any) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr("phototag.imaging.decode.read_picture", no)
    assert run(tree).written == 1
    facts = sidecar(tree).get(fields.EXIF, fields.V1, Exif)
    assert facts is not None
    assert facts.artist == "Ada"


def test_a_reader_that_reads_more_fills_older_sidecars_once(tree: Tree) -> None:
    photo(tree, taken=JANUARY, make="Canon")
    run(tree)
    whole = sidecar(tree)
    older = whole.copy()
    older.set_machine(fields.EXIF, fields.V1, Exif(make="Canon"))  # without a date, as an older reader left it
    sidecars.write(tree, "a.jpg", older, sync=False)
    shutil.rmtree(tree.cache)
    assert run(tree).written == 1
    facts = sidecar(tree).get(fields.EXIF, fields.V1, Exif)
    assert facts == whole.get(fields.EXIF, fields.V1, Exif)
    assert facts is not None
    assert facts.rev == EXIF_REVISION
    shutil.rmtree(tree.cache)
    assert run(tree).written == 0


def test_a_turned_picture_is_looked_at_again_by_every_model(tree: Tree) -> None:
    photo(tree, orientation=1)
    run(tree, embed=True)
    before = sidecar(tree)
    photo(tree, orientation=6)
    run(tree)
    after = sidecar(tree)
    old, new = (one.get(fields.ID, fields.CONTENT, Content) for one in (before, after))
    assert old is not None
    assert new is not None
    assert (old.px, old.w, old.h) == (new.px, 64, 48)
    assert (new.w, new.h) == (48, 64)
    assert {"portrait"} <= tags(tree)
    assert "landscape" not in tags(tree)
    hashes = [one.get(fields.HASH, fields.PDQ, Phash) for one in (before, after)]
    assert hashes[1] is not None
    assert hashes[0] != hashes[1]
    assert list(after.items(fields.EMB, Embedding)) == [], "no scan looked at it upright yet"
    run(tree, embed=True)
    ((_, embedding),) = sidecar(tree).items(fields.EMB, Embedding)
    assert [embedding] != [found for _, found in before.items(fields.EMB, Embedding)]
    assert run(tree, embed=True).written == 0


def test_a_picture_that_was_cut_short_is_told_of_once_and_noted(tree: Tree) -> None:
    whole = make.encoded(make.picture((96, 64), seed=1))
    path = Path(tree.root, "a.jpg")
    path.write_bytes(whole[: len(whole) * 2 // 3])
    said: list[str] = []
    wanted = Wanted(taggers=(registry.open_tagger("builtin", load()),), phash=True)
    hooks = Hooks(notice=said.append)
    scan(tree, "", wanted, hooks=hooks)
    assert said == ["a.jpg: only a part of the picture can be read: the file is damaged"]
    record = Direct(tree).record("a.jpg")
    assert record is not None
    assert record.trouble == PARTIAL
    scan(tree, "", msgspec.structs.replace(wanted, force=True), hooks=hooks)
    assert len(said) == 1
    path.write_bytes(whole)
    assert scan(tree, "", wanted, hooks=hooks).report.written == 1
    content = sidecar(tree).get(fields.ID, fields.CONTENT, Content)
    assert content is not None
    assert (content.damaged, len(said)) == (False, 1)


def test_one_step_alone_does_not_hide_from_the_scan_what_changed(tree: Tree) -> None:
    photo(tree, taken=JANUARY)
    run(tree)
    photo(tree, taken=JULY)
    run(tree, facts=False)
    run(tree)
    facts = sidecar(tree).get(fields.EXIF, fields.V1, Exif)
    assert facts is not None
    assert facts.taken == "2024-07-15T12:00:00"


def test_the_tags_of_the_step_alone_are_those_of_the_scan(tree: Tree) -> None:
    photo(tree, gps=NICE, taken=JANUARY)
    run(tree, facts=False)
    assert "winter" in tags(tree)
    assert sidecar(tree).keys(fields.EXIF) == []


@pytest.mark.parametrize(
    ("head", "why"), [(b"", "zero bytes"), (b"\xff\xd8\xff", "0.1 GB, more than a picture of 5 meg")]
)
def test_a_file_that_can_be_no_picture_is_not_read_into_memory(tree: Tree, head: bytes, why: str) -> None:
    large = Path(tree.root, "a.jpg")
    large.write_bytes(head)
    os.truncate(large, LARGE_BYTES + 1)
    with pytest.raises(ImageError, match=why):
        read(tree, Wanted(max_megapixels=5), Task("a.jpg", LARGE_BYTES + 1, "", "a.jpg"))
