"""What a query means: its terms as a direction in an embedding space that the library's images have vectors in."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from phototag import fsio
from phototag.errors import LibraryError, MissingModelError, PhototagError, UsageError
from phototag.index.reader import Index
from phototag.models import registry
from phototag.models.protocols import ImageEmbedder, TextEmbedder
from phototag.search.arithmetic import direction
from phototag.search.terms import Term
from phototag.settings import Settings
from phototag.sidecar.model import model_of

Floats = npt.NDArray[np.float32]


class Meaning(NamedTuple):
    """A direction in one space."""

    space: str
    vector: Floats
    """(d,) float32, L2-normalised."""


class Semantics:
    """Understands queries; keeps the encoders it has opened, so that a server opens them once."""

    def __init__(
        self,
        settings: Settings,
        *,
        embedder: str | None = None,
        default: str = "",
        notify: Callable[[str], None] = lambda text: None,
        depth: int | None = None,
    ) -> None:
        """``embedder`` is the one a person insists on, ``default`` the library's.

        ``depth`` is how many images are near enough to count, since every image has some meaning; None: as many as
        are asked for.
        """
        self.depth = depth
        self._settings, self._insisted, self._default, self._notify = settings, embedder, default, notify
        self._texts: dict[str, TextEmbedder] = {}
        self._images: dict[str, ImageEmbedder] = {}

    def meaning(self, index: Index, terms: Sequence[Term]) -> Meaning | None:
        """Return what ``terms`` mean, or None where only words can be searched.

        Raises UsageError or MissingModelError when a person insists on a model, or names an image, and it cannot be.
        """
        space = self._space(index, words=any(not term.is_image for term in terms))
        if space is None:
            if any(term.is_image for term in terms):
                raise MissingModelError(
                    "no vectors here put words and pictures together",
                    hint="phototag models fetch clip, then phototag embed --embedder clip",
                )
            return None

        def embed_texts(words: Sequence[str]) -> Floats:
            return self._texts[space].embed_text(words)

        return Meaning(space, direction(terms, embed_texts, lambda path: self._image(index, space, path)))

    def _space(self, index: Index, *, words: bool) -> str | None:
        """Return the space to search in: insisted on, the library's default, or the fullest that can be asked."""
        reason: PhototagError | None = None
        for name in self._candidates(index):
            if not words:
                return next(space for space in index.spaces if model_of(space) == name)
            try:
                return self._open(index, name)
            except PhototagError as error:
                if self._insisted is not None:
                    raise
                reason = reason or error
        if reason is not None:
            hint = f" ({reason.hint})" if reason.hint else ""
            self._notify(f"searching words only: {reason}{hint}")
        return None

    def _candidates(self, index: Index) -> list[str]:
        here = list(dict.fromkeys(model_of(space) for space in index.spaces))
        if self._insisted is not None:
            return [self._full(self._insisted)]
        default = self._full(self._default) if self._default else ""
        able = [name for name in here if registry.can(name, registry.TEXT)] or here
        return sorted(able, key=lambda name: name != default)

    def _full(self, name: str) -> str:
        try:
            return registry.resolve(name, self._settings)
        except MissingModelError:
            return name

    def _open(self, index: Index, name: str) -> str | None:
        """Open the text side of ``name`` and return its space. Raises PhototagError when no image has a vector there."""
        known = next((space for space in self._texts if model_of(space) == name), None)
        if known is None:
            if not registry.can(name, registry.TEXT) and self._insisted is None:
                return None
            opened = registry.open_text_embedder(name, self._settings)
            known = opened.info.space
            self._texts[known] = opened
        if known not in index.spaces:
            raise UsageError(f"no image has a vector of {name} as it is now", hint=f"phototag embed --embedder {name}")
        return known

    def _image(self, index: Index, space: str, path: str) -> Floats:
        """Return the vector of an image: the stored one where it is in the library, else computed now."""
        full = os.path.abspath(os.path.expanduser(path))
        try:
            row = index.row_of(index.tree.relative(full))
        except LibraryError:
            row = None
        if row is not None and index.vectors(space).has[row]:
            stored: Floats = index.vectors(space).get(np.array([row]))[0]
            return stored
        return self._computed(space, full)

    def _computed(self, space: str, path: str) -> Floats:
        from phototag.imaging.decode import read_picture

        try:
            data = fsio.read_bytes(path)
        except OSError as error:
            raise UsageError(f"{path}: {error.strerror or error}") from error
        model = self._images.get(space)
        if model is None:
            model = registry.open_image_embedder(model_of(space), self._settings)
            if model.info.space != space:
                raise UsageError(f"{model_of(space)} has changed since the images were embedded", hint="phototag embed")
            self._images[space] = model
        picture = read_picture(
            data, name=os.path.basename(path), side_px=model.side_px, max_megapixels=self._settings.max_megapixels
        )
        vector: Floats = model.infer([model.prepare(picture)])[0]
        return vector
