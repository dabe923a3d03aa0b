"""Every test runs sealed: its own home and XDG folders, no settings from outside, UTC, no network but loopback."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import settings

from tests import require
from tests.guard import sitecustomize as guard  # noqa: F401 - importing it blocks the network

settings.register_profile("patient", deadline=None)  # on top of what CI has: the same examples every time
settings.load_profile("patient")

GUARD = Path(__file__).parent / "guard"
XDG = {
    "XDG_CACHE_HOME": ".cache",
    "XDG_STATE_HOME": ".local/state",
    "XDG_DATA_HOME": ".local/share",
    "XDG_CONFIG_HOME": ".config",
}


@pytest.fixture(scope="session", autouse=True)
def sealed_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Seal the session, for fixtures that live longer than one test."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(("PHOTOTAG_", "APP_", "GIT_")):
                patch.delenv(name)
        point_home(patch, tmp_path_factory.mktemp("home"))
        patch.setenv("TZ", "UTC")
        patch.setenv("LC_ALL", "C.UTF-8")
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        for role in ("AUTHOR", "COMMITTER"):
            patch.setenv(f"GIT_{role}_NAME", "Test")
            patch.setenv(f"GIT_{role}_EMAIL", "test@example.invalid")
        paths = [str(GUARD), *filter(None, [os.environ.get("PYTHONPATH")])]
        patch.setenv("PYTHONPATH", os.pathsep.join(paths))
        time.tzset()
        yield


@pytest.fixture(autouse=True)
def sealed(sealed_session: None, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test a fresh home, outside its ``tmp_path``; return it."""
    home = tmp_path_factory.mktemp("home")
    point_home(monkeypatch, home)
    return home


def point_home(patch: pytest.MonkeyPatch, home: Path) -> None:
    """Make ``home`` the home of this process and of those it starts."""
    patch.setenv("HOME", str(home))
    for variable, folder in XDG.items():
        patch.setenv(variable, str(home / folder))


@pytest.fixture
def shared_data() -> Path:
    """Return ``../shared/data``; skip where it is not there."""
    return require.shared()


@pytest.fixture
def require_tool() -> Callable[[str], str]:
    """Return ``tests.require.tool``."""
    return require.tool


@pytest.fixture
def require_module() -> Callable[[str], ModuleType]:
    """Return ``tests.require.module``."""
    return require.module


def pytest_make_parametrize_id(val: object) -> str | None:
    """Name sets in one order: the processes that share the tests must agree on every name."""
    return repr(sorted(val, key=repr)) if isinstance(val, set | frozenset) else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse names that hold an address: the processes that share the tests could not agree on them."""
    odd = [item.nodeid for item in items if " at 0x" in item.nodeid]
    if odd:
        raise pytest.UsageError(f"give these tests ids: {odd}")
