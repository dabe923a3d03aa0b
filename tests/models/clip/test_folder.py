"""What a CLIP folder's configuration says, and what is said when it says nonsense."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from phototag.errors import BrokenModelError
from phototag.models.clip.folder import BPE, OPENAI_STD, ClipFolder, TextPreparation, read_folder
from phototag.settings import Settings
from tests.models import onnx_bytes


def read(models: Path, config: Any) -> ClipFolder:
    folder = models / "clip" / "tiny"
    if not folder.exists():
        onnx_bytes.clip_folder(folder)
    (folder / "open_clip_config.json").write_bytes(msgspec.json.encode(config))
    return read_folder("clip/tiny", Settings(models_dir=str(models)))


def test_what_open_clip_writes(tmp_path: Path) -> None:
    model = {
        "embed_dim": 768,
        "vision_cfg": {"image_size": [384, 256], "layers": 12},
        "text_cfg": {"context_length": 64, "tokenizer_kwargs": {"clean": "canonicalize"}, "vocab_size": 32000},
    }
    pictures = {"mean": [0.5, 0.5, 0.5], "interpolation": "bilinear", "resize_mode": "squash", "fill_color": [9, 8, 7]}
    found = read(tmp_path, {"model_cfg": model, "preprocess_cfg": pictures})
    assert (found.dim, found.texts) == (768, TextPreparation(64, "canonicalize"))
    how = found.preprocessing
    assert (how.size_px, how.mean, how.std, how.fill) == ((384, 256), (0.5, 0.5, 0.5), OPENAI_STD, 9)


def test_what_is_not_said_has_a_default(tmp_path: Path) -> None:
    found = read(tmp_path, {"model_cfg": None, "preprocess_cfg": {"size": 32, "std": None}})
    assert (found.dim, found.texts, found.logit_scale) == (0, TextPreparation(0, "lower"), 100.0)
    assert (found.preprocessing.size_px, found.preprocessing.interpolation) == ((32, 32), "bicubic")
    assert read(tmp_path, {"model_cfg": {"text_cfg": {}}}).texts.context_length == 77


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ({"hf_tokenizer_name": "xlm-roberta-base"}, TextPreparation(77, "whitespace", own=True)),
        ({"hf_model_name": "roberta-base"}, TextPreparation(77, "whitespace", own=True)),
        (
            {"hf_tokenizer_name": "SigLIP", "context_length": 64, "tokenizer_kwargs": {"clean": "canonicalize"}},
            TextPreparation(64, "canonicalize", own=True),
        ),
        (
            {"hf_tokenizer_name": "bert-base-uncased", "tokenizer_kwargs": {"strip_sep_token": True}},
            TextPreparation(77, "whitespace", own=True, strip_sep=True),
        ),
        ({"hf_tokenizer_name": ""}, TextPreparation(77, "lower")),
    ],
)
def test_a_model_with_a_tokenizer_of_its_own(tmp_path: Path, text: Any, expected: TextPreparation) -> None:
    assert read(tmp_path, {"model_cfg": {"text_cfg": text}}).texts == expected


def test_clips_list_of_merges_is_no_tokenizer_of_another_model(tmp_path: Path) -> None:
    own: Any = {"model_cfg": {"text_cfg": {"hf_tokenizer_name": "SigLIP"}}}
    assert read(tmp_path, own).tokenizer.endswith("tokenizer.json")
    (tmp_path / "clip" / "tiny" / "tokenizer.json").rename(tmp_path / "clip" / "tiny" / BPE)
    assert read(tmp_path, own).tokenizer == ""
    assert read(tmp_path, {"model_cfg": {"text_cfg": {}}}).tokenizer.endswith(BPE)


@pytest.mark.parametrize(
    "config",
    [
        {"model_cfg": "ViT-B-32"},
        {"model_cfg": {"embed_dim": "many"}},
        {"model_cfg": {"text_cfg": 5}},
        {"model_cfg": {"text_cfg": {"context_length": [77]}}},
        {"model_cfg": {"text_cfg": {"context_length": -77}}},
        {"model_cfg": {"text_cfg": {"tokenizer_kwargs": {"clean": "polish"}}}},
        {"model_cfg": {"vision_cfg": [1]}},
        {"preprocess_cfg": "bicubic"},
        {"preprocess_cfg": {"size": [1, 2, 3]}},
        {"preprocess_cfg": {"size": [-3, 4]}},
        {"preprocess_cfg": {"std": [0, 0, 0]}},
        {"preprocess_cfg": {"fill_color": "red"}},
        {"preprocess_cfg": {"interpolation": "random"}},
        {"preprocess_cfg": {"resize_mode": "stretch"}},
    ],
)
def test_nonsense_names_the_folder(tmp_path: Path, config: Any) -> None:
    with pytest.raises(BrokenModelError, match="tiny: "):
        read(tmp_path, config)
