"""The process that joins conflict copies: parts come on stdin, what joining each did goes to stdout."""

from __future__ import annotations

from typing import IO

from phototag import garbage
from phototag.errors import PhototagError, WriteError
from phototag.library.joiners import Done, Start, join_here, pack, unpack
from phototag.library.joining import Conflict
from phototag.library.tree import Tree
from phototag.sidecar.registers import Document
from phototag.workers import receive, send


def serve(jobs: IO[bytes], answers: IO[bytes]) -> None:
    """Answer every part with what was done; nothing is held over from one to the next."""
    first = receive(jobs)
    if first is None:
        return
    start = unpack(first, Start)
    purges = Document.decode(start.purges)
    with garbage.uncollected():
        while (data := receive(jobs)) is not None:
            send(answers, pack(_answer(start.tree, purges, unpack(data, list[Conflict]))))


def _answer(tree: Tree, purges: Document, part: list[Conflict]) -> Done:
    try:
        return join_here(tree, purges, part)
    except PhototagError as error:
        return Done(error=str(error), hint=error.hint, unwritten=isinstance(error, WriteError))
    except Exception as error:  # noqa: BLE001 - told to the parent, which raises it
        return Done(error=f"joining conflict copies failed: {type(error).__name__}: {error}")
