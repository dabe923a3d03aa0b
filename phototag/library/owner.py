"""The owner's word about a picture, checked and turned into edits: tags, rating, caption."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from phototag.errors import UsageError
from phototag.library.decide import Edit
from phototag.library.operation import IMAGE
from phototag.sidecar.model import EXIF, MTAG, PRESENT, REJECTED, REMOVED, USER, UTAG, V1, Exif, TagScores
from phototag.sidecar.registers import Document
from phototag.wording import unprintable

TAG_LIMIT = 250
"""Bytes of a tag path; keywords of other programs end there too."""


def normal_tag(text: str) -> str:
    """Return ``text`` as a tag path: NFC, white space folded, ``/`` between levels. Raises UsageError."""
    levels = [" ".join(level.split()) for level in unicodedata.normalize("NFC", text).split("/")]
    tag = "/".join(level for level in levels if level)
    try:
        size = len(tag.encode())
    except UnicodeEncodeError as error:
        raise UsageError(f"the tag {text!r} is not valid text") from error
    if not tag or size > TAG_LIMIT or unprintable(tag):
        raise UsageError(
            f"{text!r} cannot be a tag", hint=f"a tag is 1 to {TAG_LIMIT} bytes of printable text, '/' between levels"
        )
    return tag


def tag_edits(document: Document | None, rel: str, *, add: Iterable[str], remove: Iterable[str]) -> list[Edit]:
    """Return the edits that add and remove tags (already normal) of the image ``rel``.

    A removed tag that a model gave, at whatever score, is rejected: it never comes back by itself. A tag that
    nobody gave is left alone.
    """
    document = document or Document()
    edits = [Edit(IMAGE + rel, UTAG, tag, PRESENT) for tag in add]
    given = machine_tags(document)
    present = {tag for tag, state in document.items(UTAG, int) if state == PRESENT}
    for tag in remove:
        # Exactly, else in whatever case the model or the owner wrote it.
        names = {tag} & (given | present) or {n for n in given | present if n.casefold() == tag.casefold()}
        edits += [Edit(IMAGE + rel, UTAG, name, REJECTED if name in given else REMOVED) for name in sorted(names)]
    return edits


def machine_tags(document: Document) -> set[str]:
    """Return every tag that any model gave, at whatever score."""
    return {label for _, scores in document.items(MTAG, TagScores) for label in scores.labels}


def rating_edit(document: Document | None, rel: str, rating: int | None) -> Edit:
    """Return the edit that rates the image ``rel`` from -1 (rejected) to 5; 0 and None clear. Raises UsageError.

    What the file embeds shows where the owner says nothing, so against that clearing is a word of its own: 0.
    """
    if rating is not None and not -1 <= rating <= 5:
        raise UsageError(f"a rating is -1 to 5, not {rating}")
    return Edit(IMAGE + rel, USER, "rating", rating or (0 if _embedded(document).rating else None))


def caption_edit(document: Document | None, rel: str, text: str | None) -> Edit:
    """Return the edit that captions the image ``rel``; empty text and None clear, as ``rating_edit`` does.

    Raises UsageError.
    """
    return Edit(IMAGE + rel, USER, "caption", _text(text) or ("" if _embedded(document).description else None))


def _embedded(document: Document | None) -> Exif:
    """Return what the file itself says, as far as it is known."""
    return (document or Document()).get(EXIF, V1, Exif) or Exif()


def _text(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise UsageError("the caption is not valid text") from error
    return unicodedata.normalize("NFC", text).strip() or None
