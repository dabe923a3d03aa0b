"""The process that reads sidecars into one segment: jobs come on stdin, counts and the result go to stdout."""

from __future__ import annotations

import os
from typing import IO

import msgspec

from phototag import garbage
from phototag.errors import PhototagError
from phototag.index.build import Done, Start, send
from phototag.index.segment import SegmentWriter
from phototag.index.source import FolderJob, read_into
from phototag.sidecar.registers import Document
from phototag.workers import receive


def serve(jobs: IO[bytes], answers: IO[bytes]) -> None:
    """Read jobs until the one that is nil; a pipe that ends earlier means that the build was given up."""
    first = receive(jobs)
    if first is None:
        return
    start = msgspec.msgpack.decode(first, type=Start)
    purges = Document.decode(start.purges)
    writer = SegmentWriter(os.fsdecode(start.folder), start.segment)
    decode = msgspec.msgpack.Decoder(FolderJob | None).decode
    finished = False
    try:
        with garbage.uncollected():
            while (data := receive(jobs)) is not None:
                work = decode(data)
                if work is None:
                    finished = True
                    break
                read_into(writer, work, purges)
                send(answers, len(work.wanted.sidecars))
        if finished:
            send(answers, Done(writer.finish()))
    except PhototagError as error:
        finished = False
        send(answers, Done(None, str(error), error.hint))
    except Exception as error:  # noqa: BLE001 - told to the parent, which raises it
        finished = False
        send(answers, Done(None, f"reading sidecars failed: {type(error).__name__}: {error}"))
    finally:
        if not finished:
            writer.abandon()
