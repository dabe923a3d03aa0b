"""What a model said of an image with other parameters: another vocabulary, another language. All of it counts."""

from __future__ import annotations

from phototag.models.protocols import ModelInfo
from phototag.scan.wanted import Wanted, has_output
from phototag.sidecar import model as fields
from phototag.sidecar.model import TagScores
from phototag.sidecar.registers import Document


def others(document: Document, info: ModelInfo) -> list[str]:
    """Return the keys of the tags that the same model and revision gave with other parameters."""
    stem = fields.space(info.name, info.rev, "")
    spaces = (space for space in document.keys(fields.MTAG) if space.startswith(stem) and space != info.space)
    return [space for space in spaces if document.get(fields.MTAG, space, TagScores) is not None]


def settle(document: Document, wanted: Wanted, source: bytes) -> set[str]:
    """Clear what the taggers said with other parameters if ``wanted`` says so; return whose still counts.

    Only where what they say with these is there: an image that fails keeps what it has. Cleared as a machine's word, so
    that the other devices follow.
    """
    left = set()
    for tagger in wanted.taggers if wanted.replace or wanted.words else ():
        info = tagger.info
        if not has_output(document, fields.MTAG, info.space, source):
            continue
        for space in others(document, info):
            if wanted.replace:
                document.set_machine(fields.MTAG, space, None)
            else:
                left.add(info.name)
    return left
