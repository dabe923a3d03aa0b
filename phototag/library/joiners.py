"""Who joins conflict copies: this process while there are few, else several that each take a part at a time.

Joining is bound by system calls (create, rename, unlink), which processes do side by side. A base and all its
copies are always one process's. Workers take no lock of the library: the caller holds it until the last one is gone.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import selectors
from collections.abc import Iterable, Iterator
from typing import TypeVar

import msgspec

from phototag import workers
from phototag.errors import PhototagError, WriteError
from phototag.library.joining import Batch, Conflict, KeptAside
from phototag.library.tree import Tree
from phototag.sidecar.registers import Document

PART = 256
"""Copies given to a process at once: what an interruption waits for, and what one flush is shared by."""
ALONE_BELOW = 1024
"""Copies that are joined in this process: starting others costs 0.2 s."""
MOST = 4
"""Processes that join at once, some 40 MiB each."""

T = TypeVar("T")


class Start(msgspec.Struct, frozen=True):
    """The first message to a worker."""

    tree: Tree
    purges: bytes


class Done(msgspec.Struct, frozen=True):
    """A worker's answer to a part: what joining it did, or why it failed."""

    joined: int = 0
    kept: tuple[KeptAside, ...] = ()
    error: str = ""
    hint: str | None = None
    unwritten: bool = False
    """The failure is a WriteError."""


def pack(value: object) -> bytes:
    """Return a message. JSON, since its escapes carry names that are not UTF-8."""
    return json.dumps(msgspec.to_builtins(value)).encode()


def unpack(data: bytes, kind: type[T]) -> T:
    """Return the value of a message that ``pack`` made."""
    return msgspec.convert(json.loads(data), kind)


def join(tree: Tree, purges: Document, conflicts: Iterable[Conflict]) -> Done:
    """Join ``conflicts``, in several processes where they are many. Raises PhototagError.

    Same bytes and same answer, in the same order, whatever the number of processes.
    """
    parts = _parts(conflicts)
    first: list[list[Conflict]] = []
    total = 0
    for part in parts:
        first.append(part)
        total += sum(len(conflict.copies) for conflict in part)
        if total >= ALONE_BELOW:
            break
    everything = itertools.chain(first, parts)
    # More than there are cores: while some wait for the disk, others join (4,000 copies on two: 2.4 s, by four 1.8).
    count = min(MOST, tree.settings.threads or MOST)
    if total < ALONE_BELOW or count == 1:
        return join_here(tree, purges, itertools.chain.from_iterable(everything))
    return _join_in_processes(tree, purges, everything, count)


def join_here(tree: Tree, purges: Document, conflicts: Iterable[Conflict]) -> Done:
    """Join ``conflicts`` in this process. Raises WriteError."""
    joined = 0
    with contextlib.closing(Batch(tree, purges)) as batch:
        for conflict in conflicts:
            batch.add(conflict)
            if batch.full:
                joined += batch.finish()
        joined += batch.finish()
        return Done(joined, tuple(batch.kept))


def _parts(conflicts: Iterable[Conflict]) -> Iterator[list[Conflict]]:
    """Cut ``conflicts`` into parts of ``PART`` copies or a little more."""
    part: list[Conflict] = []
    size = 0
    for conflict in conflicts:
        part.append(conflict)
        size += len(conflict.copies)
        if size >= PART:
            yield part
            part, size = [], 0
    if part:
        yield part


def _join_in_processes(tree: Tree, purges: Document, parts: Iterable[list[Conflict]], count: int) -> Done:
    """Hand a part to each worker as it gets free. An exception lets each finish its part, and waits for that."""
    unsecret = msgspec.structs.replace(tree.settings, api_token="", api_token_file="")
    start = pack(Start(msgspec.structs.replace(tree, settings=unsecret), purges.encode()))
    done: dict[int, Done] = {}
    with contextlib.ExitStack() as running, selectors.DefaultSelector() as busy:
        hands = (running.enter_context(workers.started("phototag.library.joining_worker")) for _ in range(count))
        for number, part in enumerate(parts):
            hand = next(hands, None)
            if hand is None:
                hand = _finished(busy, done)
            else:
                _send(hand, start)
            _send(hand, pack(part))
            busy.register(hand.answers, selectors.EVENT_READ, (number, hand))
        while busy.get_map():
            _finished(busy, done)
    kept = itertools.chain.from_iterable(done[number].kept for number in sorted(done))
    return Done(sum(one.joined for one in done.values()), tuple(kept))


def _finished(busy: selectors.BaseSelector, done: dict[int, Done]) -> workers.Worker:
    """Wait for a worker's answer, note it in ``done`` {number of the part: answer}, return the worker."""
    key, _ = busy.select()[0]
    number: int
    hand: workers.Worker
    number, hand = key.data
    busy.unregister(key.fileobj)
    data = workers.receive(hand.answers)
    if data is None:
        raise _stopped()
    answer = unpack(data, Done)
    if answer.error:
        raise (WriteError if answer.unwritten else PhototagError)(answer.error, hint=answer.hint)
    done[number] = answer
    return hand


def _send(hand: workers.Worker, message: bytes) -> None:
    try:
        workers.send(hand.jobs, message)
    except BrokenPipeError as error:
        raise _stopped() from error


def _stopped() -> PhototagError:
    return PhototagError(
        "a process that joins conflict copies was stopped; the copies that are not joined yet are as they were",
        hint="join them with: phototag sync resolve --apply",
    )
