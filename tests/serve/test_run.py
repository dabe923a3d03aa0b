import http.client
import json
import os
import signal
import socket
import subprocess
import sys
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
