"""``.phototagignore`` against git itself where git is there, and the documented cases by hand."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phototag.library import ignore

CASES = [
    ("*.png", "a.png", True),
    ("*.png", "x/y/a.png", True),
    ("*.png", "a.jpg", False),
    ("/a.png", "a.png", True),
    ("/a.png", "x/a.png", False),
    ("x/a.png", "x/a.png", True),
    ("x/a.png", "y/x/a.png", False),
    ("**/a.png", "y/x/a.png", True),
    ("x/**/a.png", "x/a.png", True),
    ("x/**/a.png", "x/1/2/a.png", True),
    ("x/**", "x/1/2/a.png", True),
    ("img?.jpg", "img1.jpg", True),
    ("img?.jpg", "img.jpg", False),
    ("img[0-3].jpg", "img2.jpg", True),
    ("img[!0-3].jpg", "img2.jpg", False),
    (r"\#a.jpg", "#a.jpg", True),
    ("# a comment", "# a comment", False),
    ("a*", "b/abc", True),
    ("img[z-a].jpg", "imgb.jpg", False),
    ("img[]x].jpg", "img].jpg", True),
    ("img[a--b].jpg", "imgb.jpg", False),
    ("img**.jpg", "img1.jpg", True),
    ("img**.jpg", "img/1.jpg", False),
    ("x/img**", "x/img/1.jpg", False),
    ("img[[:digit:]].jpg", "img7.jpg", True),
    ("img[![:digit:]_].jpg", "img7.jpg", False),
    ("img[.jpg", "img[.jpg", False),
    ("x//", "x", False),
]


@pytest.mark.parametrize(("pattern", "path", "expected"), CASES)
def test_documented_patterns(pattern: str, path: str, expected: bool) -> None:
    assert ignore.ignored(ignore.parse(pattern, ""), path, folder=False) is expected


def test_last_match_decides_and_negation_brings_back() -> None:
    rules = ignore.parse("*.jpg\n!keep.jpg\n", "")
    assert ignore.ignored(rules, "a.jpg", folder=False)
    assert not ignore.ignored(rules, "keep.jpg", folder=False)


def test_slash_at_the_end_means_folders_only() -> None:
    rules = ignore.parse("raw/\n", "")
    assert ignore.ignored(rules, "raw", folder=True)
    assert not ignore.ignored(rules, "raw", folder=False)


def test_patterns_of_a_nested_file_are_relative_to_its_folder() -> None:
    rules = ignore.parse("/a.jpg", "sub")
    assert ignore.ignored(rules, "sub/a.jpg", folder=False)
    assert not ignore.ignored(rules, "sub/x/a.jpg", folder=False)


@given(
    st.text(st.sampled_from("ab/*?[]!^-&\\.# "), max_size=12), st.text(st.sampled_from("ab/."), min_size=1, max_size=8)
)
@settings(deadline=None, max_examples=300)
def test_no_pattern_crashes(pattern: str, path: str) -> None:
    ignore.ignored(ignore.parse(pattern, ""), path, folder=False)


def test_agrees_with_git(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    patterns = ["*.png", "/top.jpg", "x/a.jpg", "**/deep.jpg", "y/**/z.jpg", "img[0-3].jpg", "!img2.jpg", "w/**"]
    (tmp_path / ".gitignore").write_text("\n".join(patterns))
    paths = [
        "a.png",
        "x/a.png",
        "top.jpg",
        "x/top.jpg",
        "x/a.jpg",
        "q/x/a.jpg",
        "q/r/deep.jpg",
        "y/z.jpg",
        "y/1/2/z.jpg",
    ]
    paths += ["img1.jpg", "img2.jpg", "img7.jpg", "w/a.jpg", "v/w/a.jpg", "plain.jpg"]
    asked = subprocess.run(
        ["git", "-C", str(tmp_path), "check-ignore", "--no-index", "--stdin"],
        input="\n".join(paths),
        capture_output=True,
        text=True,
        check=False,
    )
    rules = ignore.parse("\n".join(patterns), "")
    assert {p for p in paths if ignore.ignored(rules, p, folder=False)} == set(asked.stdout.split())
