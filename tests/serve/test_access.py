import html
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from anyio.from_thread import start_blocking_portal
from starlette.types import Message

from phototag.errors import UsageError
from phototag.handle import Library
from phototag.serve.access import CONTENT_POLICY, Access, host_of, is_loopback, open_access, signed_in
from phototag.serve.app import make_app
from phototag.settings import load
from tests.serve.conftest import client_of

TOKEN = "correct-horse-battery"


def test_loopback_needs_no_token() -> None:
    assert open_access("127.0.0.1", load()) == Access("127.0.0.1", "")
    assert open_access("localhost", load()).loopback
    assert open_access("::1", load()).loopback


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "photos.lan"])
def test_another_host_is_refused_without_a_token(host: str) -> None:
    with pytest.raises(UsageError, match="without a token"):
        open_access(host, load())
    with pytest.raises(UsageError, match="too short"):
        open_access(host, load(api_token="short"))
    assert open_access(host, load(api_token=TOKEN)).token == TOKEN


def test_the_token_may_lie_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    assert open_access("0.0.0.0", load(), token_file=str(file)).token == TOKEN
    assert open_access("0.0.0.0", load(api_token_file=str(file))).token == TOKEN
    file.write_text("two words\n")
    with pytest.raises(UsageError, match="one word"):
        open_access("0.0.0.0", load(), token_file=str(file))
    with pytest.raises(UsageError, match="cannot read"):
        open_access("0.0.0.0", load(), token_file=str(tmp_path / "none"))
    assert stat.S_ISREG(file.stat().st_mode)


def test_loopback_addresses() -> None:
    assert [is_loopback(h) for h in ("127.0.0.1", "127.9.9.9", "::1", "localhost")] == [True] * 4
    assert [is_loopback(h) for h in ("0.0.0.0", "10.0.0.1", "localhost.evil.com", "", "::")] == [False] * 5


def test_host_headers() -> None:
    assert host_of("127.0.0.1:8420") == "127.0.0.1"
    assert host_of("[::1]:8420") == "::1"
    assert host_of("LOCALHOST.") == "localhost"
    assert host_of("127.0.0.1@evil.com") == "evil.com"
    assert host_of("[::1") == ""


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.nip.io", "localhost.evil.com", "192.168.1.7", ""])
def test_a_rebound_name_gets_nothing(library: Library, host: str) -> None:
    with client_of(library, Access("127.0.0.1")) as client:
        for path in ("/", "/api/photos", "/static/viewer.css", "/thumb/480/2024/IMG_0001.jpg"):
            answer = client.get(path, headers={"host": host})
            assert answer.status_code == 421
            assert "IMG" not in answer.text


@pytest.mark.parametrize("host", ["127.0.0.1:8420", "localhost", "localhost:9000", "[::1]:8420"])
def test_loopback_names_are_ours(library: Library, host: str) -> None:
    with client_of(library, Access("127.0.0.1")) as client:
        assert client.get("/", headers={"host": host}).status_code == 200


def test_every_answer_carries_the_security_headers(library: Library) -> None:
    with client_of(library, Access("127.0.0.1")) as client:
        for path in ("/", "/none", "/api/photos", "/static/viewer.js", "/original/2024/IMG_0001.jpg", "/?rating=x"):
            headers = client.get(path).headers
            assert headers["content-security-policy"] == CONTENT_POLICY
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["cross-origin-resource-policy"] == "same-origin"
            assert headers["x-frame-options"] == "DENY"
            assert headers["referrer-policy"] == "same-origin"
            assert "access-control-allow-origin" not in headers
    assert "unsafe" not in CONTENT_POLICY
    assert "http" not in CONTENT_POLICY


def test_nothing_without_the_token(library: Library) -> None:
    access = Access("0.0.0.0", TOKEN)
    with client_of(library, access, "http://nas.lan:8420") as client:
        for path in ("/", "/tiles", "/api/photos", "/thumb/480/2024/IMG_0001.jpg", "/original/2024/IMG_0001.jpg"):
            assert client.get(path).status_code == 401
            assert client.get(path, headers={"authorization": "Bearer wrong"}).status_code == 401
            assert client.get(path, headers={"cookie": f"{access.cookie}={TOKEN}"}).status_code == 401
        page = client.get("/", headers={"accept": "text/html"})
        assert (page.status_code, page.headers["location"]) == (303, "/login")
        assert client.get("/login").status_code == 200
        assert client.get("/static/viewer.css").status_code == 200


def test_a_bearer_token_opens(library: Library) -> None:
    with client_of(library, Access("0.0.0.0", TOKEN), "http://nas.lan:8420") as client:
        answer = client.get("/api/photos", headers={"authorization": f"Bearer {TOKEN}"})
        assert answer.status_code == 200
        assert answer.json()["total"] > 0


def test_signing_in_sets_a_cookie_that_is_not_the_token(library: Library) -> None:
    with client_of(library, Access("0.0.0.0", TOKEN), "http://nas.lan:8420") as client:
        wrong = client.post("/login", data={"token": "wrong"})
        assert wrong.status_code == 401
        assert "That is not the token" in wrong.text
        right = client.post("/login", data={"token": TOKEN})
        assert (right.status_code, right.headers["location"]) == (303, "/")
        cookie = right.headers["set-cookie"]
        assert TOKEN not in cookie
        assert "HttpOnly" in cookie
        assert "samesite=strict" in cookie.lower()
        assert client.get("/").status_code == 200


def test_no_more_is_read_of_a_stranger_than_a_token_needs(library: Library) -> None:
    read: list[int] = []

    def endless() -> Iterator[bytes]:
        yield b"token="
        for _ in range(1000):
            read.append(1024)
            yield bytes(1024)

    async def ask() -> list[Message]:
        parts, sent = endless(), list[Message]()

        async def receive() -> Message:
            return {"type": "http.request", "body": next(parts), "more_body": True}

        async def send(message: Message) -> None:
            sent.append(message)

        scope = {"type": "http", "method": "POST", "path": "/login", "query_string": b"", "headers": []}
        await make_app(library, Access("0.0.0.0", TOKEN))(scope, receive, send)
        return sent

    with start_blocking_portal() as portal:  # a browser of another test may keep a loop in this thread
        assert portal.call(ask)[0]["status"] == 413
    assert sum(read) < 8192


def test_a_link_with_the_token_signs_in_and_loses_it(library: Library) -> None:
    with client_of(library, Access("0.0.0.0", TOKEN), "http://nas.lan:8420") as client:
        answer = client.get(f"/?q=sea&token={TOKEN}")
        assert (answer.status_code, answer.headers["location"]) == (303, "/?q=sea")
        assert client.get("/?q=sea").status_code == 200
    assert signed_in(Access("0.0.0.0", TOKEN), "//evil.example/").headers["location"] == "/"


@pytest.mark.parametrize("path", ["/?q=sea&path=dir%FF", "/photo/odd/per%252Fcent%20%231%3F.jpg?at=3", "/filters"])
def test_signing_in_leads_back(library: Library, path: str) -> None:
    with client_of(library, Access("0.0.0.0", TOKEN), "http://nas.lan:8420") as client:
        mark = "&" if "?" in path else "?"
        led = client.get(f"{path}{mark}token=wrong-token-of-mine", headers={"accept": "text/html"}).headers["location"]
        assert "wrong-token" not in led
        form = html.unescape(client.get(led).text)
        action = re.findall(r'action="([^"]+)"', form)[0]
        assert client.post(action, data={"token": "wrong"}).text.count(html.escape(action)) == 1
        assert client.post(action, data={"token": TOKEN}).headers["location"] == path


@pytest.mark.parametrize(
    "target",
    ["//evil.example", "/\\evil.example", "https://evil.example", "evil", "/\tevil", "/\n", "javascript:x", "/\xe9"],
)
def test_signing_in_leads_nowhere_else(library: Library, target: str) -> None:
    with client_of(library, Access("0.0.0.0", TOKEN), "http://nas.lan:8420") as client:
        long = client.get("/?q=" + "x" * 5000, headers={"accept": "text/html"})
        assert long.headers["location"] == "/login"
        answer = client.post(f"/login?next={quote(target, safe='')}", data={"token": TOKEN})
        assert answer.headers["location"] == "/"


def test_another_site_cannot_post(library: Library) -> None:
    with client_of(library, Access("0.0.0.0", TOKEN), "http://nas.lan:8420") as client:
        for headers in (
            {"sec-fetch-site": "cross-site"},
            {"sec-fetch-site": "same-site"},
            {"origin": "http://evil.example"},
            {"origin": "null"},
        ):
            assert client.post("/login", data={"token": TOKEN}, headers=headers).status_code == 403
        own = {"origin": "http://nas.lan:8420", "sec-fetch-site": "same-origin"}
        assert client.post("/login", data={"token": TOKEN}, headers=own).status_code == 303


def test_sign_in_without_a_token_leads_to_the_photos(library: Library) -> None:
    with client_of(library, Access("127.0.0.1")) as client:
        assert client.get("/login").headers["location"] == "/"
