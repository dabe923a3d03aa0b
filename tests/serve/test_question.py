import os
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phototag.errors import UsageError
from phototag.search.fields import FIELDS
from phototag.search.filters import Filters
from phototag.serve.question import Question, from_pairs, read_question, shown

words = st.text(min_size=1, max_size=20).map(lambda text: text.strip()).filter(bool)
ODD = os.fsdecode(b"caf\xe9/\xff.jpg")


@settings(deadline=None)
@given(
    text=words | st.just(""),
    tags=st.lists(words, max_size=3, unique=True).map(tuple),
    rating=st.none() | st.sampled_from(["5", ">=3", "0"]),
    paths=st.lists(st.just(ODD) | words, max_size=2, unique=True).map(tuple),
    sort=st.sampled_from(["", "taken", "-rating"]),
)
def test_an_address_asks_what_it_was_made_of(
    text: str, tags: tuple[str, ...], rating: str | None, paths: tuple[str, ...], sort: str
) -> None:
    asked = Question(text, "", Filters(tags=tags, rating=rating, path=paths), sort)
    query = asked.query()
    query.encode("ascii")
    assert read_question(query.encode()) == asked


@settings(deadline=None)
@given(raw=st.binary(max_size=100))
def test_any_query_string_is_a_question_or_an_error(raw: bytes) -> None:
    try:
        found = read_question(raw)
    except UsageError:
        return
    assert read_question(found.query().encode()) == found


def test_only_paths_hold_bytes_that_are_not_utf_8() -> None:
    found = read_question(b"q=caf%e9&tag=%ff&path=dir%FF&like=%ff.jpg&person=%ff")
    assert (found.text, found.filters.tags, found.filters.people) == ("caf\ufffd", ("\ufffd",), ("\ufffd",))
    assert found.filters.path == (os.fsdecode(b"dir\xff"),)
    assert found.like == os.fsdecode(b"\xff.jpg")


def test_a_form_can_send_every_path() -> None:
    asked = Question(filters=Filters(path=(ODD, "100%25", "plain")))
    sent = asked.form_pairs()
    assert sent == [("path*", "caf%E9/%FF.jpg"), ("path", "100%25"), ("path", "plain")]
    assert read_question(urlencode(sent).encode()) == asked


def test_chips_take_one_filter_away() -> None:
    asked = from_pairs([("q", "sea"), ("tag", "a"), ("tag", "b"), ("rating", ">=3"), ("sort", "taken")])
    assert [(chip.label, chip.value) for chip in asked.chips()] == [
        ("tag", "a"),
        ("tag", "b"),
        ("rating", "3 stars and up"),
    ]
    assert asked.chips()[0].without == "/?q=sea&tag=b&rating=%3E%3D3&sort=taken"


def test_order() -> None:
    assert Question().order == "-taken"
    assert Question(text="sea").order == "relevance"
    assert Question(text="sea", sort="taken").order == "taken"
    assert Question(like="a.jpg").ranked
    assert not Question().asks
    assert Question(text="x").asks


def test_every_filter_of_the_language_has_an_address() -> None:
    for name, field in FIELDS.items():
        asked = from_pairs([(name, "5")])
        assert asked != Question(), name
        assert asked.pairs() == [(name, "5")], field


def test_filters_alone_do_not_rank() -> None:
    assert not Question(text="tag:sea").ranked
    assert Question(text="tag:sea").order == "-taken"
    assert Question(text="boats tag:sea").ranked


def test_ratings_are_said_in_words() -> None:
    said = [shown("rating", value) for value in ("5", "1", ">=3", "0", "-1")]
    assert said == ["5 stars", "1 star", "3 stars and up", "unrated", "rejected"]


def test_unknown_names_are_left_out_and_numbers_checked() -> None:
    assert from_pairs([("utm_source", "x"), ("sort", "evil")]) == Question()
    assert from_pairs([("cluster", "3")]).filters.cluster == 3
    with pytest.raises(UsageError, match="not a number"):
        from_pairs([("min-score", "many")])
