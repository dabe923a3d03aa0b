"""The device id: 6 random bytes in the state folder of this user on this machine, never in the tree.

A journal has one writer. Two clones of one library on one machine (a disk and a USB stick) are two writers, so the
clock of a library speaks for this machine *and* this root.
"""

from __future__ import annotations

import os

import xxhash

from phototag import fsio, ids
from phototag.settings import Settings


def device_id(settings: Settings) -> bytes:
    """Return this device's id, made on first use. Raises WriteError."""
    path = os.path.join(settings.state_dir, "device")
    for _ in range(2):
        try:
            text = fsio.read_bytes(path).decode("ascii", "replace").strip()
            if ids.is_device_text(text):
                return bytes.fromhex(text)
            fsio.remove(path)  # damaged: a fresh id is always safe, the old one's edits keep their stamps
        except FileNotFoundError:
            pass
        fsio.make_folder(settings.state_dir)
        fsio.create_exclusive(path, ids.new_device().hex().encode() + b"\n")
    return bytes.fromhex(fsio.read_bytes(path).decode().strip())


def clock(settings: Settings, root: str = "") -> ids.Clock:
    """Return the clock of this device in the library at ``root``."""
    device = device_id(settings)
    if root:
        name = os.fsencode(os.path.realpath(root))
        device = xxhash.xxh3_128_digest(device + name)[: ids.DEVICE_BYTES]
    return ids.Clock(device)
