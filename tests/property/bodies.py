"""Strategies for bodies and documents, as devices make them: a register is always held with the purges it names."""

from __future__ import annotations

from hypothesis import strategies as st

from phototag.sidecar import codec
from phototag.sidecar.codec import Body
from phototag.sidecar.merge import PURGE, purged

DEVICES = (b"", b"\x01" * 6, b"\x02" * 6)
SECTIONS = ("face", "face.obs", "user", "future")
PURGES = {"face": ("p1", "p2"), "face.obs": ("p3",), "user": ("p4",)}
PARENTS = {"face.obs": ("face", "face.obs"), "face": ("face",), "user": ("user",), "future": ()}

values = st.one_of(st.none(), st.integers(-3, 3), st.text(max_size=3), st.binary(max_size=3), st.lists(st.booleans()))


@st.composite
def registers(draw: st.DrawFn, section: str) -> tuple[bytes, frozenset[str]]:
    """Draw (raw register, purge ids it names), sometimes with a field of the future."""
    possible = [p for parent in PARENTS[section] for p in PURGES[parent]]
    named = draw(st.sets(st.sampled_from(possible))) if possible else set()
    fields = [draw(st.integers(0, 4)), draw(st.sampled_from(DEVICES)), draw(values)]
    future = draw(st.booleans())
    if named or future:
        fields.append(sorted(named))
    if future:
        fields.append(draw(values))
    return codec.encode_value(fields), frozenset(named)


@st.composite
def bodies(draw: st.DrawFn) -> Body:
    """Draw a body as a device could hold it."""
    body: Body = {}
    purges = draw(st.sets(st.sampled_from([(s, p) for s, ids in PURGES.items() for p in ids]), max_size=2))
    for section in draw(st.sets(st.sampled_from(SECTIONS))):
        for key in draw(st.sets(st.sampled_from(("k", "l")), min_size=1)):
            raw, named = draw(registers(section))
            body.setdefault(section, {})[key] = raw
            purges |= {(s, p) for s, ids in PURGES.items() for p in ids if p in named}
    if purges:
        nil = codec.encode_value([0, b"", None])
        body[PURGE] = {f"{section}/{random}": nil for section, random in purges}
    return purged(body)


paths = st.binary(min_size=1, max_size=300).map(
    lambda raw: raw.replace(b"/", b"_").replace(b"\0", b"_").decode("utf-8", "surrogateescape")
)
"""Names of files: any bytes but slash and NUL."""
