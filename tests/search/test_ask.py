"""Whole questions put to a small library, and those that docs/search.md shows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phototag.errors import PhototagError, QueryError, UsageError
from phototag.index.reader import Index
from phototag.library.tree import Tree
from phototag.search.ask import ask, deciding
from phototag.search.filters import NO_FILTERS, Filters
from phototag.search.language import parse
from tests.index import sidecars_made as made
from tests.require import REPOSITORY
from tests.search import library_made

BEACH, TOWER, DOG, SHRINE, PLAIN, GONE = (
    "2019/beach.jpg", "2019/tower.jpg", "2020/dog.jpg", "2020/shrine.jpg", "IMG_0042.jpg", "gone.jpg",
)  # fmt: skip
PAGE = REPOSITORY / "docs" / "search.md"


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    return library_made.build(tmp_path_factory.mktemp("ask"))


@pytest.fixture(scope="module")
def index(tree: Tree) -> Index:
    return made.opened(tree)


def found(index: Index, text: str, filters: Filters = NO_FILTERS, k: int | None = None) -> list[str]:
    answer = ask(index, parse(text), filters, locate=lambda path: path.removeprefix("./"), k=k)
    return index.paths(answer.rows.tolist())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {BEACH, TOWER, DOG, SHRINE, PLAIN, GONE}),
        ("beach", {BEACH, DOG, GONE}),
        ("beach tag:sea", {BEACH}),
        ("beach -tag:sea", {DOG, GONE}),
        ("beach -sea", {DOG, GONE}),
        ("beach - sea", {DOG, GONE}),
        ('person:"ada lovelace" -person:grace', {BEACH}),
        ("place:paris place:kyoto", {TOWER, SHRINE}),
        ("-place:fr", {DOG, SHRINE, PLAIN, GONE}),
        ("camera:nikon before:2020", {BEACH}),
        ("-after:2020", {BEACH, TOWER, PLAIN, GONE}),
        ("rating:>=4", {BEACH, SHRINE}),
        ("-rating:>=4 -is:rejected", {TOWER, DOG, GONE}),
        ("has:gps", {BEACH, TOWER, SHRINE}),
        ("has:caption", {TOWER}),
        ("has:people -has:place", {DOG}),
        ("has:vector", {BEACH, TOWER, DOG, SHRINE}),
        ("-has:date", {PLAIN, GONE}),
        ("faces:>1", {DOG}),
        ("is:absent", {GONE}),
        ("is:present tag:holiday", {SHRINE}),
        ("is:rejected", {PLAIN}),
        ("is:landscape", {BEACH, TOWER, DOG, SHRINE, PLAIN, GONE}),
        ("is:portrait", set()),
        ("is:duplicate", set()),
        ("is:raw", set()),
        ("has:cluster", set()),
        ("path:2019", {BEACH, TOWER}),
        ("tag:tower OR tag:shrine", {TOWER, SHRINE}),
        ("(tag:sea rating:5) OR person:grace", {SHRINE, DOG}),
        ("beach OR tower -is:absent", {BEACH, DOG, TOWER}),
        ("tower OR tag:shrine", {TOWER, SHRINE}),
        ("(tower OR has:gps) -is:rejected", {TOWER, BEACH, SHRINE}),
        ("-(tag:beach place:nice)", {TOWER, DOG, SHRINE, PLAIN, GONE}),
        ("-(beach OR tower)", {SHRINE, PLAIN}),
    ],
)
def test_questions(index: Index, text: str, expected: set[str]) -> None:
    answer = found(index, text)
    assert set(answer) == expected
    assert len(answer) == len(expected)


def test_without_words_the_newest_come_first_and_nothing_ranks(index: Index) -> None:
    answer = ask(index, parse("has:date"), locate=str, k=2)
    assert index.paths(answer.rows.tolist()) == [SHRINE, DOG]
    assert (answer.scores, answer.total) == (None, 4)


def test_filters_of_options_and_of_the_text_must_both_hold(index: Index) -> None:
    assert found(index, "tag:beach", Filters(tags=("sky",))) == [BEACH]
    assert set(found(index, "place:nice", Filters(places=("paris",)))) == set()


def test_like_ranks_and_leaves_the_picture_out(index: Index) -> None:
    alike = found(index, "like:./2019/beach.jpg")
    assert set(alike) == {TOWER, DOG, SHRINE}
    assert found(index, "like:2019/beach.jpg sea") == [SHRINE]
    assert set(found(index, "like:2019/beach.jpg sea OR dog")) == {SHRINE, DOG}
    assert found(index, "like:2019/beach.jpg like:2020/dog.jpg", k=1)[0] in (TOWER, SHRINE)


def test_like_says_what_it_cannot_compare(index: Index) -> None:
    with pytest.raises(UsageError, match=r"no such file: nowhere\.jpg"):
        found(index, "like:nowhere.jpg")
    with pytest.raises(PhototagError, match="has no vector"):
        found(index, "like:IMG_0042.jpg")


def test_a_category_is_a_cluster_by_its_name(index: Index) -> None:
    with pytest.raises(UsageError, match="there are no clusters yet"):
        found(index, "category:Travel")


def test_words_of_groups_only_lead_the_answer(index: Index) -> None:
    assert found(index, "tag:sea OR tower") == [TOWER, SHRINE, BEACH]
    assert found(index, "tag:sea OR tower", k=2) == [TOWER, SHRINE]
    assert ask(index, parse("tag:sea OR tower"), locate=str).total == 3


def test_words_that_decide() -> None:
    assert deciding("red sunset - people") == Filters(words=("red sunset",), not_words=("people",))
    with pytest.raises(UsageError, match="cannot be compared"):
        deciding("beach + ./sea.jpg")


LEAVES = ("tag:beach", "tag:sea", "rating:>=4", "after:2020", "has:gps", "person:grace", "is:absent", "place:paris")
expressions = st.recursive(
    st.sampled_from(LEAVES),
    lambda inner: st.one_of(
        st.tuples(st.just("and"), st.lists(inner, min_size=1, max_size=3)),
        st.tuples(st.just("or"), st.lists(inner, min_size=2, max_size=3)),
        st.tuples(st.just("not"), st.lists(inner, min_size=1, max_size=1)),
    ),
    max_leaves=8,
)


def written(expression: Any) -> str:
    """Return a tree of and, or and not as a query; places are parted, since several of them mean any."""
    if isinstance(expression, str):
        return f"({expression})" if expression.startswith("place:") else expression
    kind, inner = expression
    parts = [written(one) for one in inner]
    if kind == "not":
        return f"-({parts[0]})"
    return f"({(' OR ' if kind == 'or' else ' ').join(parts)})"


def meant(index: Index, expression: Any) -> set[str]:
    """Return what the tree means, by sets."""
    if isinstance(expression, str):
        return set(found(index, expression))
    kind, inner = expression
    sets = [meant(index, one) for one in inner]
    if kind == "not":
        return set(found(index, "")) - sets[0]
    return set.union(*sets) if kind == "or" else set.intersection(*sets)


@settings(deadline=None, max_examples=60)
@given(expression=expressions)
def test_expressions_mean_what_sets_mean(index: Index, expression: Any) -> None:
    assert set(found(index, written(expression))) == meant(index, expression)


def page_queries() -> list[str]:
    """Return the queries in the tables of the page."""
    return re.findall(r"^\| `([^`]+)` \|", PAGE.read_text("utf-8"), re.MULTILINE)


@pytest.mark.parametrize("text", page_queries())
def test_queries_of_the_page_are_understood(index: Index, text: str) -> None:
    asked = parse(text)
    if "cluster:" in text or "category:" in text:
        return  # the small library has no clusters
    if "./" in asked.text or asked.like:
        assert (asked.text, asked.like) in (("2:beach + ./sea.jpg - people", ()), ("", ("./a.jpg",)))
        return  # nor these pictures
    assert ask(index, asked, locate=str, k=3).total <= index.count


def test_mistakes_of_the_page_look_so(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    from phototag.cli.main import run

    shown = re.findall(r"```text\n(phototag: .*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert len(shown) >= 2
    for block in shown:
        text = block.splitlines()[1].strip()
        with pytest.raises(QueryError):
            parse(text)
        assert run(["query", text, "--library", str(tmp_path)]) == 2
        assert capsys.readouterr().err == block
