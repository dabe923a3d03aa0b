"""A person's words about one picture, from several sidecars: whether one says all that another does, or denies it."""

from __future__ import annotations

from phototag.sidecar import codec, merge


def has_all(words: codec.Body, others: codec.Body) -> bool:
    """Say whether every register of ``others`` stands in ``words`` as it is."""
    return all(words.get(section, {}).get(key) == raw for section, keys in others.items() for key, raw in keys.items())


def has_later(words: codec.Body, others: codec.Body) -> bool:
    """Say whether ``words`` have every register of ``others`` or a later one, so that joining them changes nothing."""
    return merge.join(words, others) == merge.join(words, {})


def contradict(words: codec.Body, others: codec.Body) -> bool:
    """Say whether the two give one register different values: joined, one of them would be lost."""
    return any(
        bytes(codec.head(raw).value) != bytes(codec.head(words[section][key]).value)
        for section, keys in others.items()
        for key, raw in keys.items()
        if key in words.get(section, {})
    )
