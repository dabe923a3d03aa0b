"""One small library that the tests of searching share."""

from __future__ import annotations

from pathlib import Path
from typing import TypedDict

from phototag.index.reader import Index
from phototag.index.refresh import refresh
from phototag.library.documents import write_document
from phototag.library.tree import Tree
from phototag.search.find import Hit
from phototag.sidecar import model
from phototag.sidecar.model import Exif, Gps, Place
from phototag.sidecar.registers import Document
from tests.index import sidecars_made as made


class Camera(TypedDict):
    """What EXIF says of a camera."""

    make: str
    model: str


NIKON: Camera = {"make": "NIKON CORPORATION", "model": "NIKON D750"}
CANON: Camera = {"make": "Canon", "model": "Canon EOS R5"}
NICE, PARIS, KYOTO = (
    Place("Nice", "Provence-Alpes-Côte d'Azur", "FR", 43.7, 7.26),
    Place("Paris", "Île-de-France", "FR", 48.85, 2.35),
    Place("Kyoto", "Kyoto", "JP", 35.0, 135.77),
)


def build(folder: Path) -> Tree:
    """Write the library and its index."""
    tree = made.library(folder)
    made.add(
        tree,
        "2019/beach.jpg",
        tags={"beach": 0.9, "sea": 0.8, "sky": 0.6},
        exif=Exif(taken="2019-07-14T10:00:00", **NIKON),
        gps=Gps(43.69, 7.27),
        place=NICE,
        user={"rating": 4},
        seed=1,
    )
    made.add(
        tree,
        "2019/tower.jpg",
        tags={"tower": 0.95, "sky": 0.9},
        exif=Exif(taken="2019-12-31T23:59:59.5", **CANON),
        place=PARIS,
        user={"caption": "La tour, un été"},
        seed=2,
    )
    made.add(tree, "2020/dog.jpg", tags={"dog": 0.7, "beach": 0.55}, exif=Exif(taken="2020-02-01T08:00:00"), seed=3)
    made.add(
        tree,
        "2020/shrine.jpg",
        tags={"shrine": 0.8, "sea": 0.2},
        place=KYOTO,
        exif=Exif(taken="2020-03-01T08:00:00", **NIKON),
        user={"rating": 5},
        user_tags={"holiday": 1, "sea": 1},
        seed=4,
    )
    made.add(tree, "IMG_0042.jpg", user={"rating": -1}, user_tags={"dog": 0})
    made.add(tree, "gone.jpg", image=False, tags={"beach": 0.99}, user_tags={"holiday": 1})
    for person, name in (("p1", "Ada Lovelace"), ("p2", "Grace")):
        write_document(tree, f"people/{person}", _person(name))
    _face(tree, "2019/beach.jpg", "c1", "p1", "Ada L.")
    _face(tree, "2020/dog.jpg", "c2", "p2", "Grace")
    _face(tree, "2020/dog.jpg", "c3", "p1", "Ada L.")
    refresh(tree)
    return tree


def paths(index: Index, hits: list[Hit]) -> list[str]:
    """Return the paths of ranked images."""
    return index.paths(hit.row for hit in hits)


def _person(name: str) -> Document:
    document = Document()
    document.set_person("person", "name", name, made.OWNER)
    return document


def _face(tree: Tree, rel: str, claim: str, person: str, snapshot: str) -> None:
    from phototag.library import sidecars

    document = Document()
    corner = int(claim[1:]) * 8000
    box = b"".join(value.to_bytes(2, "little") for value in (corner, corner, corner + 6000, corner + 6000))
    document.set_person(model.FACE, f"{claim}/box", box, made.OWNER)
    document.set_person(model.FACE, f"{claim}/who", [person, snapshot], made.OWNER)
    sidecars.write(tree, rel, document, sync=False)
