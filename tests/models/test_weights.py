"""Fetching whole models, taking files a person has, and verifying what is there."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from phototag.errors import UsageError, WriteError
from phototag.models import download, inventory, manifest, weights
from phototag.models.download import DownloadError
from phototag.models.manifest import Entry, File
from phototag.models.registry import EMBED, FACES
from phototag.settings import Settings
from tests.models.file_server import Files, serving

IMAGE, TEXT, LIST = b"image tower " * 999, b"text tower " * 999, b"dog\ncat\n"
HOST = "https://hub.invalid"


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


CLIP = Entry(
    name="clip/tiny",
    task=EMBED,
    about="for tests",
    license="MIT",
    files=(
        File(path="visual.onnx", url=f"{HOST}/c/visual.onnx", size=len(IMAGE), sha256=sha(IMAGE)),
        File(path="sub/textual.onnx", url=f"{HOST}/c/textual.onnx"),
        File(path="note.json", text="{}"),
    ),
)


def zipped() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("pack/det.onnx", IMAGE)
        archive.writestr("pack/other.onnx", TEXT)
    return out.getvalue()


ZIP = zipped()
PACK = Entry(
    name="insightface/pack",
    task=FACES,
    about="for tests",
    license="non-commercial",
    non_commercial=True,
    files=(
        File(path="pack.zip", url=f"{HOST}/pack.zip", size=len(ZIP), sha256=sha(ZIP)),
        File(path="det.onnx", archive="pack.zip", sha256=sha(IMAGE)),
    ),
)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Files]:
    monkeypatch.setattr(manifest, "ENTRIES", {CLIP.name: CLIP, PACK.name: PACK})
    monkeypatch.setattr(download, "PAUSE_S", 0.0)
    with serving() as files:
        files.content = {"/c/visual.onnx": IMAGE, "/c/textual.onnx": TEXT, "/pack.zip": ZIP}
        yield files


@pytest.fixture
def settings(server: Files, tmp_path: Path) -> Settings:
    return Settings(models_dir=str(tmp_path / "models"), models_mirror=server.url)


class Hooks:
    """Records what a fetch says."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.total = self.done = 0
        self.hooks = weights.Hooks(say=self.said.append, start=self.start, advance=self.advance)

    def start(self, total: int) -> None:
        self.total = total

    def advance(self, count: int) -> None:
        self.done += count


def fetch(name: str, settings: Settings, *sources: Path, accepted: bool = False) -> tuple[Path, Hooks]:
    heard = Hooks()
    folder = weights.fetch(name, settings, heard.hooks, sources=[str(s) for s in sources], accepted=accepted)
    return Path(folder), heard


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_model_comes_whole_with_its_licence_shown(settings: Settings) -> None:
    folder, heard = fetch("clip/tiny", settings)
    found = contents(folder)
    assert found.pop("phototag.json")
    assert found == {"visual.onnx": IMAGE, "sub/textual.onnx": TEXT, "note.json": b"{}"}
    assert "licence MIT" in heard.said[0]
    assert heard.total == len(IMAGE) and heard.done == len(IMAGE) + len(TEXT)
    assert not list(Path(settings.models_dir).rglob("*.part"))
    assert all(one.ok for one in inventory.verify(settings))


def test_a_file_without_a_hash_is_pinned_and_said_so(settings: Settings, server: Files) -> None:
    folder, heard = fetch("clip/tiny", settings)
    assert any("no hash is on record" in line and "textual" in line for line in heard.said)
    (folder / "sub" / "textual.onnx").unlink()
    server.content["/c/textual.onnx"] = b"another " * 50
    with pytest.raises(DownloadError, match="not the file that was expected"):
        fetch("clip/tiny", settings)


def test_a_second_fetch_asks_for_nothing(settings: Settings, server: Files) -> None:
    fetch("clip/tiny", settings)
    server.requests.clear()
    _, heard = fetch("clip/tiny", settings)
    assert server.requests == []
    assert "complete" in heard.said[0]


def test_a_damaged_file_is_fetched_again(settings: Settings, server: Files) -> None:
    folder, _ = fetch("clip/tiny", settings)
    (folder / "visual.onnx").write_bytes(IMAGE[:-1] + b"!")
    server.requests.clear()
    fetch("clip/tiny", settings)
    assert [path for path, _ in server.requests] == ["/c/visual.onnx"]
    assert (folder / "visual.onnx").read_bytes() == IMAGE


def test_a_fetch_that_fails_half_way_leaves_no_model_and_is_gone_on_with(settings: Settings, server: Files) -> None:
    server.faults = ["", "404"]
    with pytest.raises(DownloadError):
        fetch("clip/tiny", settings)
    assert not (Path(settings.models_dir) / "clip").exists()
    server.requests.clear()
    folder, heard = fetch("clip/tiny", settings)
    assert [path for path, _ in server.requests] == ["/c/textual.onnx"]
    assert (folder / "visual.onnx").read_bytes() == IMAGE
    assert heard.done == len(IMAGE) + len(TEXT)


def test_files_a_person_has_are_taken_by_name(settings: Settings, server: Files, tmp_path: Path) -> None:
    own = tmp_path / "downloads"
    (own / "sub").mkdir(parents=True)
    (own / "visual.onnx").write_bytes(IMAGE)
    (own / "sub" / "textual.onnx").write_bytes(TEXT)
    folder, _ = fetch("clip/tiny", settings, own)
    assert server.requests == []
    assert (folder / "sub" / "textual.onnx").read_bytes() == TEXT
    assert (own / "visual.onnx").exists()


def test_a_wrong_file_of_a_person_is_refused(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "visual.onnx").write_bytes(b"something else")
    with pytest.raises(DownloadError, match=r"visual\.onnx is not the file"):
        fetch("clip/tiny", settings, tmp_path / "visual.onnx")


@pytest.mark.parametrize("harm", ["middle", "directory"])
def test_a_damaged_zip_of_a_person_is_named(settings: Settings, server: Files, tmp_path: Path, harm: str) -> None:
    data = bytearray(ZIP)
    at = 60 if harm == "middle" else data.index(b"PK\x01\x02")
    data[at : at + 4] = b"!!!!"
    (tmp_path / "own.zip").write_bytes(data)
    with pytest.raises(DownloadError, match="cannot be read"):
        fetch("insightface/pack", settings, tmp_path / "own.zip", accepted=True)
    assert not (Path(settings.models_dir) / "insightface").exists()


def test_two_fetches_at_once_bring_each_file_once(settings: Settings, server: Files) -> None:
    waiting = threading.Event()
    second = Hooks()

    def say(text: str) -> None:
        second.said.append(text)
        if "already" in text:
            waiting.set()

    def other() -> None:
        weights.fetch("clip/tiny", settings, weights.Hooks(say, second.start, second.advance))

    thread = threading.Thread(target=other)

    def first(text: str) -> None:
        if text.startswith("fetching") and not thread.is_alive() and not waiting.is_set():
            thread.start()
            assert waiting.wait(300)

    weights.fetch("clip/tiny", settings, weights.Hooks(first, lambda total: None, lambda count: None))
    thread.join(300)
    assert not thread.is_alive()
    assert sorted(path for path, _ in server.requests) == ["/c/textual.onnx", "/c/visual.onnx"]
    assert all(one.ok for one in inventory.verify(settings))
    assert second.total == 0


def test_what_an_earlier_try_left_is_not_counted_again(settings: Settings, server: Files) -> None:
    server.faults = ["cut", "404"]
    with pytest.raises(DownloadError):
        fetch("clip/tiny", settings)
    _, heard = fetch("clip/tiny", settings)
    assert heard.total == len(IMAGE) - len(IMAGE) // 2
    assert heard.done == heard.total + len(TEXT)


def test_a_non_commercial_licence_must_be_agreed_to(settings: Settings, server: Files) -> None:
    with pytest.raises(UsageError, match="non-commercial") as caught:
        fetch("insightface/pack", settings)
    assert "--i-accept" in str(caught.value.hint)
    assert server.requests == []


@pytest.mark.parametrize("brought", [False, True])
def test_a_zip_is_unpacked_and_not_kept(settings: Settings, server: Files, tmp_path: Path, brought: bool) -> None:
    sources = []
    if brought:
        (tmp_path / "pack.zip").write_bytes(ZIP)
        sources.append(tmp_path / "pack.zip")
    folder, _ = fetch("insightface/pack", settings, *sources, accepted=True)
    assert set(contents(folder)) == {"det.onnx", "phototag.json"}
    assert (folder / "det.onnx").read_bytes() == IMAGE
    assert bool(server.requests) != brought
    server.requests.clear()
    fetch("insightface/pack", settings, accepted=True)
    assert server.requests == [], "the archive is not missed"


def test_a_read_only_models_folder_still_serves_and_says_what_to_do(settings: Settings, tmp_path: Path) -> None:
    if os.geteuid() == 0:
        blocked = tmp_path / "file"
        blocked.write_bytes(b"")
        settings = msgspec.structs.replace(settings, models_dir=str(blocked / "models"))
    else:
        Path(settings.models_dir).mkdir()
        Path(settings.models_dir).chmod(0o555)
    with pytest.raises(WriteError) as caught:
        fetch("clip/tiny", settings)
    assert "PHOTOTAG_MODELS_DIR" in str(caught.value.hint)


def test_verify_tells_what_is_wrong(settings: Settings) -> None:
    folder, _ = fetch("clip/tiny", settings)
    (folder / "visual.onnx").write_bytes(b"x")
    (folder / "sub" / "textual.onnx").write_bytes(b"y")
    (folder / "note.json").unlink()
    (folder / "mine.txt").write_bytes(b"z")
    found = {one.path: (one.ok, one.why) for one in inventory.verify(settings, ["clip/tiny"])}
    assert found["visual.onnx"] == (False, "not as published")
    assert found["sub/textual.onnx"] == (False, "changed since it was fetched")
    assert found["note.json"] == (False, "missing")
    assert found["mine.txt"][0] and found["mine.txt"][1].startswith("your own file")
    assert [one.ok for one in inventory.verify(settings, ["clip/none"])] == [False]


def test_the_list_shows_what_is_here_and_what_can_be(settings: Settings) -> None:
    rows = {row.name: row for row in inventory.status(settings, {})}
    assert not rows["clip/tiny"].present and rows["clip/tiny"].license == "MIT"
    folder, _ = fetch("clip/tiny", settings)
    (folder / "config.json").write_bytes(b'{"textual": "sub/textual.onnx", "tokenizer": "note.json"}')
    rows = {row.name: row for row in inventory.status(settings, {EMBED: "clip/tiny"})}
    assert rows["clip"].present and rows["clip"].default, "the only folder is what 'clip' means"
    assert rows["builtin"].present


def test_an_unknown_name(settings: Settings) -> None:
    with pytest.raises(UsageError, match="not a model that can be fetched"):
        fetch("clip/unknown", settings)


def test_the_manifest_is_whole() -> None:
    for name, entry in manifest.ENTRIES.items():
        assert entry.name == name and entry.license and entry.terms.startswith("https://")
        paths = [file.path for file in entry.files]
        assert len(paths) == len(set(paths))
        for file in entry.files:
            assert sum(map(bool, (file.url, file.text, file.archive))) == 1, file.path
            assert not file.url or file.url.startswith("https://")
            assert len(file.sha256) in (0, 64)
            assert not file.archive or file.archive in paths


def test_any_openclip_model_of_the_hub_by_name(settings: Settings, server: Files) -> None:
    base = "/laion/CLIP-tiny/resolve/main/"
    for name in ("open_clip_config.json", "open_clip_model.safetensors", "tokenizer.json"):
        server.content[base + name] = name.encode()
    folder, heard = fetch("hf:laion/CLIP-tiny", settings)
    assert folder == Path(settings.models_dir) / "clip" / "CLIP-tiny"
    assert "models convert" in heard.said[0]
    assert (folder / "open_clip_model.safetensors").exists()


@pytest.mark.parametrize("name", ["hf:..", "hf:a/..", "hf:a/", "hf:", "hf:a", "hf:a/b/c", "hf:a/b c", "hf:a/b?c"])
def test_a_hub_name_cannot_lead_out_of_the_models_folder(settings: Settings, server: Files, name: str) -> None:
    with pytest.raises(UsageError):
        fetch(name, settings)
    assert server.requests == []


def test_a_hub_model_without_a_tokenizer_of_its_own(settings: Settings, server: Files) -> None:
    base = "/laion/CLIP-bare/resolve/main/"
    for name in ("open_clip_config.json", "open_clip_model.safetensors"):
        server.content[base + name] = name.encode()
    folder, _ = fetch("hf:laion/CLIP-bare", settings)
    assert set(contents(folder)) == {"open_clip_config.json", "open_clip_model.safetensors", "phototag.json"}


def test_two_towers_of_one_name_are_not_mixed_up(
    settings: Settings, server: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = tuple(File(path=f"{n}/model.onnx", url=f"{HOST}/i/{n}") for n in ("visual", "textual"))
    entry = Entry(name="clip/immich", task=EMBED, about="for tests", license="MIT", files=files)
    monkeypatch.setattr(manifest, "ENTRIES", {entry.name: entry})
    with zipfile.ZipFile(tmp_path / "own.zip", "w") as archive:
        archive.writestr("visual/model.onnx", IMAGE)
        archive.writestr("textual/model.onnx", TEXT)
    folder, _ = fetch("clip/immich", settings, tmp_path / "own.zip")
    assert server.requests == []
    assert (folder / "visual" / "model.onnx").read_bytes() == IMAGE
    assert (folder / "textual" / "model.onnx").read_bytes() == TEXT
    (folder / "textual" / "model.onnx").unlink()
    shutil.copytree(folder, tmp_path / "other")
    with pytest.raises(DownloadError):  # the image tower is not taken for the text tower that lacks
        fetch("clip/immich", settings, tmp_path / "other" / "visual" / "model.onnx")


def test_the_same_name_of_another_organisation_is_another_model(settings: Settings, server: Files) -> None:
    for file in manifest.from_hub("laion/M").files:
        server.content[f"/laion/M/resolve/main/{file.path}"] = file.path.encode()
    folder, _ = fetch("hf:laion/M", settings)
    before = contents(folder)
    server.requests.clear()
    with pytest.raises(UsageError, match=r"came from .*/laion/M/.*, not from .*/someone-else/M/") as caught:
        fetch("hf:someone-else/M", settings)
    assert "rename or remove" in str(caught.value.hint)
    assert server.requests == [] and contents(folder) == before
    _, heard = fetch("hf:laion/M", settings)
    assert "complete" in heard.said[0]


def test_what_is_left_of_another_organisations_fetch_is_not_taken(settings: Settings, server: Files) -> None:
    server.content["/laion/M/resolve/main/open_clip_config.json"] = b"laion's"
    with pytest.raises(DownloadError):
        fetch("hf:laion/M", settings)
    for file in manifest.from_hub("other/M").files:
        server.content[f"/other/M/resolve/main/{file.path}"] = b"other's"
    folder, _ = fetch("hf:other/M", settings)
    assert (folder / "open_clip_config.json").read_bytes() == b"other's"


def test_what_the_manifest_knows_by_its_hash_may_come_from_anywhere(settings: Settings, server: Files) -> None:
    folder, _ = fetch("clip/tiny", settings)
    record = folder / "phototag.json"
    record.write_text(record.read_text().replace("/c/visual.onnx", "/before/visual.onnx"))
    _, heard = fetch("clip/tiny", settings)
    assert "complete" in heard.said[0]
