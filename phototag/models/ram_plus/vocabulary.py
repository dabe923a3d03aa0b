"""Which tags RAM++ is asked for: its list, a subset, another language, or words of a person's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from phototag.errors import MissingModelError, UsageError
from phototag.models import registry
from phototag.models.protocols import TextEmbedder, Thresholds
from phototag.models.ram_plus.folder import RamFolder, labels_of
from phototag.models.registry import Options
from phototag.settings import Settings

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

OPEN_THRESHOLD = 0.5
"""For words outside the list: upstream's open-set default."""
PROMPT = "a photo of a {}."
"""The sentence that RAM++'s own label embeddings begin with."""


class Vocabulary(msgspec.Struct, frozen=True):
    """The tags to ask for. Each is a class of the checkpoint, or a word described by a text encoder."""

    labels: tuple[str, ...]
    classes: tuple[int, ...]
    """Class of each label; -1 for a word outside the list."""
    thresholds: Thresholds
    whole: bool
    """All classes in order: the checkpoint's label embeddings serve as they are."""

    @property
    def new(self) -> list[str]:
        """Return the words outside the list."""
        return [label for label, number in zip(self.labels, self.classes, strict=True) if number < 0]


def choose(folder: RamFolder, options: Options) -> Vocabulary:
    """Return the tags that ``options`` ask for; names are matched in their language and in English."""
    labels = labels_of(folder, options.language)
    dropped = set(folder.config.delete_tag_index)
    if not options.vocabulary:
        kept = [number for number in range(len(labels)) if number not in dropped]
        return _vocabulary(folder, [labels[n] for n in kept], kept)
    known = {name.casefold(): n for n, name in reversed(list(enumerate(folder.tags)))}
    known |= {name.casefold(): n for n, name in enumerate(labels)}
    wanted = list(dict.fromkeys(options.vocabulary))
    return _vocabulary(folder, wanted, [known.get(name.casefold(), -1) for name in wanted])


def _vocabulary(folder: RamFolder, labels: list[str], classes: list[int]) -> Vocabulary:
    on_at = [OPEN_THRESHOLD if number < 0 else folder.thresholds[number] for number in classes]
    common = max(sorted(set(on_at)), key=on_at.count)
    others = {label: value for label, value in zip(labels, on_at, strict=True) if value != common}
    return Vocabulary(
        labels=tuple(labels),
        classes=tuple(classes),
        thresholds=Thresholds(default=common, per_tag=others),
        whole=classes == list(range(len(folder.tags))),
    )


def open_encoder(folder: RamFolder, words: list[str], settings: Settings) -> TextEmbedder:
    """Open the text encoder that describes ``words``. Raises MissingModelError when it is not here."""
    name = folder.config.text_encoder
    try:
        return registry.open_text_embedder(name, settings)
    except MissingModelError as error:
        raise MissingModelError(
            f"{folder.name} has no tag {', '.join(map(repr, words[:5]))}{' ...' if len(words) > 5 else ''}, "
            f"and the text encoder that describes new words ({name}) is not here",
            hint=f"phototag models fetch {name}, or keep to the words of {folder.config.tags}",
        ) from error


def describe(encoder: TextEmbedder, words: list[str], projection: int) -> npt.NDArray[np.float32]:
    """Return the text embeddings of ``words``, (n, projection). Raises UsageError when the encoder is another model's."""
    if encoder.dim != projection:
        raise UsageError(f"{encoder.info.name} makes vectors of {encoder.dim} numbers; this RAM++ needs {projection}")
    return encoder.embed_text([PROMPT.format(word) for word in words])
