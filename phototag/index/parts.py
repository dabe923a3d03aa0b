"""``FolderPart``: where the rows of a folder lie in a segment, and the folder's listing."""

from __future__ import annotations

import msgspec

FOLDERS_FILE = "folders.msgpack"


class FolderPart(msgspec.Struct, frozen=True, array_like=True):
    """The rows of one folder in a segment, side by side, and its listing where this segment holds it."""

    rel: bytes
    first: int
    count: int
    listing: msgspec.Raw = msgspec.Raw(b"\xc0")
    """A ``Listing``, decoded only for the folders that changed; nil where another segment has it."""
    unsettled: bool = False
    """Some sidecars of the folder have to be read again, whatever its mtimes say."""
