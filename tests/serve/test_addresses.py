"""No address is too odd: names of any bytes, numbers that are none, places outside the library, errors nobody foresaw."""

import os
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from phototag.cli.main import run
from phototag.handle import Library
from phototag.search.fields import FIELDS
from phototag.serve.access import CONTENT_POLICY, Access
from phototag.serve.app import make_app
from phototag.serve.shelf import Shelf
from tests import make
from tests.serve.conftest import ODD_NAMES, client_of
from tests.serve.test_pages import page, thumbs


def test_odd_names_lead_to_their_photos(client: TestClient) -> None:
    links = [link["href"] or "" for link in page(client, "/?path=odd").all("a")]
    photos = [link for link in links if link.startswith("/photo/odd/")]
    assert len(photos) == len(ODD_NAMES)
    for link in photos:
        answer = client.get(link)
        assert answer.status_code == 200, link
        assert 'class="picture"' in answer.text
    for name in ODD_NAMES:
        url = quote(os.fsencode("odd/" + name))
        for start in ("/photo/", "/thumb/480/", "/view/", "/original/", "/api/photo/"):
            assert client.get(start + url).status_code == 200, start + url


@pytest.mark.parametrize(
    "path",
    ["/photo/none.jpg", "/photo/../../etc/passwd", "/original/..%2f..%2fetc%2fpasswd", "/original/2024", "/thumb/480/none.jpg", "/thumb/481/2024/IMG_0001.jpg", "/view/%00", "/photo/", "/static/../app.py", "/none", "/original/.phototag/library.phototag"],
)  # fmt: skip
def test_nothing_outside_the_library_is_served(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert "root:" not in answer.text


def test_a_folder_whose_name_is_not_utf_8_is_a_filter(tmp_path: Path) -> None:
    root = tmp_path / os.fsdecode(b"ph\xe9tos")
    folder = os.fsdecode(b"dir\xff [1]")
    make.jpeg(root / folder / "a.jpg", seed=3)
    make.jpeg(root / "else" / "b.jpg", seed=4)
    assert run(["scan", str(root), "-q"]) == 0
    with client_of(Library.open(str(root)), Access("127.0.0.1")) as client:
        shown = page(client, f"/photo/{quote(os.fsencode(folder))}/a.jpg")
        (link,) = [link["href"] or "" for link in shown.all("a") if "path=" in (link["href"] or "")]
        assert link == "/?path=dir%FF%20%5B1%5D"
        found = page(client, link)
        assert len(thumbs(found)) == 1
        assert "dir\ufffd [1]" in client.get(link).text
        (field,) = [one for one in found.all("input") if one.get("type") == "hidden"]
        assert field["name"] == "path*"
        again = client.get("/api/photos", params={"q": "a", "path*": field["value"] or ""}).json()
        assert [image["path"] for image in again["images"]] == ["dir\ufffd [1]/a.jpg"]
        for path in ("/tiles", "/filters", "/api/photos"):
            assert client.get(path + link[1:]).status_code == 200


@pytest.mark.parametrize(
    "query", ["min-score=nan", "min-score=inf", "min-score=-inf", "min-score=1e300", "cluster=nan"]
)
def test_what_is_no_number_is_a_mistake(client: TestClient, query: str) -> None:
    for path in ("/", "/tiles", "/filters", "/api/photos"):
        assert client.get(f"{path}?{query}").status_code == 400
    assert "is not a number" in client.get(f"/api/photos?{query}").json()["error"]


def test_an_error_that_nobody_foresaw_is_answered(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(Shelf, "answer", broken)
    app = make_app(library, Access("127.0.0.1"))
    with TestClient(app, base_url="http://127.0.0.1:8420", raise_server_exceptions=False) as client:
        shown, data = client.get("/"), client.get("/api/photos")
    assert (shown.status_code, data.status_code) == (500, 500)
    assert "made a mistake" in shown.text
    assert data.json()["error"] == "phototag made a mistake here."
    for answer in (shown, data):
        assert answer.headers["content-security-policy"] == CONTENT_POLICY
        assert "secret" not in answer.text
    with TestClient(app, base_url="http://127.0.0.1:8420") as client, pytest.raises(RuntimeError, match="secret"):
        client.get("/")  # for the server to log


NAMES = [*FIELDS, "q", "like", "path*", "sort", "min-score", "offset", "limit", "at", "download", "token", "fragment"]


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    start=st.sampled_from(
        ["/photo/", "/thumb/480/", "/view/", "/original/", "/api/photo/", "/static/", "/", "/tiles", "/api/photos"]
    ),
    raw=st.binary(max_size=24) | st.sampled_from([b"", b"", b"turned.jpg"]),
    query=st.binary(max_size=24)
    | st.tuples(
        st.sampled_from(NAMES),
        st.binary(min_size=1, max_size=12) | st.sampled_from([b"caf\xe9", b"\xff", b"nan", b"inf", b"-1", b"9" * 30]),
    ).map(lambda pair: pair[0].encode() + b"=" + quote(pair[1]).encode()),
)
def test_no_address_is_too_odd(client: TestClient, start: str, raw: bytes, query: bytes) -> None:
    answer = client.get(f"{start}{quote(raw, safe='/')}?{quote(query, safe='=&+%')}")
    assert answer.status_code in (200, 303, 307, 400, 404), answer.text
