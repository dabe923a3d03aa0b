"""OpenCLIP to ONNX, int8 variants and the torch backend. Needs the extra ``convert``, which is not part of ``all``."""

from __future__ import annotations

import shutil
import sys
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from phototag.errors import BrokenModelError, MissingExtraError, MissingModelError, PhototagError, UsageError
from phototag.models import registry
from phototag.models.clip import convert, int8, torch_backend
from phototag.settings import Settings
from tests import require
from tests.models import draw, onnx_bytes

require.module("onnxruntime")
require.module("torch")


@pytest.fixture
def source(tmp_path: Path, open_clip: Any) -> Path:
    """Return a folder with the trained fixture's OpenCLIP weights alone."""
    folder = tmp_path / "shapes-torch"
    folder.mkdir()
    for name in ("open_clip_config.json", "open_clip_model.safetensors"):
        shutil.copy(require.shared("clip_shapes/model") / name, folder)
    return folder


def reference() -> tuple[list[dict[str, str]], Any]:
    shared = require.shared("clip_shapes")
    captions = msgspec.json.decode((shared / "captions.json").read_bytes())
    return captions[:20], np.load(shared / "embeddings.npz")


def texts_match(name: str, settings: Settings) -> bool:
    captions, wanted = reference()
    rows = registry.open_text_embedder(name, settings).embed_text([entry["caption"] for entry in captions])
    return bool(convert.cosines(rows, wanted["text"][:20]).min() > 0.9999)


@pytest.mark.filterwarnings("ignore")
def test_a_converted_model_answers_as_the_original(settings: Settings, source: Path) -> None:
    said: list[str] = []
    assert convert.convert(str(source), settings, name="shapes", say=said.append) == "clip/shapes"
    folder = Path(settings.models_dir) / "clip" / "shapes"
    assert sorted(p.name for p in folder.iterdir()) == [
        "bpe_simple_vocab_16e6.txt.gz",
        "open_clip_config.json",
        "textual.onnx",
        "visual.onnx",
    ]
    assert texts_match("clip/shapes", settings)
    assert "comparing with torch" in said
    assert not list(Path(settings.models_dir).glob(".converting-*"))
    with pytest.raises(UsageError, match="is there already"):
        convert.convert(str(source), settings, name="shapes")


@pytest.mark.filterwarnings("ignore")
def test_a_model_beyond_two_gigabytes_keeps_its_weights_beside_the_graph(
    settings: Settings, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(convert, "INLINE_BYTES", 1000)
    convert.convert(str(source), settings, name="shapes")
    folder = Path(settings.models_dir) / "clip" / "shapes"
    assert (folder / "visual.onnx.data").stat().st_size > (folder / "visual.onnx").stat().st_size
    assert texts_match("clip/shapes", settings)
    before = registry.open_image_embedder("clip/shapes", settings).info
    weights = (folder / "visual.onnx.data").read_bytes()
    (folder / "visual.onnx.data").write_bytes(bytes(len(weights)))  # another training: every block differs
    after = registry.open_image_embedder("clip/shapes", settings).info
    assert (before.rev == after.rev, before.params8 == after.params8) == (False, True)


@pytest.mark.filterwarnings("ignore")
def test_a_graph_that_answers_differently_is_not_kept(
    settings: Settings, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(convert, "PARITY", 1.1)
    with pytest.raises(BrokenModelError, match="does not answer as torch does"):
        convert.convert(str(source), settings, name="shapes")
    assert not (Path(settings.models_dir) / "clip").exists()
    assert not list(Path(settings.models_dir).iterdir())


@pytest.mark.filterwarnings("ignore")
def test_the_torch_backend_gives_the_same_vectors(settings: Settings, source: Path) -> None:
    target = Path(settings.models_dir) / "clip" / "torch"
    shutil.copytree(source, target)
    shutil.copy(require.shared("clip_shapes/model") / "tokenizer.json", target)
    (target / "config.json").write_bytes(b'{"backend": "torch"}')
    assert texts_match("clip/torch", settings)
    image = registry.open_image_embedder("clip/torch", settings)
    assert image.infer([image.prepare(draw.picture(draw.scene()))]).shape == (1, 64)


@pytest.mark.filterwarnings("ignore")
def test_the_torch_backend_in_the_half_precision_of_a_gpu(
    settings: Settings, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = Path(settings.models_dir) / "clip" / "torch"
    shutil.copytree(source, target)
    shutil.copy(require.shared("clip_shapes/model") / "tokenizer.json", target)
    (target / "config.json").write_bytes(b'{"backend": "torch"}')
    image = registry.open_image_embedder("clip/torch", settings)
    scene = image.prepare(draw.picture(draw.scene()))
    full = image.infer([scene])
    monkeypatch.setattr(torch_backend, "_precision", lambda device: "fp16")
    half = registry.open_image_embedder("clip/torch", settings).infer([scene])
    assert convert.cosines(full, half).min() > 0.999
    assert full.tobytes() != half.tobytes()
    captions, wanted = reference()
    words = registry.open_text_embedder("clip/torch", settings).embed_text([entry["caption"] for entry in captions])
    assert convert.cosines(words, wanted["text"][:20]).min() > 0.999


@pytest.mark.filterwarnings("ignore")
def test_what_cannot_be_converted(settings: Settings, open_clip: Any, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="neither a folder nor an architecture"):
        convert.convert("ViT-Z-99", settings)
    with pytest.raises(UsageError, match="needs its weights"):
        convert.convert("ViT-B-32", settings)
    with pytest.raises(UsageError, match=r"no open_clip_config\.json"):
        convert.convert(str(tmp_path), settings)


def test_without_the_extra_it_is_named(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "open_clip", None)
    monkeypatch.setitem(sys.modules, "onnx", None)
    attempts = (partial(convert.convert, "ViT-B-32", settings), partial(int8.quantise, "clip/tiny", ".", settings))
    for attempt in attempts:
        with pytest.raises(MissingExtraError) as caught:
            attempt()
        assert caught.value.hint == "pip install 'phototag[convert]'"


def test_a_torchvision_of_another_torch_is_named(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "open_clip.py").write_text('raise RuntimeError("operator torchvision::nms does not exist")\n')
    monkeypatch.delitem(sys.modules, "open_clip", raising=False)
    monkeypatch.syspath_prepend(broken)
    with pytest.raises(PhototagError, match="needs a torchvision that fits the installed torch: operator") as caught:
        convert.convert("ViT-B-32", settings)
    assert caught.value.hint == "install the two together: pip install --upgrade torch torchvision"


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    (folder / "more").mkdir(parents=True)
    for seed in range(1, 11):
        draw.scene(seed, (100, 80)).save(folder / "more" / f"{seed}.png")
    (folder / "broken.png").write_bytes(b"")
    return folder


@pytest.mark.filterwarnings("ignore")
def test_an_int8_variant_is_kept_when_it_sees_the_same(settings: Settings, open_clip: Any, photos: Path) -> None:
    onnx_bytes.clip_folder(Path(settings.models_dir) / "clip" / "tiny")
    said: list[str] = []
    assert int8.quantise("clip/tiny", str(photos), settings, say=said.append) == "clip/tiny-int8"
    assert "10 photos" in " ".join(said)
    small, full = (registry.open_image_embedder(f"clip/tiny{end}", settings) for end in ("-int8", ""))
    assert small.info.rev != full.info.rev and small.info.params8 == full.info.params8
    one, other = (
        registry.open_text_embedder(f"clip/tiny{end}", settings).embed_text(["a photo"]) for end in ("-int8", "")
    )
    assert np.array_equal(one, other)


def rearranged(folder: Path, layout: str) -> None:
    """Move the files of a folder of our own layout to another layout."""
    names = {
        "named": ("image_fp32.bin", "text_fp16.onnx", "tok.json"),
        "immich": ("visual/model.onnx", "textual/model.onnx", "textual/tokenizer.json"),
        "beside": ("visual.onnx", "../shared/textual.onnx", "../shared/tokenizer.json"),
    }[layout]
    for old, new in zip(("visual.onnx", "textual.onnx", "tokenizer.json"), names, strict=True):
        (folder / new).parent.mkdir(exist_ok=True)
        (folder / old).rename(folder / new)
    if layout != "immich":
        named = dict(zip(("visual", "textual", "tokenizer"), names, strict=True))
        (folder / "config.json").write_bytes(msgspec.json.encode(named))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("layout", ["named", "immich", "beside"])
def test_an_int8_variant_keeps_the_text_tower_of_any_layout(
    settings: Settings, open_clip: Any, photos: Path, layout: str
) -> None:
    folder = onnx_bytes.clip_folder(Path(settings.models_dir) / "clip" / "t")
    rearranged(folder, layout)
    expected = registry.open_text_embedder("clip/t", settings).embed_text(["a photo"])
    int8.quantise("clip/t", str(photos), settings)
    assert np.array_equal(registry.open_text_embedder("clip/t-int8", settings).embed_text(["a photo"]), expected)
    infos = [registry.open_image_embedder(name, settings).info.params8 for name in ("clip/t", "clip/t-int8")]
    assert infos[0] == infos[1]


@pytest.mark.filterwarnings("ignore")
def test_an_int8_variant_without_its_original_says_what_to_do(settings: Settings, open_clip: Any, photos: Path) -> None:
    folder = onnx_bytes.clip_folder(Path(settings.models_dir) / "clip" / "t")
    int8.quantise("clip/t", str(photos), settings)
    shutil.rmtree(folder)
    with pytest.raises(MissingModelError) as caught:
        registry.open_text_embedder("clip/t-int8", settings)
    assert "it shares files with clip/t" in str(caught.value.hint)
    assert "hf:" not in str(caught.value.hint)


@pytest.mark.filterwarnings("ignore")
def test_weights_without_graphs_have_no_int8_variant(settings: Settings, source: Path, photos: Path) -> None:
    target = Path(settings.models_dir) / "clip" / "torch"
    shutil.copytree(source, target)
    (target / "config.json").write_bytes(b'{"backend": "torch"}')
    with pytest.raises(UsageError, match="no ONNX graphs of its own") as caught:
        int8.quantise("clip/torch", str(photos), settings)
    assert caught.value.hint == "first: phototag models convert clip/torch"
    assert not (Path(settings.models_dir) / "clip" / "torch-int8").exists()


@pytest.mark.filterwarnings("ignore")
def test_an_int8_variant_that_sees_differently_is_refused(
    settings: Settings, open_clip: Any, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    onnx_bytes.clip_folder(Path(settings.models_dir) / "clip" / "tiny")
    monkeypatch.setattr(int8, "LEAST", 1.1)
    with pytest.raises(BrokenModelError, match="sees these photos differently"):
        int8.quantise("clip/tiny", str(photos), settings)
    assert not (Path(settings.models_dir) / "clip" / "tiny-int8").exists()


@pytest.mark.filterwarnings("ignore")
def test_too_few_photos_to_judge_by(settings: Settings, open_clip: Any, tmp_path: Path) -> None:
    onnx_bytes.clip_folder(Path(settings.models_dir) / "clip" / "tiny")
    (tmp_path / "none").mkdir()
    with pytest.raises(UsageError, match="8 or more are needed"):
        int8.quantise("clip/tiny", str(tmp_path / "none"), settings)
