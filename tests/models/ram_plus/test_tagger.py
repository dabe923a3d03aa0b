"""RAM++: logits equal to upstream's and to a second implementation, and everything a person may ask of the list."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from phototag.errors import BrokenModelError, ImageError, MissingModelError, UsageError
from phototag.imaging.picture import Picture
from phototag.models import registry
from phototag.models.protocols import Tags, Thresholds
from phototag.models.ram_plus import tagger as tagger_module
from phototag.models.ram_plus.tagger import FLOOR, RamTagger
from phototag.models.registry import Options
from phototag.settings import Settings
from tests import require
from tests.models import draw, onnx_bytes
from tests.models.ram_plus import reference

require.module("torch")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(models_dir=str(tmp_path / "models"), device="cpu")


@pytest.fixture
def folder(settings: Settings) -> Path:
    return reference.write_folder(Path(settings.models_dir) / "ram_plus")


def opened(settings: Settings, **options: Any) -> RamTagger:
    tagger = registry.open_tagger("ram++", settings, Options(**options))
    assert isinstance(tagger, RamTagger)
    return tagger


def raw(image: Image.Image) -> Picture:
    """Return a picture whose alpha was dropped, as upstream does, not composited."""
    rgb = np.asarray(image.convert("RGB"))
    return Picture(rgb=rgb, width_px=image.width, height_px=image.height, format="png")


def pixels(seed: int) -> npt.NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=(3, 32, 32)).astype(np.float32)


def on(tags: Tags, thresholds: Thresholds) -> set[str]:
    return {label for label, score in zip(tags.labels, tags.scores, strict=True) if score > thresholds.of(label)}


def test_upstreams_own_logits_and_tags(settings: Settings) -> None:
    source = require.shared("ram_plus_tiny")
    Path(settings.models_dir).mkdir()
    (Path(settings.models_dir) / "ram_plus").symlink_to(source)
    golden = msgspec.json.decode((source / "golden.json").read_bytes())
    values = np.load(source / "golden_io.npz")
    for language, key in (("", "expected_tags"), ("zh", "expected_tags_chinese")):
        tagger = opened(settings, language=language)
        assert tagger.side_px == 128
        pictures = []
        for name in golden["images"]:
            with Image.open(source / name) as image:
                pictures.append(raw(image))
        batch = [tagger.prepare(picture) for picture in pictures]
        assert np.array_equal(np.stack(batch), values["input"]), "preprocessing is exact"
        assert np.abs(tagger.logits(batch) - values["logits"]).max() < 1e-4
        found = [on(tags, tagger.thresholds) for tags in tagger.infer(batch)]
        assert found == [{tag.strip() for tag in tags} for tags in golden[key]]


def test_the_stages_of_upstream(settings: Settings) -> None:
    torch = require.module("torch")
    source = require.shared("ram_plus_tiny")
    Path(settings.models_dir).mkdir()
    (Path(settings.models_dir) / "ram_plus").symlink_to(source)
    values = np.load(source / "golden_io.npz")
    model, _, _ = opened(settings)._model()
    with torch.inference_mode():
        tokens = model.visual_encoder(torch.from_numpy(values["input"]))
        image = model.image_proj(tokens)
        meanings = model.meanings(image[:, 0])
    assert np.allclose(tokens.numpy(), values["visual_tokens"], atol=1e-4)
    assert np.allclose(image.numpy(), values["image_embeds"], atol=1e-4)
    assert np.allclose(meanings.numpy(), values["label_embed_reweight"], atol=1e-5)


def test_deleted_classes_are_never_given(settings: Settings, tmp_path: Path) -> None:
    source = require.shared("ram_plus_tiny")
    golden = msgspec.json.decode((source / "golden.json").read_bytes())
    target = Path(settings.models_dir) / "ram_plus"
    target.mkdir(parents=True)
    for file in source.iterdir():
        if file.name != "config.json":
            (target / file.name).symlink_to(file)
    config = msgspec.json.decode((source / "config.json").read_bytes())
    (target / "config.json").write_bytes(msgspec.json.encode(config | {"delete_tag_index": golden["delete_tag_index"]}))
    tagger = opened(settings)
    for name, expected in zip(golden["images"], golden["expected_tags_with_delete"], strict=True):
        with Image.open(source / name) as image:
            assert on(tagger.infer([tagger.prepare(raw(image))])[0], tagger.thresholds) == set(expected)


def test_a_second_implementation_gives_the_same_logits(settings: Settings, folder: Path) -> None:
    tagger = opened(settings)
    assert tagger.side_px == 32, "from the mask in the checkpoint"
    batch = [pixels(seed) for seed in range(3)]
    expected = [reference.logits(reference.state(), one.astype(np.float64)) for one in batch]
    assert np.abs(tagger.logits(batch) - np.stack(expected)).max() < 1e-4


def test_a_subset_gives_the_logits_of_the_whole(settings: Settings, folder: Path) -> None:
    batch = [pixels(1), pixels(2)]
    whole = opened(settings).logits(batch)
    subset = opened(settings, vocabulary=("sea", "Dog", "tree"))
    assert np.allclose(subset.logits(batch), whole[:, [5, 0, 2]], atol=1e-5)
    assert subset.vocabulary.labels == ("sea", "Dog", "tree")
    assert subset.thresholds.of("sea") == 0.3 and subset.thresholds.of("tree") == 0.5
    assert subset.info.params8 != opened(settings).info.params8
    assert subset.info.rev == opened(settings).info.rev


def test_scores_are_kept_down_to_the_floor_best_first(settings: Settings, folder: Path) -> None:
    tagger = opened(settings)
    chances = 1 / (1 + np.exp(-tagger.logits([pixels(4)])[0].astype(np.float64)))
    tags = tagger.infer([pixels(4)])[0]
    assert sorted(tags.scores, reverse=True) == list(tags.scores)
    assert len(tags.labels) == int((chances >= FLOOR).sum())
    assert dict(zip(tags.labels, tags.scores, strict=True))[tags.labels[0]] == pytest.approx(chances.max())


def test_thresholds_come_from_the_list(settings: Settings, folder: Path) -> None:
    thresholds = opened(settings).thresholds
    assert (thresholds.default, thresholds.of("dog"), thresholds.of("sea")) == (0.5, 0.5, 0.3)
    (folder / "ram_tag_list_threshold.txt").unlink()
    assert opened(settings).thresholds == Thresholds(default=0.68)
    (folder / "ram_tag_list_threshold.txt").write_text("0.5\n")
    with pytest.raises(BrokenModelError, match="1 lines for 7 tags"):
        opened(settings)


def test_namesakes_are_told_apart_and_other_languages_have_the_same_scores(settings: Settings, folder: Path) -> None:
    english, chinese = opened(settings), opened(settings, language="zh")
    assert english.vocabulary.labels == ("dog", "cat", "tree", "boat", "dog house", "sea", "boat (boat)")
    assert chinese.vocabulary.labels == ("狗", "猫", "树", "船", "狗 (dog house)", "海", "船 (boat)")
    assert np.array_equal(english.logits([pixels(1)]), chinese.logits([pixels(1)]))
    assert english.info.params8 != chinese.info.params8
    assert opened(settings, language="zh", vocabulary=("sea", "猫")).vocabulary.classes == (5, 1)
    with pytest.raises(BrokenModelError, match="no list of tags in 'fr'"):
        opened(settings, language="fr")


def test_words_outside_the_list_are_described_by_the_text_encoder(settings: Settings, folder: Path) -> None:
    with pytest.raises(MissingModelError, match="no tag 'bear'") as caught:
        opened(settings, vocabulary=("dog", "bear"))
    assert "phototag models fetch clip/ViT-B-16__openai" in str(caught.value.hint)
    require.module("onnxruntime")
    onnx_bytes.clip_folder(Path(settings.models_dir) / "clip" / "ViT-B-16__openai", dim=12)
    tagger = opened(settings, vocabulary=("dog", "bear"))
    found = tagger.logits([pixels(1)])
    words = registry.open_text_embedder("clip/ViT-B-16__openai", settings).embed_text(["a photo of a bear."])
    state = reference.state() | {"label_embed": words.astype(np.float64)}
    expected = reference.logits(state, pixels(1).astype(np.float64), per_class=1)
    assert found[0, 1] == pytest.approx(expected[0], abs=1e-4)
    assert found[0, 0] == pytest.approx(opened(settings).logits([pixels(1)])[0, 0], abs=1e-5)
    assert tagger.thresholds.of("bear") == 0.5


def test_old_names_and_a_bare_state_are_read(settings: Settings, folder: Path) -> None:
    torch = require.module("torch")
    expected = opened(settings).logits([pixels(1)])
    saved = torch.load(folder / "ram.pth", weights_only=True)["model"]
    bare = {key.replace("tagging_head", "vision_multi"): value for key, value in saved.items()}
    torch.save(bare, folder / "ram.pth")
    assert np.array_equal(opened(settings).logits([pixels(1)]), expected)


def test_missing_and_damaged_files(settings: Settings, folder: Path) -> None:
    torch = require.module("torch")
    saved = torch.load(folder / "ram.pth", weights_only=True)
    del saved["model"]["fc.weight"]
    torch.save(saved, folder / "ram.pth")
    with pytest.raises(BrokenModelError, match=r"lacks 1 of \d+ tensors, the first: fc.weight"):
        opened(settings).logits([pixels(1)])
    (folder / "ram.pth").write_bytes(b"PK\x03\x04 cut short")
    with pytest.raises(BrokenModelError, match=r"ram\.pth"):
        opened(settings).logits([pixels(1)])
    (folder / "ram.pth").unlink()
    with pytest.raises(MissingModelError, match=r"ram\.pth") as caught:
        opened(settings)
    assert (caught.value.exit_code, caught.value.hint) == (5, "phototag models fetch ram_plus")


@pytest.mark.parametrize(
    "content",
    [[1, 2], {"model": 5}, {"model": [1]}, 7, {"model": {1: 2}}, {"model": {"a": "b"}}],
    ids=["list", "number-in-model", "list-in-model", "number", "odd-key", "no-tensors"],
)
def test_a_checkpoint_of_something_else(settings: Settings, folder: Path, content: Any) -> None:
    torch = require.module("torch")
    torch.save(content, folder / "ram.pth")
    with pytest.raises(BrokenModelError, match="checkpoint"):
        opened(settings).logits([pixels(1)])
    with pytest.raises(BrokenModelError, match="checkpoint"):
        assert opened(settings).side_px


def test_sizes_that_do_not_fit_each_other(settings: Settings, folder: Path) -> None:
    torch = require.module("torch")
    saved = torch.load(folder / "ram.pth", weights_only=True)
    saved["model"] = {key: value.to(torch.int64) for key, value in saved["model"].items()}
    torch.save(saved, folder / "ram.pth")
    with pytest.raises(BrokenModelError, match=r"cannot load .*ram\.pth"):
        opened(settings).logits([pixels(1)])


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_no_numbers_are_the_models_fault(settings: Settings, folder: Path, value: float) -> None:
    torch = require.module("torch")
    saved = torch.load(folder / "ram.pth", weights_only=True)
    saved["model"]["fc.bias"][:] = value
    torch.save(saved, folder / "ram.pth")
    for batch in ([pixels(1)], [pixels(1), pixels(2)]):
        with pytest.raises(BrokenModelError, match=r"ram\.pth answers with what is not a number"):
            opened(settings).logits(batch)


@pytest.mark.parametrize(
    "config",
    [
        {"image_size": -128},
        {"image_size": 10**9},
        {"head": {"num_attention_heads": 0}},
        {"head": {"layer_norm_eps": -1}},
        {"image_size": "large"},
    ],
)
def test_a_configuration_of_nonsense_names_its_file(settings: Settings, folder: Path, config: dict[str, Any]) -> None:
    (folder / "config.json").write_bytes(msgspec.json.encode({"checkpoint": "ram.pth"} | config))
    with pytest.raises(BrokenModelError, match=r"config\.json: "):
        opened(settings)


@pytest.mark.parametrize("line", ["nan", "inf", "-inf", "1e400", "much", ""])
def test_a_threshold_that_is_none_names_its_line(settings: Settings, folder: Path, line: str) -> None:
    (folder / "ram_tag_list_threshold.txt").write_text(f"0.5\n{line}\n" + "0.5\n" * 5)
    with pytest.raises(BrokenModelError, match=r"ram_tag_list_threshold\.txt, line 2: "):
        opened(settings)


def test_code_in_a_checkpoint_is_not_run(settings: Settings, folder: Path, tmp_path: Path) -> None:
    torch = require.module("torch")
    torch.save({"model": Bomb(str(tmp_path / "ran"))}, folder / "ram.pth")
    with pytest.raises(BrokenModelError):
        opened(settings).logits([pixels(1)])
    assert not (tmp_path / "ran").exists()


class Bomb:
    """Runs a function when it is unpickled without care."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path(self.path),)


def test_a_full_gpu_halves_the_batch(settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tagger = opened(settings)
    batch = [pixels(seed) for seed in range(5)]
    expected = tagger.logits(batch)
    model, device, dtype = tagger._model()

    class Small:
        sizes: tuple[int, ...] = ()

        def __call__(self, values: Any) -> Any:
            self.sizes += (len(values),)
            if len(values) > 1:
                raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
            return model(values)

    small = Small()
    monkeypatch.setattr(tagger, "_loaded", (small, device, dtype))
    assert np.allclose(tagger.logits(batch), expected, atol=1e-5)
    assert small.sizes[0] == 5


@pytest.mark.parametrize(("free_gib", "batch"), [(3, 1), (14, 20), (80, 64)])
def test_the_batch_is_what_a_gpu_has_room_for(
    settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch, free_gib: int, batch: int
) -> None:
    import torch

    monkeypatch.setattr(tagger_module, "_may_have_gpu", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (free_gib << 30, 96 << 30))
    auto = msgspec.structs.replace(settings, device="auto")
    assert opened(auto).batch_size == batch
    assert opened(auto, batch_size=7).batch_size == 7


def test_an_answer_that_is_no_number_is_an_image_error(settings: Settings, folder: Path) -> None:
    with pytest.raises(ImageError):
        opened(settings).logits([pixels(1) * np.float32(np.nan)])


def test_options_that_make_no_sense(settings: Settings, folder: Path) -> None:
    with pytest.raises(UsageError, match="no precision is called 'int3'"):
        opened(settings, precision="int3")
    with pytest.raises(UsageError, match="needs a GPU"):
        opened(settings, precision="fp16").logits([pixels(1)])
    assert opened(settings, batch_size=3).batch_size == 3


def test_the_tagger_prepares_any_picture(settings: Settings, folder: Path) -> None:
    tagger = opened(settings)
    assert tagger.prepare(draw.picture(draw.scene(size=(300, 60)))).shape == (3, 32, 32)
