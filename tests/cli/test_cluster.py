"""The commands, as a person and as a script run them."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import msgspec
import pytest

from phototag.cli.shapes import shapes
from tests.clustering import library_made
from tests.make import phototag


@pytest.fixture
def root(tmp_path: Path) -> Path:
    library_made.make(tmp_path / "photos")
    return tmp_path / "photos"


def test_json_has_the_documented_shapes(root: Path, tmp_path: Path) -> None:
    """What scripts read is what schemas/cli.v1.json promises."""
    commands: dict[str, list[str | Path]] = {
        "cluster": ["cluster", root, "--min-size", "5"],
        "clusters": ["clusters", "--library", root],
        "clusters runs": ["clusters", "runs", "--library", root],
        "rename": ["rename", "0", "Zero", "--library", root],
        "assign": ["assign", root],
        "report": ["report", root, "--out", tmp_path / "report"],
        "list": ["list", root],
    }
    run = ""
    for name, args in commands.items():
        value = json.loads(phototag(*args, "--json", "-q").stdout)
        msgspec.convert(value, shapes()[name])
        run = value["run"] if name == "cluster" else run
    for name, words in {"clusters diff": ["clusters", "diff", run], "clusters use": ["clusters", "use", run]}.items():
        msgspec.convert(json.loads(phototag(*words, "--json", "--library", root).stdout), shapes()[name])


def test_cluster_rename_list_undo(root: Path) -> None:
    made = json.loads(phototag("cluster", root, "--min-size", "5", "--json", "-q").stdout)
    assert made["noise"] == 3
    assert [c["id"] for c in made["clusters"]] == [0, 1, 2, 3]
    assert {"id", "size", "label", "terms"} <= made["clusters"][0].keys()
    beach = next(c for c in made["clusters"] if c["label"].startswith("beach"))
    assert beach["terms"][0][0] == "beach"
    phototag("rename", beach["label"], "Côte d'Azur", "--library", root)
    shown = phototag("clusters", "--library", root).stdout
    assert "Côte d'Azur" in shown
    found = json.loads(phototag("list", root, "--cluster", str(beach["id"]), "--json").stdout)
    assert len(found) == beach["size"]
    assert {one["cluster"]["run"] for one in found} == {made["run"]}
    assert all(0 <= one["cluster"]["probability"] <= 1 for one in found)
    decomposed = unicodedata.normalize("NFD", "CÔTE d'Azur")
    assert len(json.loads(phototag("list", root, "--category", decomposed, "--json").stdout)) == beach["size"]
    phototag("undo", cwd=root)
    assert "Côte d'Azur" not in phototag("clusters", "--library", root).stdout


def test_the_current_folder_is_a_scope_as_any_other(root: Path) -> None:
    for args in ([], ["."], ["../beach"]):
        phototag("cluster", *args, "--min-size", "5", "-q", cwd=root / "beach")
    runs = json.loads(phototag("clusters", "runs", "--json", cwd=root).stdout)
    assert sorted(one["scope"] for one in runs) == ["", "beach", "beach"]


def test_rename_in_bulk_is_one_operation(root: Path, tmp_path: Path) -> None:
    phototag("cluster", root, "--min-size", "5", "-q")
    names = tmp_path / "names.json"
    names.write_text(json.dumps({"0": "Zero", "1": "One"}))
    phototag("rename-bulk", names, "--library", root)
    labels = [c["label"] for c in json.loads(phototag("clusters", "--library", root, "--json").stdout)["clusters"]]
    assert labels[:2] == ["Zero", "One"]
    phototag("undo", cwd=root)
    labels = [c["label"] for c in json.loads(phototag("clusters", "--library", root, "--json").stdout)["clusters"]]
    assert "Zero" not in labels
    assert "One" not in labels


def test_clusters_takes_a_folder_as_the_other_commands_do(root: Path, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere"
    library_made.make(other)
    phototag("cluster", root, "--min-size", "5", "-q")
    there = phototag("cluster", other, "--min-size", "5", "--json", "-q", cwd=root)
    run = json.loads(there.stdout)["run"]
    shown: list[list[str | Path]] = [[other], [other / "beach"], ["--run", run[:15], other]]
    for words in shown:
        assert json.loads(phototag("clusters", *words, "--json", cwd=root).stdout)["run"] == run
    listed: list[list[str | Path]] = [[other, "runs"], ["--library", other, "runs"]]
    for words in listed:
        assert [one["run"] for one in json.loads(phototag("clusters", *words, "--json", cwd=root).stdout)] == [run]
    failed = phototag("clusters", "nowhere", cwd=root, check=False)
    assert failed.returncode == 2
    assert "No such command 'nowhere'" in failed.stderr


def test_a_run_that_finds_nothing_is_kept_but_not_taken(root: Path) -> None:
    first = json.loads(phototag("cluster", root, "--min-size", "5", "--json", "-q").stdout)["run"]
    done = phototag("cluster", root, "--min-size", "1000", "--json")
    found = json.loads(done.stdout)
    assert (found["clusters"], found["current"]) == ([], False)
    assert set(found["changes"]) == {"matches", "splits", "merges", "gone", "fresh"}
    assert f"the current run stays {first}" in done.stderr
    assert json.loads(phototag("clusters", root, "--json").stdout)["run"] == first


def test_runs_diff_and_use(root: Path) -> None:
    first = json.loads(phototag("cluster", root, "--min-size", "5", "--json", "-q").stdout)["run"]
    second = json.loads(phototag("cluster", root, "--min-size", "5", "--seed", "3", "--json", "-q").stdout)["run"]
    runs = json.loads(phototag("clusters", "runs", "--library", root, "--json").stdout)
    assert {one["run"]: one["current"] for one in runs} == {first: False, second: True}
    changes = json.loads(phototag("clusters", "diff", first, second, "--library", root, "--json").stdout)["changes"]
    assert len(changes["matches"]) == 4
    phototag("clusters", "use", first, "--library", root)
    assert json.loads(phototag("clusters", "--library", root, "--json").stdout)["run"] == first


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        (["rename", "0", "x"], 2, "no clusters yet"),
        (["clusters"], 2, "no clusters yet"),
        (["assign"], 2, "no clusters yet"),
        (["cluster", "--embedder", "clip"], 2, "no photo has an embedding of 'clip'"),
        (["cluster", "--min-size", "1"], 2, "min-size"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(root: Path, args: list[str], code: int, says: str) -> None:
    done = phototag(*args, cwd=root, check=False)
    assert done.returncode == code
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_noise_cannot_be_named(root: Path) -> None:
    phototag("cluster", root, "--min-size", "5", "-q")
    done = phototag("rename", "noise", "Rest", cwd=root, check=False)
    assert done.returncode == 2
    assert "cannot be named" in done.stderr


@pytest.mark.parametrize(("photos", "says"), [(1, "one photo is too few"), (3, "3 different photos are too few")])
def test_too_few_photos_are_said_to_be_too_few(tmp_path: Path, photos: int, says: str) -> None:
    library_made.make(tmp_path, groups=(), noise=photos)
    done = phototag("cluster", tmp_path, "--min-size", "4")
    assert f"{says}: a cluster has 4 at least" in done.stderr
    assert "no photo is new" in phototag("assign", tmp_path).stderr


def test_copies_of_one_picture_are_no_cluster(tmp_path: Path) -> None:
    library_made.make(tmp_path, groups=(), noise=1)
    for suffix in ("", ".phototag"):
        source = (tmp_path / f"odd/0.jpg{suffix}").read_bytes()
        for number in range(1, 6):
            (tmp_path / f"odd/{number}.jpg{suffix}").write_bytes(source)
    assert "all 6 photos are copies of one picture" in phototag("cluster", tmp_path).stderr


@pytest.mark.parametrize("name", ["col/2024: Alps", "tag:beach"])
def test_a_folder_with_a_colon_is_a_folder(root: Path, name: str) -> None:
    (root / name).parent.mkdir(exist_ok=True)
    (root / "forest").rename(root / name)
    found = json.loads(phototag("cluster", root / name, "--min-size", "5", "--json", "-q").stdout)
    assert found["scope"] == f"'path:{name}'" if " " in name else f"path:{name}"
    assert found["noise"] + sum(one["size"] for one in found["clusters"]) == 12
    listed = json.loads(phototag("list", root, "--json").stdout)
    assert {one["path"].rpartition("/")[0] for one in listed if "cluster" in one} <= {name}


@pytest.mark.parametrize("seed", ["-5", "4294967296", "18446744073709551616"])
@pytest.mark.parametrize("method", ["graph", "umap"])
def test_a_seed_has_a_range(root: Path, seed: str, method: str) -> None:
    done = phototag("cluster", root, "--seed", seed, "--method", method, check=False)
    assert done.returncode == 2
    assert "'--seed'" in done.stderr
