import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from phototag.errors import PhototagError
from phototag.serve.run import address_of, bind


def test_addresses() -> None:
    assert address_of("127.0.0.1", 80) == "http://127.0.0.1:80/"
    assert address_of("0.0.0.0", 80) == "http://127.0.0.1:80/"
    assert address_of("::1", 80) == "http://[::1]:80/"


def test_a_port_in_use_is_said() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(PhototagError, match="is in use") as caught:
            bind("127.0.0.1", taken.getsockname()[1])
    assert "--port" in str(caught.value.hint)


def test_a_host_of_another_machine_is_said() -> None:
    with pytest.raises(PhototagError, match="cannot listen"):
        bind("192.0.2.1", 0)


def test_the_command_serves_until_interrupted(root: Path) -> None:
    command = [sys.executable, "-m", "phototag", "serve", str(root), "--port", "0", "--no-open", "--json", "-q"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            lines = [process.stdout.readline() for _ in range(3)]
            address = json.loads("".join(lines))["address"]
            port = int(address.rstrip("/").rpartition(":")[2])
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
            connection.request("GET", "/api/photos?limit=1")
            answer = connection.getresponse()
            assert (answer.status, answer.getheader("server")) == (200, None)
            assert json.loads(answer.read())["total"] == 37
            connection.close()
            process.send_signal(signal.SIGINT)
            assert process.wait(120) == 0
            assert process.stderr.read() == ""
            process.stdout.read()
        finally:
            process.kill()  # a test that failed does not wait for a server that nobody ends


def browser(path: Path, *, lines: str) -> Path:
    """Write a program that stands for a browser."""
    path.write_text(f"#!{sys.executable}\n{lines}\n")
    path.chmod(0o755)
    return path


def ask_served(root: Path, environment: dict[str, str], meanwhile: Callable[[], None]) -> int:
    """Run ``serve --open``, ask it for a page, do ``meanwhile``; return the status of the answer."""
    command = [sys.executable, "-m", "phototag", "serve", str(root), "--port", "0", "--open", "--json", "-q"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment}) as process:
        try:
            assert process.stdout is not None
            lines = [process.stdout.readline() for _ in range(3)]
            port = int(json.loads("".join(lines))["address"].rstrip("/").rpartition(":")[2])
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
            connection.request("GET", "/api/photos?limit=1")
            answer = connection.getresponse()
            answer.read()
            connection.close()
            meanwhile()
            process.send_signal(signal.SIGINT)
            assert process.wait(120) == 0
            process.stdout.read()
            return answer.status
        finally:
            process.kill()


@pytest.mark.parametrize("screen", ["", ":99"])
@pytest.mark.parametrize("name", ["w3m", "lynx", "links", "elinks", "www-browser"])
def test_a_browser_for_the_terminal_is_not_opened(root: Path, tmp_path: Path, name: str, screen: str) -> None:
    """It would keep the terminal, and the viewer would answer only after it."""
    ran = tmp_path / "ran"
    browser(tmp_path / name, lines=f"open({str(ran)!r}, 'w').close()\nimport time; time.sleep(600)")
    environment = {"PATH": str(tmp_path), "TERM": "xterm", "DISPLAY": screen, "WAYLAND_DISPLAY": ""}
    if screen:
        environment["BROWSER"] = name
    assert ask_served(root, environment, lambda: None) == 200
    assert not ran.exists()


def test_a_browser_with_windows_is_opened_once_the_viewer_answers(root: Path, tmp_path: Path) -> None:
    said = tmp_path / "said"
    lines = f"""
import os, sys, time, urllib.request
with urllib.request.urlopen(sys.argv[1]) as answer:
    status = answer.status
open({str(tmp_path / "part")!r}, "w").write(str(status))
os.rename({str(tmp_path / "part")!r}, {str(said)!r})
"""
    program = browser(tmp_path / "windows", lines=lines)

    def wait() -> None:
        deadline = time.monotonic() + 120
        while not said.exists() and time.monotonic() < deadline:
            time.sleep(0.05)

    environment = {"DISPLAY": ":99", "BROWSER": str(program)}
    assert ask_served(root, environment, wait) == 200
    assert said.read_text() == "200"


def test_the_command_refuses_an_open_port_without_a_token(root: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "phototag", "serve", str(root), "--host", "0.0.0.0", "--no-open"],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        env={**os.environ},
    )
    assert done.returncode == 2
    assert "without a token" in done.stderr
