"""Queries as shells hand them over."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click
import pytest

from phototag.cli.ask import query
from phototag.cli.expression import paths_and_words, typed
from phototag.cli.main import run
from phototag.errors import QueryError
from phototag.handle import Library
from phototag.search.language import parse
from tests.search import library_made


@pytest.fixture(scope="module")
def root(sealed_session: None, tmp_path_factory: pytest.TempPathFactory) -> str:
    return library_made.build(tmp_path_factory.mktemp("expression")).root


def printed(capfdbinary: pytest.CaptureFixture[bytes], *args: str) -> set[str]:
    assert run([*args, "--json"]) == 0
    return {image["path"] for image in json.loads(capfdbinary.readouterr().out)}


@pytest.mark.parametrize(
    ("args", "text", "options"),
    [
        (["red", "sunset", "-k", "5"], ("red", "sunset"), {"count": 5}),
        (["beach", "-tag:people", "-k5"], ("beach", "-tag:people"), {"count": 5}),
        (["-squirrel", "-kids", "-q"], ("-squirrel", "-kids"), {"quiet": True, "count": 20}),
        (["horse", "-", "stripes"], ("horse", "-", "stripes"), {}),
        (["--tag", "-odd-", "x"], ("x",), {"tags": ("-odd-",)}),
        (["--tag=a", "x", "--", "--json"], ("x", "--json"), {"tags": ("a",), "as_json": False}),
    ],
)
def test_what_is_no_option_is_part_of_the_query(
    args: list[str], text: tuple[str, ...], options: dict[str, object]
) -> None:
    context = query.make_context("query", list(args))
    assert context.params["text"] == text
    assert {name: context.params[name] for name in options} == options


def test_unknown_options_are_still_mistakes() -> None:
    with pytest.raises(click.NoSuchOption):
        query.make_context("query", ["x", "--tga", "y"])


@pytest.mark.parametrize(
    "args", [["list", "tag:night", "-v"], ["export", "-n", "1"], ["export", "-n5"], ["query", "x", "-x"]]
)
def test_a_single_letter_is_an_option_and_there_must_be_one(
    root: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], args: list[str]
) -> None:
    monkeypatch.chdir(root)
    assert run(args) == 2
    wrong = next(arg for arg in args if arg.startswith("-"))
    assert (
        f"No such option: {wrong} (a word to leave out stands in quotes, '-\"{wrong[1:]}\"')" in capsys.readouterr().err
    )


@pytest.mark.parametrize("words", [['-"v"'], ["-山"], ["-a6000"], ["--", "-v"]])
def test_a_word_to_leave_out_may_be_a_letter(root: str, monkeypatch: pytest.MonkeyPatch, words: list[str]) -> None:
    monkeypatch.chdir(root)
    assert run(["list", *words]) == 0


def test_k_and_n_are_one(root: str, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    monkeypatch.chdir(root)
    for command in (["list"], ["query", "sky"], ["query", "--present"], ["similar", "2019/beach.jpg"]):
        for option in (["-k", "1"], ["-n", "1"], ["-n1"], ["-k1"]):
            assert len(printed(capfdbinary, *command, *option)) == 1


def test_a_query_may_be_filters_alone(
    root: str, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.chdir(root)
    assert printed(capfdbinary, "query", "--tag", "sky") == printed(capfdbinary, "query", "tag:sky") != set()
    assert printed(capfdbinary, "query", "--absent") == {"gone.jpg"}
    assert run(["query"]) == run(["query", "--lexical"]) == 2
    assert b"there is nothing to search for" in capfdbinary.readouterr().err


def test_near_names_are_offered_where_nothing_is_found(
    root: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(root)
    assert run(["index", "refresh", "-q"]) == 0
    capsys.readouterr()
    assert run(["list", "place:Kioto"]) == 0
    assert capsys.readouterr().err == "0 images\ndid you mean place:Kyoto?\n"
    assert run(["query", "--tag", "beech", "sea", "--lexical"]) == 0
    assert capsys.readouterr().err == "nothing found; did you mean tag:beach?\n"
    assert run(["query", "zebra", "--lexical"]) == 0
    assert capsys.readouterr().err == "nothing found; 'phototag stats' shows which tags there are\n"
    assert run(["list", "place:Kioto", "--json"]) == 0
    assert capsys.readouterr() == ("[]\n", "")


@pytest.mark.parametrize(
    ("args", "same_as"),
    [
        (["beach", "person:Ada Lovelace"], 'beach person:"Ada Lovelace"'),
        (["-person:Ada Lovelace"], '-person:"Ada Lovelace"'),
        (["person:Ada Lovelace tag:sea"], "person:Ada Lovelace tag:sea"),
        (['person:"Ada Lovelace" beach'], 'person:"Ada Lovelace" beach'),
        (["tag:sea", "(beach OR lake)"], "tag:sea (beach OR lake)"),
        (["tag:sea OR lake"], "tag:sea OR lake"),
        (["tag:sea -people"], "tag:sea -people"),
        (["category:Paris - 2019"], 'category:"Paris - 2019"'),
        (["place:Portland OR"], 'place:"Portland OR"'),
        (["like:./my photo.jpg"], 'like:"./my photo.jpg"'),
        (["beach", "+", "./my photo (1).jpg"], 'beach + "./my photo (1).jpg"'),
        (["beach + ./sea.jpg - people"], "beach + ./sea.jpg - people"),
        (["./sea.jpg - people"], "./sea.jpg - people"),
    ],
)
def test_an_argument_that_is_one_filter_or_path_stays_one(args: list[str], same_as: str) -> None:
    assert parse(typed(args)) == parse(same_as)


def test_a_space_after_the_colon_is_a_mistake_as_it_is_in_a_longer_query() -> None:
    with pytest.raises(QueryError, match="tag: needs a value"):
        parse(typed(["tag: sea"]))


def test_files_and_folders_that_are_here_are_told_from_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sea").mkdir()
    odd = os.fsdecode(b"caf\xe9.jpg")
    (tmp_path / odd).touch()
    assert paths_and_words(["sea", "beach", odd, "tag:a/b"]) == (["sea", odd], ["beach", "tag:a/b"])
    with pytest.raises(click.UsageError, match="there is no file or folder"):
        paths_and_words(["nowhere/"])


def test_list_takes_folders_filters_and_words(
    root: str, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.chdir(root)
    assert printed(capfdbinary, "list", "2019", "tag:sky", "-tag:sea") == {"2019/tower.jpg"}
    assert printed(capfdbinary, "list", "2019", "2020/dog.jpg", "tag:beach") == {"2019/beach.jpg", "2020/dog.jpg"}
    assert printed(capfdbinary, "list", "person:Ada Lovelace", "--not-person", "grace") == {"2019/beach.jpg"}
    assert printed(capfdbinary, "list", "été") == {"2019/tower.jpg"}
    assert printed(capfdbinary, "list", "--is", "absent") == {"gone.jpg"}
    assert printed(capfdbinary, "list", "--has", "gps", "--faces", "1") == {"2019/beach.jpg"}


@pytest.mark.parametrize("here", [".", "./", "../2019"])
def test_the_current_folder_is_a_folder_as_any_other(
    root: str, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes], here: str
) -> None:
    monkeypatch.chdir(os.path.join(root, "2019"))
    assert printed(capfdbinary, "list", here) == {"2019/beach.jpg", "2019/tower.jpg"}
    assert printed(capfdbinary, "list", here, "tag:sea") == {"2019/beach.jpg"}
    assert printed(capfdbinary, "list", "tag:sea") == {"2019/beach.jpg", "2020/shrine.jpg"}
    assert run(["export", "--format", "json", here]) == 0
    assert len(json.loads(capfdbinary.readouterr().out)) == 2
    monkeypatch.chdir(root)
    assert len(printed(capfdbinary, "list", ".")) == 6


def test_options_and_expressions_say_the_same(
    root: str, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.chdir(root)
    for name, value in (
        ("tag", "beach"), ("not-tag", "beach"), ("any-tag", "dog"), ("person", "Ada Lovelace"), ("not-person", "Grace"),
        ("place", "Paris"), ("camera", "nikon"), ("after", "2020"), ("before", "2020"), ("rating", ">=4"),
        ("faces", ">1"), ("has", "vector"), ("is", "present"),
    ):  # fmt: skip
        by_option = printed(capfdbinary, "list", f"--{name}", value)
        assert by_option == printed(capfdbinary, "list", f"{name}:{value}")
        assert by_option == printed(capfdbinary, "query", f'{name}:"{value}"')
        assert by_option


def test_query_by_likeness_and_without_words(
    root: str, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.chdir(os.path.join(root, "2019"))
    assert "2019/beach.jpg" not in printed(capfdbinary, "query", "like:./beach.jpg", "-k", "2")
    assert run(["query", "like:beach.jpg", "sea", "--paths"]) == 0
    assert capfdbinary.readouterr().out == b"../2020/shrine.jpg\n"
    assert run(["query", "tag:sky", "--json"]) == 0
    assert all("score" not in image for image in json.loads(capfdbinary.readouterr().out))


def test_export_takes_the_same_arguments(
    root: str, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.chdir(root)
    assert run(["export", "--format", "json", "2019", "-tag:sea"]) == 0
    assert [image["path"] for image in json.loads(capfdbinary.readouterr().out)] == ["2019/tower.jpg"]


def test_lists_do_not_rank(root: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(root)
    assert run(["list", "like:2019/beach.jpg"]) == 2
    assert "phototag query like:2019/beach.jpg" in capsys.readouterr().err


def test_the_caret_stands_below_wide_characters_too(
    root: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(root)
    assert run(["query", "海\tété tga:x"]) == 2
    assert capsys.readouterr().err.splitlines()[1:3] == ["  海 été tga:x", "  " + " " * 7 + "^"]
    assert Library.open(root).index().count == 6
