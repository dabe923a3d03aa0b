"""Tags from a person's own vocabulary, by CLIP: each tag against everything else a picture could show.

A tag's score is the probability that the picture is described by it rather than by one of the everyday words of
``OTHERS``, at the model's own temperature (Radford et al. 2021, section 3.1.4, with prompt ensembles). Tags do not
compete with each other, so a dog on a beach is both; words of ``OTHERS`` that mean nearly the same as a tag are left
out for that tag. ``none of these`` is the probability that no tag fits: 1 - the best.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from phototag.errors import UsageError
from phototag.imaging.picture import Picture
from phototag.models.clip import embedder as towers
from phototag.models.clip.embedder import ClipImageEmbedder, ClipTextEmbedder
from phototag.models.identity import params8
from phototag.models.protocols import NONE_FITS, ModelInfo, Tags, Thresholds
from phototag.models.registry import Options
from phototag.settings import Settings

if TYPE_CHECKING:
    import numpy.typing as npt

FLOOR = 0.01
BATCH = 32
PROMPTS = ("a photo of {}", "{}")
NEARLY_SAME = 0.88
"""Words of OTHERS at this cosine to a tag mean the same and do not stand against it ..."""
SAME_AT_MOST = 0.1
"""... but no more than this share of them: a word that the model does not know is near to all."""
OTHERS = (
    "a person", "a crowd", "a face", "a dog", "a cat", "a bird", "an animal", "an insect", "a flower", "a tree", "a forest",
    "grass", "a mountain", "the sea", "a beach", "a river", "the sky", "clouds", "snow", "a sunset", "the night", "fire",
    "a city street", "a building", "a house", "a room", "furniture", "a kitchen", "food", "a drink", "a car", "a bicycle",
    "a train", "a plane", "a boat", "a road", "a sign", "text", "a document", "a screenshot", "a drawing", "a painting",
    "a statue", "a toy", "a tool", "clothes", "a computer", "a phone", "a book", "sport", "a concert", "a wedding",
    "a wall", "an object", "a pattern", "something blurry",
)  # fmt: skip
"""A spread of what photos show; together they stand for "something else"."""


class ZeroShotTagger:
    """A vocabulary scored by the image tower against the text tower."""

    thresholds = Thresholds(default=0.5)

    def __init__(self, image: ClipImageEmbedder, text: ClipTextEmbedder, vocabulary: Sequence[str]) -> None:
        self._image = image
        self._text = text
        self.vocabulary = tuple(vocabulary)

    @property
    def batch_size(self) -> int:
        """Return the image tower's."""
        return self._image.batch_size

    @cached_property
    def info(self) -> ModelInfo:
        """Return the folder's identity with the vocabulary in its parameters."""
        base = self._image.info
        parameters = params8(
            base=base.params8,
            vocabulary=self.vocabulary,
            prompts=PROMPTS,
            others=OTHERS,
            scale=self._image.folder.logit_scale,
        )
        return ModelInfo(name=base.name, rev=base.rev, params8=parameters)

    @property
    def side_px(self) -> int:
        """Return the image tower's."""
        return self._image.side_px

    def prepare(self, picture: Picture) -> npt.NDArray[np.float32]:
        """Return the image tower's input."""
        return self._image.prepare(picture)

    def infer(self, batch: Sequence[npt.NDArray[np.float32]]) -> list[Tags]:
        """Return every tag at or above the floor, and ``none of these``."""
        if not batch:
            return []
        return [self._tags(row) for row in self.scores(self._image.infer(batch))]

    def scores(self, images: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """Return the probability of each tag of the vocabulary, (n, tags); ``images`` are rows of the space."""
        tags, others, against = self._texts
        scale = self._image.folder.logit_scale
        for_tag = np.einsum("nd,td->nt", images, tags, dtype=np.float64) * scale
        for_other = np.einsum("nd,od->no", images, others, dtype=np.float64) * scale
        peak = for_other.max(axis=1, keepdims=True)
        rest = peak + np.log(np.maximum(np.exp(for_other - peak) @ against, np.exp(-60.0)))
        chance: npt.NDArray[np.float64] = 1.0 / (1.0 + np.exp(np.clip(rest - for_tag, -60, 60)))
        return chance

    @cached_property
    def _texts(self) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], npt.NDArray[np.float64]]:
        """Return (tags (t, d), others (o, d), which of the others stand against which tag (o, t))."""
        tags = self._embedded(self.vocabulary, PROMPTS)
        others = self._embedded(OTHERS, PROMPTS[:1])
        alike = np.einsum("od,td->ot", others, tags)
        same = np.maximum(NEARLY_SAME, np.quantile(alike, 1 - SAME_AT_MOST, axis=0))
        return tags, others, (alike < same).astype(np.float64)

    def _embedded(self, words: Sequence[str], prompts: Sequence[str]) -> npt.NDArray[np.float32]:
        texts = [prompt.format(word) for word in words for prompt in prompts]
        rows = np.concatenate([self._text.embed_text(texts[i : i + BATCH]) for i in range(0, len(texts), BATCH)])
        return towers.normalised(rows.reshape(len(words), len(prompts), -1).mean(axis=1))

    def _tags(self, scores: npt.NDArray[np.float64]) -> Tags:
        found = [(float(score), tag) for score, tag in zip(scores, self.vocabulary, strict=True) if score >= FLOOR]
        found.append((1.0 - float(scores.max()), NONE_FITS))
        found.sort(key=lambda pair: (-pair[0], pair[1]))
        return Tags(labels=tuple(tag for _, tag in found), scores=tuple(score for score, _ in found))


def open_tagger(name: str, settings: Settings, options: Options) -> ZeroShotTagger:
    """Open a CLIP folder as a tagger. Raises UsageError without a vocabulary, MissingModelError, MissingExtraError."""
    vocabulary = tuple(tag for tag in options.vocabulary if tag != NONE_FITS)
    if not vocabulary:
        raise UsageError(
            f"{name} has no tags of its own", hint="give it yours, one a line: phototag tag --tagger clip --vocab FILE"
        )
    if options.language:
        raise UsageError(f"{name} tags in the language of your vocabulary", hint="leave --language out")
    image = towers.open_image_embedder(name, settings, options)
    return ZeroShotTagger(image, towers.open_text_embedder(name, settings, brief=False), vocabulary)
