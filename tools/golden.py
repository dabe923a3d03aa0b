"""What the golden sidecars hold: one small document for each thing a reader must get right.

Values are fixed: the same code writes the same bytes on every machine and every day.
"""

from __future__ import annotations

import struct

import xxhash

from phototag.ids import MACHINE, Clock
from phototag.sidecar import codec, model
from phototag.sidecar.registers import Document

ADA = Clock(bytes.fromhex("0a0b0c0d0e0f"), lambda: 1_714_557_600_000)
"""The owner at one machine, 2024-05-01 10:00:00 UTC."""
BEN = Clock(bytes.fromhex("f1f2f3f4f5f6"), lambda: 1_714_561_200_000)
"""The owner at another, an hour later."""

BYTES = xxhash.xxh3_128_digest(b"the bytes of the photo")
PIXELS = xxhash.xxh3_128_digest(b"its pixels")
SRC = PIXELS[:8]
BUILTIN = model.space("builtin", "1", "5f0c3a9e")
CLIP = model.space("clip/ViT-B-32", "laion2b", "0011aabb")
FACES = model.space("scrfd+arcface", "w600k", "89abcdef")
PERSON = "7d1f0c52a3b94e0c8f6a2b1d3e4f5a6b"
CLAIM = "c0ffee00c0ffee00"


def documents() -> dict[str, Document]:
    """Return {name: document} of every golden that reads well."""
    left, right = edited_by_ada(), edited_by_ben()
    return {
        "minimal": minimal(),
        "full": full(),
        "future": future(),
        "purged": purged(),
        "odd-name": odd_name(),
        "join-left": left,
        "join-right": right,
        "join-result": left.join(right),
    }


def minimal(name: bytes = b"IMG_0001.jpg") -> Document:
    """Return the least a scan writes: which file this is."""
    document = Document()
    content = model.Content(x=BYTES, px=PIXELS, n=3_700_123, w=4000, h=3000, fmt="jpeg")
    document.set_machine(model.ID, model.CONTENT, content)
    document.set_machine(model.ID, model.BIRTH, BYTES)
    document.set_machine(model.ID, model.NAME, name)
    return document


def full() -> Document:
    """Return a document with every section of version 1."""
    document = minimal()
    camera(document)
    outputs(document)
    faces(document)
    for key, value in OWNER.items():
        document.set_person(model.USER, key, value, ADA)
    for tag, state in (("holiday", 1), ("beach/day one", 1), ("sunset", -1), ("Ångström", 0)):
        document.set_person(model.UTAG, tag, state, ADA)
    return document


OWNER: dict[str, object] = {
    "rating": 4,
    "caption": "The first morning – warm sand, cold sea",
    "title": "Nice",
    "flag": "pick",
    "date": "2024-05-01T10:00:00",
    "loc": model.UserPlace(lat=43.6951, lon=7.2758, city="Nice", country="FR"),
    "orient": 1,
}


def camera(document: Document) -> None:
    """Add what the camera said."""
    exif = model.Exif(
        taken="2024-05-01T10:00:00.25",
        offset="+02:00",
        make="Canon",
        model="Canon EOS 80D",
        lens="EF-S18-135mm f/3.5-5.6 IS USM",
        software="darktable 4.8",
        orientation=6,
        exposure=(1, 250),
        fnumber=(56, 10),
        iso=100,
        focal=(35, 1),
        focal35=56,
        bias=(-1, 3),
        flash=16,
        distance=(25, 10),
        title="DSC 1",
        description="a beach",
        artist="Ada",
        copyright="CC BY 4.0",
        keywords=("sea", "sand"),
        rating=3,
        burst="A1B2",
    )
    gps = model.Gps(lat=43.6951, lon=7.2758, alt=4.5, direction=181.25, utc="2024-05-01T08:00:00")
    place = model.Place(city="Nice", region="Provence-Alpes-Cote d'Azur", country="FR", lat=43.6951, lon=7.2758, km=0.9)
    document.set_machine(model.EXIF, model.V1, exif)
    document.set_machine(model.GPS, model.V1, gps)
    document.set_machine(model.GEO, "geonames@2015", place)


def outputs(document: Document) -> None:
    """Add what models said: two taggers, one vector, one hash."""
    scores = struct.pack("<3H", 62000, 40000, 1234)
    tags = model.TagScores(src=SRC, labels=("blue", "landscape", "bright"), scores=scores)
    document.set_machine(model.MTAG, BUILTIN, tags)
    document.set_machine(model.MTAG, CLIP, model.TagScores(src=SRC))
    vector = struct.pack("<4e", 0.5, -0.5, 0.5, -0.5)
    document.set_machine(model.EMB, CLIP, model.Embedding(src=SRC, d=4, v=vector))
    document.set_machine(model.HASH, "phash@1", model.Phash(src=SRC, v=bytes.fromhex("c3d2a5965a692d3c")))


def faces(document: Document) -> None:
    """Add one detected face, what the owner says of it, and what a machine guesses."""
    box = struct.pack("<4H", 16384, 8192, 32768, 40960)
    points = struct.pack("<10H", *(20000 + 500 * i for i in range(10)))
    vector = struct.pack("<4e", 1.0, 0.0, 0.0, 0.0)
    face = model.Face(box=box, landmarks=points, det=0.96875, quality=0.5, v=vector)
    document.set_machine(model.FACE_OBS, FACES, model.FaceObservations(src=SRC, faces=(face,)))
    document.set_person(model.FACE, f"{CLAIM}/box", box, ADA)
    document.set_person(model.FACE, f"{CLAIM}/who", (PERSON, "Ada"), ADA)
    document.set_person(model.FACE, f"{CLAIM}/state", 1, ADA)
    document.set_person(model.FACE, f"{CLAIM}/not/{PERSON[::-1]}", 1, ADA)
    document.set_machine(model.FACE, f"{CLAIM}/auto", (PERSON, 0.75))


def future() -> Document:
    """Return a document a later 1.x wrote: a section, a key, a field and a register's tail that 1.0 does not know."""
    document = minimal()
    document.set_person("dream", "v3", {"of": ["sheep", 7]}, ADA)
    document.set_machine("exif", "v2", {"taken": "2031-01-01T00:00:00", "mood": "calm"})
    place = {"city": "Nice", "region": "", "country": "FR", "lat": 43.5, "lon": 7.25, "planet": "Earth"}
    document.set_machine(model.GEO, "geonames@2030", place)
    tail = [0, MACHINE, "value", [], {"why": "not known yet"}]
    document.body["dream"]["tail"] = codec.encode_value(tail)
    return document


def purged() -> Document:
    """Return a document whose faces were purged, and in which a face was claimed again afterwards."""
    document = minimal()
    faces(document)
    document.purge(model.FACE, "5eed5eed5eed5eed")
    document.set_person(model.FACE, f"{CLAIM}/who", (PERSON, "Ada"), BEN)
    return document


def odd_name() -> Document:
    """Return the sidecar of a file whose name is not UTF-8 and too long for its sidecar's name to spell out."""
    return minimal(b"caf\xe9-" + b"long" * 55 + b".jpg")


def edited_by_ada() -> Document:
    """Return one machine's version: rated and tagged at ten."""
    document = minimal()
    document.set_person(model.USER, "rating", 3, ADA)
    document.set_person(model.USER, "caption", "at ten", ADA)
    document.set_person(model.UTAG, "beach", 1, ADA)
    return document


def edited_by_ben() -> Document:
    """Return the other's: the rating an hour later, another tag, and EXIF the first has not read yet."""
    document = minimal()
    document.set_person(model.USER, "rating", 5, BEN)
    document.set_person(model.UTAG, "holiday", 1, BEN)
    document.set_machine(model.EXIF, model.V1, model.Exif(make="Canon"))
    return document


def refused() -> dict[str, tuple[bytes, str]]:
    """Return {name: (bytes, stable word of the error)} of files that are damaged, or too new to be written again."""
    good = minimal().encode()
    flipped = bytearray(good)
    flipped[-1] ^= 1
    markers = b"<<<<<<< HEAD\n" + good + b"\n=======\n" + good + b"\n>>>>>>> other\n"
    newer = codec.encode(minimal().body, version=2)
    return {
        "checksum": (bytes(flipped), "checksum"),
        "conflict-markers": (markers, "conflict-markers"),
        "cut-short": (good[:-5], "length"),
        "empty": (b"", "empty"),
        "foreign": (b"\xff\xd8\xff\xe0 not a sidecar at all, but bytes", "magic"),
        "newer": (newer, "version"),
        "pointer": (b"/annex/objects/SHA256E-s3700123--00ff.phototag\n", "pointer"),
        "trailing": (good + b"\0", "length"),
    }
