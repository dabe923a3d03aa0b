"""The tab key: the protocol between click and the shells, and the script in a real bash."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from phototag.cli.completion import BASH, script
from phototag.cli.expression import typed
from phototag.index.refresh import refresh
from phototag.search.filters import Filters
from phototag.search.language import parse
from phototag.search.vocabulary import FILE, Vocabulary, vocabulary
from phototag.sidecar.model import Exif
from tests import require
from tests.index import sidecars_made as made
from tests.search import library_made


@pytest.fixture(scope="module")
def here(sealed_session: None, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, str]]:
    """Return the root of a library and what points a process to its index."""
    tree = library_made.build(tmp_path_factory.mktemp("completion"))
    base = {
        f"PHOTOTAG_{kind.upper()}_DIR": getattr(tree.settings, f"{kind}_dir") for kind in ("cache", "state", "data")
    }
    return tree.root, base


def offered(here: tuple[str, dict[str, str]], line: str, cwd: str | None = None) -> list[str]:
    """Return what the program offers a shell for a line, as ``kind,value``."""
    done = subprocess.run(
        [sys.executable, "-m", "phototag"],
        cwd=cwd or here[0],
        env={**os.environ, **here[1], "_PHOTOTAG_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": "-1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split("\n")[:-1] if done.stdout.strip() else []


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("phototag sim", ["similar"]),
        ("phototag list --pers", ["--person"]),
        ("phototag list --tag s", ["sea", "shrine", "sky"]),
        ("phototag list --not-tag tow", ["tower"]),
        ("phototag list --person a", ["Ada Lovelace"]),
        ("phototag list --place ky", ["Kyoto"]),
        ("phototag list --camera nik", ["NIKON D750"]),
        ("phototag list --has t", ["title", "trouble"]),
        ("phototag tag-edit x.jpg --add holi", ["holiday"]),
        ("phototag list tag:s", ["tag:sea", "tag:shrine", "tag:sky"]),
        ("phototag query beach -tag:sh", ["-tag:shrine"]),
        ("phototag query -not", []),
        ("phototag query TAG:sh", ["TAG:shrine"]),
        ("phototag query pers", ["person:"]),
        ("phototag query -pers", ["-person:"]),
        ('phototag query person:"ada', ["person:Ada Lovelace"]),
        ("phototag query 'beach person:ada", ['beach person:"Ada Lovelace"']),
        ("phototag query 'beach person:\"ada l", ['beach person:"Ada Lovelace"']),
        ("phototag query '(tag:sea OR tag:tow", ["(tag:sea OR tag:tower"]),
        ("phototag export is:sq", ["is:square"]),
        ("phototag list tag:none-such", []),
        ("phototag list --cluster ''", []),
    ],
)
def test_words(here: tuple[str, dict[str, str]], line: str, expected: list[str]) -> None:
    assert offered(here, line) == [f"plain,{value}" for value in expected]


def test_files(here: tuple[str, dict[str, str]]) -> None:
    assert offered(here, "phototag list 20") == ["file,20"]
    assert offered(here, "phototag query like:./20") == ["file,like:./20"]


ODD = (
    "beach (north)",
    'say "hi" there',
    "back\\slash x",
    "12:30 show",
    "rock -n roll",
    "this OR that",
    "two words",
    "a:b",
    "$x `y` it's",
)


@pytest.fixture(scope="module")
def odd(sealed_session: None, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, str]]:
    """Return as ``here`` a library whose tags hold what means something in queries and shells."""
    tree = made.library(tmp_path_factory.mktemp("odd"))
    for number, tag in enumerate(ODD):
        exif = Exif(make="Cam", model=f"era {tag}")
        made.add(tree, f"{number}.jpg", user_tags={tag: 1, tag.split()[0]: 1}, exif=exif, seed=number + 1)
    refresh(tree)
    base = {
        f"PHOTOTAG_{kind.upper()}_DIR": getattr(tree.settings, f"{kind}_dir") for kind in ("cache", "state", "data")
    }
    return tree.root, base


@pytest.mark.parametrize("before", ["", "x ", "(y OR "])
@pytest.mark.parametrize("tag", ODD)
def test_what_is_offered_is_found(odd: tuple[str, dict[str, str]], tag: str, before: str) -> None:
    for begun in (tag[:2], tag.partition('"')[0]):
        offers = {
            text.partition(",")[2] for text in offered(odd, f"phototag list {shlex.quote(f'{before}tag:{begun}')}")
        }
        asked = [parse(typed([offer]) + (")" if "(" in before else "")) for offer in offers]
        assert tag in {value for one in asked for value in _tags(one.filters)}


def _tags(filters: Filters) -> tuple[str, ...]:
    return (*filters.tags, *(tag for group in filters.one_of for one in group for tag in _tags(one)))


def test_a_quote_that_was_begun_is_kept_and_escapes_are_read(odd: tuple[str, dict[str, str]]) -> None:
    assert offered(odd, """phototag list 'tag:"beach (n'""") == ['plain,tag:"beach (north)"']
    assert offered(odd, """phototag list 'tag:"say \\"h'""") == ['plain,tag:"say \\"hi\\" there"']
    assert offered(odd, "phototag list --tag 'beach ('") == ["plain,beach (north)"]
    assert offered(odd, "phototag list 'camera:cam era b'") == [
        'plain,camera:"Cam era back\\\\slash x"',
        'plain,camera:"Cam era beach (north)"',
    ]


def test_nothing_is_said_where_there_is_no_library(here: tuple[str, dict[str, str]], tmp_path: Path) -> None:
    assert offered(here, "phototag list tag:", str(tmp_path)) == []
    assert offered(here, f"phototag list {here[0]} tag:tow", str(tmp_path)) == ["plain,tag:tower"]
    assert offered(here, f"phototag query --library {here[0]} tag:tow", str(tmp_path)) == ["plain,tag:tower"]


def test_nothing_is_said_where_the_index_is_damaged(tmp_path: Path) -> None:
    tree = library_made.build(tmp_path)
    base = {
        f"PHOTOTAG_{kind.upper()}_DIR": getattr(tree.settings, f"{kind}_dir") for kind in ("cache", "state", "data")
    }
    for path in Path(tree.cache).rglob("manifest"):
        path.write_bytes(b"no manifest")
    assert offered((tree.root, base), "phototag list tag:") == []


def test_the_vocabulary_follows_the_index(tmp_path: Path) -> None:
    tree = library_made.build(tmp_path)
    before = vocabulary(tree)
    assert before.person == ("Ada Lovelace", "Grace")
    assert {"FR", "Kyoto", "Paris"} <= set(before.place)
    kept = Path(tree.cache, FILE)
    assert vocabulary(tree) == before
    kept.write_bytes(b"\xc1")
    assert vocabulary(tree) == before
    made.add(tree, "new.jpg", tags={"zebra": 0.9})
    refresh(tree)
    assert set(vocabulary(tree).tag) - set(before.tag) == {"zebra"}


def test_without_an_index_there_are_no_values(tmp_path: Path) -> None:
    assert vocabulary(made.library(tmp_path)) == Vocabulary()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_scripts_ask_this_program(shell: str) -> None:
    text = script(shell)
    assert f"_PHOTOTAG_COMPLETE={shell}_complete" in text
    assert "COMP_WORDS" in text
    assert "%(" not in text


BREAKS = [  # the line, the words as bash parts them, what bash is to insert
    ("phototag list tag:s", ["list", "tag", ":", "s"], ["sea", "shrine", "sky"]),
    ("phototag list person:", ["list", "person", ":"], [r"Ada\ Lovelace", "Grace"]),
    ('phototag list person:"a', ["list", "person", ":", '"a'], ["Ada Lovelace"]),
    ("phototag query 'beach tag:tow", ["query", "'beach tag:tow"], ["beach tag:tower"]),
    ("phototag list -perso", ["list", "-perso"], ["-person:"]),
    ("phototag list 20", ["list", "20"], ["2019", "2020"]),
    ("phototag list like:20", ["list", "like", ":", "20"], ["2019", "2020"]),
    ("phototag stat", ["stat"], ["stats"]),
    ("phototag list ", ["list", ""], None),
]


def completed(here: tuple[str, dict[str, str]], tmp_path: Path, line: str, words: list[str]) -> list[str]:
    """Return what bash is to insert."""
    program = tmp_path / "phototag"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m phototag "$@"\n')
    program.chmod(0o755)
    code = BASH + (
        'COMP_LINE=$1; COMP_POINT=${#1}; shift; COMP_WORDS=(phototag "$@"); COMP_CWORD=$#\n'
        '_phototag_completion "$PROGRAM"\nprintf "%s\\n" "${COMPREPLY[@]}"\n'
    )
    done = subprocess.run(
        [require.tool("bash"), "--norc", "-c", code, "bash", line, *words],
        cwd=here[0],
        env={**os.environ, **here[1], "PROGRAM": str(program)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout.split("\n")[:-1]


@pytest.mark.parametrize(("line", "words", "expected"), BREAKS, ids=[line for line, _, _ in BREAKS])
def test_bash(
    here: tuple[str, dict[str, str]], tmp_path: Path, line: str, words: list[str], expected: list[str] | None
) -> None:
    replies = completed(here, tmp_path, line, words)
    if expected is None:
        assert {"tag:", "person:", "like:"} <= set(replies)
    else:
        assert sorted(replies) == expected


@pytest.mark.parametrize("quote", ["", '"', "'"])
def test_bash_runs_what_it_completed(odd: tuple[str, dict[str, str]], tmp_path: Path, quote: str) -> None:
    for tag in ODD:
        begun = f"{quote}{tag[:1]}"
        replies = completed(odd, tmp_path, f"phototag list tag:{begun}", ["list", "tag", ":", begun])
        shell = "".join(f"printf '%s\\0' tag:{quote}{reply}{quote}\n" for reply in replies)
        run = subprocess.run([require.tool("bash"), "-c", shell], capture_output=True, text=True, check=True)
        assert tag in {value for word in run.stdout.split("\0")[:-1] for value in _tags(parse(typed([word])).filters)}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_scripts_are_read_by_their_shell(shell: str, tmp_path: Path) -> None:
    path = tmp_path / "script"
    path.write_text(script(shell))
    done = subprocess.run([require.tool(shell), "-n", str(path)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
