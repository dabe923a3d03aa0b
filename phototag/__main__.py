"""Entry point of the console script and of ``python -m phototag``."""

import atexit
import io
import os
import sys
import threading


def main() -> None:
    """Run the command line and exit with its code."""
    ready_output()
    try:
        from phototag.cli.main import run

        code = run()
    except KeyboardInterrupt:  # before the command line was there to say so
        code = 130
    leave(code)


def ready_output() -> None:
    """See to it that stdout and stderr are there and that what is written to stdout is written whole.

    With ``PYTHONUNBUFFERED``, as containers have it, nothing repeats a write of which a full disk took a part only.
    """
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by whoever started us (>&-): then nobody listens
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
    raw: object = sys.stdout.buffer
    if isinstance(raw, io.RawIOBase):
        sys.stdout = io.TextIOWrapper(
            io.BufferedWriter(raw),
            encoding=sys.stdout.encoding,
            errors=sys.stdout.errors,
            line_buffering=sys.stdout.isatty(),
        )


def leave(code: int) -> None:
    """Exit with ``code``, leaving to the system what it frees by itself.

    Taking numpy, ONNX Runtime and their memory apart piece by piece costs a query 0.07 s. What was asked to happen at
    exit still does; with threads left to wait for, or output that cannot be written, Python exits as it always does.
    """
    if threading.active_count() > 1:
        sys.exit(code)
    try:
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):  # the reader of a pipe left, or somebody closed it
        sys.exit(code)
    os._exit(code)


if __name__ == "__main__":
    main()
