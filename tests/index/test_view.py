"""The index's view of a sidecar: quick, and never put off by one odd part."""

from __future__ import annotations

import contextlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phototag.errors import FormatError, NewerVersionError
from phototag.index.view import parse
from phototag.sidecar import codec
from phototag.sidecar.registers import Document
from tests.index import sidecars_made as made


def test_the_plain_case() -> None:
    document = made.document("x.jpg", tags={"sea": 0.9}, seed=1, user={"rating": 4}, user_tags={"mine": 1})
    view, trouble = parse(document.encode())
    assert trouble == ""
    assert view.mtag is not None
    tags = view.mtag[made.TAGGER].value
    assert tags is not None
    assert tags.labels == ["sea"]
    assert view.user is not None
    assert view.user.rating is not None
    assert view.user.rating.value == 4


def test_sections_and_fields_from_the_future_are_passed_over() -> None:
    document = made.document("x.jpg", user={"rating": 4})
    document.body["hologram"] = {"v9": codec.encode_register([0, b"", msgspec.Raw(codec.encode_value({"a": 1}))])}
    document.body["user"]["mood"] = codec.encode_register([0, b"", msgspec.Raw(codec.encode_value([1, 2]))])
    raw = codec.encode_value(5)
    document.body["user"]["rating"] = msgspec.msgpack.encode([1 << 40, b"owner!", msgspec.Raw(raw), [], "new field"])
    view, trouble = parse(document.encode())
    assert trouble == ""
    assert view.user is not None
    assert view.user.rating is not None
    assert view.user.rating.value == 5


def test_one_register_of_a_wrong_type_is_left_out_and_named() -> None:
    document = made.document("x.jpg", tags={"sea": 0.9}, user={"caption": "here"})
    document.body["user"]["rating"] = codec.encode_register([0, b"", msgspec.Raw(codec.encode_value("five"))])
    view, trouble = parse(document.encode())
    assert trouble == "cannot read user/rating"
    assert view.user is not None
    assert view.user.rating is None
    assert view.user.caption is not None
    assert view.mtag


def test_purges_in_the_file_and_of_the_library() -> None:
    document = made.document("x.jpg", user={"caption": "private"})
    purge = Document()
    purge.purge("user", "00ff")
    assert parse(document.encode(), purges=purge)[0].user is None
    document.body["P"] = purge.body["P"]  # written by a program that did not drop what it purged
    assert parse(document.encode())[0].user is None


def test_an_overlay_is_joined_in() -> None:
    below = made.document("x.jpg", user={"rating": 1})
    above = Document()
    above.set_person("user", "caption", "above", made.OWNER)
    view, _ = parse(below.encode(), above=above.encode())
    assert view.user is not None
    assert view.user.rating is not None
    assert view.user.caption is not None


def test_a_newer_format_is_refused() -> None:
    with pytest.raises(NewerVersionError):
        parse(codec.encode(made.document("x.jpg").body, version=2))


@given(st.integers(0, 10_000), st.integers(0, 7))
def test_every_flipped_bit_is_seen(at: int, bit: int) -> None:
    data = bytearray(made.document("x.jpg", tags={"sea": 0.9}, seed=1).encode())
    data[at % len(data)] ^= 1 << bit
    with pytest.raises(FormatError):
        parse(bytes(data))


@given(st.binary(max_size=300))
def test_any_body_with_a_good_checksum_is_read_or_refused(body: bytes) -> None:
    import struct

    import xxhash

    checksum = xxhash.xxh3_64_intdigest(body, seed=1)
    data = struct.pack(">11sBHBQBI", codec.MAGIC, 0xCD, 1, 0xCF, checksum, 0xC6, len(body)) + body
    with contextlib.suppress(FormatError):
        parse(data)
