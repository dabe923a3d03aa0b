"""Tiny ONNX graphs written byte by byte: the tests need no ``onnx`` package (field numbers from onnx.proto)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np

FLOAT, INT32, INT64, FLOAT16 = 1, 6, 7, 10
_NUMPY = {FLOAT: np.float32, FLOAT16: np.float16}


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes | str) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return _varint(field << 3 | 2) + _varint(len(data)) + data


def _value(name: str, kind: int, shape: Sequence[int | str]) -> bytes:
    dims = b"".join(_bytes(1, _number(1, d) if isinstance(d, int) else _bytes(2, d)) for d in shape)
    return _bytes(1, name) + _bytes(2, _bytes(1, _number(1, kind) + _bytes(2, dims)))


def _node(op: str, inputs: Sequence[str], output: str, **attributes: int) -> bytes:
    found = b"".join(_bytes(1, name) for name in inputs) + _bytes(2, output) + _bytes(4, op)
    for name, value in attributes.items():
        found += _bytes(5, _bytes(1, name) + _number(3, value) + _number(20, 2))
    return found


def linear(shape: Sequence[int | str], weights: np.ndarray, *, kind: int = FLOAT, pool: bool = False) -> bytes:
    """Return a model: cast the input of ``shape``, flatten it (``pool``: its channel means), times ``weights`` (in, out)."""
    float_kind = FLOAT if weights.dtype == np.float32 else FLOAT16
    nodes = [
        _node("Cast", ["input"], "cast", to=float_kind),
        *([_node("GlobalAveragePool", ["cast"], "pooled")] if pool else []),
        _node("Flatten", ["pooled" if pool else "cast"], "flat", axis=1),
        _node("MatMul", ["flat", "weights"], "output"),
    ]
    return _model(nodes, shape, weights, kind, float_kind)


def table(context: int, weights: np.ndarray) -> bytes:
    """Return a model of texts: the mean row of ``weights`` (tokens, out) over ``context`` tokens."""
    nodes = [_node("Gather", ["weights", "input"], "rows"), _reduced("rows", "output")]
    return _model(nodes, ["n", context], weights, INT64, FLOAT)


def _reduced(source: str, target: str) -> bytes:
    """Return the mean over axis 1, which is then gone (opset 17)."""
    axes = _bytes(5, _bytes(1, "axes") + _number(8, 1) + _number(20, 7))
    return _node("ReduceMean", [source], target, keepdims=0) + axes


def _model(
    nodes: Sequence[bytes], shape: Sequence[int | str], weights: np.ndarray, kind: int, float_kind: int
) -> bytes:
    tensor = b"".join(_number(1, size) for size in weights.shape)
    tensor += _number(2, float_kind) + _bytes(8, "weights") + _bytes(9, weights.tobytes())
    graph = b"".join(_bytes(1, node) for node in nodes) + _bytes(2, "tiny") + _bytes(5, tensor)
    graph += _bytes(11, _value("input", kind, shape))
    graph += _bytes(12, _value("output", float_kind, [shape[0], weights.shape[1]]))
    return _number(1, 8) + _bytes(8, _bytes(1, "") + _number(2, 17)) + _bytes(7, graph)


TEXT = ("a", "b", "c", "d", "e", "h", "o", "p", "r", "t", "n", "i", "g", "s", "w", "u", "l", "k", "m", "f")


def tokenizer_json(context: int = 8) -> bytes:
    """Return a letter-by-letter tokenizer with CLIP's two end tokens."""
    words = [*TEXT, *(letter + "</w>" for letter in TEXT), "<start_of_text>", "<end_of_text>"]
    ids = {word: number for number, word in enumerate(words)}
    ends = {name: {"id": name, "ids": [ids[name]], "tokens": [name]} for name in words[-2:]}
    return msgspec.json.encode(
        {
            "version": "1.0",
            "truncation": None,
            "padding": {
                "strategy": {"Fixed": context},
                "direction": "Right",
                "pad_to_multiple_of": None,
                "pad_id": 0,
                "pad_type_id": 0,
                "pad_token": "a",
            },
            "added_tokens": [],
            "normalizer": {"type": "Lowercase"},
            "pre_tokenizer": {"type": "Whitespace"},
            "post_processor": {
                "type": "TemplateProcessing",
                "single": [
                    {"SpecialToken": {"id": words[-2], "type_id": 0}},
                    {"Sequence": {"id": "A", "type_id": 0}},
                    {"SpecialToken": {"id": words[-1], "type_id": 0}},
                ],
                "pair": [],
                "special_tokens": ends,
            },
            "decoder": None,
            "model": {
                "type": "BPE",
                "dropout": None,
                "unk_token": words[-1],
                "continuing_subword_prefix": "",
                "end_of_word_suffix": "</w>",
                "fuse_unk": False,
                "byte_fallback": False,
                "ignore_merges": False,
                "vocab": ids,
                "merges": [],
            },
        }
    )


def clip_folder(
    folder: Path,
    *,
    side: int = 16,
    dim: int = 12,
    context: int = 8,
    batch: int | str = "n",
    half: bool = False,
    pool: bool = False,
) -> Path:
    """Write a CLIP folder of our own layout with two linear towers; return it."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(5)
    dtype, kind = (np.float16, FLOAT16) if half else (np.float32, FLOAT)
    image = (rng.normal(size=(3 if pool else 3 * side * side, dim)) / side).astype(dtype)
    text = (rng.normal(size=(context, dim)) / 8).astype(np.float32)
    (folder / "visual.onnx").write_bytes(linear([batch, 3, side, side], image, kind=kind, pool=pool))
    (folder / "textual.onnx").write_bytes(linear([batch, context], text, kind=INT32 if half else INT64))
    (folder / "tokenizer.json").write_bytes(tokenizer_json(context))
    config = {
        "model_cfg": {"embed_dim": dim, "vision_cfg": {"image_size": side}, "text_cfg": {"context_length": context}},
        "preprocess_cfg": {"size": [side, side], "interpolation": "bicubic", "resize_mode": "shortest"},
    }
    (folder / "open_clip_config.json").write_bytes(msgspec.json.encode(config))
    return folder
