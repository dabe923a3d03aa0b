"""``Document``: who stamps how, what counts as a person's word, what a machine may overwrite."""

from __future__ import annotations

import math

import pytest

from phototag.errors import FormatError
from phototag.ids import MACHINE, STAMP_LIMIT, Clock
from phototag.sidecar import codec
from phototag.sidecar.registers import Document

ONE = Clock(b"\x01" * 6, lambda: 1000)


def test_equal_machine_output_gives_equal_bytes_whenever_it_was_computed() -> None:
    one, other = Document(), Document()
    assert one.set_machine("emb", "m", b"v")
    assert not one.set_machine("emb", "m", b"v")
    assert other.set_machine("emb", "m", b"v")
    assert one.encode() == other.encode()
    assert one.register("emb", "m") == other.register("emb", "m")
    assert not one.has_decisions()


def test_changed_machine_output_is_a_new_generation() -> None:
    document = Document()
    for generation, value in enumerate((b"a", b"b", b"a")):
        document.set_machine("emb", "m", value)
        register = document.register("emb", "m")
        assert register is not None
        assert (register.stamp, register.device, register.by_person) == (generation, MACHINE, False)


def test_a_persons_edit_is_later_than_everything_in_the_file() -> None:
    document = Document()
    document.put("user", "rating", 5000 << 16, b"\x09" * 6, b"\x01")
    document.set_person("user", "caption", "hello", ONE)
    register = document.register("user", "caption")
    assert register is not None
    assert (register.stamp, register.by_person) == ((5000 << 16) + 1, True)
    assert document.has_decisions()


def test_an_import_is_a_persons_word_and_loses_to_a_later_one() -> None:
    document = Document()
    document.set_person("user", "rating", 3, Clock(ONE.device, lambda: 2_000_000_000_000))
    document.set_imported("user", "rating", 5, 1_900_000_000_000)
    assert document.get("user", "rating", int) == 3
    document.set_imported("user", "rating", 4, 2_100_000_000_000)
    assert document.get("user", "rating", int) == 4
    register = document.register("user", "rating")
    assert register is not None
    assert register.by_person


def test_a_cleared_register_is_absent_to_readers() -> None:
    document = Document()
    document.set_person("user", "rating", 3, ONE)
    document.set_person("user", "rating", None, ONE)
    assert document.get("user", "rating", int) is None
    assert list(document.items("user", int)) == []
    assert document.keys("user") == ["rating"]


@pytest.mark.parametrize(
    "value",
    [math.nan, math.inf, [1.0, -math.inf], {"k": math.nan}, 1 << 64, "\ud800", {1, object()}],
    ids=["nan", "infinity", "deep infinity", "nan in a map", "65 bits", "surrogate", "object"],
)
def test_values_that_have_no_one_form_are_refused(value: object) -> None:
    with pytest.raises(FormatError):
        Document().set_machine("emb", "m", value)


def test_a_value_of_another_type_is_a_format_error() -> None:
    document = Document()
    document.set_machine("user", "rating", "five")
    with pytest.raises(FormatError, match="shape"):
        document.get("user", "rating", int)


def test_a_body_over_the_limit_is_refused() -> None:
    document = Document()
    document.set_machine("emb", "m", bytes(codec.BODY_LIMIT))
    with pytest.raises(FormatError, match="more than"):
        document.encode()


@pytest.mark.parametrize("stamp", [STAMP_LIMIT, (1 << 64) - 1])
def test_a_stamp_out_of_range_is_refused(stamp: int) -> None:
    body = {"user": {"k": codec.encode_value([stamp, b"", None])}}
    with pytest.raises(FormatError, match="stamp"):
        codec.decode(codec.encode(body))


def test_a_copy_is_independent() -> None:
    document = Document()
    document.set_machine("emb", "m", b"v")
    copy = document.copy()
    copy.set_machine("emb", "n", b"v")
    assert document.keys("emb") == ["m"]
