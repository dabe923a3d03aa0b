"""Folding and cutting text: what an index and a question have in common, in many scripts."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phototag.index.words import fold, padded, spellings, split


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("IMG_0042.jpg", ["img", "0042", "jpg"]),
        ("Café ﬁn, TM ™", ["cafe", "fin", "tm", "tm"]),
        ("o'hara", ["o", "hara"]),
        ("Straße STRASSE", ["strasse", "strasse"]),
        ("Tromsø Łódź Đà Nẵng Þórsmörk Ærø Hafnarfjörður", ["tromso", "lodz", "da", "nang", "thorsmork", "aero", "hafnarfjordur"]),
        ("İstanbul Diyarbakır", ["istanbul", "diyarbakir"]),
        ("Ελλάδα Москва", ["ελλαδα", "москва"]),
        ("東京の塔", ["東", "京", "の", "塔"]),
        ("𠮷野家", ["𠮷", "野", "家"]),
        ("나무와 바다", ["나", "무", "와", "바", "다"]),
        ("ทะเล", ["ท", "ะ", "เ", "ล"]),
        ("हिन्दी, दिन", ["हिनदी", "दिन"]),
        ("வணக்கம் বাংলা", ["வணககம", "বাংলা"]),
        ("1️⃣ ❤️ 葛󠄀", ["1", "葛"]),
        ("!?", []),
    ],
)  # fmt: skip
def test_words(text: str, words: list[str]) -> None:
    assert split(text) == words
    assert split(padded(text)) == words


def test_umlauts_are_written_in_two_ways() -> None:
    assert spellings("Göreme") == spellings("Go\u0308reme") == [" goreme ", " goereme "]
    assert spellings("Århus Tromsø") == [" arhus tromso ", " aarhus tromsoe "]
    assert spellings("Genève") == [" geneve "]
    assert spellings("Paris") == [" paris "]
    assert spellings("!") == spellings("…") == []


def test_what_is_folded_stays_so() -> None:
    every = "\n".join(chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000)
    once = fold(every)
    assert fold(once) == once


@given(st.text(), st.text())
def test_words_are_cut_alike_alone_and_in_a_text(one: str, other: str) -> None:
    assert split(f"{one} {other}") == [*split(one), *split(other)]
    assert split(" ".join(split(one))) == split(one)
