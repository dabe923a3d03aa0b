"""Which picture a document is about: two files that are about different ones are never joined."""

from __future__ import annotations

from phototag.sidecar.model import BIRTH, CONTENT, ID, Content
from phototag.sidecar.registers import Document


def is_same_picture(one: Document, other: Document) -> bool:
    """Say whether two documents are about one picture: a shared birth, content or pixels, or one that does not say."""
    births = [document.body.get(ID, {}).get(BIRTH) for document in (one, other)]
    if births[0] is not None and births[0] == births[1]:
        return True
    ours, theirs = marks_of(one), marks_of(other)
    return not ours or not theirs or bool(ours & theirs)


def marks_of(document: Document) -> set[bytes]:
    """Return the hashes that the picture of ``document`` is known by; none where it does not say."""
    birth = document.get(ID, BIRTH, bytes)
    content = document.get(ID, CONTENT, Content)
    return ({birth} if birth else set()) | ({content.x, content.px} if content else set())
