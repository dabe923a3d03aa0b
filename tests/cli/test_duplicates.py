"""``phototag duplicates``: the plan, the move to the trash, and the way back, over real files."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest
from PIL import Image, ImageDraw, ImageEnhance

from phototag.cli import duplicates, shapes
from phototag.cli.main import run
from phototag.handle import Library
from phototag.library import sidecars
from phototag.library.decide import Edit, decide
from phototag.library.operation import IMAGE
from phototag.search.duplicates import RULES
from phototag.sidecar.model import USER, UTAG
from phototag.sidecar.registers import Document
from phototag.upkeep import duplicates as upkeep
from tests import make
from tests.imaging.test_phash import scene

FACE = {"c1/box": bytes(8), "c1/who": ["p1", "Ada"], "c1/state": 1}


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library with an exact copy, one with other metadata, one that only looks the same, and a stranger."""
    root = tmp_path_factory.mktemp("scanned") / "photos"
    (root / "old").mkdir(parents=True)
    exif = make.exif(taken="2024:05:01 10:00:00", make="Canon", model="EOS 80D")
    (root / "sea.jpg").write_bytes(make.encoded(scene(1), quality=90, exif=exif))
    shutil.copy2(root / "sea.jpg", root / "old/sea (1).jpg")
    (root / "old/captioned.jpg").write_bytes(make.encoded(scene(1), quality=90))
    (root / "old/small.webp").write_bytes(make.encoded(scene(1).resize((400, 300)), "WEBP", quality=80))
    (root / "wood.jpg").write_bytes(make.encoded(scene(2), quality=90))
    make.phototag("scan", "-q", cwd=root)
    return root


@pytest.fixture
def library(scanned: Path, tmp_path: Path) -> Path:
    """Return a copy of the library that a test may change."""
    return Path(shutil.copytree(scanned, tmp_path / "photos"))


def ask(root: Path, *args: str) -> Any:
    return json.loads(make.phototag("duplicates", "--json", *args, cwd=root).stdout)


def originals(root: Path) -> dict[str, tuple[bytes, int, int]]:
    found = {}
    for path in sorted(root.rglob("*")):
        rel = path.relative_to(root)
        if path.is_file() and rel.parts[0] != ".phototag" and path.suffix != ".phototag":
            status = path.stat()
            found[str(rel)] = (path.read_bytes(), status.st_mtime_ns, status.st_mode)
    return found


def sidecar(root: Path, rel: str) -> Document:
    found = sidecars.read(Library.open(str(root)).tree, rel)
    assert found is not None
    return found


def test_the_rules_are_those_of_the_search() -> None:
    assert set(duplicates.RULES) == set(RULES)


def test_exact_means_the_same_bytes_or_pixels_and_nothing_is_moved(library: Path) -> None:
    before = originals(library)
    found = ask(library)
    assert found == [{"keep": "sea.jpg", "others": ["old/captioned.jpg", "old/sea (1).jpg"], "kind": "exact"}]
    assert msgspec.convert(found, list[shapes.DuplicatesShape])
    assert originals(library) == before


def test_near_adds_what_only_looks_the_same(library: Path) -> None:
    assert ask(library, "--near") == [
        {"keep": "sea.jpg", "others": ["old/captioned.jpg", "old/sea (1).jpg"], "kind": "exact"},
        {"keep": "sea.jpg", "others": ["old/small.webp"], "kind": "near"},
    ]


def test_filters_say_among_which_images(library: Path) -> None:
    assert [group["keep"] for group in ask(library, "old", "--near")] == ["old/sea (1).jpg", "old/sea (1).jpg"]
    assert ask(library, "--after", "2025") == []


def test_the_current_folder_is_a_folder_as_any_other(library: Path) -> None:
    """Only a plan for all of the library, which says so, goes beyond it."""
    here = library / "old"
    before = originals(library)
    assert [group["others"] for group in ask(here, ".")] == [["old/captioned.jpg"]]
    assert "1 picture is there several times in .; 1 file " in make.phototag("duplicates", ".", cwd=here).stdout
    assert ask(here, ".", "--apply")["moved"] == 1
    assert before.keys() - originals(library).keys() == {"old/captioned.jpg"}
    assert "several times in the whole library; 1 file " in make.phototag("duplicates", cwd=here).stdout
    assert ask(here) == [{"keep": "sea.jpg", "others": ["old/sea (1).jpg"], "kind": "exact"}]


def test_apply_moves_the_rest_and_undo_brings_it_back(library: Path) -> None:
    (library / "old/small.webp.xmp").write_bytes(b"<x/>")
    before = originals(library)
    plan = make.phototag("duplicates", "--near", cwd=library)
    assert "1 picture is there several times in the whole library; 3 files" in plan.stdout
    done = ask(library, "--near", "--apply")
    assert msgspec.convert(done, shapes.ClearedShape).moved == 3
    assert set(originals(library)) == {"sea.jpg", "wood.jpg"}
    trash = library / ".phototag/trash" / done["op"] / "old"
    assert {path.name for path in trash.iterdir()} == {
        *("captioned.jpg", "sea (1).jpg", "small.webp", "small.webp.xmp"),
        *("captioned.jpg.phototag", "sea (1).jpg.phototag", "small.webp.phototag"),
    }
    assert ask(library, "--near") == []
    listed = make.phototag("list", "--paths", cwd=library).stdout.split()
    assert listed == ["sea.jpg", "wood.jpg"]
    assert json.loads(make.phototag("scan", "--json", "-q", cwd=library).stdout)["found"] == 2
    make.phototag("undo", cwd=library)
    assert originals(library) == before
    assert len(make.phototag("list", "--paths", cwd=library).stdout.splitlines()) == 5
    assert json.loads(make.phototag("index", "verify", "--json", cwd=library).stdout)["ok"]
    assert len(ask(library, "--near")) == 2


def test_what_was_said_of_the_others_comes_to_the_kept_one_and_goes_again(library: Path) -> None:
    opened = Library.open(str(library))
    image = f"{IMAGE}old/sea (1).jpg"
    words = [Edit(image, UTAG, "holiday", 1), Edit(image, UTAG, "dog", -1), Edit(image, USER, "caption", "Nice")]
    words += [Edit(image, "face", key, value) for key, value in FACE.items()]
    opened.decide("test", "words", [*words, Edit(image, USER, "rating", 4)])
    opened.decide(
        "test", "words", [Edit(f"{IMAGE}sea.jpg", USER, "rating", 2), Edit(f"{IMAGE}sea.jpg", UTAG, "sea", 1)]
    )
    ask(library, "--apply", "--keep", "shortest-path")
    kept = sidecar(library, "sea.jpg")
    assert dict(kept.items(UTAG, int)) == {"holiday": 1, "dog": -1, "sea": 1}
    assert (kept.get(USER, "rating", int), kept.get(USER, "caption", str)) == (4, "Nice")
    assert kept.get("face", "c1/who", list[str]) == ["p1", "Ada"]
    assert make.phototag("list", "--tag", "holiday", "--paths", cwd=library).stdout == "sea.jpg\n"
    make.phototag("undo", cwd=library)
    kept = sidecar(library, "sea.jpg")
    assert dict(kept.items(UTAG, int)) == {"sea": 1}
    assert (kept.get(USER, "rating", int), kept.get(USER, "caption", str)) == (2, None)
    assert sidecar(library, "old/sea (1).jpg").get(USER, "rating", int) == 4


def test_words_whose_image_is_gone_for_good_stay_with_the_kept_one(library: Path) -> None:
    make.phototag("tag-edit", "old/sea (1).jpg", "--add", "grandma", cwd=library)
    ask(library, "--apply")
    shutil.rmtree(library / ".phototag/trash")
    undone = make.phototag("undo", cwd=library, check=False)
    assert (undone.returncode, "is left to undo: it is no longer in the trash" in undone.stderr) == (1, True)
    assert sidecar(library, "sea.jpg").get(UTAG, "grandma", int) == 1


@pytest.mark.parametrize(
    ("rule", "keep"), [("largest", "sea.jpg"), ("oldest", "sea.jpg"), ("shortest-path", "sea.jpg"), ("best", "sea.jpg")]
)
def test_every_rule_keeps_one(library: Path, rule: str, keep: str) -> None:
    assert {group["keep"] for group in ask(library, "--near", "--keep", rule)} == {keep}


def test_links_to_one_file_are_no_duplicates_to_delete(library: Path) -> None:
    for name in ("old/sea (1).jpg", "old/captioned.jpg", "old/small.webp"):
        (library / name).unlink()
        (library / f"{name}.phototag").unlink()
    os.link(library / "sea.jpg", library / "hard.jpg")
    (library / "soft.jpg").symlink_to("sea.jpg")
    make.phototag("scan", "-q", cwd=library)
    assert ask(library, "--near") == []
    shown = make.phototag("duplicates", cwd=library)
    assert "soft.jpg (the same file)" in shown.stdout
    before = originals(library)
    assert ask(library, "--apply")["moved"] == 0
    assert originals(library) == before
    shutil.copy2(library / "sea.jpg", library / "copy.jpg")
    make.phototag("scan", "-q", cwd=library)
    (group,) = ask(library)
    assert len(group["others"]) == 1
    assert "soft.jpg" in group["linked"]


@pytest.mark.parametrize("among", [[], ["2024"]], ids=["whole library", "the link is elsewhere"])
def test_a_file_that_a_link_leads_to_stays(tmp_path: Path, among: list[str]) -> None:
    root = tmp_path / "p"
    for folder in ("2024/event", "album"):
        (root / folder).mkdir(parents=True)
    data = make.encoded(make.picture())
    for name in ("2024/a.jpg", "2024/event/b.jpg", "2024/event/c.jpg"):
        (root / name).write_bytes(data)
    (root / "album" / "best.jpg").symlink_to("../2024/event/b.jpg")
    make.phototag("scan", root)
    done = ask(root, *(str(root / folder) for folder in among), "--apply")
    assert done["skipped"] == [{"path": "2024/event/b.jpg", "reason": "album/best.jpg is a link to it"}]
    assert [(group["keep"], group["others"]) for group in done["groups"]] == [("2024/a.jpg", ["2024/event/c.jpg"])]
    assert (root / "album" / "best.jpg").read_bytes() == data


def test_a_file_that_changed_since_the_scan_is_left_alone(library: Path) -> None:
    path = library / "old/sea (1).jpg"
    data = bytearray(path.read_bytes())
    data[-20] ^= 0xFF
    times = path.stat()
    path.write_bytes(bytes(data))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    done = ask(library, "--apply", "--keep", "shortest-path")
    assert done["skipped"] == [{"path": "old/sea (1).jpg", "reason": "it has changed since the last scan"}]
    assert path.read_bytes() == bytes(data)


def test_a_kept_file_that_rotted_saves_its_copies(library: Path) -> None:
    (library / "sea.jpg").write_bytes(b"rot")
    done = ask(library, "--apply", "--keep", "shortest-path")
    assert done["moved"] == 0
    assert {one["reason"] for one in done["skipped"]} == {
        "sea.jpg would be kept, but it has changed since the last scan"
    }


def test_two_at_once_that_keep_different_files_leave_one(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other one has looked at every file and waits for the first to be done."""
    monkeypatch.chdir(library)

    def late(*args: Any, **kwargs: Any) -> Any:
        monkeypatch.setattr(upkeep, "decide", decide)
        assert run(["duplicates", "--near", "--apply", "-q"]) == 0
        return decide(*args, **kwargs)

    monkeypatch.setattr(upkeep, "decide", late)
    assert run(["duplicates", "old", "--apply", "-q"]) == 1  # keeps one that the first moves away
    assert set(originals(library)) == {"sea.jpg", "wood.jpg"}


def test_images_that_are_not_here_are_a_clear_error(library: Path) -> None:
    path = library / "old/captioned.jpg"
    path.unlink()
    path.symlink_to("../.git/annex/objects/xx/yy/SHA256E-s10--00.jpg")
    done = make.phototag("duplicates", "--apply", cwd=library, check=False)
    assert done.returncode == 1
    assert "not here" in done.stderr
    assert "--present" in done.stderr
    assert (library / "old/sea (1).jpg").exists()


def test_a_copy_that_was_deleted_by_hand_is_none(library: Path) -> None:
    (library / "old/sea (1).jpg").unlink()
    (library / "old/captioned.jpg").unlink()
    assert ask(library) == []
    assert make.phototag("list", "is:duplicate", "--paths", cwd=library).stdout == ""
    (group,) = ask(library, "--near")
    assert (group["keep"], group["others"]) == ("sea.jpg", ["old/small.webp"])
    assert ask(library, "--apply")["moved"] == 0


def test_it_says_how_to_bring_the_moved_back_and_how_to_free_the_space(library: Path) -> None:
    said = make.phototag("duplicates", "--apply", cwd=library).stderr
    operation = said.partition("phototag undo ")[2].split()[0]
    folder = said.partition("delete ")[2].split()[0]
    assert folder == f".phototag/trash/{operation}"
    shutil.rmtree(library / folder)
    undone = make.phototag("undo", cwd=library, check=False)
    assert undone.returncode == 1
    assert "nothing of" in undone.stderr
    assert json.loads(make.phototag("index", "verify", "--json", cwd=library).stdout)["ok"]


def test_a_read_only_library_is_a_clear_error(library: Path) -> None:
    done = make.phototag("duplicates", "--apply", cwd=library, check=False, PHOTOTAG_READ_ONLY="1")
    assert done.returncode == 1
    assert "cannot be written here" in done.stderr
    assert len(originals(library)) == 5


def test_names_that_are_not_text_survive(library: Path) -> None:
    name = os.fsdecode(b"old/caf\xe9.jpg")
    shutil.copy2(library / "wood.jpg", library / name)
    make.phototag("scan", "-q", cwd=library)
    group = next(group for group in ask(library) if group["keep"] == "wood.jpg")
    assert group["others"] == ["old/caf\ufffd.jpg"]
    assert group["others_bytes"] == ["b2xkL2NhZukuanBn"]
    ask(library, "--apply")
    assert not os.path.lexists(library / name)
    make.phototag("undo", cwd=library)
    assert os.path.lexists(library / name)


def test_a_photo_without_contrast_is_no_ones_twin(tmp_path: Path) -> None:
    for number, grey in enumerate((100, 101)):
        (tmp_path / f"{number}.jpg").write_bytes(make.encoded(Image.new("RGB", (300, 200), (grey, grey, grey))))
    make.phototag("scan", "-q", cwd=tmp_path)
    assert ask(tmp_path, "--near") == []


def test_a_time_lapse_of_a_fixed_camera_stays_whole(tmp_path: Path) -> None:
    for number in range(6):
        picture = ImageEnhance.Brightness(scene(1)).enhance(0.85 + number / 20)
        ImageDraw.Draw(picture).ellipse((90 * number, 200, 90 * number + 30, 230), fill=(30, 30, 30))
        exif = make.exif(taken=f"2024:05:01 {8 + number:02}:00:00", make="Reconyx", model="HC600")
        (tmp_path / f"IMG_000{number + 1}.jpg").write_bytes(make.encoded(picture, quality=90, exif=exif))
    make.phototag("scan", "-q", cwd=tmp_path)
    assert ask(tmp_path, "--near") == []


def test_animations_that_begin_alike_are_neither_one_nor_copies_of_what_they_begin_with(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(make.encoded(scene(1), quality=90))
    first = scene(1).resize((320, 240))
    for fmt, suffix in (("GIF", "gif"), ("PNG", "png")):
        (tmp_path / f"still.{suffix}").write_bytes(make.encoded(first, fmt))
        for seed in (2, 3):
            others = [scene(seed).resize((320, 240))]
            path = tmp_path / f"{seed}.{suffix}"
            path.write_bytes(make.encoded(first, fmt, save_all=True, append_images=others, duration=200))
    make.phototag("scan", "-q", cwd=tmp_path)
    assert ask(tmp_path) == []
    assert ask(tmp_path, "--near") == [{"keep": "photo.jpg", "others": ["still.gif", "still.png"], "kind": "near"}]
