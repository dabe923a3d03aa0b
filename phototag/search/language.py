"""The query language: ``beach tag:sea -tag:people person:"Ada Lovelace" after:2019-06 rating:>=3``.

One text is read into words that rank, filters that decide, and pictures to compare with (docs/search.md). Words and
filters stand in any order; ``OR`` joins its two neighbours, parentheses group, ``-`` right before a thing negates it.
A ``+`` or ``-`` that stands alone is arithmetic of meanings (``search.terms``) and is passed on with the words.
"""

from __future__ import annotations

import functools
import gc
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from phototag.errors import QueryError
from phototag.search.fields import FIELDS, LIKE, NEGATED
from phototag.search.filters import Filters
from phototag.search.mistakes import (
    EXPECTED,
    check_depth,
    check_operators,
    check_value,
    mistake,
    unexpected,
    unknown_filter,
)
from phototag.search.terms import is_weighted, unweighted

if TYPE_CHECKING:
    from lark import Lark

GRAMMAR = r"""
start: (SIGN | choice)*
choice: item (OR item)*
item: NOT? (filter | group | WORD | QUOTED)
filter: NAME (VALUE | QUOTED)
group: "(" choice+ ")"

SIGN.4: /[+-](?=\s|$)/
OR.4: /OR(?=[\s()"]|$)/
NOT.3: /-(?=\S)/
NAME.3: /[A-Za-z][A-Za-z_-]*:(?=[^\s()])/
QUOTED.3: /"(?:[^"\\]|\\.)*"/
VALUE: /[^\s()"]+/
WORD: /(?![A-Za-z][A-Za-z_-]*:|OR(?:[\s()"]|$))[^\s()"-][^\s()"]*/
%ignore /\s+/
"""

ANY = ("any_tags", "places", "cameras", "path", "categories")
"""Fields of ``Filters`` of whose values any one is enough."""

_PLAIN = re.compile(r"(?:(?!-|OR(?:\s|$)|[+](?:\s|$))[^\s:()\"]+(?:\s+|$))+")
"""Words alone: what the grammar would only take apart and put together again."""
_IMAGE = re.compile(r"\.{0,2}/|~/")
_JOINT = re.compile(r"(?:^|(?<=\s))[+-](?=\s|$)")


class Asked(msgspec.Struct, frozen=True):
    """What a query asks for."""

    text: str = ""
    """Words outside of groups, with the signs of ``search.terms``."""
    filters: Filters = Filters()
    like: tuple[str, ...] = ()
    """Pictures whose like is asked for, as they were written."""
    in_groups: tuple[str, ...] = ()
    """Words beside OR or in parentheses; ``filters`` decide by them already."""

    @property
    def ranking(self) -> str:
        """Return the words that rank; those of groups first, where arithmetic does not reach them."""
        apart = " + " if _JOINT.search(self.text) or is_weighted(self.text) else " "
        return apart.join(filter(None, [unweighted(" ".join(self.in_groups)), self.text]))


class _Part(NamedTuple):
    """One thing outside parentheses: a word or several in quotes, a sign, or a filter, which has no text."""

    text: str
    at: int
    is_sign: bool = False


def parse(text: str) -> Asked:
    """Return what ``text`` asks for. Raises QueryError, which points at the character."""
    if not text or _PLAIN.fullmatch(text):
        return Asked(" ".join(text.split()))
    return _Reading(text).asked()


@functools.cache
def parser() -> Lark:
    """Return the parser; it is made once a process, and not at all for words alone.

    Importing and making it take 27 ms; collections of garbage meanwhile, over all that numpy and pyarrow have made,
    would double that.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        from lark import Lark

        return Lark(GRAMMAR, parser="lalr", lexer="contextual", propagate_positions=True, maybe_placeholders=False)
    finally:
        if collects:
            gc.enable()


class _Reading:
    """One text being read."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.parts: list[_Part] = []
        self.in_groups: list[str] = []
        self.like: list[str] = []

    def asked(self) -> Asked:
        """Return what the text asks for. Raises QueryError."""
        check_depth(self.text)
        check_operators(self.text)
        pieces = [piece for child in self._tree().children for piece in self._top(child)]
        self._check_signs()
        text = " ".join(part.text for part in self.parts if part.text)
        return Asked(text, meet(pieces), tuple(self.like), tuple(self.in_groups))

    def _tree(self) -> Any:
        reader = parser()
        from lark.exceptions import UnexpectedInput, UnexpectedToken

        try:
            return reader.parse(self.text)
        except UnexpectedInput as error:
            ended = isinstance(error, UnexpectedToken) and error.token.type == "$END"
            found: Any = error.pos_in_stream
            at = len(self.text) if ended or found is None else found
            raise unexpected(self.text, at) from error

    def _top(self, child: Any) -> Iterable[Filters]:
        """Yield the filters of one thing outside parentheses; its words rank."""
        if not hasattr(child, "children"):
            self.parts.append(_Part(str(child), child.start_pos, is_sign=True))
            return
        negated, thing = _item(child.children[0])
        if len(child.children) > 1:
            self.parts.append(_Part("", child.meta.start_pos))
            yield self._choice(child)
        elif getattr(thing, "data", "") == "filter" and self._name(thing) == LIKE:
            if negated:
                raise self.error(thing.meta.start_pos, "like: cannot be negated", "write like: without the '-'")
            self.parts.append(_Part("", thing.meta.start_pos))
            self.like.append(self._value(thing.children[1]))
        elif hasattr(thing, "children") or negated:
            self.parts.append(_Part("", child.meta.start_pos))
            yield self._beside(child.children[0])
        else:
            words = self._words(thing)
            if thing.type == "QUOTED":
                words = " ".join(_JOINT.sub("", words).split())
                before = next((part for part in reversed(self.parts) if part.text), None)
                if before is None or before.is_sign:  # else it is in the middle of a term, where nothing is a weight
                    words = unweighted(words)
            self.parts.append(_Part(words, thing.start_pos))

    def _choice(self, tree: Any) -> Filters:
        """Return filters that hold where any item of ``tree`` does."""
        items = [each for each in tree.children if hasattr(each, "children")]
        if len(items) == 1:
            return self._beside(items[0])
        return Filters(one_of=(tuple(self._filters(each) for each in items),))

    def _beside(self, item: Any) -> Filters:
        """Return one item as filters that may stand beside others: the places of a group, say, must hold by themselves."""
        found = self._filters(item)
        grouped = getattr(item.children[-1], "data", "") == "group" and any(getattr(found, name) for name in ANY)
        return Filters(one_of=((found,),)) if grouped else found

    def _filters(self, item: Any) -> Filters:
        """Return one item as filters; words decide here, and outside of negations they also rank."""
        negated, thing = _item(item)
        if hasattr(thing, "children"):
            if thing.data == "group":
                ranked = len(self.in_groups)
                found = meet(self._choice(choice) for choice in thing.children)
                if negated:
                    del self.in_groups[ranked:]
                    return Filters(none_of=(found,))
                return found
            return self._filter(thing, negated)
        words = self._words(thing)
        if _IMAGE.match(words):
            raise self.error(thing.start_pos, "a picture's path cannot stand here", "write like:PATH, or '- PATH'")
        if not any(character.isalnum() for character in words):
            raise self.error(thing.start_pos, "there are no words in it", EXPECTED)
        if negated:
            return Filters(not_words=(words,))
        self.in_groups.append(words)
        return Filters(words=(words,))

    def _filter(self, tree: Any, negated: bool) -> Filters:
        name, value = self._name(tree), self._value(tree.children[1])
        if name == LIKE:
            raise self.error(tree.meta.start_pos, "like: cannot stand in parentheses or beside OR")
        check_value(self.text, tree.children[1].start_pos, name, value)
        if negated and name in NEGATED:
            name, negated = NEGATED[name], False
        found = one(name, value)
        return Filters(none_of=(found,)) if negated else found

    def _name(self, tree: Any) -> str:
        token = tree.children[0]
        name = str(token)[:-1].lower().replace("_", "-")
        if name != LIKE and name not in FIELDS:
            raise unknown_filter(self.text, token.start_pos, name, _unquoted(tree.children[1]))
        return name

    def _value(self, token: Any) -> str:
        value = _unquoted(token)
        if not value.strip():
            raise self.error(token.start_pos, "the quotes are empty", "expected a value between them")
        return value

    def _words(self, token: Any) -> str:
        words = _unquoted(token)
        if not words.strip():
            raise self.error(token.start_pos, "the quotes are empty", "expected words between them")
        return words

    def _check_signs(self) -> None:
        """Raise QueryError where no words follow a sign."""
        for number, part in enumerate(self.parts):
            following = self.parts[number + 1] if number + 1 < len(self.parts) else _Part("", len(self.text))
            if part.is_sign and (following.is_sign or not following.text):
                does = "add" if part.text == "+" else "take away"
                apart = "; without a space after it, '-' negates a filter" if part.text == "-" else ""
                raise self.error(part.at, f"nothing to {does} follows", f"expected words or a picture's path{apart}")

    def error(self, at: int, problem: str, expected: str | None = None) -> QueryError:
        """Return an error about character ``at``."""
        return mistake(self.text, at, problem, expected)


def one(name: str, value: str) -> Filters:
    """Return the filter ``name`` (of ``FIELDS``) with one value."""
    field = FIELDS[name]
    given: Any = (value,) if field.many else int(value) if field.whole else value
    return msgspec.structs.replace(Filters(), **{field.field: given})


def meet(pieces: Iterable[Filters]) -> Filters:
    """Return filters that hold where all of ``pieces`` do; places, cameras, folders given several times: any of them."""
    fields: dict[str, Any] = {}
    for piece in pieces:
        for name in Filters.__struct_fields__:
            value = getattr(piece, name)
            if isinstance(value, tuple):
                fields[name] = tuple(dict.fromkeys((*fields.get(name, ()), *value)))
            elif value is not None and fields.setdefault(name, value) != value:
                again = msgspec.structs.replace(Filters(), **{name: value})
                fields["one_of"] = (*fields.get("one_of", ()), (again,))
    return Filters(**fields)


def _item(tree: Any) -> tuple[bool, Any]:
    """Return whether an item is negated, and what it is."""
    return len(tree.children) > 1, tree.children[-1]


def _unquoted(token: Any) -> str:
    return re.sub(r"\\(.)", r"\1", str(token)[1:-1]) if token.type == "QUOTED" else str(token)
