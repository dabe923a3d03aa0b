"""Converting OpenCLIP models whose tokenizer is not CLIP's: theirs goes along, or the model is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from phototag.errors import BrokenModelError, UsageError
from phototag.models import registry
from phototag.models.clip import convert
from phototag.models.clip.folder import BPE
from phototag.settings import Settings
from tests import require

require.module("onnxruntime")
require.module("torch")
tokens = require.module("tokenizers")

WORDS = ("<pad>", "</s>", "<unk>", "[SEP]", "[PAD]", "a", "photo", "of", "red", "Red", "circle", "snow")
SIGLIP: dict[str, Any] = {
    "hf_tokenizer_name": "somebody/SigLIP",
    "tokenizer_kwargs": {"clean": "canonicalize"},
    "vocab_size": 32,
    "context_length": 8,
    "no_causal_mask": True,
    "pool_type": "last",
}
CLIPA = SIGLIP | {"hf_tokenizer_name": "bert-base-uncased", "tokenizer_kwargs": {"strip_sep_token": True}}


def model(folder: Path, open_clip: Any, text: dict[str, Any]) -> Any:
    """Write a tiny model of random weights with this ``text_cfg`` and no tokenizer; return it."""
    from safetensors.torch import save_file

    folder.mkdir()
    config = {
        "embed_dim": 16,
        "custom_text": True,
        "vision_cfg": {"image_size": 32, "layers": 1, "width": 16, "head_width": 8, "patch_size": 16},
        "text_cfg": {"width": 16, "heads": 2, "layers": 1} | text,
    }
    (folder / convert.CONFIG).write_bytes(msgspec.json.encode({"model_cfg": config, "preprocess_cfg": {}}))
    require.module("torch").manual_seed(3)
    made = open_clip.create_model(f"local-dir:{folder}").eval()
    save_file(made.state_dict(), folder / "open_clip_model.safetensors")
    return made


def add_tokenizer(folder: Path, *, end: str = "</s>", pad: str | None = "</s>", size: int = 0) -> None:
    """Write a tokenizer of whole words, and what it pads with."""
    names = [*WORDS, *(f"word{number}" for number in range(size - len(WORDS)))]
    made = tokens.Tokenizer(tokens.models.WordLevel({word: i for i, word in enumerate(names)}, unk_token=names[-1]))
    made.pre_tokenizer = tokens.pre_tokenizers.Whitespace()
    made.post_processor = tokens.processors.TemplateProcessing(
        single=f"$A {end}", special_tokens=[(end, WORDS.index(end))]
    )
    made.save(str(folder / "tokenizer.json"))
    if pad is not None:
        (folder / "tokenizer_config.json").write_bytes(msgspec.json.encode({"pad_token": pad}))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("text", "end", "pad", "row"),
    [
        (SIGLIP, "</s>", "</s>", [5, 8, 10, 1, 1, 1, 1, 1]),
        (CLIPA, "[SEP]", "[PAD]", [5, 9, 10, 0, 4, 4, 4, 4]),
        (SIGLIP | {"tokenizer_kwargs": {}}, "</s>", "<pad>", [5, 9, 10, 1, 0, 0, 0, 0]),
    ],
    ids=["siglip", "clipa", "case-is-kept"],
)
def test_its_own_tokenizer_goes_along(
    settings: Settings, open_clip: Any, tmp_path: Path, text: dict[str, Any], end: str, pad: str, row: list[int]
) -> None:
    import torch

    folder = tmp_path / "like"
    made = model(folder, open_clip, text)
    add_tokenizer(folder, end=end, pad=pad)
    assert convert.convert(str(folder), settings) == "clip/like"
    target = Path(settings.models_dir) / "clip" / "like"
    assert {path.name for path in target.iterdir()} == {
        "open_clip_config.json", "textual.onnx", "tokenizer.json", "tokenizer_config.json", "visual.onnx"
    }  # fmt: skip
    found = registry.open_text_embedder("clip/like", settings).embed_text(["a Red circle"])
    with torch.inference_mode():
        expected = made.encode_text(torch.tensor([row])).numpy()
    assert convert.cosines(found, expected).min() > 0.9999


@pytest.mark.parametrize("text", [SIGLIP | {"vocab_size": 250_000}, SIGLIP, CLIPA], ids=["i18n", "siglip", "clipa"])
def test_without_its_own_tokenizer_it_is_refused(
    settings: Settings, open_clip: Any, tmp_path: Path, text: dict[str, Any]
) -> None:
    model(tmp_path / "like", open_clip, text)
    with pytest.raises(UsageError, match=r"a tokenizer of its own .*, and .*tokenizer\.json is not there") as caught:
        convert.convert(str(tmp_path / "like"), settings)
    assert "tokenizer_config.json" in str(caught.value.hint) and "hf:ORGANISATION/MODEL" in str(caught.value.hint)
    assert not (Path(settings.models_dir) / "clip").exists()


def test_an_architecture_with_a_tokenizer_of_its_own(settings: Settings, open_clip: Any, tmp_path: Path) -> None:
    """It is looked for beside the weights; nothing is loaded before it is found to be there."""
    weights = tmp_path / "weights.safetensors"
    weights.write_bytes(b"")
    with pytest.raises(UsageError, match=r"timm/ViT-B-16-SigLIP2.*, and .*/tokenizer\.json is not there"):
        convert.convert("ViT-B-16-SigLIP2", settings, weights=str(weights))
    add_tokenizer(tmp_path, pad=None)
    with pytest.raises(UsageError, match="does not say what fills up a text") as caught:
        convert.convert("ViT-B-16-SigLIP2", settings, weights=str(weights))
    assert "tokenizer_config.json" in str(caught.value.hint)


def test_every_architecture_is_converted_with_its_own_tokenizer_or_refused(
    settings: Settings, open_clip: Any, tmp_path: Path
) -> None:
    from phototag.models.clip import words

    refused = 0
    for name in open_clip.list_models():
        config = {"model_cfg": open_clip.get_model_config(name)}
        text = config["model_cfg"]["text_cfg"]
        if "hf_tokenizer_name" in text or "hf_model_name" in text:
            refused += 1
            with pytest.raises(UsageError):
                words.files_of(config, "", str(tmp_path))
        else:
            assert [Path(path).name for path in words.files_of(config, "", str(tmp_path))] == [BPE]
    assert refused >= 40


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ({"hf_model_name": "xlm-roberta-base", "hf_tokenizer_name": "xlm-roberta-base"}, "library transformers"),
        (SIGLIP | {"tokenizer_mode": "clips"}, "does not know: tokenizer_mode"),
        (SIGLIP | {"tokenizer_kwargs": {"language": "en", "clean": "lower"}}, "does not know: language"),
    ],
)
def test_what_phototag_cannot_follow_is_refused(
    settings: Settings, open_clip: Any, tmp_path: Path, text: dict[str, Any], message: str
) -> None:
    folder = tmp_path / "like"
    folder.mkdir()
    (folder / "open_clip_model.safetensors").write_bytes(b"")
    (folder / convert.CONFIG).write_bytes(msgspec.json.encode({"model_cfg": {"text_cfg": text}}))
    add_tokenizer(folder)
    with pytest.raises(UsageError, match=message):
        convert.convert(str(folder), settings)


def test_the_tokenizer_of_another_model_is_refused(settings: Settings, open_clip: Any, tmp_path: Path) -> None:
    model(tmp_path / "large", open_clip, SIGLIP)
    add_tokenizer(tmp_path / "large", size=100)
    with pytest.raises(UsageError, match="has a token 99, and the model knows 32"):
        convert.convert(str(tmp_path / "large"), settings)
    model(tmp_path / "small", open_clip, {"vocab_size": 1000, "context_length": 8})
    with pytest.raises(UsageError, match="and the model knows 1000"):
        convert.convert(str(tmp_path / "small"), settings)
    model(tmp_path / "plain", open_clip, {"vocab_size": 49408, "context_length": 8})
    add_tokenizer(tmp_path / "plain")
    with pytest.raises(UsageError, match="makes other tokens than OpenCLIP does"):
        convert.convert(str(tmp_path / "plain"), settings)


@pytest.mark.filterwarnings("ignore")
def test_clips_own_tokenizer_in_both_forms(settings: Settings, open_clip: Any, tmp_path: Path) -> None:
    shared = require.shared("clip_shapes/model")
    (tmp_path / "shapes").mkdir()
    for name in ("open_clip_config.json", "open_clip_model.safetensors", "tokenizer.json"):
        (tmp_path / "shapes" / name).symlink_to(shared / name)
    convert.convert(str(tmp_path / "shapes"), settings)
    files = {path.name for path in (Path(settings.models_dir) / "clip" / "shapes").iterdir()}
    assert "tokenizer.json" in files and BPE not in files
    found = registry.open_text_embedder("clip/shapes", settings).embed_text(["a red circle"])
    (Path(settings.models_dir) / "clip" / "published").symlink_to(shared)
    expected = registry.open_text_embedder("clip/published", settings).embed_text(["a red circle"])
    assert np.einsum("nd,nd->n", found, expected).min() > 0.9999


@pytest.mark.parametrize("config", [b"{}", b'{"model_cfg": {}}', b'{"model_cfg": 5}', b"[]", b"{"])
def test_a_configuration_that_names_no_model(settings: Settings, open_clip: Any, tmp_path: Path, config: bytes) -> None:
    (tmp_path / convert.CONFIG).write_bytes(config)
    with pytest.raises(BrokenModelError, match=r"open_clip_config\.json"):
        convert.convert(str(tmp_path), settings)


def test_a_folder_without_weights_gets_none_invented(settings: Settings, open_clip: Any, tmp_path: Path) -> None:
    model(tmp_path / "bare", open_clip, {"vocab_size": 49408})
    (tmp_path / "bare" / "open_clip_model.safetensors").unlink()
    with pytest.raises(UsageError, match="has no weights"):
        convert.convert(str(tmp_path / "bare"), settings)
