"""Names: forward only, never too long, never two images on one sidecar."""

from __future__ import annotations

import os

from hypothesis import given, settings
from hypothesis import strategies as st

from phototag.sidecar import copies, naming
from tests.property.bodies import paths

law = settings(deadline=None, max_examples=400)
INFIXES = (
    ".sync-conflict-20240501-101500-ABCDEFG",
    ".variant-1a2b",
    " (Ada's conflicted copy 2024-05-01)",
    " (conflicted copy 2024-05-01 101500)",
    "_conflict-20240501-101500",
)


@law
@given(paths)
def test_a_sidecar_has_room_for_the_infix_of_a_conflict(name: str) -> None:
    sidecar = naming.sidecar_name(name)
    assert sidecar.endswith(".phototag")
    assert len(os.fsencode(sidecar)) <= naming.NAME_LIMIT
    assert naming.is_sidecar_name(sidecar)
    assert naming.image_name(sidecar) in (name, None)


@law
@given(paths, paths)
def test_two_images_never_share_a_sidecar(one: str, other: str) -> None:
    assert (naming.sidecar_name(one) == naming.sidecar_name(other)) == (one == other)


@law
@given(st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs", "Cc"]), min_size=80, max_size=250))
def test_a_long_name_is_cut_between_characters(name: str) -> None:
    made = naming.sidecar_name(name)
    assert len(made.encode()) <= naming.NAME_LIMIT
    assert made == name + ".phototag" or name.startswith(made.rpartition("~")[0])


@law
@given(paths, st.lists(st.sampled_from(INFIXES), min_size=1, max_size=3))
def test_a_conflict_copy_is_led_back_to_its_sidecar_however_nested(name: str, infixes: list[str]) -> None:
    sidecar = naming.sidecar_name(name)
    if copies.is_copy(sidecar):
        return  # the image's own name looks like a copy: tested below
    copy = sidecar.removesuffix(".phototag") + "".join(infixes) + ".phototag"
    assert copies.original_name(copy) == sidecar


def test_an_images_own_conflict_copy_is_a_new_image() -> None:
    for infix in INFIXES:
        assert not copies.is_copy(naming.sidecar_name(f"IMG{infix}.jpg"))
    assert not copies.is_copy("IMG.jpg.phototag")
    assert not copies.is_copy("IMG (2).jpg.phototag")
    assert not copies.is_copy(".sync-conflict-20240501-101500-ABCDEFG.phototag")
