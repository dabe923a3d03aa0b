"""A loopback file server that can be told to misbehave."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PATIENCE_S = 120


class Files(ThreadingHTTPServer):
    """Serves ``content`` by path; ``faults`` are used up one a request."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content: dict[str, bytes] = {}
        self.faults: list[str] = []
        """``503``, ``404``, ``cut`` (half, then the connection closes), ``stall`` (half, then silence), ``no-range``,
        ``wrong`` (other bytes), ``shifted`` (a range from elsewhere), ``redirect:URL``."""
        self.requests: list[tuple[str, str]] = []
        """(path, Range header)."""
        self.etags = True
        self.headers: dict[str, str] = {}
        """Sent with every file."""
        self.ended = threading.Event()

    @property
    def url(self) -> str:
        """Return the base address."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server: Files
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer with the file, a range of it, or the next fault."""
        path = self.path.partition("?")[0]
        asked = self.headers.get("Range", "")
        self.server.requests.append((path, asked))
        fault = self.server.faults.pop(0) if self.server.faults else ""
        if fault.isdigit():
            return self.answer(int(fault), b"")
        if fault.startswith("redirect:"):
            return self.answer(302, b"", Location=fault.partition(":")[2])
        path = path if path.startswith("/") else "/" + path.split("/", 3)[3]  # a proxy gets the whole address
        if path not in self.server.content:
            return self.answer(404, b"not here")
        data = self.server.content[path]
        tag = f'"{hashlib.sha256(data).hexdigest()[:12]}"'
        if fault == "wrong":
            data = bytes(len(data))
        start = 0
        fresh = self.headers.get("If-Range", tag) in (tag, self.server.headers.get("Last-Modified"))
        if asked and fresh and fault != "no-range":
            start = int(asked.removeprefix("bytes=").partition("-")[0])
            if start >= len(data):
                return self.answer(416, b"", **{"Content-Range": f"bytes */{len(data)}"})
        headers = {**({"ETag": tag} if self.server.etags else {}), **self.server.headers}
        if fault == "shifted":
            start -= 100
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        body = data[start:]
        return self.answer(206 if start else 200, body, fault=fault, **headers)

    def answer(self, status: int, body: bytes, *, fault: str = "", **headers: str) -> None:
        """Send it, whole or as the fault has it."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if fault not in ("cut", "stall"):
            self.wfile.write(body)
            return
        self.wfile.write(body[: len(body) // 2])
        self.wfile.flush()
        if fault == "stall":
            self.server.ended.wait(PATIENCE_S)
        self.close_connection = True

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def serving() -> Iterator[Files]:
    """Run a server while the block runs."""
    with Files() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.ended.set()
            server.shutdown()
            thread.join()
