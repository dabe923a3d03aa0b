"""The eight promises of docs/architecture.md, one test for each that carries its name."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from phototag import fsio
from phototag.cli.main import run
from phototag.errors import WriteError
from phototag.sidecar import codec, model
from phototag.sidecar.registers import Document
from tests import everything, make
from tests.everything import FIRST, SECOND
from tests.require import REPOSITORY


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a scanned library of four photos, with it the current folder."""
    root = tmp_path / "photos"
    make.photos(root, 4)
    monkeypatch.chdir(root)
    assert run(["scan", "-q", "."]) == 0
    return root


def answer(capsys: pytest.CaptureFixture[Any], *words: str) -> Any:
    """Return what a command says as JSON."""
    capsys.readouterr()
    assert run([*words, "--json", "-q"]) == 0, capsys.readouterr().err
    return json.loads(capsys.readouterr().out)


def every_answer(capsys: pytest.CaptureFixture[Any]) -> list[Any]:
    """Return the answers of every command that asks."""
    lines = ("list", "query holiday", f"similar {FIRST} -k 3", f"info {FIRST}", "stats", "list --tag holiday", "log")
    return [answer(capsys, *line.split()) for line in lines]


class OpenedForWriting:
    """Notes every open-for-writing of an image in this process, through an audit hook."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.on = True
        sys.addaudithook(self._hook)

    def _hook(self, event: str, args: tuple[Any, ...]) -> None:
        if self.on and event == "open" and isinstance(args[0], str | bytes):
            name = os.fsdecode(args[0])
            flags = args[2] if isinstance(args[2], int) else 0
            if name.endswith((".jpg", ".png")) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC):
                self.names.append(name)


def state_of(root: Path) -> dict[str, tuple[Any, ...]]:
    """Return bytes, mode, owner, times and links of every image below ``root``."""
    found = {}
    for path in sorted(p for p in root.rglob("*") if p.suffix in (".jpg", ".png") and p.is_file()):
        stat = path.lstat()
        facts = (stat.st_mode, stat.st_uid, stat.st_gid, stat.st_size, stat.st_mtime_ns, stat.st_ino, stat.st_nlink)
        found[path.relative_to(root).as_posix()] = (*facts, hashlib.sha256(path.read_bytes()).hexdigest())
    return found


def test_originals_untouched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "photos"
    for number, path in enumerate(make.photos(root, 5)):
        os.utime(path, ns=(1_500_000_000_000_000_000 + number, 1_400_000_000_000_000_123 + number))
        path.chmod((0o644, 0o600, 0o444, 0o640, 0o664)[number])
    (root / "a" / "damaged.jpg").write_bytes(b"\xff\xd8\xff\xe0 and then nothing")
    (root / "a" / "link.jpg").symlink_to("IMG_0001.jpg")
    os.link(root / SECOND, root / "hard.jpg")
    before, watch = state_of(root), OpenedForWriting()
    everything.run_all(root, monkeypatch)
    watch.on = False
    assert state_of(root) == before
    assert watch.names == []
    assert (root / f"{FIRST}.phototag").exists()


def test_every_command_is_in_the_set() -> None:
    """A new command belongs into ``tests.everything``, or into its list of exceptions."""
    from tests.test_commands import LEAVES

    lines = [*everything.COMMAND_LINES, *everything.ELSEWHERE]
    begun = {" ".join(line.split()[:count]) for line in lines for count in (1, 2)}
    writing = [name for name, _ in LEAVES if name not in begun]
    assert writing == []


@pytest.mark.parametrize("call", ["write", "fsync", "replace"])
def test_one_write_path(call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever step of a write fails, the old file stands; the rule that only ``fsio`` writes is in house rules."""
    path = tmp_path / "x.phototag"
    fsio.write_atomic(str(path), b"old")
    failures = {"fsync": "os.fsync", "replace": "os.replace"}

    def fail(*args: Any, **kwargs: Any) -> Any:
        raise OSError(errno.EIO, "broken")

    class Torn:
        """A file whose write stops half-way."""

        def __init__(self, file: Any) -> None:
            self.file = file

        def __getattr__(self, name: str) -> Any:
            return getattr(self.file, name)

        def write(self, data: bytes) -> int:
            self.file.write(data[: len(data) // 2])
            raise OSError(errno.EIO, "broken")

        def __enter__(self) -> Torn:
            return self

        def __exit__(self, *exc: object) -> None:
            self.file.close()

    with monkeypatch.context() as patch:
        if call in failures:
            patch.setattr(failures[call], fail)
        else:
            fdopen = os.fdopen
            patch.setattr(os, "fdopen", lambda *args, **kwargs: Torn(fdopen(*args, **kwargs)))
        with pytest.raises(WriteError):
            fsio.write_atomic(str(path), b"new and longer")
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.phototag"]
    assert fsio.write_atomic(str(path), b"new and longer")
    assert path.read_bytes() == b"new and longer"


def test_cache_is_disposable(library: Path, capsys: pytest.CaptureFixture[Any]) -> None:
    assert run(["tag-edit", FIRST, "--add", "holiday", "-q"]) == 0
    assert run(["rate", "5", SECOND, "-q"]) == 0
    before = every_answer(capsys)
    shutil.rmtree(os.environ["XDG_CACHE_HOME"])
    assert every_answer(capsys) == before
    assert run(["index", "rebuild", "-q"]) == 0
    assert every_answer(capsys) == before
    assert answer(capsys, "index", "verify")["differences"] == []


def test_uninstall_loses_nothing(library: Path, sealed: Path) -> None:
    """The reader printed in docs/format.md, without phototag on the path, finds everything a person said."""
    for line in (f"tag-edit {FIRST} --add holiday", f"rate 5 {FIRST}", f"caption {FIRST} sea"):
        assert run([*line.split(), "-q"]) == 0
    shutil.rmtree(sealed)
    page = (REPOSITORY / "docs" / "format.md").read_text("utf-8")
    reader = "\n".join(re.findall(r"```python\n(.*?)```", page, re.DOTALL))
    script = f"""{reader}
import sys
sys.modules["phototag"] = None
body = values(read(open(sys.argv[1], "rb").read()))
assert body["user"] == {{"rating": 5, "caption": "sea"}}, body["user"]
assert body["utag"] == {{"holiday": 1}}
assert body["id"]["name"] == b"IMG_0000.jpg"
assert body["exif"]["v1"]["model"] == "EOS 80D"
(space,) = body["mtag"]
assert tags(body["mtag"][space])
(space,) = body["emb"]
assert abs(sum(x * x for x in vector(body["emb"][space])) - 1) < 0.01
print("ok")
"""
    done = subprocess.run(
        [sys.executable, "-c", script, library / f"{FIRST}.phototag"], capture_output=True, text=True, check=False
    )
    assert done.stdout == "ok\n", done.stderr


def test_no_network(tmp_path: Path) -> None:
    """The whole command set in processes of its own, where any look-up or connection is an error."""
    make.photos(tmp_path, 2)
    for line in ("scan", f"rate 3 {FIRST}", "query sea", "list", "stats", "models list"):
        done = make.phototag(*line.split(), cwd=tmp_path, check=False)
        assert "NetworkBlocked" not in done.stderr
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("code", "words"), [(errno.ENOSPC, "disk is full"), (errno.EROFS, "read-only")])
def test_saved_or_error(
    code: int, words: str, library: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[Any]
) -> None:
    before = (library / f"{FIRST}.phototag").read_bytes()

    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", refuse)
        assert run(["rate", "5", FIRST]) == 1
    error = capsys.readouterr().err
    assert words in error
    assert "Traceback" not in error
    assert (library / f"{FIRST}.phototag").read_bytes() == before
    assert run(["rate", "5", FIRST, "-q"]) == 0
    assert Document.decode((library / f"{FIRST}.phototag").read_bytes()).get("user", "rating", int) == 5


def test_never_again(
    library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[Any]
) -> None:
    """A rejected tag stays away: after a new scan, another model, a rebuild, and on another machine."""
    tag = next(t["tag"] for t in answer(capsys, "info", FIRST)["tags"])
    assert FIRST in [image["path"] for image in answer(capsys, "list", "--tag", tag)]
    assert run(["tag-edit", FIRST, "--remove", tag, "-q"]) == 0

    def gone() -> bool:
        listed = [image["path"] for image in answer(capsys, "list", "--tag", tag)]
        named = [t["tag"] for t in answer(capsys, "info", FIRST)["tags"]]
        return FIRST not in listed and tag not in named

    assert gone()
    assert run(["scan", "--force", "-q"]) == 0
    assert gone()
    sidecar = library / f"{FIRST}.phototag"
    document = Document.decode(sidecar.read_bytes())
    content = document.get(model.ID, model.CONTENT, model.Content)
    assert content is not None
    sure = model.TagScores(src=content.px[:8], labels=(tag,), scores=b"\xff\xff")
    document.set_machine(model.MTAG, "another@1#00000000", sure)
    fsio.write_atomic(str(sidecar), document.encode())
    assert gone()
    assert run(["index", "rebuild", "-q"]) == 0
    assert gone()
    machine = tmp_path / "machine"
    shutil.copytree(library, machine / "photos")
    monkeypatch.setenv("HOME", str(machine))
    for variable in ("XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(variable, str(machine / variable))
    monkeypatch.chdir(machine / "photos")
    assert run(["scan", "--force", "-q"]) == 0
    assert gone()


def test_unknown_survives(library: Path) -> None:
    """What a newer version wrote is byte for byte the same after an older one edited and scanned."""
    sidecar = library / f"{FIRST}.phototag"
    document = Document.decode(sidecar.read_bytes())
    future = Document.decode((REPOSITORY / "schemas/golden/v1/future.phototag").read_bytes())
    unknown = {(s, k): raw for s, keys in future.body.items() for k, raw in keys.items() if s in ("dream", "geo")}
    exif = msgspec.msgpack.decode(codec.encode_value({"mood": "calm"}))
    unknown["exif", "v9"] = codec.encode_register([0, b"", msgspec.Raw(codec.encode_value(exif)), [], "tail"])
    for (section, key), raw in unknown.items():
        document.body.setdefault(section, {})[key] = raw
    fsio.write_atomic(str(sidecar), document.encode())
    for line in (f"rate 2 {FIRST}", f"tag-edit {FIRST} --add x", "scan --force", "undo", f"caption {FIRST} sea"):
        assert run([*line.split(), "-q"]) == 0
    after = Document.decode(sidecar.read_bytes())
    assert after.get("user", "caption", str) == "sea"
    assert {(s, k): after.body[s][k] for s, k in unknown} == unknown
