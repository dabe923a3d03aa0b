"""The query language: what a text asks for, and where it is wrong."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phototag.errors import QueryError
from phototag.search import language, traits
from phototag.search.fields import FIELDS, HAS, IS
from phototag.search.filters import Filters
from phototag.search.language import Asked, parse
from phototag.search.terms import Term, parse_terms

ISSUE = (
    'beach tag:sea -tag:people person:"Ada Lovelace" place:Paris camera:nikon after:2019-06 before:2020 rating:>=3 '
    "has:gps faces:>1 is:screenshot like:./a.jpg category:Travel cluster:3"
)


def test_every_filter_at_once() -> None:
    assert parse(ISSUE) == Asked(
        "beach",
        Filters(
            tags=("sea",),
            not_tags=("people",),
            people=("Ada Lovelace",),
            places=("Paris",),
            cameras=("nikon",),
            after="2019-06",
            before="2020",
            rating=">=3",
            has=("gps",),
            faces=">1",
            kinds=("screenshot",),
            categories=("Travel",),
            cluster=3,
        ),
        ("./a.jpg",),
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Asked()),
        ("  red   sunset ", Asked("red sunset")),
        ("well-known A+B été 'tis", Asked("well-known A+B été 'tis")),
        ("horse + stripes", Asked("horse + stripes")),
        ("2:beach + ./sea.jpg - people", Asked("2:beach + ./sea.jpg - people")),
        ("horse tag:zebra + stripes", Asked("horse + stripes", Filters(tags=("zebra",)))),
        ("SALT AND PEPPER", Asked("SALT AND PEPPER")),
        ("rock AND roll tag:a", Asked("rock AND roll", Filters(tags=("a",)))),
        ('tag:"rock AND roll" "AND" NOT', Asked("AND NOT", Filters(tags=("rock AND roll",)))),
        ('"rock + roll"', Asked("rock roll")),
        ('"tag:sea"', Asked("tag:sea")),
        ('bus "2:30"', Asked("bus 2:30")),
        (r'tag:"a \"b\" c"', Asked("", Filters(tags=('a "b" c',)))),
        ('tag:"sea (north)"', Asked("", Filters(tags=("sea (north)",)))),
        ("sun -people", Asked("sun", Filters(not_words=("people",)))),
        ('sun -"ada lovelace"', Asked("sun", Filters(not_words=("ada lovelace",)))),
        ("TAG:sea", Asked("", Filters(tags=("sea",)))),
        ("is:RAW has:Gps", Asked("", Filters(kinds=("RAW",), has=("Gps",)))),
        ("any_tag:sea", Asked("", Filters(any_tags=("sea",)))),
        ("not-tag:sea -tag:sea", Asked("", Filters(not_tags=("sea",)))),
        ("-person:Ada", Asked("", Filters(not_people=("Ada",)))),
        ("-not-tag:sea", Asked("", Filters(none_of=(Filters(not_tags=("sea",)),)))),
        ("-place:Paris", Asked("", Filters(none_of=(Filters(places=("Paris",)),)))),
        ("place:Paris place:Nice", Asked("", Filters(places=("Paris", "Nice")))),
        ("rating:-1 cluster:-1", Asked("", Filters(rating="-1", cluster=-1))),
        ("after:2019 after:2020", Asked("", Filters(after="2019", one_of=((Filters(after="2020"),),)))),
        ("like:a.jpg like:b.jpg", Asked("", Filters(), ("a.jpg", "b.jpg"))),
        ("ORange OR", None),
        (
            "x tag:a OR tag:b y",
            Asked("x y", Filters(one_of=((Filters(tags=("a",)), Filters(tags=("b",))),))),
        ),
        (
            "(tag:a place:P) OR -tag:b OR c",
            Asked(
                "",
                Filters(
                    one_of=((Filters(tags=("a",), places=("P",)), Filters(not_tags=("b",)), Filters(words=("c",))),)
                ),
                in_groups=("c",),
            ),
        ),
        (
            "(place:P tag:a) place:Q",
            Asked("", Filters(places=("Q",), one_of=((Filters(places=("P",), tags=("a",)),),))),
        ),
        ("(tag:a tag:b)", Asked("", Filters(tags=("a", "b")))),
        ("-(tag:a word)", Asked("", Filters(none_of=(Filters(tags=("a",), words=("word",)),)))),
        (
            "horse - stripes (lake OR sea)",
            Asked(
                "horse - stripes",
                Filters(one_of=((Filters(words=("lake",)), Filters(words=("sea",))),)),
                in_groups=("lake", "sea"),
            ),
        ),
    ],
)
def test_texts(text: str, expected: Asked | None) -> None:
    if expected is None:
        with pytest.raises(QueryError):
            parse(text)
    else:
        assert parse(text) == expected


@pytest.mark.parametrize(
    ("text", "ranking"),
    [
        ("red sunset", "red sunset"),
        ("lake OR sea", "lake sea"),
        ("horse lake OR sea", "lake sea horse"),
        ("horse - stripes (lake OR sea)", "lake sea + horse - stripes"),
        ("horse -(lake sea)", "horse"),
        ("2:horse lake OR sea", "lake sea + 2:horse"),
    ],
)
def test_words_of_groups_rank_too(text: str, ranking: str) -> None:
    assert parse(text).ranking == ranking


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ('"2:30"', [Term("2:30")]),
        ('"2:30" bus tag:x', [Term("2:30 bus")]),
        ('bus + "2:30" - "7:00"', [Term("bus"), Term("2:30"), Term("7:00", -1.0)]),
        ('tag:x 2:bus - "7:00"', [Term("bus", 2.0), Term("7:00", -1.0)]),
        ('"2:30" OR bus', [Term("2:30 bus")]),
        ('("2:30" OR bus) "3:00"', [Term("2:30 bus"), Term("3:00")]),
        ("(2:30 OR bus)", [Term("2:30 bus")]),
    ],
)
def test_what_is_in_quotes_or_groups_is_no_weight(text: str, terms: list[Term]) -> None:
    assert parse_terms(parse(text).ranking) == terms


@pytest.mark.parametrize(
    ("text", "at", "problem", "expected"),
    [
        ("beach tga:x", 6, "no filter tga:", "did you mean tag:x?"),
        ("foo:bar", 0, "no filter foo:", "like:"),
        ("tag:", 4, "tag: needs a value", "after the colon"),
        ("x tag: sea", 6, "tag: needs a value", "after the colon"),
        ('tag:""', 4, "quotes are empty", "between them"),
        ('""', 0, "quotes are empty", "between them"),
        ("rating:many", 7, "'many' is not a number or a range", "3..5"),
        ("faces:x", 6, "'x' is not a number or a range", "3..5"),
        ("rating:5..3", 7, "the wrong way round", "3..5"),
        ("rating:>=" + "9" * 5000, 7, "is not a number or a range", "3..5"),
        ("after:2019-06-30T12:00+02:00", 6, "has a time zone", "camera's clock"),
        ('before:"2019-06-30 12:00Z"', 7, "has a time zone", "camera's clock"),
        ("tag:a AND beach", 6, "AND is not written", "a space means it"),
        ("beach AND -(tag:a)", 6, "AND is not written", "a space means it"),
        ("beach NOT tag:a", 6, "NOT is written as a '-'", "as in -tag:sea"),
        ("re:invent", 0, "no filter re:", "words with a colon need quotes"),
        ("after:20x9", 6, "is not a date", "2019-06"),
        ("has:gpss", 4, "has:gpss", "did you mean has:gps?"),
        ("has:GPSS", 4, "has:GPSS", "did you mean has:gps?"),
        ("is:nice", 3, "is:nice", "screenshot"),
        ("cluster:x", 8, "not a whole number", "cluster:3"),
        ("a (b", 2, "never closed", ")"),
        ("(a (b)", 0, "never closed", ")"),
        ('a "b c', 2, "quote is never closed", '"'),
        ('tag:"b c', 4, "quote is never closed", '"'),
        ("a) b", 1, "closes nothing", "expected"),
        ("a ( ) b", 4, "nothing is between", "expected"),
        ("OR a", 0, "OR needs something on both sides", "tag:sea OR tag:lake"),
        ("a OR OR b", 5, "OR needs something on both sides", "tag:sea OR tag:lake"),
        ("a OR", 4, "ends too early", "expected"),
        ("a OR - b", 5, "a - cannot stand here", "expected"),
        ("(a + b)", 3, "a + cannot stand here", "expected"),
        ("beach +", 6, "nothing to add", "words"),
        ("- tag:x a", 0, "nothing to take away", "without a space"),
        ("a + + b", 2, "nothing to add", "words"),
        ("--tag:x", 1, "a - cannot stand here", "expected"),
        ("-like:x", 1, "like: cannot be negated", "without the '-'"),
        ("(like:x)", 1, "like: cannot stand in parentheses", ""),
        ("-./a.jpg", 1, "picture's path", "- PATH"),
        ("a OR ...", 5, "no words in it", "expected"),
        ("(" * 40 + "a" + ")" * 40, 32, "nested too deep", ""),
    ],
)
def test_mistakes_are_pointed_at(text: str, at: int, problem: str, expected: str) -> None:
    with pytest.raises(QueryError) as caught:
        parse(text)
    error = caught.value
    assert (error.text, error.at, error.exit_code) == (text, at, 2)
    assert problem in str(error)
    assert expected in (error.hint or "")


def test_the_values_of_has_and_is_are_those_that_can_be_answered() -> None:
    assert set(HAS) == set(traits._HAS)
    assert set(IS) == set(traits._IS)
    assert {field.field for field in FIELDS.values()} <= set(Filters.__struct_fields__)


plain = st.lists(
    st.text(st.characters(codec="utf-8", exclude_characters=' -+:"()', exclude_categories=("Z", "C")), min_size=1),
    min_size=1,
).filter(lambda words: "OR" not in words)


@settings(deadline=None)
@given(plain)
def test_words_alone_mean_the_same_with_and_without_the_grammar(words: list[str]) -> None:
    text = "  ".join(words)
    assert parse(text) == language._Reading(text).asked() == Asked(" ".join(words))


@settings(deadline=None, max_examples=300)
@given(
    st.lists(
        st.sampled_from(["a", "tag:b", "-", "+", "OR", "(", ")", '"', " ", "-tag:c", "rating:x", "2:d", "like:e", "\\"])
    ).map("".join)
)
def test_any_text_is_read_or_pointed_at(text: str) -> None:
    try:
        asked = parse(text)
    except QueryError as error:
        assert 0 <= error.at <= len(text)
        assert error.text == text
    else:
        assert parse(text) == asked
        hash(asked.filters)


def test_words_alone_do_not_import_the_parser() -> None:
    code = (
        "import sys\nfrom phototag.search.language import parse\n"
        "parse('red sunset')\nprint('lark' in sys.modules)\nparse('tag:sea')\nprint('lark' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]


def test_the_order_of_things_does_not_matter_to_filters() -> None:
    parts = re.findall(r'\S+"[^"]*"|\S+', ISSUE)
    assert parse(" ".join(reversed(parts))) == parse(ISSUE)
