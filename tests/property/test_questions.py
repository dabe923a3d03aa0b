"""Law: what the language, the options and the index answer is what going through every image by hand answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phototag.index.reader import Index
from phototag.index.refresh import refresh
from phototag.library import sidecars
from phototag.library.documents import write_document
from phototag.library.tree import Tree
from phototag.models.protocols import Thresholds
from phototag.search.ask import deciding
from phototag.search.filters import both, scored
from phototag.search.find import SORTS, list_images
from phototag.search.language import parse
from phototag.sidecar import model
from phototag.sidecar.model import Exif, Gps, Place
from phototag.sidecar.registers import Document
from tests.index import sidecars_made as made

TAGS = ("sea", "sky", "old town", "people")
NAMES = {"p1": "Ada Lovelace", "p2": "Grace"}
PLACES = (None, Place("Nice", "Riviera", "FR", 43.7, 7.26), Place("Paris", "Île-de-France", "FR", 48.8, 2.3))
CAMERAS = (None, ("NIKON", "D750"), ("Canon", "EOS R5"))
DATES = (None, "2019-12-31T23:59:59.5", "2020-01-01T00:00:00", "2020-06-15T12:00:00", "2021-03-01T08:30:00")
RATINGS = (None, -1, 0, 3, 5)
CAPTIONS = (None, "An old boat", "The sea, at last")
COUNT = 60
LIMITS = Thresholds(0.5, {"sky": 0.7})


class Photo(NamedTuple):
    """What is said of one image."""

    path: str
    tags: dict[str, float]
    said: dict[str, int]
    people: tuple[str, ...]
    place: Place | None
    camera: tuple[str, str] | None
    taken: str | None
    rating: int | None
    caption: str | None
    present: bool
    least: float | None = None
    """The score from which a model's tag counts, its threshold where there is none."""

    @property
    def stars(self) -> int | None:
        """Return the rating that counts: 0 takes one away."""
        return self.rating or None

    @property
    def effective(self) -> set[str]:
        """Return the tags that count."""
        good = {
            t for t, score in self.tags.items() if (score > LIMITS.of(t) if self.least is None else score >= self.least)
        }
        return {t for t in good if self.said.get(t) != 0} | {t for t, value in self.said.items() if value == 1}

    @property
    def words(self) -> set[str]:
        """Return every word that is said of it."""
        where = () if self.place is None else (self.place.city, self.place.region, self.place.country)
        texts = [*self._replace(least=None).effective, *(NAMES[person] for person in self.people), *filter(None, where)]
        texts += [*(self.camera or ()), self.caption or "", self.path]
        return {word for text in texts for word in _words(text)}


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", text.casefold().replace("î", "i"))


def photos(seed: int = 5) -> list[Photo]:
    """Return a library's worth of images, everything about them drawn by lot."""
    chance = np.random.default_rng(seed)

    def draw(choices: tuple[Any, ...]) -> Any:
        return choices[int(chance.integers(len(choices)))]

    def some(choices: tuple[str, ...], share: float) -> tuple[str, ...]:
        return tuple(each for each in choices if chance.random() < share)

    return [
        Photo(
            f"{draw(('2019/', '2020/nice/', '2020/', ''))}img {number}.jpg",
            {tag: round(float(chance.uniform(0.3, 1)), 2) for tag in some(TAGS, 0.4)},
            {tag: int(chance.integers(2)) for tag in some(TAGS, 0.2)},
            some(tuple(NAMES), 0.3),
            draw(PLACES),
            draw(CAMERAS),
            draw(DATES),
            draw(RATINGS),
            draw(CAPTIONS),
            bool(chance.random() < 0.8),
        )
        for number in range(COUNT)
    ]


def write(tree: Tree, photo: Photo) -> None:
    """Write an image, or only its sidecar."""
    make, model_name = photo.camera or (None, None)
    place = photo.place
    document = made.document(
        photo.path,
        tags=photo.tags,
        exif=Exif(taken=photo.taken, make=make, model=model_name),
        gps=None if place is None else Gps(place.lat, place.lon),
        place=place,
        user={k: v for k, v in (("rating", photo.rating), ("caption", photo.caption)) if v is not None},
        user_tags=photo.said,
    )
    for number, person in enumerate(photo.people):
        box = b"".join(value.to_bytes(2, "little") for value in (number * 9000, 0, number * 9000 + 6000, 6000))
        document.set_person(model.FACE, f"c{number}/box", box, made.OWNER)
        document.set_person(model.FACE, f"c{number}/who", [person, NAMES[person]], made.OWNER)
    path = Path(tree.path(photo.path))
    path.parent.mkdir(parents=True, exist_ok=True)
    if photo.present:
        path.touch()
    sidecars.write(tree, photo.path, document, sync=False)


class World(NamedTuple):
    """A library and what is in it."""

    photos: dict[str, Photo]
    held: Index

    def __repr__(self) -> str:
        return "the world"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    tree = made.library(tmp_path_factory.mktemp("questions"))
    made.thresholds(tree, made.TAGGER, LIMITS)
    for person, name in NAMES.items():
        document = Document()
        document.set_person("person", "name", name, made.OWNER)
        write_document(tree, f"people/{person}", document)
    drawn = photos()
    for number, photo in enumerate(drawn):  # in several segments, some of their rows dead
        write(tree, photo if number % 7 else photo._replace(tags={"sea": 0.9}, caption="other", said={}))
        if number % 25 == 24:
            refresh(tree)
    for photo in drawn[::7]:
        Path(tree.sidecar(photo.path)).unlink()
        write(tree, photo)
    refresh(tree)
    index = made.opened(tree)
    assert len(index.segments) > 1
    return World({photo.path: photo for photo in drawn}, index)


Test = Callable[[Photo], bool]


class Asked(NamedTuple):
    """A piece of a query and who passes it."""

    text: str
    passes: Test
    any_of: str = ""
    """Of filters of this name beside each other any one is enough."""


def _spans(name: str, value: Callable[[Photo], int]) -> list[Asked]:
    tests: dict[str, Callable[[int], bool]] = {
        "0": lambda n: n == 0,
        ">=3": lambda n: n >= 3,
        ">1": lambda n: n > 1,
        "<3": lambda n: n < 3,
        "<=0": lambda n: n <= 0,
        "-1": lambda n: n == -1,
        "1..4": lambda n: 1 <= n <= 4,
    }
    return [Asked(f"{name}:{span}", lambda photo, test=test: test(value(photo))) for span, test in tests.items()]  # type: ignore[misc]


def _where(photo: Photo, name: str) -> bool:
    place = photo.place
    return place is not None and any(
        f" {name} " in f" {' '.join(_words(text))} " for text in (place.city, place.region, place.country) if text
    )


ATOMS: list[Asked] = [
    *(Asked(f'tag:"{tag}"', lambda photo, tag=tag: tag in photo.effective) for tag in (*TAGS, "nowhere")),  # type: ignore[misc]
    *(Asked(f'not-tag:"{tag}"', lambda photo, tag=tag: tag not in photo.effective) for tag in TAGS),  # type: ignore[misc]
    *(Asked(f'any-tag:"{tag}"', lambda photo, tag=tag: tag in photo.effective, "any-tag") for tag in TAGS),  # type: ignore[misc]
    Asked('tag:"Old Town"', lambda photo: "old town" in photo.effective),
    Asked("not-tag:SEA", lambda photo: "sea" not in photo.effective),
    Asked('person:"ada lovelace"', lambda photo: "p1" in photo.people),
    Asked("person:p2", lambda photo: "p2" in photo.people),
    Asked("not-person:Grace", lambda photo: "p2" not in photo.people),
    *(
        Asked(f'place:"{name}"', lambda photo, name=name: _where(photo, name), "place")  # type: ignore[misc]
        for name in ("nice", "fr", "ile de france")
    ),
    Asked("camera:nikon", lambda photo: photo.camera == CAMERAS[1], "camera"),
    Asked('camera:"eos r"', lambda photo: photo.camera == CAMERAS[2], "camera"),
    Asked("after:2020", lambda photo: photo.taken is not None and photo.taken >= "2020"),
    Asked("after:2020-06-15T12:00", lambda photo: photo.taken is not None and photo.taken >= "2020-06-15T12:00"),
    Asked("before:2020", lambda photo: photo.taken is not None and photo.taken < "2020"),
    Asked("before:2021-03", lambda photo: photo.taken is not None and photo.taken < "2021-03"),
    *_spans("rating", lambda photo: photo.rating or 0),
    *_spans("faces", lambda photo: len(photo.people)),
    Asked("has:rating", lambda photo: photo.stars is not None),
    Asked("has:caption", lambda photo: photo.caption is not None),
    Asked("has:gps", lambda photo: photo.place is not None),
    Asked("has:people", lambda photo: bool(photo.people)),
    Asked("has:date", lambda photo: photo.taken is not None),
    Asked("has:camera", lambda photo: photo.camera is not None),
    Asked("has:vector", lambda photo: False),
    Asked("is:absent", lambda photo: not photo.present),
    Asked("is:present", lambda photo: photo.present),
    Asked("is:rejected", lambda photo: photo.rating == -1),
    Asked("is:landscape", lambda photo: True),
    Asked("path:2020", lambda photo: photo.path.startswith("2020/"), "path"),
    Asked("path:2020/nice", lambda photo: photo.path.startswith("2020/nice/"), "path"),
    *(Asked(word, lambda photo, word=word: word in photo.words) for word in ("sea", "boat", "nikon", "nice", "2019")),  # type: ignore[misc]
    Asked('"old boat"', lambda photo: {"old", "boat"} <= photo.words),
    Asked('"the sea"', lambda photo: "sea" in photo.words),
]


def _together(pieces: list[Asked]) -> Test:
    """Return who passes pieces that stand beside each other."""
    alone = [piece.passes for piece in pieces if not piece.any_of]
    any_of: dict[str, list[Test]] = {}
    for piece in pieces:
        if piece.any_of:
            any_of.setdefault(piece.any_of, []).append(piece.passes)
    return lambda photo: (
        all(test(photo) for test in alone) and all(any(test(photo) for test in each) for each in any_of.values())
    )


def _not(piece: Asked) -> Asked:
    return Asked(f"-{piece.text}", lambda photo: not piece.passes(photo))


def _or(pieces: list[Asked]) -> Asked:
    return Asked(" OR ".join(piece.text for piece in pieces), lambda photo: any(p.passes(photo) for p in pieces))


def _group(pieces: list[Asked]) -> Asked:
    return Asked(f"({' '.join(piece.text for piece in pieces)})", _together(pieces))


atoms = st.sampled_from(ATOMS)
items = st.recursive(
    atoms | atoms.map(_not),
    lambda inner: (
        st.lists(inner | st.lists(inner, min_size=2, max_size=3).map(_or), min_size=1, max_size=3).map(_group)
        | st.lists(inner, min_size=1, max_size=2).map(_group).map(_not)
    ),
    max_leaves=6,
)
queries = st.lists(items | st.lists(items, min_size=2, max_size=3).map(_or), min_size=1, max_size=4)


@settings(deadline=None, max_examples=200)
@given(
    pieces=queries,
    least=st.none() | st.sampled_from([0.0, 0.35, 0.5, 0.72, 0.9]),
    sort=st.sampled_from(SORTS),
    page=st.integers(1, 9),
)
def test_every_query_answers_what_going_through_the_images_answers(
    world: World, pieces: list[Asked], least: float | None, sort: str, page: int
) -> None:
    text = " ".join(piece.text for piece in pieces)
    passes = _together(pieces)
    asked = parse(text)
    filters = scored(both(asked.filters, deciding(asked.text)), least)
    found = list_images(world.held, filters, sort=sort)
    paths = world.held.paths(found.rows)
    photos = {path: photo._replace(least=least) for path, photo in world.photos.items()}
    if least is not None and "tag:" not in text:
        photos = {path: photo for path, photo in photos.items() if photo.effective}
    assert set(paths) == {path for path, photo in photos.items() if passes(photo)}, (text, least)
    assert paths == sorted(paths, key=_order(world, sort)), sort
    assert list(_paged(world.held, filters, sort, page)) == paths


def _order(world: World, sort: str) -> Callable[[str], Any]:
    """Return what sorts paths as ``sort`` does: images without a value last, equal ones by path."""
    name, down = sort.removeprefix("-"), sort.startswith("-")
    if name == "path":
        return (lambda path: [-ord(c) for c in path] + [1]) if down else (lambda path: path)
    values = {
        path: 1000 if name == "size" else getattr(photo, "stars" if name == "rating" else name)
        for path, photo in world.photos.items()
    }
    places = {value: at for at, value in enumerate(sorted({v for v in values.values() if v is not None}))}

    def key(path: str) -> tuple[bool, int, str]:
        value = values[path]
        return value is None, 0 if value is None else -places[value] if down else places[value], path

    return key


def _paged(index: Index, filters: Any, sort: str, limit: int) -> Iterator[str]:
    """Yield the same list, page by page."""
    for offset in range(0, index.count + limit, limit):
        yield from index.paths(list_images(index, filters, sort=sort, offset=offset, limit=limit).rows)
