"""Processes of our own that share out work: how one is started, and the messages on its pipes."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import IO, NamedTuple, cast


class Worker(NamedTuple):
    """A process that was started: what it reads, what it answers, its id."""

    jobs: IO[bytes]
    answers: IO[bytes]
    pid: int


@contextlib.contextmanager
def started(module: str, environ: Mapping[str, str] | None = None) -> Iterator[Worker]:
    """Start ``serve(jobs, answers)`` of ``module`` in a fresh interpreter, so no thread or lock of ours is copied into it.

    ``environ`` is set there before anything is imported. At the end the pipes are closed, which tells the process to
    leave, and it is waited for.
    """
    package_root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    # -P keeps the current folder (somebody's photos) off the path; the package's own place is put on it instead.
    # Ctrl-C reaches the parent alone, from the first moment on: it closes our pipe, and no part of the work is torn.
    code = (
        "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); "
        f"os.environ.update({dict(environ or {})!r}); sys.path.insert(0, {package_root!r}); "
        f"from phototag.workers import run; from {module} import serve; run(serve)"
    )
    process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
        [sys.executable, "-P", "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    jobs, answers = cast("IO[bytes]", process.stdin), cast("IO[bytes]", process.stdout)
    try:
        yield Worker(jobs, answers, process.pid)
    finally:
        for pipe in (jobs, answers):
            with contextlib.suppress(OSError):
                pipe.close()
        process.wait()


def run(serve: Callable[[IO[bytes], IO[bytes]], None]) -> None:
    """Serve until the pipe ends, then leave without tearing down what the system frees quicker."""
    with contextlib.suppress(BrokenPipeError):
        serve(sys.stdin.buffer, sys.stdout.buffer)
    os._exit(0)


def send(pipe: IO[bytes], data: bytes) -> None:
    """Write one message: length, then ``data``. Raises BrokenPipeError where nobody reads any more."""
    pipe.write(len(data).to_bytes(4, "big") + data)
    pipe.flush()


def receive(pipe: IO[bytes]) -> bytes | None:
    """Return the next message's bytes, None at the end."""
    head = pipe.read(4)
    if len(head) < 4:
        return None
    size = int.from_bytes(head, "big")
    data = pipe.read(size)
    return data if len(data) == size else None
