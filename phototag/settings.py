"""Settings: command option > PHOTOTAG_* environment > <root>/.phototag/config.toml > user config > default.

The only module that reads ``os.environ``. A ``Settings`` value is made once and handed down.
"""

from __future__ import annotations

import os
import sys
import tomllib
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from phototag.errors import UsageError

ALIASES = ("LOG_LEVEL", "JSON_LOGS", "MODELS_DIR", "DEVICE", "API_TOKEN", "API_TOKEN_FILE")
"""Settings that are also read from ``APP_<NAME>``."""


DEVICES = ("auto", "cpu", "cuda")
LOG_LEVELS = ("critical", "error", "warning", "info", "debug")
"""In any case; from ``info`` on, every request is a line."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Every setting, with its default. Names are those of config.toml and, upper-cased, of PHOTOTAG_*."""

    cache_dir: str = ""
    """Derived data: index, thumbnails, scan gate. Empty: the system's cache folder + ``/phototag``."""
    state_dir: str = ""
    """Device id, locks, logs."""
    data_dir: str = ""
    """Overlays of libraries that cannot be written."""
    models_dir: str = ""
    """Model weights. Empty: ``<cache_dir>/models``."""
    models_mirror: str = ""
    """Base URL that replaces the hosts of the manifest in ``models fetch``."""
    device: str = "auto"
    """``auto``, ``cpu`` or ``cuda``."""
    tagger: str = ""
    """Default tagger; empty: the library's, else ``builtin``."""
    embedder: str = ""
    """Default embedder; empty: the library's, else ``builtin``."""
    threads: Annotated[int, msgspec.Meta(ge=0)] = 0
    """Decode threads; 0: one a core."""
    max_megapixels: Annotated[float, msgspec.Meta(gt=0, le=1e6)] = 300.0
    """Images above this are refused before decoding."""
    read_only: bool = False
    """Treat every library as one that cannot be written: the overlay is used."""
    log_level: str = "warning"
    """What the viewer's server tells on stderr: ``error``, ``warning``, ``info`` (every request) or ``debug``."""
    json_logs: bool = False
    """Those lines as JSON."""
    api_token: str = ""
    """The token that the viewer asks of visitors when it listens beyond this machine."""
    api_token_file: str = ""
    """A file that holds it."""


def load(root: str | None = None, *, environ: Mapping[str, str] | None = None, **options: Any) -> Settings:
    """Return the settings in force; ``options`` that are not None win. Raises UsageError naming the bad source."""
    env = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    for path in (_user_config(env), None if root is None else os.path.join(root, ".phototag", "config.toml")):
        if path is not None:
            values |= _from_toml(path)
    values |= _from_environment(env)
    values |= {key: value for key, value in options.items() if value is not None}
    settings = _convert(values, "a command option")
    base = {
        "cache_dir": settings.cache_dir or _xdg(env, "XDG_CACHE_HOME", ".cache", "Library/Caches"),
        "state_dir": settings.state_dir or _xdg(env, "XDG_STATE_HOME", ".local/state", "Library/Application Support"),
        "data_dir": settings.data_dir or _xdg(env, "XDG_DATA_HOME", ".local/share", "Library/Application Support"),
    }
    base["models_dir"] = settings.models_dir or os.path.join(base["cache_dir"], "models")
    base["api_token_file"] = settings.api_token_file
    return msgspec.structs.replace(settings, **{name: _at_home(env, path) for name, path in base.items()})


def has_screen(environ: Mapping[str, str] | None = None) -> bool:
    """Say whether a window can be opened here: not over SSH, and not on a server without a desktop."""
    env = os.environ if environ is None else environ
    return not sys.platform.startswith("linux") or bool(env.get("DISPLAY") or env.get("WAYLAND_DISPLAY"))


def _from_toml(path: str) -> dict[str, Any]:
    try:
        with open(path, "rb") as file:
            values = tomllib.load(file)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:  # no TOML, or not even UTF-8
        raise UsageError(f"{path}: {error}", hint="mend or remove the file") from error
    _convert(values, path)
    return values


def _from_environment(env: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name in Settings.__struct_fields__:
        key = name.upper()
        names = [f"PHOTOTAG_{key}"] + ([f"APP_{key}"] if key in ALIASES else [])
        for variable in names:
            if env.get(variable):
                values[name] = env[variable]
                _convert({name: env[variable]}, variable)
                break
    return values


def _convert(values: dict[str, Any], source: str) -> Settings:
    try:
        settings = msgspec.convert(values, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise UsageError(f"{source}: {error}", hint="see docs/getting-started.md, 'Settings'") from error
    if settings.device not in DEVICES:
        raise UsageError(f"{source}: no device is called {settings.device!r}", hint=", ".join(DEVICES))
    if settings.log_level.lower() not in LOG_LEVELS:
        raise UsageError(f"{source}: no log level is called {settings.log_level!r}", hint=", ".join(LOG_LEVELS))
    return settings


def _user_config(env: Mapping[str, str]) -> str:
    base = env.get("XDG_CONFIG_HOME") or os.path.join(_home(env), ".config")
    return os.path.join(base, "phototag", "config.toml")


def _xdg(env: Mapping[str, str], variable: str, default: str, mac: str) -> str:
    folder = mac if sys.platform == "darwin" else default
    return os.path.join(env.get(variable) or os.path.join(_home(env), folder), "phototag")


def _at_home(env: Mapping[str, str], path: str) -> str:
    """Return ``path`` with ``~`` replaced: in a file there is no shell that would have done it."""
    return os.path.join(_home(env), path[2:]) if path.startswith("~/") else path


def _home(env: Mapping[str, str]) -> str:
    return env.get("HOME") or os.path.expanduser("~")
