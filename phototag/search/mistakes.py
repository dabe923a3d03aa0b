"""What is wrong with a query, where, and what was expected there."""

from __future__ import annotations

import re
from collections.abc import Sequence

from phototag.errors import QueryError, UsageError
from phototag.search.fields import FIELDS, HAS, IS, LIKE
from phototag.search.filters import parse_moment, parse_span

DEPTH_LIMIT = 32
"""So deep may parentheses be nested."""
EXPECTED = 'expected words, a filter such as tag:beach, or "words in quotes"'

_NAME = re.compile(r"[A-Za-z][A-Za-z_-]*:")
_PIECES = re.compile(r'[()]|-?\(|(?:"(?:[^"\\]|\\.)*"|[^\s()"]|")+')
_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*"|[()]')


def mistake(text: str, at: int, problem: str, expected: str | None = None) -> QueryError:
    """Return an error about character ``at`` of ``text``."""
    return QueryError(problem, text=text, at=at, hint=expected)


def unexpected(text: str, at: int) -> QueryError:
    """Return what is wrong at a character that the grammar does not allow."""
    rest = text[at:]
    if not rest:
        opened = _open_parenthesis(text)
        if opened is not None:
            return mistake(text, opened, "this parenthesis is never closed", "expected a ) after it")
        return mistake(text, at, "the query ends too early", EXPECTED)
    name = _NAME.match(rest)
    if name is not None:
        expected = f"expected it right after the colon: {name[0]}…"
        return mistake(text, at + name.end(), f"{name[0]} needs a value", expected)
    if rest[0] == '"':
        return mistake(text, at, "this quote is never closed", 'expected a second "')
    if rest[0] == ")":
        empty = text[:at].rstrip().endswith("(")
        problem = "nothing is between the parentheses" if empty else "this parenthesis closes nothing"
        return mistake(text, at, problem, EXPECTED)
    if re.match(r"OR\b", rest):
        return mistake(text, at, "OR needs something on both sides", "expected as in tag:sea OR tag:lake")
    if rest[0] in "+-":
        return mistake(text, at, f"a {rest[0]} cannot stand here", EXPECTED)
    return mistake(text, at, "this cannot be read", EXPECTED)


def unknown_filter(text: str, at: int, name: str, value: str) -> QueryError:
    """Return that there is no filter ``name``, and which may have been meant."""
    import difflib

    near = difflib.get_close_matches(name, [*FIELDS, LIKE], n=1)
    meant = f"did you mean {near[0]}:{value}? " if near else ""
    known = ", ".join(f"{each}:" for each in [*FIELDS, LIKE])
    return mistake(
        text, at, f"there is no filter {name}:", f"{meant}Filters are {known}; words with a colon need quotes"
    )


def check_value(text: str, at: int, name: str, value: str) -> None:
    """Raise QueryError where ``value``, at character ``at``, makes no sense for the filter ``name``."""
    known = {"has": HAS, "is": IS}.get(name)
    if known is not None and value.casefold() not in known:
        import difflib

        near = difflib.get_close_matches(value.casefold(), known, n=1)
        meant = f"did you mean {name}:{near[0]}? " if near else ""
        expected = f"{meant}Expected one of {', '.join(known)}"
        raise mistake(text, at, f"{name}:{value} is not something to ask for", expected)
    if FIELDS[name].whole and not re.fullmatch(r"-?\d{1,9}", value):
        raise mistake(text, at, f"{value!r} is not a whole number", f"expected a number, as in {name}:3")
    try:
        if name in ("after", "before"):
            parse_moment(value, "the date")
        if name in ("rating", "faces"):
            parse_span(value, name)
    except UsageError as error:
        raise mistake(text, at, str(error), error.hint) from error


def check_operators(text: str) -> None:
    """Raise QueryError where AND or NOT stands by a filter or group, as other languages have it; here they are words."""
    pieces = [*_PIECES.finditer(text)]
    for number, piece in enumerate(pieces):
        before, after = (_is_filter(pieces, at) for at in (number - 1, number + 1))
        if piece[0] == "AND" and (before or after):
            expected = 'a space means it already, as in tag:sea tag:sky; the word is "AND"'
            raise mistake(text, piece.start(), "AND is not written", expected)
        if piece[0] == "NOT" and after:
            raise mistake(text, piece.start(), "NOT is written as a '-'", 'as in -tag:sea; the word is "NOT"')


def _is_filter(pieces: Sequence[re.Match[str]], at: int) -> bool:
    """Say whether the piece is a filter, or a part of a group."""
    piece = pieces[at][0] if 0 <= at < len(pieces) else ""
    return piece in ("(", "-(", ")") or _NAME.match(piece.removeprefix("-")) is not None


def check_depth(text: str) -> None:
    """Raise QueryError where parentheses are nested deeper than ``DEPTH_LIMIT``."""
    depth = 0
    for found in _BRACKETS.finditer(text):
        depth += {"(": 1, ")": -1}.get(found[0], 0)
        if depth > DEPTH_LIMIT:
            raise mistake(text, found.start(), "parentheses are nested too deep", f"at most {DEPTH_LIMIT}")


def _open_parenthesis(text: str) -> int | None:
    """Return where the last parenthesis opens that is not closed; quotes are skipped."""
    opened: list[int] = []
    for found in _BRACKETS.finditer(text):
        if found[0] == "(":
            opened.append(found.start())
        elif found[0] == ")" and opened:
            opened.pop()
    return opened[-1] if opened else None
