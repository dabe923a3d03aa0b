"""The asking commands as a person types them; their JSON is what ``schemas/cli.v1.json`` says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import weakref
from pathlib import Path
from typing import Any

import msgspec
import pytest

from phototag.cli.main import run
from phototag.cli.render import columns_of
from phototag.cli.shapes import shapes
from phototag.imaging.thumbs import ThumbCache
from phototag.index.record import ImageRecord, make_record
from tests import make
from tests.make import phototag


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("ask") / "p"
    for number, colour in enumerate(["red", "blue", "green"]):
        path = root / ("a" if number else "") / f"{colour}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        fill = {"red": (220, 20, 20), "blue": (20, 20, 220), "green": (20, 180, 20)}[colour]
        exif = make.exif(taken=f"20{18 + number}:05:01 10:00:00", make="Canon", model="EOS 80D")
        path.write_bytes(make.encoded(make.picture(colour=fill), exif=exif))
    phototag("scan", root)
    phototag("tag-edit", root / "red.jpg", "--add", "holiday")
    phototag("rate", "5", root / "red.jpg")
    return root


def checked(command: str, *args: str | Path, cwd: Path) -> Any:
    """Run a command with ``--json``; hold its document to the published shape."""
    done = phototag(*command.split(), *args, "--json", cwd=cwd)
    value = json.loads(done.stdout)
    shaped = msgspec.convert(value, shapes()[command])
    assert json.loads(msgspec.json.encode(shaped)) == value, "a field that the shape does not have"
    return value


def test_every_shape_holds(photos: Path) -> None:
    found = checked("list", cwd=photos)
    assert [one["path"] for one in found] == ["a/blue.jpg", "a/green.jpg", "red.jpg"]
    assert "score" not in found[0]
    ranked = checked("query", "holiday", cwd=photos)
    assert [one["path"] for one in ranked] == ["red.jpg"]
    assert ranked[0]["score"] > 0
    assert len(checked("similar", photos / "red.jpg", "-k", "1", cwd=photos)) == 1
    info = checked("info", photos / "red.jpg", cwd=photos)
    assert info["rating"] == 5
    assert checked("stats", cwd=photos)["totals"]["images"] == 3
    status = checked("index status", cwd=photos)
    assert (status["state"], status["images"]) == ("current", 3)
    rebuilt = checked("index rebuild", cwd=photos)
    assert (rebuilt["images"], list(rebuilt["vectors"].values())) == (3, [3])
    assert checked("index refresh", cwd=photos)["images"] == 3
    assert checked("index verify", cwd=photos) == {"ok": True, "images": 3, "differences": []}
    assert len(checked("export", cwd=photos)) == 3
    checked("log", cwd=photos)
    checked("version", cwd=photos)


def test_filters_and_paths(photos: Path) -> None:
    here = photos / "a"
    assert phototag("list", "--paths", cwd=here).stdout == "blue.jpg\ngreen.jpg\n../red.jpg\n"
    assert phototag("list", "--after", "2019", "--print0", cwd=photos).stdout == "a/blue.jpg\0a/green.jpg\0"
    assert phototag("list", here, "--paths", cwd=photos).stdout == "a/blue.jpg\na/green.jpg\n"
    assert phototag("list", "--rating", ">=4", "--camera", "canon", "--paths", cwd=photos).stdout == "red.jpg\n"
    assert phototag("query", "red", "--paths", "--before", "2019", cwd=photos).stdout == "red.jpg\n"


def test_a_rebuild_drops_the_thumbnails_of_pictures_that_are_gone(tmp_path: Path) -> None:
    for number in range(2):
        make.jpeg(tmp_path / "photos" / f"{number}.jpg", seed=number + 1)
    photos, cached = tmp_path / "photos", str(tmp_path / "cache")
    phototag("scan", photos, PHOTOTAG_CACHE_DIR=cached)
    found = json.loads(phototag("list", photos, "--json", PHOTOTAG_CACHE_DIR=cached).stdout)
    thumbs = next((tmp_path / "cache").glob("*/index")).parent / "thumbs"
    cache = ThumbCache(str(thumbs))
    for one in found:
        cache.put(bytes.fromhex(one["content"].partition(":")[2]), 240, b"RIFF....WEBP")
    for path in (photos / "0.jpg", photos / "0.jpg.phototag"):
        path.unlink()
    assert "removed 1 thumbnail" in phototag("index", "rebuild", photos, PHOTOTAG_CACHE_DIR=cached).stderr
    assert [path.name.partition("-")[0] in found[1]["content"] for path in thumbs.rglob("*.webp")] == [True]
    assert "thumbnail" not in phototag("index", "rebuild", photos, PHOTOTAG_CACHE_DIR=cached).stderr


def test_odd_names_are_shown_and_handed_on(tmp_path: Path) -> None:
    names = ["-rf.jpg", "\x1b[31mtwo\nlines.jpg", os.fsdecode(b"latin\xe9.jpg")]
    for seed, name in enumerate(names):
        make.jpeg(tmp_path / name, seed=seed + 1)
    phototag("scan", tmp_path)
    assert sorted(phototag("list", "--print0", cwd=tmp_path).stdout.split("\0")) == sorted(
        ["", "./-rf.jpg", *names[1:]]
    )
    shown = phototag("list", cwd=tmp_path).stdout
    assert shown.replace("\n", "").isprintable()
    assert sorted(line.split()[0] for line in shown.splitlines()) == [
        "-rf.jpg",
        "\\x1b[31mtwo\\nlines.jpg",
        "latin\\xe9.jpg",
    ]


def test_human_output_fits_the_terminal(photos: Path) -> None:
    shown = phototag("list", cwd=photos, COLUMNS="50").stdout.splitlines()
    assert len(shown) == 3
    assert all(len(line) <= 50 for line in shown)
    assert any("★★★★★" in line for line in shown)
    text = phototag("info", photos / "red.jpg").stdout
    assert "utag/holiday" in text
    assert "tags by builtin" in text
    assert "holiday" in phototag("stats", cwd=photos).stdout


def test_names_of_double_width_keep_the_columns_and_the_terminals_width(tmp_path: Path) -> None:
    for seed, name in enumerate(("a.jpg", "東京タワーの夜景.jpg", f"{'京' * 40}.jpg")):
        make.jpeg(tmp_path / name, seed=seed + 1, taken="2020:05:01 10:00:00")
    phototag("scan", tmp_path)
    lines = phototag("list", cwd=tmp_path, COLUMNS="60").stdout.splitlines()
    assert len({columns_of(line.partition("2020-05-01")[0]) for line in lines}) == 1, lines
    assert all(columns_of(line) <= 60 for line in lines)
    assert any("…" in line.partition("2020")[0] for line in lines)


def test_errors_are_one_line_with_the_right_code(photos: Path, tmp_path: Path) -> None:
    cases = [
        (2, "the date 'soon' is not a date", ["list", "--after", "soon"]),
        (2, "cannot sort by", ["list", "--sort", "mood"]),
        (2, "there is no such file: nothing.jpg", ["similar", str(photos / "nothing.jpg")]),
        (2, "there is no such file: nothing.jpg", ["info", str(photos / "nothing.jpg")]),
        (2, "notes.txt is no picture", ["similar", str(photos / "notes.txt")]),
        (2, "notes.txt is no picture", ["info", str(photos / "notes.txt")]),
        (2, "sub is no picture", ["info", str(photos / "sub")]),
        (2, "unscanned.jpg is not in the index", ["similar", str(photos / "unscanned.jpg")]),
        (4, "unscanned.jpg has no sidecar yet", ["info", str(photos / "unscanned.jpg")]),
    ]
    (photos / "unscanned.jpg").write_bytes(b"")
    (photos / "notes.txt").write_bytes(b"")
    (photos / "sub").mkdir(exist_ok=True)
    for code, text, args in cases:
        done = phototag(*args, cwd=photos, check=False)
        assert (done.returncode, text in done.stderr, "Traceback" in done.stderr) == (code, True, False), done.stderr
    (photos / "unscanned.jpg").unlink()
    done = phototag("list", cwd=tmp_path, check=False)
    assert (done.returncode, "no phototag library" in done.stderr) == (4, True)


def test_export_writes_a_file_or_nothing(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "photos.csv"
    done = phototag("export", photos, "--format", "csv", "--out", out)
    assert "wrote 3 images" in done.stderr
    assert len(out.read_text().splitlines()) == 4
    asked = out.read_bytes()
    phototag("export", photos, "--out", out)
    assert out.read_bytes() == asked
    phototag("export", photos, "--format", "jsonl", "--out", out)
    assert [json.loads(line)["present"] for line in out.read_text().splitlines()] == [True] * 3
    failed = phototag("export", photos, "--out", tmp_path / "no" / "such.csv", check=False)
    assert failed.returncode == 1
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("args", [["--format", "csv"], ["--format", "jsonl"], ["--out", "photos.csv"]])
def test_json_and_another_format_contradict_each_other(photos: Path, tmp_path: Path, args: list[str]) -> None:
    done = phototag("export", photos, "--json", *args, cwd=tmp_path, check=False)
    assert (done.returncode, done.stdout, "contradict" in done.stderr) == (2, "", True)
    assert not list(tmp_path.glob("photos.*"))


def test_an_export_takes_no_photos_place(photos: Path, tmp_path: Path) -> None:
    """Promise ``originals_untouched``, also where a person mistypes."""
    photo = next(photos.rglob("*.jpg"))
    sidecar = next(photos.rglob("*.jpg.phototag"))
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    before = photo.read_bytes(), sidecar.read_bytes()
    for out in (photo, sidecar, pipe, tmp_path / "new.HEIC"):
        done = phototag("export", photos, "--out", out, check=False)
        assert (done.returncode, str(out) in done.stderr) == (2, True), done.stderr
    assert (photo.read_bytes(), sidecar.read_bytes()) == before
    assert pipe.is_fifo()
    assert not (tmp_path / "new.HEIC").exists()


def test_the_index_mends_itself_and_says_so(photos: Path) -> None:
    assert "building the index" in phototag("list", photos).stderr  # each test has a cache of its own
    status = json.loads(phototag("index", "status", photos, "--json").stdout)
    segment = next(Path(status["folder"]).glob("segment-*"))
    (segment / "images.arrow").write_bytes(b"rubbish")
    assert json.loads(phototag("index", "status", photos, "--json").stdout)["state"] == "damaged"
    assert phototag("index", "verify", photos, check=False).returncode == 1
    done = phototag("list", photos, "--paths")
    assert len(done.stdout.splitlines()) == 3
    assert "building it again" in done.stderr
    assert phototag("index", "verify", photos).returncode == 0


@pytest.mark.parametrize("args", [["list", "--place", "Nice"], ["query", "red holiday"], ["similar", "IMAGE"]])
def test_asking_does_not_wait_for_what_it_does_not_use(photos: Path, args: list[str]) -> None:
    phototag("index", "refresh", photos)
    words = [os.fspath(photos / "red.jpg") if word == "IMAGE" else word for word in args]
    code = (
        "import os, sys\nfrom phototag.cli.main import run\n"
        f"os.chdir({os.fspath(photos)!r})\nassert run({words!r}) == 0\n"
        "slow = {'pandas', 'pyarrow.compute', 'tokenizers', 'phototag.index.build', 'phototag.search.duplicates'}\n"
        "slow &= set(sys.modules)\n"
        "sys.exit(f'imported {slow}' if slow else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_info_and_help_import_nothing_heavy(photos: Path) -> None:
    code = (
        "import sys\nfrom phototag.cli.main import run\n"
        f"run(['info', {os.fspath(photos / 'red.jpg')!r}])\n"
        "heavy = {'numpy', 'pyarrow', 'faiss', 'PIL', 'torch', 'starlette'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("words", [["list"], ["similar", "red.jpg"]], ids=" ".join)
@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "many"])
def test_a_score_is_a_number(photos: Path, words: list[str], value: str) -> None:
    done = phototag(*words, "--min-score", value, cwd=photos, check=False)
    assert done.returncode == 2
    assert "--min-score" in done.stderr


def test_paths_alone_read_no_records_and_records_are_printed_one_by_one(
    photos: Path, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(photos)
    assert run(["list", "--json"]) == 0
    alive: list[weakref.ref[object]] = []

    def counted(*args: Any, **how: Any) -> ImageRecord:
        assert sum(one() is not None for one in alive) <= 1, "earlier ones are kept"
        record = make_record(*args, **how)
        made = Kept(**{name: getattr(record, name) for name in ImageRecord.__struct_fields__})
        alive.append(weakref.ref(made))
        return made

    whole = capfdbinary.readouterr().out
    monkeypatch.setattr("phototag.index.reader.make_record", counted)
    assert run(["list", "--paths"]) == 0
    assert alive == []
    assert capfdbinary.readouterr().out == b"a/blue.jpg\na/green.jpg\nred.jpg\n"
    assert run(["list", "--json"]) == 0
    assert len(alive) == 3
    assert capfdbinary.readouterr().out == whole == msgspec.json.format(whole.strip(), indent=2) + b"\n"
    assert run(["list", "tag:none", "--json"]) == 0
    assert capfdbinary.readouterr().out == b"[]\n"


class Kept(ImageRecord, frozen=True, weakref=True):
    """A record of which can be seen whether it is still held."""
