"""Which images are the same picture: hashes, embeddings, what the camera wrote, and which one is kept."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from phototag.errors import UsageError
from phototag.index.reader import Index
from phototag.index.refresh import rebuild
from phototag.library import sidecars
from phototag.library.tree import Tree
from phototag.search import duplicates, hamming, shots
from phototag.search.duplicates import EXACT, NEAR
from phototag.search.shots import Shot
from phototag.sidecar import model
from phototag.sidecar.model import Content, Embedding, Exif, Phash
from tests.index import sidecars_made as made

CANON: dict[str, Any] = {"make": "Canon", "model": "Canon EOS R5"}
RNG = np.random.default_rng(7)
BASE = RNG.integers(0, 256, 32, dtype=np.uint8)
STRANGER = RNG.integers(0, 256, 32, dtype=np.uint8)
AXES = np.eye(made.DIM)


def flipped(bits: int, base: np.ndarray[Any, Any] = BASE, seed: int = 0) -> bytes:
    """Return ``base`` with so many bits turned over."""
    spread = np.unpackbits(base)
    spread[np.random.default_rng(seed).choice(256, bits, replace=False)] ^= 1
    return np.packbits(spread).tobytes()


def add(
    tree: Tree,
    rel: str,
    *,
    bits: int = 0,
    hashes: bytes | None = None,
    inner: bytes = b"",
    vector: np.ndarray[Any, Any] | None = AXES[0],
    exif: Exif | None = None,
    size: tuple[int, int] = (4000, 3000),
    fmt: str = "jpeg",
    pixels: str = "",
    seed: int = 0,
    frames: int = 1,
) -> None:
    """Write one image that looks as told; another ``pixels``, the same pixels as that image."""
    document = made.document(rel, exif=exif)
    px = made.pixels(pixels or rel)
    x = made.pixels(rel)
    document.set_machine(model.ID, model.CONTENT, Content(x, px, 1000 + len(rel), *size, fmt, frames=frames))
    document.set_machine(
        model.HASH, model.PDQ, Phash(px[:8], (flipped(bits, seed=seed) if hashes is None else hashes) + inner)
    )
    if vector is not None:
        half = (vector / np.linalg.norm(vector)).astype("<f2").tobytes()
        document.set_machine(model.EMB, made.EMBEDDER, Embedding(px[:8], made.DIM, half))
    path = Path(tree.path(rel))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(rel.encode())
    sidecars.write(tree, rel, document, sync=False)


def found(tree: Tree, *, near: bool = True, rule: str = "best") -> list[tuple[str, list[str], str]]:
    rebuild(tree)
    index = Index.open(tree)
    assert index is not None
    groups = duplicates.find(index, index.alive, near=near, rule=rule)
    return [(index.path(group.keep), index.paths(group.others), group.kind) for group in groups]


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return made.library(tmp_path)


def test_the_same_pixels_with_other_metadata_are_exact(tree: Tree) -> None:
    add(tree, "a.jpg")
    add(tree, "longer.jpg", pixels="a.jpg", hashes=flipped(100))
    add(tree, "other.jpg", hashes=STRANGER.tobytes())
    assert found(tree, near=False) == [("longer.jpg", ["a.jpg"], EXACT)]


@pytest.mark.parametrize(("bits", "same"), [(0, True), (31, True), (32, False)])
def test_hashes_within_31_bits_look_the_same(tree: Tree, bits: int, same: bool) -> None:
    add(tree, "a.jpg")
    add(tree, "b.jpg", bits=bits)
    assert bool(found(tree)) == same
    assert found(tree, near=False) == []


def test_the_embedding_must_agree_and_without_one_only_few_bits_count(tree: Tree) -> None:
    add(tree, "a.jpg")
    add(tree, "b.jpg", bits=5, vector=AXES[0] + AXES[1])
    assert found(tree) == []
    add(tree, "b.jpg", bits=5, vector=None)
    assert found(tree) == []  # the vector it had is of the same pixels, and still says no
    add(tree, "c.jpg", bits=12, vector=None, seed=3)
    add(tree, "d.jpg", hashes=flipped(13, STRANGER), vector=None)
    add(tree, "e.jpg", hashes=STRANGER.tobytes())
    assert found(tree) == [("a.jpg", ["c.jpg"], NEAR)]


def test_what_a_frame_encloses_is_compared_with_whole_pictures_and_other_frames(tree: Tree) -> None:
    add(tree, "a.jpg")
    add(tree, "framed.jpg", hashes=STRANGER.tobytes() + flipped(20), vector=AXES[3])
    add(tree, "wide.jpg", hashes=flipped(128, STRANGER) + flipped(10, seed=4), vector=AXES[4])
    add(tree, "far.jpg", hashes=flipped(120, STRANGER, seed=9) + flipped(25, seed=5), vector=AXES[5])
    assert found(tree, rule="shortest-path") == [("a.jpg", ["framed.jpg", "wide.jpg"], NEAR)]


def test_frames_of_a_burst_and_a_series_are_not_duplicates_but_a_copy_of_one_is(tree: Tree) -> None:
    for number in range(4):
        add(tree, f"IMG_000{number}.jpg", bits=6 * number, exif=Exif(taken=f"2024-05-01T10:00:0{number}", **CANON))
    assert found(tree) == []
    add(tree, "sent/small.jpg", bits=13, exif=Exif(taken="2024-05-01T10:00:02", **CANON), size=(1600, 1200))
    assert found(tree) == [("IMG_0002.jpg", ["sent/small.jpg"], NEAR)]


def test_a_copy_without_a_date_goes_to_the_frame_it_is_most_like_and_never_takes_a_burst(tree: Tree) -> None:
    for number in range(3):
        exif = Exif(taken=f"2024-05-01T10:00:0{number}", **CANON)
        add(tree, f"long name {number}.jpg", hashes=flipped(12, seed=number), exif=exif)
    add(tree, "x.jpg", hashes=flipped(12, seed=1), size=(800, 600))
    assert found(tree) == [("long name 1.jpg", ["x.jpg"], NEAR)]
    kept = found(tree, rule="shortest-path")
    assert kept == [("x.jpg", ["long name 1.jpg"], NEAR)]


def test_a_time_lapse_is_a_series_whatever_its_interval(tree: Tree) -> None:
    for number in range(6):
        exif = Exif(taken=f"2024-05-01T{8 + number:02}:00:00", **CANON)
        add(tree, f"IMG_000{number}.jpg", bits=2 * number, exif=exif)
    for day in range(1, 4):  # a camera whose card is emptied every day counts from the beginning
        add(tree, f"{day}/IMG_9001.jpg", bits=2 * day, exif=Exif(taken=f"2024-06-0{day}T12:00:00", **CANON))
    assert found(tree) == []
    add(tree, "sent/IMG_0003.jpg", bits=7, exif=Exif(taken="2024-05-01T13:00:00", **CANON), size=(1600, 1200))
    assert found(tree) == [("IMG_0003.jpg", ["sent/IMG_0003.jpg"], NEAR)]


def test_what_counts_on_in_one_folder_and_has_no_date_is_a_series(tree: Tree) -> None:
    for number in range(9, 14):
        add(tree, f"film/frame_{number:04}.png", bits=number)
    assert found(tree) == []
    add(tree, "sent/IMG-20240501-WA0007.jpg", bits=11, size=(1600, 1200))
    assert found(tree) == [("film/frame_0011.png", ["sent/IMG-20240501-WA0007.jpg"], NEAR)]


def test_numbers_with_a_gap_are_no_series(tree: Tree) -> None:
    add(tree, "sea.jpg")
    for side in (1024, 2048):
        add(tree, f"sea-{side}.jpg", bits=2, size=(side, side * 3 // 4))
    assert found(tree) == [("sea.jpg", ["sea-1024.jpg", "sea-2048.jpg"], NEAR)]


def test_an_animation_is_not_its_first_frame_nor_another_that_begins_so(tree: Tree) -> None:
    add(tree, "photo.jpg")
    add(tree, "a.gif", fmt="gif", frames=12, size=(400, 300))
    add(tree, "b.gif", fmt="gif", frames=12, size=(400, 300))
    add(tree, "still.gif", fmt="gif", size=(400, 300))
    assert found(tree) == [("photo.jpg", ["still.gif"], NEAR)]
    add(tree, "copy of a.gif", fmt="gif", frames=12, size=(400, 300), pixels="a.gif")
    assert ("copy of a.gif", ["a.gif"], EXACT) in found(tree)


def test_raw_and_jpeg_are_a_pair_wherever_they_lie(tree: Tree) -> None:
    exif = Exif(taken="2024-05-01T10:00:00", **CANON)
    add(tree, "IMG_1.CR2", fmt="raw", exif=exif)
    add(tree, "IMG_1.JPG", bits=2, exif=exif)
    add(tree, "IMG_1.dng", fmt="raw", bits=1, exif=exif)
    add(tree, "jpeg/IMG_1.JPG", bits=3, exif=exif)
    assert found(tree, rule="shortest-path") == [("IMG_1.JPG", ["jpeg/IMG_1.JPG"], NEAR)]


def test_exact_copies_of_what_looks_the_same_go_with_it(tree: Tree) -> None:
    add(tree, "big.jpg")
    add(tree, "small.jpg", bits=4, size=(800, 600))
    add(tree, "small again.jpg", pixels="small.jpg", bits=4, size=(800, 600))
    add(tree, "big (1).jpg", pixels="big.jpg")
    assert found(tree) == [
        ("big (1).jpg", ["big.jpg"], EXACT),
        ("big (1).jpg", ["small again.jpg", "small.jpg"], NEAR),
    ]


def test_plain_pictures_without_a_hash_are_compared_by_their_bytes_only(tree: Tree) -> None:
    add(tree, "a.jpg", hashes=b"")
    add(tree, "b.jpg", hashes=b"")
    assert found(tree) == []


def test_a_hash_of_other_pixels_does_not_count(tree: Tree) -> None:
    add(tree, "a.jpg")
    add(tree, "b.jpg")
    document = sidecars.read(tree, "b.jpg")
    assert document is not None
    document.set_machine(model.ID, model.CONTENT, Content(bytes(16), bytes(16), 5, 4, 3, "jpeg"))
    sidecars.write(tree, "b.jpg", document)
    assert found(tree) == []


@pytest.mark.parametrize(
    ("original", "other"),
    [
        ({"rel": "IMG_0001.jpg"}, {"rel": "IMG_0001-Edit-2.jpg"}),
        ({"rel": "IMG_0001.jpg"}, {"rel": "IMG_E0001.jpg"}),
        ({"rel": "DSC_1.jpg"}, {"rel": "DSC_1-bearbeitet.jpg"}),
        ({"rel": "2020/a.jpg"}, {"rel": "2020/edited/a.jpg"}),
        ({"rel": "IMG_0001.heic", "fmt": "heif"}, {"rel": "IMG_0001 as it was sent.jpg"}),
        ({"rel": "IMG_0001.jpg"}, {"rel": "framed for the wall.jpg", "size": (4400, 3300), "inner": flipped(3)}),
        ({"rel": "credit.jpg", "size": (4001, 3000)}, {"rel": "IMG_0001 with the higher quality.jpg"}),
    ],
    ids=str,
)
def test_the_best_is_the_original_though_what_was_made_of_it_is_larger(
    tree: Tree, original: dict[str, Any], other: dict[str, Any]
) -> None:
    add(tree, **original)
    add(tree, **other)
    assert found(tree) == [(original["rel"], [other["rel"]], NEAR)]


@pytest.mark.parametrize("rule", sorted(set(duplicates.RULES) - {"shortest-path"}))
@pytest.mark.parametrize("spare", ["Backup/a.jpg", "my copy/a.jpg", "old/2019/a.jpg", "a (1).jpg", "a copy 2.jpg"])
def test_of_equal_ones_none_that_says_it_is_a_copy_stays(tree: Tree, spare: str, rule: str) -> None:
    long = "2019/07 golden holidays/a.jpg"
    for rel in (long, spare):
        add(tree, rel, pixels="same")
        document = sidecars.read(tree, rel)
        assert document is not None
        document.set_machine(model.ID, model.CONTENT, Content(bytes(16), bytes(16), 5, 4, 3, "jpeg"))
        sidecars.write(tree, rel, document)
        os.utime(tree.path(rel), (0, 0))
    assert found(tree, near=False, rule=rule) == [(long, [spare], EXACT)]


@pytest.mark.parametrize("beside", ["IMG_0001.MOV", "img_0001.aae"])
def test_of_equal_ones_that_stays_which_has_the_film_of_a_live_photo(tree: Tree, beside: str) -> None:
    add(tree, "a/IMG_0001.heic", fmt="heif", pixels="same")
    add(tree, "from the phone/IMG_0001.heic", fmt="heif", pixels="same")
    add(tree, "backup/IMG_0001 with caption.heic", fmt="heif", pixels="same")
    Path(tree.path("a/IMG_0002.MOV")).write_bytes(b"of another")
    Path(tree.path(f"from the phone/{beside}")).write_bytes(b"film")
    for rule in ("best", "shortest-path"):
        kept = found(tree, near=False, rule=rule)[0][0]
        assert kept == ("from the phone/IMG_0001.heic" if rule == "best" else "a/IMG_0001.heic")


def test_the_rules(tree: Tree) -> None:
    add(tree, "one.jpg", size=(2000, 1500), exif=Exif(taken="2024-05-01T10:00:00", **CANON))
    add(tree, "edited much longer.jpg", size=(2000, 1500), exif=Exif(taken="2024-05-01T10:00:00", **CANON))
    add(tree, "up.jpg", size=(4000, 3000))
    keeps = {rule: found(tree, rule=rule)[0][0] for rule in duplicates.RULES}
    assert keeps == {
        "best": "up.jpg",
        "oldest": "one.jpg",
        "largest": "edited much longer.jpg",
        "shortest-path": "up.jpg",
    }
    with pytest.raises(UsageError, match="cannot keep 'newest'"):
        found(tree, rule="newest")


HOUR_US = 3600 * 1_000_000
DAY_US = 24 * HOUR_US


def shot(name: str, **fields: Any) -> Shot:
    defaults: dict[str, Any] = {
        "format": "jpeg",
        "size_px": (4000, 3000),
        "camera": "R5",
        "taken_us": 1_000_000_000_000,
        "settings": (0.01, 4.0, 100.0),
    }
    return Shot(name, **(defaults | fields))


@pytest.mark.parametrize(
    ("other", "bits", "differ"),
    [
        (shot("b.jpg"), 20, False),
        (shot("b.jpg", taken_us=1_000_000_100_000), 0, True),
        (shot("b.jpg", taken_us=1_000_000_000_000 + 3600 * 1_000_000), 20, False),
        (shot("b.jpg", taken_us=1_000_000_000_000 + 3601 * 1_000_000), 20, True),
        (shot("b.jpg", taken_us=None), 20, False),
        (shot("b.jpg", camera="", taken_us=5), 20, False),
        (shot("b.jpg", settings=(0.02, 4.0, 100.0)), 2, True),
        (shot("b.jpg", settings=(0.0, 0.0, 0.0)), 2, False),
        (shot("b.jpg", taken_us=1_000_000_000_000 + DAY_US), 20, True),
        (shot("IMG_0002.jpg", taken_us=1_000_000_000_000 + HOUR_US), 0, True),
        (shot("sent/IMG_0001.jpg", taken_us=1_000_000_000_000 + HOUR_US), 20, False),
        (shot("b.jpg", camera="D850", taken_us=1_000_000_100_000), 0, True),
        (shot("b.jpg", camera="D850", taken_us=1_000_000_000_000 + HOUR_US), 0, True),
        (shot("b.jpg", camera="D850"), 0, False),
        (shot("IMG_0002.jpg"), 0, True),  # a stack of focus
        (shot("small/IMG_0002.jpg", size_px=(400, 300)), 0, True),
        (shot("IMG_0300.jpg"), 9, True),
        (shot("IMG_0300.jpg"), 8, False),  # saved anew by a phone, which counts on
        (shot("IMG_0300.jpg", size_px=(400, 300)), 9, False),
        (shot("20240501_100000.jpg"), 8, False),  # renamed by an import
        (shot("IMG_0002.jpg", taken_us=None, run=3), 0, True),
        (shot("IMG_0002.jpg", camera="", run=3), 0, True),
        (shot("IMG_0002.jpg", taken_us=None, run=2), 9, False),
        (shot("IMG_0001.png", taken_us=None, run=3), 9, False),
        (shot("IMG_0001 (2).jpg", camera=""), 9, False),
        (shot("IMG_0001.jpg", frames=2), 0, True),
        (shot("IMG_0001-edited.jpg"), 9, False),
        (shot("b.nef", format="raw"), 0, True),
    ],
)
def test_what_the_camera_wrote_tells_two_shots_apart(other: Shot, bits: int, differ: bool) -> None:
    one = shot("IMG_0001.jpg", run=3)
    assert shots.differ(one, other, bits) == shots.differ(other, one, bits) == differ


@pytest.mark.parametrize(
    ("other", "differ"),
    [
        ("DNG/IMG_1-HDR.dng", True),
        ("IMG_1-Enhanced-NR.dng", True),
        ("IMG_1.dng", True),
        ("DNG/IMG_1.dng", False),
        ("backup/IMG_1.cr2", False),
        ("backup/IMG_1 copy.cr2", False),
        ("backup/IMG_1 (1).cr2", False),
    ],
)
def test_a_raw_file_that_was_made_of_another_is_no_copy_of_it(other: str, differ: bool) -> None:
    one, two = shot("IMG_1.cr2", format="raw"), shot(other, format="raw")
    assert shots.differ(one, two, 0) == shots.differ(two, one, 0) == differ


KINDS = ("jpg", "jpeg", "png", "gif", "bmp", "tif", "tiff", "webp", "avif", "heic", "heif", "nef", "cr2", "dng", "arw")


def test_what_is_quick_is_a_part_of_the_rule(tree: Tree) -> None:
    names = ("IMG_0001", "IMG_0002", "IMG_0300", "IMG_1", "plain", "20240501_100000", "sub/IMG_0001", "sub/IMG_0002")
    dates = (None, "2024-05-01T10:00:00", "2024-05-01T10:00:07", "2024-05-01T11:00:00", "2024-05-02T10:00:00")
    told = itertools.product(dates, ({}, CANON, {"model": "D850"}))
    for (taken, camera), kind in zip(told, KINDS, strict=True):
        for name in names:
            add(tree, f"{name}.{kind}", exif=Exif(taken=taken, **camera))
    rebuild(tree)
    index = Index.open(tree)
    assert index is not None
    assert index.count == 120
    rows = np.arange(index.size)
    known = shots.Shots(index, rows)
    for one in rows.tolist():
        quick = known.in_series(one, rows)
        slow = np.array([known.differ(one, other, 0) for other in rows.tolist()])
        assert quick.tolist() == slow.tolist()


@settings(deadline=None, max_examples=60)
@given(
    arrays.arrays(np.uint8, st.tuples(st.integers(0, 24), st.just(32))),
    st.lists(st.tuples(st.integers(0, 23), st.integers(0, 40), st.integers(0, 99)), max_size=12),
    st.integers(0, 31),
)
def test_what_hangs_together_by_near_pairs_has_the_number_of_its_first(
    base: np.ndarray[Any, Any], near: list[tuple[int, int, int]], radius: int
) -> None:
    rows = [row.tobytes() for row in base]
    rows += [flipped(bits, base[at % len(base)], seed) for at, bits, seed in near if len(base)]
    hashes = np.frombuffer(b"".join(rows), np.uint8).reshape(-1, 32)
    numbers = [int.from_bytes(row) for row in rows]
    first = list(range(len(rows)))
    for i, j in itertools.combinations(range(len(rows)), 2):
        if (numbers[i] ^ numbers[j]).bit_count() <= radius:
            one, other = sorted((first[i], first[j]))
            first = [one if at == other else at for at in first]
    assert hamming.connected(hashes, radius).tolist() == first


def test_among_many_hashes_nearly_all_near_pairs_are_found_and_no_others() -> None:
    base = RNG.integers(0, 256, (6000, 32), dtype=np.uint8)
    near = [flipped(at % 32, base[at], at) for at in range(1600)]
    hashes = np.vstack([base, np.frombuffer(b"".join(near), np.uint8).reshape(-1, 32)])
    labels = hamming.connected(hashes, 31)
    assert labels[:6000].tolist() == list(range(6000))
    missed = [at for at, label in enumerate(labels[6000:].tolist()) if label != at]
    assert len(missed) <= 10
    assert all(labels[6000 + at] == 6000 + at and at % 32 > 24 for at in missed)
    assert hamming.connected(hashes, 31).tolist() == labels.tolist()


def test_a_long_time_lapse_does_not_make_all_its_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    """They took 16 GB for 2,500 frames."""
    frames = np.frombuffer(b"".join(flipped(at % 9, seed=at) for at in range(3000)), np.uint8).reshape(-1, 32)
    strangers = RNG.integers(0, 256, (500, 32), dtype=np.uint8)
    compared: list[int] = []
    count = hamming._bits

    def counting(words: Any, one: Any, other: Any) -> Any:
        compared.append(len(one))
        return count(words, one, other)

    monkeypatch.setattr(hamming, "_bits", counting)
    labels = hamming.connected(np.vstack([frames, strangers]), 31)
    assert np.unique(labels[:3000]).tolist() == [0]
    assert labels[3000:].tolist() == list(range(3000, 3500))
    assert sum(compared) < 200_000  # of 4.5 million


def test_counting_bits_is_the_same_on_numpy_1(monkeypatch: pytest.MonkeyPatch) -> None:
    many = RNG.integers(0, 256, (50, 32), dtype=np.uint8)
    modern = hamming.distance(BASE, many)
    monkeypatch.delattr(np, "bitwise_count", raising=False)
    assert hamming.distance(BASE, many).tolist() == modern.tolist()
