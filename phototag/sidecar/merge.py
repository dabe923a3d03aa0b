"""``join``: the one rule by which two versions of a document become one, without loss and in any order.

Commutative, associative, idempotent (a state-based CRDT: a map of last-writer-wins registers with a grow-only set of
purge ids; Shapiro et al. 2011). A machine's register and a person's obey the same rule; what differs is who stamps.
"""

from __future__ import annotations

from phototag.sidecar.codec import Body, head

PURGE = "P"
"""The section that holds the grow-only set of purge ids, each a key ``<section>/<random>``."""


def join(a: Body, b: Body) -> Body:
    """Return the join of two bodies; the winners' raw bytes pass through untouched. Raises FormatError.

    Purged registers are dropped *before* the later of two is chosen: one written after opting in again must not lose
    to an older one with a clock far ahead. A body that holds a register also holds the purge ids it names, as every
    writer here sees to; on such bodies the join is associative.
    """
    purge_ids = purge_ids_of(a)
    for section, ids in purge_ids_of(b).items():
        purge_ids.setdefault(section, set()).update(ids)
    merged: Body = {}
    for section in a.keys() | b.keys():
        needed = required_purges(purge_ids, section) if purge_ids else set()
        keys = _alive(a.get(section, {}), needed)
        others = _alive(b.get(section, {}), needed)
        for key, raw in others.items() if keys != others else ():
            mine = keys.get(key)
            keys[key] = raw if mine is None or mine == raw else _later(mine, raw)
        if keys:
            merged[section] = keys
    return merged


def purged(body: Body) -> Body:
    """Return ``body`` without the registers that do not name every purge id of their section and its parents."""
    return join(body, {})


def required_purges(purge_ids: dict[str, set[str]], section: str) -> set[str]:
    """Return the purge ids that a register of ``section`` must name: those of ``face`` bind ``face.obs`` too."""
    if section == PURGE or not purge_ids:
        return set()
    needed: set[str] = set()
    while section:
        needed |= purge_ids.get(section, set())
        section = section.rpartition(".")[0]
    return needed


def purge_ids_of(body: Body) -> dict[str, set[str]]:
    """Return {section: purge ids} said in ``body``."""
    found: dict[str, set[str]] = {}
    for key in body.get(PURGE, {}):
        section, _, random = key.rpartition("/")
        found.setdefault(section, set()).add(random)
    return found


def _alive(keys: dict[str, bytes], needed: set[str]) -> dict[str, bytes]:
    if not needed:
        return dict(keys)
    return {key: raw for key, raw in keys.items() if needed <= set(head(raw).purge)}


def _later(a: bytes, b: bytes) -> bytes:
    one, two = head(a), head(b)
    rank_a = (one.stamp, one.device, bytes(one.value), a)
    rank_b = (two.stamp, two.device, bytes(two.value), b)
    return a if rank_a >= rank_b else b
