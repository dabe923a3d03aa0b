import hashlib
import io
import os
import re
from pathlib import Path

import pytest
from PIL import Image
from starlette.testclient import TestClient

from phototag.cli.main import run
from phototag.handle import Library
from phototag.serve.access import Access
from phototag.serve.images import disposition
from tests import make
from tests.serve.conftest import client_of


def opened(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        return image


def test_thumbnails_are_small_upright_webp_kept_for_ever(client: TestClient, library: Library) -> None:
    answer = client.get("/thumb/240/2024/IMG_0001.jpg")
    assert answer.headers["content-type"] == "image/webp"
    assert "immutable" in answer.headers["cache-control"]
    assert opened(answer.content).size == (240, 160)
    assert opened(client.get("/thumb/240/turned.jpg").content).size == (60, 90)
    content = bytes.fromhex(client.get("/api/photo/2024/IMG_0001.jpg").json()["content"].partition(":")[2])
    kept = Path(library.tree.cache) / "thumbs" / content.hex()[:2] / f"{content.hex()}-240.webp"
    assert kept.read_bytes() == answer.content


def test_a_kept_thumbnail_needs_no_original(tmp_path: Path) -> None:
    photo = make.jpeg(tmp_path / "a.jpg", size=(300, 200), seed=5)
    assert run(["scan", str(tmp_path), "-q"]) == 0
    with client_of(Library.open(str(tmp_path)), Access("127.0.0.1")) as client:
        first = client.get("/thumb/240/a.jpg").content
        photo.unlink()
        assert client.get("/thumb/240/a.jpg").content == first
        other = client.get("/thumb/480/a.jpg")
        assert other.headers["content-type"] == "image/svg+xml"
        assert other.headers["cache-control"] == "no-store"
        assert client.get("/original/a.jpg").status_code == 404


def test_an_edited_original_is_no_picture_of_its_copies(tmp_path: Path) -> None:
    edited = make.jpeg(tmp_path / "a.jpg", size=(300, 200), seed=5)
    (tmp_path / "copy.jpg").write_bytes(edited.read_bytes())
    assert run(["scan", str(tmp_path), "-q"]) == 0
    make.jpeg(edited, size=(200, 300), seed=6)
    with client_of(Library.open(str(tmp_path)), Access("127.0.0.1")) as client:
        answer = client.get("/thumb/240/a.jpg")
        assert opened(answer.content).size == (160, 240)
        assert "immutable" not in answer.headers["cache-control"]
        assert opened(client.get("/thumb/240/copy.jpg").content).size == (240, 160)


def test_originals_come_byte_for_byte(client: TestClient, root: Path) -> None:
    path = root / "2024" / "IMG_0001.jpg"
    answer = client.get("/original/2024/IMG_0001.jpg")
    assert answer.content == path.read_bytes()
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["content-disposition"].startswith("inline")
    assert client.get("/original/2024/IMG_0001.jpg?download").headers["content-disposition"].startswith("attachment")


def test_ranges(client: TestClient, root: Path) -> None:
    data = (root / "2024" / "IMG_0001.jpg").read_bytes()
    part = client.get("/original/2024/IMG_0001.jpg", headers={"range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, data[10:20])
    assert part.headers["content-range"] == f"bytes 10-19/{len(data)}"
    tail = client.get("/original/2024/IMG_0001.jpg", headers={"range": "bytes=-5"})
    assert tail.content == data[-5:]
    assert client.get("/original/2024/IMG_0001.jpg", headers={"range": f"bytes={len(data)}-"}).status_code == 416
    head = client.head("/original/2024/IMG_0001.jpg")
    assert (head.status_code, head.headers["content-length"], head.content) == (200, str(len(data)), b"")


@pytest.mark.parametrize("path", ["/original/2024/IMG_0001.jpg", "/view/2024/IMG_0001.jpg", "/view/scan.tif"])
def test_what_a_browser_has_is_not_sent_again(client: TestClient, path: str) -> None:
    first = client.get(path)
    tag = first.headers["etag"]
    assert first.headers["cache-control"] == "private, no-cache"
    for known in (tag, f'"other", W/{tag}', "*"):
        again = client.get(path, headers={"if-none-match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert again.headers["x-content-type-options"] == "nosniff"
    assert client.get(path, headers={"if-none-match": '"other"'}).content == first.content
    if "last-modified" in first.headers:
        since = {"if-modified-since": first.headers["last-modified"]}
        assert client.get(path, headers=since).status_code == 304
        assert client.get(path, headers=since | {"if-none-match": '"other"'}).status_code == 200
        assert client.get(path, headers={"if-modified-since": "Thu, 01 Jan 1970 00:00:00 GMT"}).status_code == 200
        assert client.get(path, headers={"if-modified-since": "yesterday"}).status_code == 200


def test_an_edited_original_is_sent_again(tmp_path: Path) -> None:
    photo = make.jpeg(tmp_path / "a.jpg", seed=5)
    assert run(["scan", str(tmp_path), "-q"]) == 0
    with client_of(Library.open(str(tmp_path)), Access("127.0.0.1")) as client:
        tag = client.get("/original/a.jpg").headers["etag"]
        make.jpeg(photo, seed=6, size=(80, 60))
        again = client.get("/original/a.jpg", headers={"if-none-match": tag})
        assert (again.status_code, again.content) == (200, photo.read_bytes())


def test_style_sheets_and_scripts_are_kept(client: TestClient) -> None:
    found = re.findall(r'"(/static/[^"]+[?]v=[0-9a-f]+)"', client.get("/").text)
    assert len(found) > 3
    for address in found:
        assert client.get(address).headers["cache-control"] == "private, max-age=31536000, immutable"
    plain = client.get("/static/keys.js")
    assert plain.headers["cache-control"] == "private, no-cache", "a module, imported without a version"
    assert client.get("/static/keys.js", headers={"if-none-match": plain.headers["etag"]}).status_code == 304
    assert client.get("/static/none.js?v=1").headers["cache-control"] == "no-store"
    assert client.get("/").headers["cache-control"] == "no-store"


def test_what_browsers_cannot_show_is_rendered(client: TestClient) -> None:
    answer = client.get("/view/scan.tif")
    assert answer.headers["content-type"] == "image/webp"
    assert opened(answer.content).size == (64, 48)
    assert client.get("/original/scan.tif").headers["content-type"] == "image/tiff"
    assert client.get("/view/2024/IMG_0001.jpg").headers["content-type"] == "image/jpeg"


def test_what_cannot_be_decoded_is_drawn_as_such(tmp_path: Path) -> None:
    photo = make.jpeg(tmp_path / "a.jpg", seed=5)
    assert run(["scan", str(tmp_path), "-q"]) == 0
    with client_of(Library.open(str(tmp_path)), Access("127.0.0.1")) as client:
        assert client.get("/").status_code == 200
        photo.write_bytes(b"no picture any more")
        answer = client.get("/thumb/480/a.jpg")
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/svg+xml")
        assert "text%20file" in answer.headers["x-phototag-reason"]
        assert client.get("/view/a.jpg").headers["content-type"] == "image/svg+xml"
        original = client.get("/original/a.jpg")
        assert original.headers["content-type"] == "application/octet-stream"
        assert original.headers["content-disposition"].startswith("attachment")


def test_a_photo_that_cannot_be_shown_says_why(tmp_path: Path) -> None:
    for name in ("text.jpg", "gone.jpg", "fine.jpg", "kept.jpg"):
        make.jpeg(tmp_path / name, seed=len(name) + ord(name[0]))
    assert run(["scan", str(tmp_path), "-q"]) == 0
    with client_of(Library.open(str(tmp_path)), Access("127.0.0.1")) as client:
        assert client.get("/thumb/2048/kept.jpg").headers["content-type"] == "image/webp"
        (tmp_path / "text.jpg").write_bytes(b"no picture any more")
        for name in ("gone.jpg", "kept.jpg"):
            (tmp_path / name).unlink()
        pages = {name: client.get(f"/photo/{name}").text for name in ("text.jpg", "gone.jpg", "fine.jpg", "kept.jpg")}
        assert client.get("/view/kept.jpg").headers["content-type"] == "image/webp"
    reasons = {"text.jpg": "not a picture: it is a text file", "gone.jpg": "the original is not here"}
    for name, reason in reasons.items():
        assert pages[name].count(f"This picture cannot be shown: {reason}.") == 2, "over the drawing and in the panel"
        assert f'alt="{name} cannot be shown: {reason}"' in pages[name]
    for name in ("fine.jpg", "kept.jpg"):
        assert "cannot be shown" not in pages[name]
    for name, text in pages.items():
        here = name in ("text.jpg", "fine.jpg")
        assert ("/original/" in text) is here, "no link leads nowhere"
        assert ("no, only what is known about it" in text) is not here


def test_a_pipe_in_place_of_a_photo_does_not_hang(tmp_path: Path) -> None:
    photo = make.jpeg(tmp_path / "a.jpg", seed=5)
    assert run(["scan", str(tmp_path), "-q"]) == 0
    with client_of(Library.open(str(tmp_path)), Access("127.0.0.1")) as client:
        assert client.get("/").status_code == 200
        photo.unlink()
        os.mkfifo(photo)
        assert client.get("/original/a.jpg").status_code == 404
        for start in ("/thumb/480/", "/view/"):
            assert client.get(start + "a.jpg").headers["content-type"] == "image/svg+xml"


def test_looking_changes_nothing(client: TestClient, root: Path) -> None:
    def state() -> dict[str, tuple[str, int, int]]:
        return {
            str(path): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns, path.stat().st_mode)
            for path in sorted(root.rglob("*"))
            if path.is_file()
        }

    before = state()
    for path in (
        "/",
        "/photo/2024/IMG_0002.jpg?at=1",
        "/thumb/960/2024/IMG_0002.jpg",
        "/view/scan.tif",
        "/api/photos?q=blue",
    ):
        assert client.get(path).status_code == 200
    assert state() == before


@pytest.mark.parametrize(
    "name", ['a"b\\c.jpg', "写真.jpg", os.fsdecode(b"\xff\xfe.jpg"), "100%.jpg", "line\nbreak.jpg"]
)
def test_any_name_fits_a_header(name: str) -> None:
    made = disposition("attachment", name)
    made.encode("ascii")
    assert "\n" not in made
    assert made.count('"') == 2
