"""CLIP towers through ONNX Runtime: reference vectors, layouts, and what is said when something is missing."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PIL import Image

from phototag.errors import BrokenModelError, ImageError, MissingModelError, UsageError
from phototag.models import registry, session
from phototag.models.clip.embedder import ClipImageEmbedder
from phototag.models.registry import Options
from phototag.settings import Settings
from tests import require
from tests.models import draw, onnx_bytes

require.module("onnxruntime")
require.module("tokenizers")


@pytest.fixture
def tiny(settings: Settings) -> Path:
    return onnx_bytes.clip_folder(Path(settings.models_dir) / "clip" / "tiny")


def shapes(settings: Settings) -> Path:
    """Put the trained fixture into the models folder; return the fixture's own folder."""
    source = require.shared("clip_shapes")
    target = Path(settings.models_dir) / "clip" / "shapes"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.symlink_to(source / "model")
    return source


def test_reference_vectors_and_recall_of_a_trained_model(settings: Settings) -> None:
    source = shapes(settings)
    captions = msgspec.json.decode((source / "captions.json").read_bytes())
    wanted = np.load(source / "embeddings.npz")
    image = registry.open_image_embedder("clip", settings)
    text = registry.open_text_embedder("clip", settings)
    pictures = []
    for entry in captions:
        with Image.open(source / "images" / entry["file"]) as opened:
            pictures.append(draw.picture(opened))
    rows = image.infer([image.prepare(picture) for picture in pictures])
    words = text.embed_text([entry["caption"] for entry in captions])
    assert np.einsum("nd,nd->n", rows, wanted["image"]).min() >= 0.9999
    assert np.einsum("nd,nd->n", words, wanted["text"]).min() >= 0.9999
    assert (np.argmax(words @ rows.T, axis=1) == np.arange(len(captions))).mean() >= 0.98
    found = np.argsort(-(text.embed_text(["red", "ring", "grass"]) @ rows.T), axis=1)[:, :5]
    right = [
        [word in captions[i]["caption"] for i in row] for word, row in zip(("red", "ring", "grass"), found, strict=True)
    ]
    assert np.mean(right) > 0.85


def test_both_towers_share_the_space_and_the_space_is_the_weights(settings: Settings, tiny: Path) -> None:
    image = registry.open_image_embedder("clip", settings)
    text = registry.open_text_embedder("clip", settings)
    assert image.info == text.info
    assert image.info.name == "clip/tiny"
    before = image.info
    weights = bytearray((tiny / "visual.onnx").read_bytes())
    weights[len(weights) // 2] ^= 1
    (tiny / "visual.onnx").write_bytes(weights)
    after = registry.open_image_embedder("clip", settings).info
    assert after.rev != before.rev and after.params8 == before.params8


def test_preprocessing_is_part_of_the_space(settings: Settings, tiny: Path) -> None:
    before = registry.open_image_embedder("clip", settings).info
    config = msgspec.json.decode((tiny / "open_clip_config.json").read_bytes())
    config["preprocess_cfg"]["resize_mode"] = "squash"
    (tiny / "open_clip_config.json").write_bytes(msgspec.json.encode(config))
    assert registry.open_image_embedder("clip", settings).info.params8 != before.params8


@pytest.mark.parametrize("layout", ["rclip", "rclip-shared-tokenizer", "immich", "named"])
def test_other_layouts_give_the_same_vectors(settings: Settings, tiny: Path, layout: str) -> None:
    image = registry.open_image_embedder("clip/tiny", settings)
    text = registry.open_text_embedder("clip/tiny", settings)
    scene = draw.picture(draw.scene())
    expected = image.infer([image.prepare(scene)]), text.embed_text(["a photo"])
    other = tiny.parent / "other"
    arrange(layout, tiny, other)
    image, text = (
        registry.open_image_embedder("clip/other", settings),
        registry.open_text_embedder("clip/other", settings),
    )
    assert image.dim == text.dim == 12
    assert np.array_equal(image.infer([image.prepare(scene)]), expected[0])
    if "rclip" not in layout:  # its list of merges is OpenAI's; the tiny model has another alphabet
        assert np.array_equal(text.embed_text(["a photo"]), expected[1])


def arrange(layout: str, tiny: Path, other: Path) -> None:
    """Copy the files of ``tiny`` to ``other`` in another program's layout."""
    names = {
        "rclip": ("visual.onnx", "textual.onnx", "tokenizer/bpe_simple_vocab_16e6.txt.gz"),
        "rclip-shared-tokenizer": ("visual.onnx", "textual.onnx", "../tokenizer/bpe_simple_vocab_16e6.txt.gz"),
        "immich": ("visual/model.onnx", "textual/model.onnx", "textual/tokenizer.json"),
        "named": ("image.bin", "text.bin", "words.json"),
    }
    for source, target in zip(("visual.onnx", "textual.onnx", "tokenizer.json"), names[layout], strict=True):
        (other / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(tiny / source, other / target)
    if layout == "immich":
        model = {"embed_dim": 12, "text_cfg": {"context_length": 8}}
        (other / "config.json").write_bytes(msgspec.json.encode(model))
        size = {"size": [16, 16], "interpolation": "bicubic", "resize_mode": "shortest", "fill_color": 0}
        (other / "visual" / "preprocess_cfg.json").write_bytes(msgspec.json.encode(size))
    if layout == "named":
        named = {
            "visual": "image.bin",
            "textual": "text.bin",
            "tokenizer": "words.json",
            "image_size": 16,
            "context_length": 8,
        }
        (other / "config.json").write_bytes(msgspec.json.encode(named))


def test_a_graph_of_fixed_batch_and_half_precision_inputs(settings: Settings) -> None:
    base = Path(settings.models_dir) / "clip"
    onnx_bytes.clip_folder(base / "full")
    onnx_bytes.clip_folder(base / "odd", batch=1, half=True)
    pictures = [draw.picture(draw.scene(seed)) for seed in (1, 2, 3)]
    rows = []
    for name in ("clip/full", "clip/odd"):
        image = registry.open_image_embedder(name, settings)
        rows.append(image.infer([image.prepare(picture) for picture in pictures]))
        assert registry.open_text_embedder(name, settings).embed_text(["a photo", "the sun"]).shape == (2, 12)
    assert np.einsum("nd,nd->n", *rows).min() > 0.999


def test_missing_weights_name_the_command_that_fetches_them(settings: Settings, tiny: Path) -> None:
    with pytest.raises(MissingModelError, match=r"not in .*ViT-L-14") as caught:
        registry.open_image_embedder("clip/ViT-L-14", settings)
    assert caught.value.exit_code == 5
    assert "phototag models fetch hf:ORGANISATION/ViT-L-14" in str(caught.value.hint)
    (tiny / "textual.onnx").unlink()
    assert registry.open_image_embedder("clip/tiny", settings).dim == 12
    with pytest.raises(MissingModelError, match=r"textual\.onnx"):
        registry.open_text_embedder("clip/tiny", settings)
    (tiny / "visual.onnx").unlink()
    with pytest.raises(MissingModelError, match=r"visual\.onnx"):
        registry.open_image_embedder("clip/tiny", settings)


def test_damaged_files_are_named(settings: Settings, tiny: Path) -> None:
    (tiny / "visual.onnx").write_bytes(b"not a graph")
    (tiny / "tokenizer.json").write_bytes(b"{}")
    image = registry.open_image_embedder("clip/tiny", settings)
    with pytest.raises(BrokenModelError, match=r"visual\.onnx"):
        image.infer([image.prepare(draw.picture(draw.scene()))])
    with pytest.raises(BrokenModelError, match=r"tokenizer\.json"):
        registry.open_text_embedder("clip/tiny", settings).embed_text(["a"])
    (tiny / "open_clip_config.json").write_bytes(b"{")
    with pytest.raises(BrokenModelError, match=r"open_clip_config\.json"):
        registry.open_image_embedder("clip/tiny", settings)


def test_cuda_asked_for_and_not_there(settings: Settings, tiny: Path) -> None:
    wrong = msgspec.structs.replace(settings, device="gpu")
    image = registry.open_image_embedder("clip/tiny", wrong)
    with pytest.raises(UsageError, match="no device is called 'gpu'"):
        image.infer([image.prepare(draw.picture(draw.scene()))])


def test_a_vector_without_direction_is_an_image_error(settings: Settings, tiny: Path) -> None:
    image = registry.open_image_embedder("clip/tiny", settings)
    good = image.prepare(draw.picture(draw.scene()))
    for bad in (good * np.float32(np.nan), good * np.float32(0)):
        with pytest.raises(ImageError):
            image.infer([good, bad])
        with pytest.raises(ImageError) as raised:
            image.infer([bad])
        assert not raised.value.lasting  # another model, or precision, may have an answer to the same file
    assert image.infer([good]).shape == (1, 12)


@pytest.mark.parametrize("value", [np.nan, 0.0])
def test_weights_that_answer_nothing_are_the_models_fault(settings: Settings, tiny: Path, value: float) -> None:
    (tiny / "visual.onnx").write_bytes(
        onnx_bytes.linear(["n", 3, 16, 16], np.full((3 * 16 * 16, 12), value, np.float32))
    )
    image = registry.open_image_embedder("clip/tiny", settings)
    with pytest.raises(BrokenModelError, match=r"visual\.onnx answers with what is not a number"):
        image.infer([image.prepare(draw.picture(draw.scene()))])
    texts = np.full((8, 12), value, np.float32)
    (tiny / "textual.onnx").write_bytes(onnx_bytes.linear(["n", 8], texts, kind=onnx_bytes.INT64))
    with pytest.raises(BrokenModelError, match=r"textual\.onnx answers with what is not a number"):
        registry.open_text_embedder("clip/tiny", settings).embed_text(["a"])


def test_a_full_device_halves_the_batch(settings: Settings, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = registry.open_image_embedder("clip/tiny", settings)
    assert isinstance(image, ClipImageEmbedder)
    batch = [image.prepare(draw.picture(draw.scene(seed))) for seed in range(1, 8)]
    expected = image.infer(batch)
    stack = np.stack
    sizes = []

    def small_device(rows: list[np.ndarray]) -> np.ndarray:
        sizes.append(len(rows))
        if len(rows) > 2:
            raise RuntimeError("CUDA failure 2: out of memory")
        return stack(rows)

    monkeypatch.setattr(np, "stack", small_device)
    assert np.allclose(image.infer(batch), expected, atol=1e-6)
    assert max(sizes) > 2 >= min(sizes)


def test_a_batch_run_in_two_halves_gives_the_bits_of_the_whole(
    settings: Settings, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = []
    for cores in (1, 2, 3):
        monkeypatch.setattr(session, "_usable_cores", lambda cores=cores: cores)
        graph = session.Graph(str(tiny / "visual.onnx"), settings)
        height, width = graph.input_shape[-2:]
        assert height is not None and width is not None
        batch = [np.full((3, height, width), seed / 7, np.float32) for seed in range(7)]
        answers.append(graph.run(batch))
    assert answers[0].tobytes() == answers[1].tobytes() == answers[2].tobytes()


def test_no_torch_and_no_network_library_is_imported(settings: Settings, tiny: Path) -> None:
    code = (
        "import sys; from phototag.settings import Settings; from phototag.models import registry;"
        f"s = Settings(models_dir={settings.models_dir!r}, device='cpu');"
        "registry.open_text_embedder('clip', s).embed_text(['a photo']);"
        "import numpy as np; from phototag.imaging.picture import Picture;"
        "e = registry.open_image_embedder('clip', s);"
        "e.infer([e.prepare(Picture(rgb=np.zeros((9, 9, 3), 'u1'), width_px=9, height_px=9, format='png'))]);"
        "print(sorted({'torch', 'open_clip', 'urllib.request', 'requests'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]", done.stderr


def test_zero_shot_needs_a_vocabulary_and_knows_when_nothing_fits(settings: Settings) -> None:
    source = shapes(settings)
    with pytest.raises(UsageError, match="no tags of its own"):
        registry.open_tagger("clip", settings)
    captions = msgspec.json.decode((source / "captions.json").read_bytes())[:40]
    vocabulary = ("a red circle", "a ring", "a triangle", "grass")
    tagger = registry.open_tagger("clip", settings, Options(vocabulary=vocabulary))
    rings = nothing = 0
    for entry in captions:
        with Image.open(source / "images" / entry["file"]) as opened:
            tags = tagger.infer([tagger.prepare(draw.picture(opened))])[0]
        scores = dict(zip(tags.labels, tags.scores, strict=True))
        on = {label for label, score in scores.items() if score > tagger.thresholds.of(label)}
        assert ("none of these" in on) == (on <= {"none of these"})
        rings += ("a ring" in on) == (entry["shape"] == "ring")
        nothing += "none of these" in on
    assert rings >= 0.9 * len(captions)
    assert 0 < nothing < len(captions)


def test_the_vocabulary_is_part_of_the_space(settings: Settings, tiny: Path) -> None:
    one = registry.open_tagger("clip", settings, Options(vocabulary=("a", "b")))
    other = registry.open_tagger("clip", settings, Options(vocabulary=("a", "c")))
    assert one.info.params8 != other.info.params8
    assert one.info.name == other.info.name == "clip/tiny"
