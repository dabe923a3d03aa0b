"""Downloads against a server on loopback that breaks, lies and dawdles."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from phototag.models import download
from phototag.models.download import DownloadError, Progress
from tests.models.file_server import Files, serving

DATA = bytes(range(256)) * 1200
SHA = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Files]:
    monkeypatch.setattr(download, "PAUSE_S", 0.0)
    monkeypatch.setattr(download, "CHUNK_BYTES", 1 << 14)
    with serving() as files:
        files.content["/m/weights"] = DATA
        yield files


class Count:
    """Adds up progress."""

    def __init__(self) -> None:
        self.bytes = 0

    def __call__(self, count: int) -> None:
        self.bytes += count


def get(
    server: Files, target: Path, *, size: int = 0, sha256: str = "", progress: Progress = lambda count: None
) -> str:
    return download.fetch(f"{server.url}/m/weights", str(target), size=size, sha256=sha256, progress=progress)


def test_a_whole_file(server: Files, tmp_path: Path) -> None:
    count = Count()
    assert get(server, tmp_path / "w", size=len(DATA), sha256=SHA, progress=count) == SHA
    assert (tmp_path / "w").read_bytes() == DATA
    assert count.bytes == len(DATA)
    assert [path.name for path in tmp_path.iterdir()] == ["w"]


@pytest.mark.parametrize("faults", [["cut"], ["stall"], ["503", "429"], ["cut", "cut", "cut", "cut", "cut", "cut"]])
def test_what_breaks_is_taken_up_where_it_broke(
    server: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, faults: list[str]
) -> None:
    if "stall" in faults:
        monkeypatch.setattr(download, "TIMEOUT_S", 5.0)
    server.faults = list(faults)
    count = Count()
    assert get(server, tmp_path / "w", sha256=SHA, progress=count) == SHA
    assert count.bytes == len(DATA)
    if "503" not in faults:
        assert server.requests[1][1] == f"bytes={len(DATA) // 2}-"


def test_an_interrupted_download_goes_on_in_the_next_run(server: Files, tmp_path: Path) -> None:
    server.faults = ["cut", "404"]
    with pytest.raises(DownloadError):
        get(server, tmp_path / "w", sha256=SHA)
    assert (tmp_path / "w.part").read_bytes() == DATA[: len(DATA) // 2]
    assert not (tmp_path / "w").exists()
    server.requests.clear()
    assert get(server, tmp_path / "w", sha256=SHA) == SHA
    assert server.requests == [("/m/weights", f"bytes={len(DATA) // 2}-")]


def test_a_complete_part_is_only_checked(server: Files, tmp_path: Path) -> None:
    (tmp_path / "w.part").write_bytes(DATA)
    count = Count()
    assert get(server, tmp_path / "w", sha256=SHA, progress=count) == SHA
    assert server.requests == [("/m/weights", f"bytes={len(DATA)}-")] and count.bytes == 0
    (tmp_path / "w").rename(tmp_path / "w.part")
    assert get(server, tmp_path / "w", size=len(DATA), sha256=SHA) == SHA
    assert len(server.requests) == 1, "its size says that nothing is missing"


def test_a_part_that_is_too_long_starts_again(server: Files, tmp_path: Path) -> None:
    (tmp_path / "w.part").write_bytes(DATA + b"more")
    assert get(server, tmp_path / "w", sha256=SHA) == SHA


def test_a_range_from_elsewhere_is_not_appended(server: Files, tmp_path: Path) -> None:
    (tmp_path / "w.part").write_bytes(DATA[:1000])
    server.faults = ["shifted"]
    count = Count()
    assert get(server, tmp_path / "w", sha256=SHA, progress=count) == SHA
    assert count.bytes == len(DATA) - 1000
    assert [asked for _, asked in server.requests] == ["bytes=1000-", ""]


def test_without_a_hash_or_a_version_of_the_server_nothing_is_gone_on_with(server: Files, tmp_path: Path) -> None:
    server.etags = False
    server.faults = ["cut", "cut"]
    (tmp_path / "w.part").write_bytes(b"x" * 5000)
    count = Count()
    assert get(server, tmp_path / "w", progress=count) == SHA
    assert count.bytes == len(DATA) - 5000
    assert [asked for _, asked in server.requests] == ["", "", ""]


def test_the_date_tells_versions_apart_where_there_is_no_strong_tag(server: Files, tmp_path: Path) -> None:
    server.etags = False
    server.headers = {"ETag": 'W/"1"', "Last-Modified": "Sat, 01 Nov 2025 10:00:00 GMT"}
    server.faults = ["cut"]
    assert get(server, tmp_path / "w") == SHA
    assert server.requests[1][1] == f"bytes={len(DATA) // 2}-"
    server.faults = ["cut", "404"]
    with pytest.raises(DownloadError):
        get(server, tmp_path / "v")
    server.content["/m/weights"] = other = bytes(reversed(DATA))
    server.headers["Last-Modified"] = "Sun, 02 Nov 2025 10:00:00 GMT"
    assert get(server, tmp_path / "v") == hashlib.sha256(other).hexdigest()


def test_a_login_page_is_not_a_model(server: Files, tmp_path: Path) -> None:
    server.headers = {"Content-Type": "text/html; charset=utf-8"}
    with pytest.raises(DownloadError, match="a web page came instead"):
        get(server, tmp_path / "w")
    assert list(tmp_path.iterdir()) == []


def test_bytes_packed_on_the_way_are_refused_but_a_packed_file_is_not(server: Files, tmp_path: Path) -> None:
    server.headers = {"Content-Encoding": "gzip"}
    with pytest.raises(DownloadError, match=r"packs the file \(gzip\)"):
        get(server, tmp_path / "w")
    server.content["/m/merges.txt.gz"] = DATA
    assert download.fetch(f"{server.url}/m/merges.txt.gz", str(tmp_path / "w")) == SHA


def test_a_server_without_ranges_starts_again(server: Files, tmp_path: Path) -> None:
    (tmp_path / "w.part").write_bytes(DATA[:1000])
    server.faults = ["no-range"]
    count = Count()
    assert get(server, tmp_path / "w", sha256=SHA, progress=count) == SHA
    assert count.bytes == len(DATA) - 1000


def test_a_file_that_changed_meanwhile_starts_again(server: Files, tmp_path: Path) -> None:
    server.faults = ["cut", "404"]
    with pytest.raises(DownloadError):
        get(server, tmp_path / "w")
    server.content["/m/weights"] = other = bytes(reversed(DATA))
    assert get(server, tmp_path / "w") == hashlib.sha256(other).hexdigest()
    assert (tmp_path / "w").read_bytes() == other


def test_a_part_of_another_file_is_found_out_by_the_checksum(server: Files, tmp_path: Path) -> None:
    server.etags = False
    (tmp_path / "w.part").write_bytes(b"x" * 5000)
    count = Count()
    assert get(server, tmp_path / "w", sha256=SHA, progress=count) == SHA
    assert count.bytes == len(DATA) - 5000


def test_wrong_bytes_are_refused_and_nothing_is_kept(server: Files, tmp_path: Path) -> None:
    server.faults = ["wrong"]
    with pytest.raises(DownloadError, match="not the file that was expected"):
        get(server, tmp_path / "w", sha256=SHA)
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_size_is_refused_before_the_bytes(server: Files, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="307,200 bytes, expected 17"):
        get(server, tmp_path / "w", size=17)


@pytest.mark.parametrize("code", [404, 403, 401, 410])
def test_a_refusal_is_final_and_says_what_to_do(server: Files, tmp_path: Path, code: int) -> None:
    server.faults = [str(code)]
    with pytest.raises(DownloadError, match=f"HTTP {code}") as caught:
        get(server, tmp_path / "w")
    assert "--from FILE" in str(caught.value.hint)
    assert len(server.requests) == 1


def test_a_server_that_never_answers_is_given_up(server: Files, tmp_path: Path) -> None:
    server.faults = ["503"] * 50
    with pytest.raises(DownloadError, match="cannot fetch"):
        get(server, tmp_path / "w")
    assert len(server.requests) == download.ATTEMPTS


def test_no_server_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "PAUSE_S", 0.0)
    with socket.socket() as held:  # nobody listens there, and nobody else can meanwhile
        held.bind(("127.0.0.1", 0))
        with pytest.raises(DownloadError, match="cannot fetch") as caught:
            download.fetch(f"http://127.0.0.1:{held.getsockname()[1]}/m/weights", str(tmp_path / "w"))
    assert "HTTPS_PROXY" in str(caught.value.hint)


def test_redirects_are_followed_with_the_range(server: Files, tmp_path: Path) -> None:
    (tmp_path / "w.part").write_bytes(DATA[:1000])
    server.content["/cdn/1"] = DATA
    server.faults = [f"redirect:{server.url}/cdn/1"]
    assert get(server, tmp_path / "w", sha256=SHA) == SHA
    assert server.requests[-1] == ("/cdn/1", "bytes=1000-")


def test_a_redirect_out_of_the_web_is_refused(server: Files, tmp_path: Path) -> None:
    server.faults = ["redirect:ftp://127.0.0.1/weights"]
    with pytest.raises(DownloadError, match="no web address"):
        get(server, tmp_path / "w")


def test_the_proxy_of_the_environment_is_used(server: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", server.url)
    assert download.fetch("http://models.invalid/m/weights", str(tmp_path / "w"), sha256=SHA) == SHA
    assert server.requests == [("http://models.invalid/m/weights", "")]


def test_only_web_addresses(tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="not a web address"):
        download.fetch("file:///etc/passwd", str(tmp_path / "w"))


@pytest.mark.parametrize(
    ("mirror", "expected"),
    [
        ("", "https://hub.example/a/b.onnx"),
        ("http://nas:80/", "http://nas:80/a/b.onnx"),
        ("http://nas/m", "http://nas/m/a/b.onnx"),
    ],
)
def test_a_mirror_replaces_the_host(mirror: str, expected: str) -> None:
    assert download.mirrored("https://hub.example/a/b.onnx", mirror) == expected
