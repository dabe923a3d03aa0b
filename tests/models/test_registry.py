"""Names of models: aliases, families, folders, and what a person is told when one is not there."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path
from typing import Any

import pytest

from phototag.errors import MissingModelError, UsageError
from phototag.models import registry
from phototag.models.registry import EMBED, TAG, Family
from phototag.settings import Settings
from tests.models import onnx_bytes

OPTICS = Family(name="optics", factories={EMBED: "tests.models.test_registry:factory"}, folders="many", default="best")


def factory(name: str, settings: Settings, options: registry.Options) -> str:
    """Stand for an adapter: say what was asked for."""
    return f"opened {name}"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Return settings with an empty models folder, and a family ``optics`` that another distribution brings."""

    class Point:
        name = "optics"

        def load(self) -> Family:
            return OPTICS

    found = importlib.metadata.entry_points
    monkeypatch.setattr(
        importlib.metadata,
        "entry_points",
        lambda *, group: [Point()] if group == "phototag.models" else found(group=group),
    )
    return Settings(models_dir=str(tmp_path / "models"))


def test_builtin_needs_nothing(settings: Settings) -> None:
    assert registry.resolve("builtin", settings) == "builtin"
    assert registry.open_tagger("builtin", settings).info.name == "builtin"
    assert registry.open_image_embedder("builtin", settings).info.name == "builtin"


def test_an_unknown_name_is_told_which_there_are(settings: Settings) -> None:
    with pytest.raises(UsageError, match="no model is called 'bulitin'") as caught:
        registry.open_tagger("bulitin", settings)
    assert "builtin" in str(caught.value.hint)


def test_a_model_that_cannot_do_the_task_says_so(settings: Settings) -> None:
    with pytest.raises(UsageError, match="builtin cannot embed text"):
        registry.open_text_embedder("builtin", settings)
    with pytest.raises(UsageError, match="builtin cannot find faces"):
        registry.open_face_detector("builtin", settings)


def test_the_bare_family_means_its_default_folder_or_the_only_one(settings: Settings) -> None:
    base = Path(settings.models_dir) / "optics"
    with pytest.raises(MissingModelError) as missing:
        registry.resolve("optics", settings)
    assert missing.value.exit_code == 5
    assert "put its files there" in str(missing.value.hint)
    (base / "mine").mkdir(parents=True)
    assert registry.resolve("optics", settings) == "optics/mine"
    (base / "mine-int8").mkdir()
    assert registry.resolve("optics", settings) == "optics/mine", "a quicker variant is never meant silently"
    assert registry.resolve("optics/mine-int8", settings) == "optics/mine-int8"
    (base / "other").mkdir()
    with pytest.raises(UsageError, match="optics/mine or optics/other"):
        registry.resolve("optics", settings)
    (base / "best").mkdir()
    assert registry.resolve("optics", settings) == "optics/best"
    assert registry.resolve("optics/other", settings) == "optics/other"


@pytest.mark.parametrize("name", ["optics/..", "optics/../../etc", "optics/", "optics/a/b", "..", "optics/."])
def test_a_name_cannot_lead_out_of_the_models_folder(settings: Settings, name: str) -> None:
    with pytest.raises(UsageError, match="not the name of a model"):
        registry.folder_of(name, settings)


@pytest.mark.parametrize("name", ["builtin/x", "ram++/x", "ram_plus/x/y"])
def test_a_model_that_is_one_has_no_others(settings: Settings, name: str) -> None:
    with pytest.raises(UsageError, match="not the name of a model"):
        registry.resolve(name, settings)


def test_what_cannot_be_done_is_said_before_what_is_missing(settings: Settings) -> None:
    with pytest.raises(UsageError, match="faces cannot embed pictures"):
        registry.open_image_embedder("faces", settings)
    with pytest.raises(UsageError, match="cannot tag pictures"):
        registry.open_tagger("optics", settings)


def test_missing_weights_name_a_command_that_exists(settings: Settings) -> None:
    def hint(name: str) -> str:
        return str(registry.missing(name, settings).hint)

    assert hint("ram_plus") == "phototag models fetch ram_plus"
    assert hint("clip/ViT-B-16__openai") == "phototag models fetch clip/ViT-B-16__openai"
    assert "phototag models fetch hf:ORGANISATION/mine, then phototag models convert clip/mine" in hint("clip/mine")


def test_a_plugin_that_cannot_be_loaded_takes_nothing_along(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken:
        name = "odd"

        def load(self) -> Family:
            raise ModuleNotFoundError("No module named 'lenses'")

    class Other(Broken):
        name = "none"

        def load(self) -> Any:
            return "a family?"

    monkeypatch.setattr(importlib.metadata, "entry_points", lambda *, group: [Broken(), Other()])
    assert "builtin" in registry.families()
    assert registry.installed(settings, defaults={})
    with pytest.raises(UsageError, match="no model is called 'lens'") as caught:
        registry.open_tagger("lens", settings)
    assert "the plugin 'odd' cannot be loaded: No module named 'lenses'" in str(caught.value.hint)
    assert "the plugin 'none' gives no Family" in str(caught.value.hint)


def test_another_distribution_adds_a_family(settings: Settings) -> None:
    assert str(registry.open_image_embedder("optics/mine", settings)) == "opened optics/mine"
    assert registry.can("optics/mine", EMBED)
    assert not registry.can("optics/mine", TAG)
    assert "optics" in registry.families()


def test_a_folder_without_its_files_is_not_present(settings: Settings) -> None:
    for name in ("clip/empty", "ram_plus"):
        (Path(settings.models_dir) / name).mkdir(parents=True)
    onnx_bytes.clip_folder(Path(settings.models_dir) / "clip" / "whole")
    present = {row.name: row.present for row in registry.installed(settings, defaults={})}
    assert present == {"builtin": True, "clip/empty": False, "clip/whole": True, "ram_plus": False}


@pytest.mark.parametrize("gone", ["textual.onnx", "tokenizer.json", "visual.onnx"])
def test_a_folder_that_cannot_be_searched_by_words_is_not_present(settings: Settings, gone: str) -> None:
    folder = onnx_bytes.clip_folder(Path(settings.models_dir) / "clip" / "half")
    (folder / gone).unlink()
    (row,) = (row for row in registry.installed(settings, defaults={}) if row.name == "clip/half")
    assert not row.present


def test_a_model_is_the_default_of_its_task_only(settings: Settings) -> None:
    (Path(settings.models_dir) / "ram_plus").mkdir(parents=True)
    rows = registry.installed(settings, defaults={TAG: "ram_plus", EMBED: "builtin"})
    assert [(row.name, row.task) for row in rows if row.default] == [("builtin", EMBED), ("ram_plus", TAG)]


def test_installed_lists_what_has_a_folder(settings: Settings) -> None:
    (Path(settings.models_dir) / "optics" / "mine").mkdir(parents=True)
    (Path(settings.models_dir) / "optics" / "mine" / "weights").write_bytes(b"12345")
    rows = {(row.name, row.task): row for row in registry.installed(settings, defaults={EMBED: "optics/mine"})}
    assert rows["optics/mine", EMBED].size == 5
    assert rows["optics/mine", EMBED].default
    assert not rows["builtin", TAG].default
