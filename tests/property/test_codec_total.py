"""The codec is total: any bytes give a body or a FormatError; a damaged file is never taken for a whole one."""

from __future__ import annotations

import struct
from random import Random

import msgspec
import pytest
import xxhash
from hypothesis import example, given, settings
from hypothesis import strategies as st

from phototag.errors import FormatError, NewerVersionError
from phototag.sidecar import codec
from phototag.sidecar.codec import Body
from phototag.sidecar.registers import Document
from tests.property.bodies import bodies

law = settings(deadline=None, max_examples=300)


def sealed(payload: bytes, version: int = 1) -> bytes:
    """Return ``payload`` in a whole envelope: what only a wrong writer could make."""
    check = xxhash.xxh3_64_intdigest(payload, seed=version)
    return codec.MAGIC + struct.pack(">BHBQBI", 0xCD, version, 0xCF, check, 0xC6, len(payload)) + payload


@law
@given(bodies())
def test_bytes_come_back(body: Body) -> None:
    data = codec.encode(body)
    assert codec.decode(data) == body
    assert codec.encode(codec.decode(data)) == data


@law
@given(bodies())
def test_the_whole_file_is_one_messagepack_value(body: Body) -> None:
    magic, version, _, payload = msgspec.msgpack.decode(codec.encode(body))
    assert (magic, version) == (b"PHOTOTAG", 1)
    assert set(msgspec.msgpack.decode(payload)) == set(body)


@law
@given(bodies(), st.randoms(use_true_random=False))
def test_canonical_bytes_do_not_depend_on_the_order_of_insertion(body: Body, random: Random) -> None:
    items = [(section, list(keys.items())) for section, keys in body.items()]
    random.shuffle(items)
    shuffled = {section: dict(reversed(keys)) for section, keys in items}
    assert codec.encode(shuffled) == codec.encode(body)


@law
@given(st.binary(max_size=400))
@example(b"\x91" * 5000)
@example(codec.MAGIC)
@example(b"")
def test_arbitrary_bytes_give_a_format_error(data: bytes) -> None:
    with pytest.raises(FormatError):
        codec.decode(data)
    with pytest.raises(FormatError):
        Document.decode(data)


@law
@given(st.binary(max_size=400), st.sampled_from([1, 1, 1, 2, 65535]))
@example(b"\x91" * 5000, 1)
@example(b"\x81\xa1a\x81\xa1b" + b"\x91" * 5000 + b"\x00", 1)
@example(b"\x81\xa1a\x81\xa1b\x93\x00\xc4\x00" + b"\x91" * 100_000 + b"\x00", 1)
@example(b"\x81\xa1\xff\x80", 1)
@example(b"\x81\xa1a\x81\xa1b\x93\xcf" + b"\xff" * 8 + b"\xc4\x00\xc0", 1)
@example(b"\x81\xa1a\x81\xa1b\x93\xff\xc4\x00\xc0", 1)
@example(b"\x80\x80", 1)
def test_a_whole_envelope_around_any_bytes_never_crashes(payload: bytes, version: int) -> None:
    data = sealed(payload, version)
    try:
        body = codec.decode(data)
    except FormatError as error:
        assert error.reason
        return
    assert codec.decode(codec.encode(body)) == {s: k for s, k in body.items() if k}
    Document(body).top_stamp()


@settings(deadline=None, max_examples=12)
@given(bodies())
def test_every_single_bit_flip_is_detected(body: Body) -> None:
    data = bytearray(codec.encode(body))
    for bit in range(len(data) * 8):
        data[bit // 8] ^= 1 << (bit % 8)
        with pytest.raises(FormatError):
            codec.decode(bytes(data))
        data[bit // 8] ^= 1 << (bit % 8)


@settings(deadline=None, max_examples=30)
@given(bodies(), st.data())
def test_every_truncation_and_extension_is_detected(body: Body, data: st.DataObject) -> None:
    whole = codec.encode(body)
    for end in range(len(whole)):
        with pytest.raises(FormatError):
            codec.decode(whole[:end])
    with pytest.raises(FormatError):
        codec.decode(whole + data.draw(st.binary(min_size=1)))


@law
@given(bodies(), st.integers(2, 65535))
def test_a_newer_version_is_read_for_what_is_understood_and_never_rewritten(body: Body, version: int) -> None:
    data = codec.encode(body, version=version)
    with pytest.raises(NewerVersionError):
        codec.decode(data)
    document = Document.decode(data)
    assert document.body == body
    for refused in (document, document.copy(), document.join(Document()), Document().join(document)):
        with pytest.raises(NewerVersionError):
            refused.encode()
