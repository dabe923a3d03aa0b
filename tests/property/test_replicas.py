"""Replicas of one library that edit, undo, purge and crash apart, and sync parts in any order: all converge.

What a device says is in its journal; so at the end every register must be the latest of all that was ever said about
it and not purged, on every replica, in identical bytes, whatever was synced when.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from phototag.errors import PhototagError
from phototag.library import conflicts, decide, journal, purge, sidecars, targets, undo
from phototag.library.decide import Edit
from phototag.library.operation import DOC, IMAGE, Operation
from phototag.sidecar import codec
from phototag.sidecar.merge import required_purges
from tests.library.replicas import Replica

IMAGES = ("x.jpg", "d/y.jpg")
SKEWS_MS = (0, -86_400_000, 10**9)

replica = st.integers(0, 2)
image = st.sampled_from(IMAGES)


class Crash(BaseException):
    """The power went."""


class Apart(RuleBasedStateMachine):
    """Two or three devices with clocks that disagree, and a sync tool that carries what it likes."""

    count = 2

    @initialize()
    def start(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.said: dict[str, Operation] = {}
        self.infixes = 0
        self.sides = [Replica(self.folder, "abc"[n], skew_ms=SKEWS_MS[n]) for n in range(self.count)]
        for side in self.sides:
            for rel in IMAGES:
                side.scanned(rel, rel.encode(), ("dog", "cat"))

    def teardown(self) -> None:
        if not hasattr(self, "folder"):
            return
        try:
            self.converge()
        finally:
            shutil.rmtree(self.folder)

    # What people do.

    @rule(at=replica, rel=image, tag=st.sampled_from(["t", "dog"]), state=st.sampled_from([1, 0, -1, None]))
    def tag(self, at: int, rel: str, tag: str, state: int | None) -> None:
        self.say(at, Edit(IMAGE + rel, "utag", tag, state))

    @rule(at=replica, rating=st.integers(1, 5))
    def rate_all(self, at: int, rating: int) -> None:
        self.say(at, *(Edit(IMAGE + rel, "user", "rating", rating) for rel in IMAGES))

    @rule(at=replica, name=st.sampled_from(["Ada", "Bob"]))
    def name_person(self, at: int, name: str) -> None:
        self.say(at, Edit(DOC + "people/1", "person", "name", name))

    @rule(at=replica, which=st.integers(0, 5))
    def undo(self, at: int, which: int) -> None:
        side = self.side(at)
        found = journal.operations(side.tree)
        if found:
            with contextlib.suppress(PhototagError):
                undo.undo(side.tree, side.clock, found[which % len(found)].id)
            self.listen(side)

    @rule(at=replica, section=st.sampled_from(["utag", "user"]))
    def purge(self, at: int, section: str) -> None:
        side = self.side(at)
        self.listen(side)
        purge.purge(side.tree, side.clock, section, command="purge", summary=section)
        self.listen(side)

    @rule(at=replica, rel=image, rating=st.integers(1, 5), after=st.integers(0, 2))
    def crash(self, at: int, rel: str, rating: int, after: int) -> None:
        """Die in the middle of a bulk decision, ``after`` documents were written."""
        side = self.side(at)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(decide, "save", _dying(targets.save, after))
            with contextlib.suppress(Crash):
                side.decide(*(Edit(IMAGE + one, "user", "rating", rating) for one in IMAGES))
        self.listen(side)

    @rule(at=replica, jump_ms=st.integers(-(10**8), 10**8))
    def clock_jumps(self, at: int, jump_ms: int) -> None:
        side = self.side(at)
        side.wall.at_ms = max(1_600_000_000_000, side.wall.at_ms + jump_ms)

    # What sync tools do.

    @rule(one=replica, another=replica, picks=st.lists(st.integers(0, 7), max_size=3), newer=st.booleans())
    def sync(self, one: int, another: int, picks: list[int], newer: bool) -> None:
        source, target = self.side(one), self.side(another)
        if source is not target:
            paths = files(source)
            for pick in picks:
                self.carry(source, target, paths[pick % len(paths)], newer=newer)

    @rule(at=replica)
    def resolve(self, at: int) -> None:
        self.begin(self.side(at))

    # The rules of the world.

    def side(self, at: int) -> Replica:
        return self.sides[at % self.count]

    def say(self, at: int, *edits: Edit) -> None:
        side = self.side(at)
        side.decide(*edits)
        self.listen(side)

    def listen(self, side: Replica) -> None:
        """Note all that the device's own journal ever held: a purge takes it out again later."""
        for operation in journal.operations(side.tree):
            if operation.device == side.clock.device:
                self.said.setdefault(operation.id, operation)

    def carry(self, one: Replica, other: Replica, path: str, *, newer: bool) -> None:
        """Bring one file over as Syncthing does: the loser of two edits becomes a conflict copy."""
        source, target = one.root / path, other.root / path
        if not source.exists():
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        data = source.read_bytes()
        if path.endswith(".log"):
            if path.split("/")[2] == one.clock.device.hex():  # it has one writer: no conflict, the writer's is newer
                target.write_bytes(data)
            return
        if not target.exists():
            target.write_bytes(data)
        elif target.read_bytes() != data:
            self.infixes += 1
            copy = target.with_name(f"{target.name[:-9]}.sync-conflict-20240501-{self.infixes:06}-ABCDEFG.phototag")
            copy.write_bytes(target.read_bytes() if newer else data)
            if newer:
                target.write_bytes(data)

    def begin(self, side: Replica) -> None:
        decide.finish_unfinished(side.tree, side.clock)
        conflicts.resolve(side.tree, conflicts.find(side.tree))
        purge.apply_purges(side.tree, side.clock)

    def converge(self) -> None:
        for side in self.sides:
            self.begin(side)
        for _ in range(self.count + 1):
            for one in self.sides:
                for other in self.sides:
                    if one is not other:
                        for path in files(one):
                            self.carry(one, other, path, newer=False)
                        self.begin(other)
        first = snapshot(self.sides[0])
        assert not [path for path in first if "conflict" in path]
        for side in self.sides[1:]:
            assert snapshot(side) == first
        self.check_nothing_is_lost()

    def check_nothing_is_lost(self) -> None:
        side = self.sides[0]
        purges: dict[str, set[str]] = {}
        registers: dict[tuple[str, str, str], list[bytes]] = {}
        for operation in self.said.values():
            for touched in operation.touched:
                for change in touched.changes:
                    if change.section == "P":
                        section, _, random = change.key.rpartition("/")
                        purges.setdefault(section, set()).add(random)
                    else:
                        spot = (touched.target, change.section, change.key)
                        registers.setdefault(spot, []).append(bytes(change.after))
        for (target, section, key), raws in registers.items():
            needed = required_purges(purges, section) if target.startswith(IMAGE) else set()
            alive = [raw for raw in raws if needed <= set(codec.head(raw).purge)]
            document = targets.load(side.tree, target)
            assert document is not None
            assert document.body.get(section, {}).get(key) == max(alive, key=rank, default=None)
        for rel in IMAGES:
            document = sidecars.read(side.tree, rel)
            assert document is not None
            assert document.keys("mtag") == ["m@1#00000000"]


def rank(raw: bytes) -> tuple[int, bytes, bytes]:
    head = codec.head(raw)
    return head.stamp, head.device, bytes(head.value)


def _dying(real: Any, after: int) -> Any:
    done = 0

    def save(*args: Any, **kwargs: Any) -> bool:
        nonlocal done
        if done >= after:
            raise Crash
        done += 1
        return bool(real(*args, **kwargs))

    return save


def files(side: Replica) -> list[str]:
    """Return what a sync tool would carry."""
    return sorted(
        path.relative_to(side.root).as_posix() for path in side.root.rglob("*") if path.suffix in (".phototag", ".log")
        and path.is_file()
    )  # fmt: skip


def snapshot(side: Replica) -> dict[str, bytes]:
    return {path: (side.root / path).read_bytes() for path in files(side)}


class ApartByThree(Apart):
    count = 3


limits = settings(
    max_examples=12, stateful_step_count=16, deadline=None, suppress_health_check=list(HealthCheck), print_blob=False
)
TestTwoReplicas = Apart.TestCase
TestTwoReplicas.settings = limits
TestThreeReplicas = ApartByThree.TestCase
TestThreeReplicas.settings = limits
