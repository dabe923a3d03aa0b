"""Tokens exactly as OpenCLIP's tokenizer makes them."""

from __future__ import annotations

import gzip
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phototag.errors import BrokenModelError
from phototag.models.clip import bpe
from phototag.models.clip.tokenizer import Encode, Tokenizer, _with_library
from tests import require

require.module("tokenizers")

# Ids that open_clip.get_tokenizer("ViT-B-32") gives (open_clip 3.3.0).
KNOWN = {
    "a photo of a cat": [49406, 320, 1125, 539, 320, 2368, 49407],
    "  A   Photo\tof a CAT ": [49406, 320, 1125, 539, 320, 2368, 49407],
    "hello world!": [49406, 3306, 1002, 256, 49407],
    "": [49406, 49407],
}


@pytest.fixture(scope="module")
def source() -> Path:
    return require.shared("clip_shapes/model") / "tokenizer.json"


@pytest.fixture(scope="module")
def full(source: Path) -> Tokenizer:
    return Tokenizer(str(source), context_length=77)


@pytest.fixture(scope="module")
def merges(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    """Return the tokenizer made of the list of merges, in the form in which OpenAI publishes it."""
    found = msgspec.json.decode(source.read_bytes())["model"]["merges"][: bpe.MERGES]
    lines = [pair if isinstance(pair, str) else " ".join(pair) for pair in found]
    path = tmp_path_factory.mktemp("merges") / "bpe_simple_vocab_16e6.txt.gz"
    path.write_bytes(gzip.compress("\n".join(["#version: 0.2", *lines, "left over", ""]).encode()))
    return Tokenizer(str(path), context_length=77)


@pytest.fixture(scope="module")
def library(source: Path) -> Encode:
    return _with_library(str(source), 77)[0]


@pytest.mark.parametrize("text", KNOWN)
def test_known_texts(full: Tokenizer, text: str) -> None:
    row = full([text])[0]
    assert row[: len(KNOWN[text])].tolist() == KNOWN[text]
    assert not row[len(KNOWN[text]) :].any(), "padded with zeros"
    assert row.shape == (77,) and row.dtype == np.int64


def test_a_long_text_keeps_its_beginning_and_the_end_token(full: Tokenizer) -> None:
    row = full(["dog " * 200])[0]
    assert row[0] == 49406 and row[-1] == 49407
    assert len(set(row[1:-1].tolist())) == 1


def test_the_context_comes_from_the_model(source: Path) -> None:
    assert Tokenizer(str(source), context_length=20)(["a dog", "a cat"]).shape == (2, 20)


LETTERS = st.characters(exclude_categories=("Cn", "Cs"))
"""What this Python's Unicode knows: a later version makes letters of what an earlier one has no name for."""


@given(text=st.text(LETTERS, max_size=60) | st.text("it's we'll a1!? \u00e9\u65e5", max_size=200))
@settings(deadline=None, max_examples=200)
def test_the_same_tokens_as_the_library_makes_of_the_file(
    full: Tokenizer, merges: Tokenizer, library: Encode, text: str
) -> None:
    (expected,) = library([full.clean(text)])
    assert full([text])[0].tolist() == expected + [0] * (77 - len(expected))
    assert np.array_equal(full([text]), merges([text]))


def test_clip_needs_no_library(source: Path) -> None:
    assert bpe.from_json(source.read_bytes()) is not None


def test_another_kind_of_tokenizer_is_left_to_the_library(source: Path, tmp_path: Path) -> None:
    found = msgspec.json.decode(source.read_bytes())
    found["pre_tokenizer"]["pretokenizers"][0]["pattern"] = {"Regex": r"\S+"}
    path = tmp_path / "tokenizer.json"
    path.write_bytes(msgspec.json.encode(found))
    assert bpe.from_json(path.read_bytes()) is None
    row = Tokenizer(str(path), context_length=20)(["a dog's life"])[0]
    assert row[0] == 49406 and 49407 in row
    assert not np.array_equal(row, Tokenizer(str(source), context_length=20)(["a dog's life"])[0])


@pytest.mark.parametrize(
    ("typed", "plain"),
    [
        ("the dog\u2019s \u201cball\u201d", 'the dog\'s "ball"'),
        ("fish &amp; chips", "fish & chips"),
        ("fish &amp;amp; chips", "fish & chips"),
        ("\uff21\uff22\uff23", "abc"),
        ("e\u0301te\u0301", "\u00e9t\u00e9"),
        ("\ufb01sh", "fish"),
        ("\u01c5ep", "d\u017eep"),
        ("sun\u206aset\ufeff", "sunset"),
    ],
)
def test_what_people_paste_is_made_plain(full: Tokenizer, typed: str, plain: str) -> None:
    assert np.array_equal(full([typed]), full([plain]))


def test_canonical_text_has_no_punctuation(source: Path) -> None:
    canonical = Tokenizer(str(source), context_length=20, clean="canonicalize")
    assert np.array_equal(canonical(["Hello, big_world!"]), canonical(["hello big world"]))


PIECES = ("<pad>", "</s>", "<unk>", "[SEP]", "[PAD]", "a", "red", "Red", "dog")


def words_json(path: Path, *, padding: dict[str, object] | None = None, end: str = "</s>") -> Path:
    """Write a tokenizer of whole words that ends a text with ``end``; return its path."""
    tokens = require.module("tokenizers")
    made = tokens.Tokenizer(tokens.models.WordLevel({word: i for i, word in enumerate(PIECES)}, unk_token="<unk>"))
    made.pre_tokenizer = tokens.pre_tokenizers.Whitespace()
    made.post_processor = tokens.processors.TemplateProcessing(
        single=f"$A {end}", special_tokens=[(end, PIECES.index(end))]
    )
    if padding is not None:
        made.enable_padding(**padding)
    path.parent.mkdir(exist_ok=True)
    made.save(str(path))
    return path


def test_a_tokenizer_of_the_models_own_keeps_the_case(tmp_path: Path) -> None:
    path = str(words_json(tmp_path / "tokenizer.json"))
    text = " a  Red\tdog! "
    kept = Tokenizer(path, context_length=6, clean="whitespace", own=True)
    assert kept([text])[0].tolist() == [5, 7, 8, 2, 1, 0]
    plain = Tokenizer(path, context_length=6, clean="canonicalize", own=True)
    assert plain([text])[0].tolist() == [5, 6, 8, 1, 0, 0]
    assert plain(["a a a a a a a a"])[0].tolist() == [5, 5, 5, 5, 5, 1], "a long text keeps its end token"


@pytest.mark.parametrize(
    ("name", "content", "row", "said"),
    [
        ("none.json", {}, [5, 1, 0, 0], False),
        ("tokenizer_config.json", {"pad_token": "</s>"}, [5, 1, 1, 1], True),
        ("tokenizer_config.json", {"pad_token": {"content": "[PAD]", "lstrip": False}}, [5, 1, 4, 4], True),
        ("tokenizer_config.json", {"pad_token": "[PAD]", "padding_side": "left"}, [4, 4, 5, 1], True),
        ("tokenizer_config.json", {"pad_token": None}, [5, 1, 0, 0], False),
        ("special_tokens_map.json", {"pad_token": {"content": "</s>"}}, [5, 1, 1, 1], True),
    ],
)
def test_padding_is_what_lies_beside_the_tokenizer(
    tmp_path: Path, name: str, content: dict[str, object], row: list[int], said: bool
) -> None:
    path = words_json(tmp_path / "tokenizer.json")
    (tmp_path / name).write_bytes(msgspec.json.encode(content))
    found = Tokenizer(str(path), context_length=4, own=True)
    assert (found(["a"])[0].tolist(), found.filling.said) == (row, said)


def test_padding_is_what_the_tokenizer_itself_says(tmp_path: Path) -> None:
    path = words_json(tmp_path / "tokenizer.json", padding={"pad_id": 4, "pad_token": "[PAD]", "direction": "left"})
    found = Tokenizer(str(path), context_length=4, own=True)
    assert (found(["a"])[0].tolist(), found.filling.said) == ([4, 4, 5, 1], True)


def test_a_separator_that_the_model_never_saw_becomes_nothing(tmp_path: Path) -> None:
    path = words_json(tmp_path / "tokenizer.json", end="[SEP]")
    (tmp_path / "tokenizer_config.json").write_bytes(b'{"pad_token": "[PAD]"}')
    assert Tokenizer(str(path), context_length=4, own=True)(["a"])[0].tolist() == [5, 3, 4, 4]
    assert Tokenizer(str(path), context_length=4, own=True, strip_sep=True)(["a"])[0].tolist() == [5, 0, 4, 4]


@pytest.mark.parametrize("content", [b"{", b'{"pad_token": 5}', b'{"pad_token": "<nothing>"}'])
def test_a_file_beside_the_tokenizer_that_does_not_fit_is_named(tmp_path: Path, content: bytes) -> None:
    path = words_json(tmp_path / "tokenizer.json")
    (tmp_path / "tokenizer_config.json").write_bytes(content)
    with pytest.raises(BrokenModelError, match=r"tokenizer(_config)?\.json"):
        Tokenizer(str(path), context_length=4, own=True)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    for name in ("tokenizer.json", "bpe_simple_vocab_16e6.txt.gz"):
        (tmp_path / name).write_bytes(b"nothing of the sort")
        with pytest.raises(BrokenModelError, match=name):
            Tokenizer(str(tmp_path / name), context_length=77)
