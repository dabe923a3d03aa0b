"""Machines for tests with real sync tools: each with a home and a library of its own; two real Syncthing instances."""

from __future__ import annotations

import itertools
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests import make, require

REPOSITORY = Path(__file__).resolve().parent.parent.parent
PATIENCE_S = 300
_ports = itertools.count(20_000 + os.getpid() * 16 % 12_000)


class Machine:
    """One computer: a home, a library, and phototag run there in processes of its own."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self.home = folder / name
        self.root = self.home / "Pictures"
        self.root.mkdir(parents=True)

    @property
    def environment(self) -> dict[str, str]:
        """Return what its processes see: its own home, its own state, this phototag first in the path."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("XDG_", "PHOTOTAG_"))}
        paths = os.pathsep.join([str(REPOSITORY), inherited.get("PYTHONPATH", "")])
        bin_folder = self.home / "bin"
        if not bin_folder.exists():
            bin_folder.mkdir()
            script = bin_folder / "phototag"
            script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m phototag "$@"\n')
            script.chmod(0o755)
        path = f"{bin_folder}{os.pathsep}{inherited.get('PATH', '')}"
        return {**inherited, "HOME": str(self.home), "PYTHONPATH": paths, "PATH": path}

    def run(self, *arguments: str, check: bool = True) -> str:
        """Run a program in the library and return what it prints."""
        done = subprocess.run(
            arguments, cwd=self.root, env=self.environment, capture_output=True, text=True, check=False, timeout=600
        )
        assert not check or done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
        return done.stdout

    def phototag(self, *arguments: str) -> str:
        """Run phototag in the library."""
        return self.run("phototag", *arguments)

    def info(self, image: str) -> dict[str, Any]:
        """Return what phototag knows about ``image``."""
        found = json.loads(self.phototag("info", image, "--json", "-q"))
        assert isinstance(found, dict)
        return found

    def photo(self, name: str, seed: int = 1) -> None:
        """Put a photo into the library."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(make.encoded(make.picture(seed=seed)))

    def sidecars(self) -> dict[str, bytes]:
        """Return the bytes of every file of ours that syncs."""
        return {
            path.relative_to(self.root).as_posix(): path.read_bytes()
            for path in sorted(self.root.rglob("*.phototag"))
            if path.is_file()
        }

    def files(self) -> dict[str, bytes]:
        """Return every file that Syncthing carries."""
        return {
            path.relative_to(self.root).as_posix(): path.read_bytes()
            for path in sorted(self.root.rglob("*"))
            if path.is_file() and ".stfolder" not in path.parts and ".syncthing." not in path.name
        }

    def copies(self) -> list[str]:
        """Return the conflict copies that lie about."""
        return [name for name in self.sidecars() if "conflict" in name or ".variant-" in name]


class Syncthing:
    """One Syncthing instance on loopback, sharing a machine's library with one other."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.config = machine.home / "syncthing"
        self.gui, self.port = _free_port(), _free_port()
        self._run("generate", f"--home={self.config}", "--no-default-folder")
        self.id = self._run(f"--home={self.config}", "--device-id").strip()
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, other: Syncthing) -> None:
        """Write the configuration and start it."""
        device = '<device id="{}" name="{}" introducer="false"><address>{}</address></device>'
        (self.config / "config.xml").write_text(
            f"""<configuration version="36">
            <folder id="pictures" path="{self.machine.root}" type="sendreceive" rescanIntervalS="3600"
                    fsWatcherEnabled="false" ignorePerms="false" autoNormalize="true">
                <device id="{self.id}"></device><device id="{other.id}"></device>
                <maxConflicts>10</maxConflicts>
            </folder>
            {device.format(self.id, self.machine.name, "dynamic")}
            {device.format(other.id, other.machine.name, f"tcp://127.0.0.1:{other.port}")}
            <gui enabled="true" tls="false"><address>127.0.0.1:{self.gui}</address><apikey>test</apikey></gui>
            <options>
                <listenAddress>tcp://127.0.0.1:{self.port}</listenAddress>
                <globalAnnounceEnabled>false</globalAnnounceEnabled>
                <localAnnounceEnabled>false</localAnnounceEnabled>
                <relaysEnabled>false</relaysEnabled><natEnabled>false</natEnabled>
                <startBrowser>false</startBrowser><urAccepted>-1</urAccepted>
                <reconnectionIntervalS>1</reconnectionIntervalS><autoUpgradeIntervalH>0</autoUpgradeIntervalH>
                <crashReportingEnabled>false</crashReportingEnabled><stunServer></stunServer>
            </options></configuration>"""
        )
        with (self.config / "log").open("wb") as log:
            self.process = subprocess.Popen(
                ["syncthing", "serve", f"--home={self.config}", "--no-browser", "--no-restart", "--no-upgrade"],
                env=self.machine.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def stop(self) -> None:
        """End it."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(PATIENCE_S)

    def ask(self, path: str, method: str = "GET") -> Any:
        """Return the answer of its REST interface, None while it does not answer."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.gui}/rest/{path}", headers={"X-API-Key": "test"}, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                data = answer.read()
        except OSError:
            return None
        return json.loads(data) if data.strip() else {}

    def _run(self, *arguments: str) -> str:
        return subprocess.run(
            ["syncthing", *arguments], env=self.machine.environment, capture_output=True, text=True, check=True
        ).stdout


class Pair:
    """Two machines whose libraries Syncthing keeps alike, unless they are apart."""

    def __init__(self, folder: Path) -> None:
        self.laptop, self.nas = Machine(folder, "laptop"), Machine(folder, "nas")
        self.instances = [Syncthing(self.laptop), Syncthing(self.nas)]

    @contextmanager
    def running(self) -> Iterator[Pair]:
        """Run both instances."""
        one, other = self.instances
        one.start(other)
        other.start(one)
        try:
            _until("both answer", lambda: all(i.ask("system/ping") for i in self.instances))
            yield self
        finally:
            for instance in self.instances:
                instance.stop()

    @contextmanager
    def apart(self, *, cut: bool = False) -> Iterator[None]:
        """Let what happens inside happen on each side unheard by the other, then wait until both are alike.

        Neither instance watches its folder, so it is enough not to make them look; ``cut`` ends one of them meanwhile.
        """
        if cut:
            self.instances[1].stop()
        yield
        if cut:
            self.instances[1].start(self.instances[0])
            _until("it answers", lambda: self.instances[1].ask("system/ping"))
        for instance in self.instances:  # each notices what was done there before it hears of the other
            instance.ask("db/scan?folder=pictures", "POST")
        self.settle()

    def settle(self) -> None:
        """Wait until each has what the other has, and nothing moves any more."""
        _until("they are connected", lambda: all(self._connected()))
        quiet = 0
        deadline = time.monotonic() + PATIENCE_S
        while quiet < 2:
            assert time.monotonic() < deadline, "Syncthing does not settle"
            before = [self._state(i) for i in self.instances]
            for instance in self.instances:
                instance.ask("db/scan?folder=pictures", "POST")
            time.sleep(0.2)
            after = [self._state(i) for i in self.instances]
            idle = all(state[0] == "idle" and not state[1] for state in after)
            quiet = quiet + 1 if before == after and idle and self._alike() else 0

    def _alike(self) -> bool:
        """Say whether both hold the same files; a file that Syncthing takes away while it is read says no."""
        try:
            return self.laptop.files() == self.nas.files()
        except FileNotFoundError:
            return False

    def _state(self, instance: Syncthing) -> tuple[object, ...]:
        status = instance.ask("db/status?folder=pictures") or {}
        names = ("state", "needTotalItems", "globalFiles", "globalBytes", "localFiles", "localBytes", "sequence")
        return tuple(status.get(name) for name in names)

    def _connected(self) -> list[bool]:
        found = []
        for instance in self.instances:
            connections = (instance.ask("system/connections") or {}).get("connections", {})
            found.append(any(c.get("connected") for c in connections.values()))
        return found


def syncthing_pair(folder: Path) -> Pair:
    """Return two machines with Syncthing; skips the test where it is not installed."""
    require.tool("syncthing")
    return Pair(folder)


def _free_port() -> int:
    """Return a port of our own: below those that the system hands out, so that nobody is given it before its use."""
    for port in _ports:
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError


def _until(what: str, true: Any) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline, f"waited {PATIENCE_S} s and still not: {what}"
        time.sleep(0.1)
