"""``.phototagignore``: gitignore syntax (gitignore(5)), one file in any folder, patterns relative to it."""

from __future__ import annotations

import re

import msgspec

IGNORE_FILE = ".phototagignore"
SKIPPED_FOLDERS = frozenset({"@eaDir", "#recycle", "$RECYCLE.BIN", "System Volume Information", "lost+found"})
"""Folders of NAS boxes and systems that hold copies or rubbish; hidden folders are left out by their dot."""

_BRACKET = re.compile(r"\[([!^]?)(\]?(?:\[:[a-z]+:\]|[^\]])*)\]")
_PART = re.compile(r"\[:[a-z]+:\]|.", re.DOTALL)
_CLASSES = {
    "[:alpha:]": "a-zA-Z",
    "[:digit:]": "0-9",
    "[:alnum:]": "a-zA-Z0-9",
    "[:upper:]": "A-Z",
    "[:lower:]": "a-z",
    "[:xdigit:]": "0-9a-fA-F",
    "[:space:]": r"\s",
    "[:blank:]": r" \t",
    "[:punct:]": re.escape("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"),
}


class Rule(msgspec.Struct, frozen=True):
    """One pattern: ``pattern`` is matched against the path relative to ``base``."""

    base: str
    pattern: re.Pattern[str]
    negated: bool
    folders_only: bool


def parse(text: str, base: str) -> tuple[Rule, ...]:
    """Return the rules of an ignore file that lies in the folder ``base`` (relative to the root, "" for it)."""
    rules = []
    for raw in text.splitlines():
        line = raw if raw.endswith("\\ ") else raw.rstrip()
        if not line or line.startswith("#"):
            continue
        negated = line.startswith("!")
        line = line[1:] if negated else line
        line = line[1:] if line.startswith(("\\#", "\\!")) else line
        folders_only = line.endswith("/")
        line = line.removesuffix("/")
        if line:
            rules.append(Rule(base, _compiled(line), negated, folders_only))
    return tuple(rules)


def ignored(rules: tuple[Rule, ...], rel: str, *, folder: bool) -> bool:
    """Say whether ``rel`` is left out: the last rule that matches decides."""
    for rule in reversed(rules):
        if rule.folders_only and not folder:
            continue
        below = rel[len(rule.base) + 1 :] if rule.base else rel
        if rule.pattern.fullmatch(below):
            return not rule.negated
    return False


def _compiled(line: str) -> re.Pattern[str]:
    try:
        return re.compile(_translate(line))
    except re.error:  # a range such as [z-a]: git takes it to match nothing
        return re.compile(r"(?!)")


def _translate(line: str) -> str:
    """Return the regular expression of one pattern; a slash inside anchors it to the ignore file's folder."""
    anchored = "/" in line
    line = line.removeprefix("/")
    out = "" if anchored else "(?:.*/)?"
    at = 0
    while at < len(line):
        rest = line[at:]
        opens = at == 0 or line[at - 1] == "/"
        if rest.startswith("**/") and opens:
            out, at = out + "(?:.*/)?", at + 3
        elif rest == "**" and opens:
            out, at = out + ".*", at + 2
        elif rest[0] == "*":  # any number of them within a name is like one
            out, at = out + "[^/]*", at + len(rest) - len(rest.lstrip("*"))
        elif rest[0] == "?":
            out, at = out + "[^/]", at + 1
        elif found := _BRACKET.match(rest):
            out, at = f"{out}(?!/)[{_letters(*found.groups())}]", at + found.end()
        elif rest[0] == "[":  # never closed: git takes it to match nothing
            return "(?!)"
        elif rest[0] == "\\" and len(rest) > 1:
            out, at = out + re.escape(rest[1]), at + 2
        else:
            out, at = out + re.escape(rest[0]), at + 1
    return out


def _letters(negation: str, chosen: str) -> str:
    """Return what stands between the brackets of a regular expression."""
    parts = (_CLASSES.get(part) or (part if part == "-" else re.escape(part)) for part in _PART.findall(chosen))
    return negation.replace("!", "^") + "".join(parts).replace("--", "-\\-")
