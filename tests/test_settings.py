"""Settings: where each comes from, which source wins, and that a bad one is named."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from phototag import settings
from phototag.errors import UsageError


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_option_beats_environment_beats_library_beats_user(tmp_path: Path) -> None:
    env = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "config")}
    write(tmp_path / "config/phototag/config.toml", 'tagger = "user"\nthreads = 1\ndevice = "cpu"\nembedder = "u"\n')
    write(tmp_path / "lib/.phototag/config.toml", 'tagger = "library"\nthreads = 2\ndevice = "cuda"\n')
    env |= {"PHOTOTAG_TAGGER": "environment", "PHOTOTAG_THREADS": "3"}
    found = settings.load(str(tmp_path / "lib"), environ=env, tagger="option", threads=None)
    assert (found.tagger, found.threads, found.device, found.embedder) == ("option", 3, "cuda", "u")


@pytest.mark.parametrize("name", settings.ALIASES)
def test_app_names_are_aliases_and_ours_win(name: str, tmp_path: Path) -> None:
    one, other = {"DEVICE": ("cuda", "cpu"), "LOG_LEVEL": ("info", "debug")}.get(name, ("true", "false"))
    env = {"HOME": str(tmp_path), f"APP_{name}": one}
    assert str(getattr(settings.load(environ=env), name.lower())).lower() == one
    env[f"PHOTOTAG_{name}"] = other
    assert str(getattr(settings.load(environ=env), name.lower())).lower() == other


def test_folders_default_to_the_system_and_follow_xdg(tmp_path: Path) -> None:
    found = settings.load(environ={"HOME": str(tmp_path), "XDG_CACHE_HOME": "/c", "XDG_STATE_HOME": "/s"})
    assert (found.cache_dir, found.state_dir) == ("/c/phototag", "/s/phototag")
    assert found.models_dir == "/c/phototag/models"
    assert found.data_dir.startswith(str(tmp_path))


def test_a_tilde_in_a_file_is_the_home_folder(tmp_path: Path) -> None:
    write(tmp_path / ".config/phototag/config.toml", 'cache_dir = "~/fast"\napi_token_file = "~/token"\n')
    found = settings.load(environ={"HOME": str(tmp_path)})
    assert found.cache_dir == str(tmp_path / "fast")
    assert found.models_dir == str(tmp_path / "fast/models")
    assert found.api_token_file == str(tmp_path / "token")


def test_models_follow_a_moved_cache_unless_told(tmp_path: Path) -> None:
    env = {"HOME": str(tmp_path), "PHOTOTAG_CACHE_DIR": "/fast"}
    assert settings.load(environ=env).models_dir == "/fast/models"
    assert settings.load(environ=env | {"APP_MODELS_DIR": "/m"}).models_dir == "/m"


@pytest.mark.parametrize(
    "text",
    [
        "tagger = ",
        "unknown_setting = 1",
        'threads = "many"',
        "threads = [1]",
        "threads = -1",
        "max_megapixels = 0",
        "max_megapixels = nan",
        "max_megapixels = inf",
        'device = "foo"',
        'device = "CPU"',
        'device = ""',
        'log_level = "loud"',
    ],
)
def test_a_bad_file_is_named(text: str, tmp_path: Path) -> None:
    path = write(tmp_path / ".phototag/config.toml", text)
    with pytest.raises(UsageError, match=str(path)):
        settings.load(str(tmp_path), environ={"HOME": str(tmp_path)})


def test_a_file_in_another_encoding_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / ".phototag/config.toml", "")
    path.write_bytes('tagger = "caf\xe9"'.encode("latin-1"))
    with pytest.raises(UsageError, match=str(path)):
        settings.load(str(tmp_path), environ={"HOME": str(tmp_path)})


def test_a_bad_variable_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="PHOTOTAG_THREADS"):
        settings.load(environ={"HOME": str(tmp_path), "PHOTOTAG_THREADS": "many"})


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PHOTOTAG_DEVICE", "foo", "no device is called 'foo'"),
        ("APP_DEVICE", "gpu", "no device is called 'gpu'"),
        ("PHOTOTAG_LOG_LEVEL", "loud", "no log level is called 'loud'"),
        ("APP_LOG_LEVEL", "loud", "no log level is called 'loud'"),
    ],
)
def test_a_choice_that_does_not_exist_is_named(name: str, value: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"{name}: {said}") as caught:
        settings.load(environ={"HOME": str(tmp_path), name: value})
    assert "cpu" in str(caught.value.hint) or "warning" in str(caught.value.hint)


def test_a_log_level_in_capitals_is_one(tmp_path: Path) -> None:
    assert settings.load(environ={"HOME": str(tmp_path), "APP_LOG_LEVEL": "INFO"}).log_level == "INFO"


def test_an_option_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="a command option: no device is called 'tpu'"):
        settings.load(environ={"HOME": str(tmp_path)}, device="tpu")


def test_an_empty_variable_is_no_setting(tmp_path: Path) -> None:
    assert settings.load(environ={"HOME": str(tmp_path), "PHOTOTAG_DEVICE": ""}).device == "auto"


def test_a_desktop_has_a_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    assert settings.has_screen({"DISPLAY": ":0"})
    assert settings.has_screen({"WAYLAND_DISPLAY": "wayland-0"})
    assert not settings.has_screen({"DISPLAY": "", "TERM": "xterm", "BROWSER": "w3m"})
    monkeypatch.setattr(sys, "platform", "darwin")
    assert settings.has_screen({})
