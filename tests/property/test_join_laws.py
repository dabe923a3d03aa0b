"""The laws of the join: any order, any grouping, any number of times, the same bytes; purges win, words survive."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from phototag.ids import Clock
from phototag.sidecar import codec
from phototag.sidecar.codec import Body
from phototag.sidecar.merge import PURGE, join, purge_ids_of, required_purges
from phototag.sidecar.registers import Document
from tests.property.bodies import bodies

HERE, THERE = Clock(b"\x01" * 6), Clock(b"\x02" * 6)
law = settings(deadline=None, max_examples=400)


def raw(*fields: object) -> bytes:
    return codec.encode_value(list(fields))


@law
@given(bodies(), bodies())
@example({"user": {"k": raw(1, b"", "a")}}, {"user": {"k": raw(1, b"", "b")}})
@example({"user": {"k": raw(1, b"", None)}}, {"user": {"k": raw(1, b"", None, [], "future")}})
def test_join_is_commutative(a: Body, b: Body) -> None:
    assert codec.encode(join(a, b)) == codec.encode(join(b, a))


@law
@given(bodies(), bodies(), bodies())
def test_join_is_associative(a: Body, b: Body, c: Body) -> None:
    assert codec.encode(join(join(a, b), c)) == codec.encode(join(a, join(b, c)))


@law
@given(bodies(), bodies())
def test_join_is_idempotent(a: Body, b: Body) -> None:
    assert codec.encode(join(a, a)) == codec.encode(a)
    both = join(a, b)
    assert codec.encode(join(both, b)) == codec.encode(both)


@law
@given(bodies(), bodies())
def test_join_invents_nothing_and_drops_only_the_older_and_the_purged(a: Body, b: Body) -> None:
    both = join(a, b)
    needed = purge_ids_of(both)
    for section in a.keys() | b.keys():
        for key in a.get(section, {}).keys() | b.get(section, {}).keys():
            sides = [side[section][key] for side in (a, b) if key in side.get(section, {})]
            alive = [r for r in sides if required_purges(needed, section) <= set(codec.head(r).purge)]
            kept = both.get(section, {}).get(key)
            assert kept == max(
                alive,
                key=lambda r: (codec.head(r).stamp, codec.head(r).device, bytes(codec.head(r).value), r),
                default=None,
            )


@law
@given(bodies(), bodies())
def test_join_leaves_its_arguments_alone(a: Body, b: Body) -> None:
    before = codec.encode(a), codec.encode(b)
    for keys in join(a, b).values():
        keys["other"] = raw(0, b"", None)
    assert (codec.encode(a), codec.encode(b)) == before


@law
@given(bodies())
def test_a_purge_cannot_purge_purges(a: Body) -> None:
    document = Document(a).copy()
    document.purge("user", "kept")
    document.purge(PURGE, "new")
    assert "user/kept" in document.keys(PURGE)
    assert document.keys(PURGE) == sorted({*a.get(PURGE, {}), "user/kept", "P/new"})


@law
@given(bodies(), bodies(), st.sampled_from(["face", "face.obs", "user"]))
def test_a_purge_beats_a_device_that_never_heard_of_it(a: Body, b: Body, section: str) -> None:
    purging = Document(a)
    purging.purge(section, "new")
    both = join(b, purging.body)
    gone = {section} | ({"face.obs"} if section == "face" else set())
    assert not gone & both.keys()
    assert f"{section}/new" in both[PURGE]


@law
@given(bodies(), st.integers(0, 1 << 61))
def test_what_is_said_after_a_purge_survives_an_older_word_with_a_clock_far_ahead(a: Body, ahead: int) -> None:
    purging = Document(a).copy()
    purging.purge("user", "new")
    purging.set_person("user", "k", "after", HERE)
    other = {"user": {"k": raw(ahead, b"\xff" * 6, "before")}}
    assert Document(join(other, purging.body)).get("user", "k", str) == "after"
    assert Document(join(purging.body, other)).get("user", "k", str) == "after"


@law
@given(bodies(), st.integers(-(1 << 40), 1 << 40))
def test_an_edit_made_after_seeing_a_value_wins_whatever_the_clocks(a: Body, skew_ms: int) -> None:
    seen = Document(a).copy()
    seen.set_person("user", "k", "first", HERE)
    behind = Clock(THERE.device, lambda: max(0, HERE.now_ms() + skew_ms))
    later = seen.copy()
    later.set_person("user", "k", "second", behind)
    assert seen.join(later).get("user", "k", str) == "second"
    assert later.join(seen).get("user", "k", str) == "second"


@law
@given(bodies(), bodies())
def test_unknown_survives_byte_for_byte(a: Body, b: Body) -> None:
    """Promise ``unknown_survives``: what a newer version wrote passes through an edit and a join untouched."""
    unknown = {"from-2031": {"k": raw(1, b"", {"deep": [1, 2]}, [], "more", 7)}}
    document = Document(join(a, unknown))
    document.set_person("user", "caption", "hello", HERE)
    merged = Document.decode(document.join(Document(b)).encode())
    assert merged.body["from-2031"] == unknown["from-2031"]
