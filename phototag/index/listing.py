"""What one folder holds, as the index sees it: sidecars with a signature of their state, and which images are there."""

from __future__ import annotations

import errno
import os
import time
import unicodedata
from array import array

import msgspec

from phototag.library import annex
from phototag.library.ignore import IGNORE_FILE
from phototag.library.tree import TREE, Tree
from phototag.library.walk import Folder
from phototag.sidecar import copies
from phototag.sidecar.naming import image_name, is_sidecar_name, sidecar_name

RACY_NS = 50_000_000
"""File systems keep time in ticks of up to 10 ms: what changed within this of being listed may change unseen."""
RACY_WHOLE_SECONDS_NS = 2_500_000_000
"""The same where times are whole seconds (FAT, some network shares)."""

_POINTER_BYTES = 32 << 10
"""Pointers of git-annex are shorter."""

LOOK_AGAIN = (-1, -1, -1)
"""Remembered as mtimes of a folder that has to be listed again, whatever they are."""

MISSING = -errno.ENOENT
"""The state of a sidecar that is not there."""
_ERRNO_LIMIT = 4096

_CLOCK_SKEW_NS = 10_000_000_000
"""A time further in the future was not made by writing now."""


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One sidecar of a folder."""

    sidecar: str
    """File name."""
    image: str
    """Name of its image; empty where only the sidecar itself can tell (a cut name without its image)."""
    present: bool
    signature: int
    """Of size, mtime, ctime and inode, in place and in the overlay; 0 for one that has to be read again, and the
    negative errno of one that could not be read."""


class Listing(msgspec.Struct, frozen=True, array_like=True):
    """The packed form of a folder's entries, kept to see next time what changed; parallel, sorted by name."""

    sidecars: list[bytes]
    images: list[bytes]
    present: bytes
    signatures: bytes

    def entries(self) -> dict[str, Entry]:
        """Return the entries by sidecar name."""
        signatures = array("q")
        signatures.frombytes(self.signatures)
        return {
            (name := _decode(sidecar)): Entry(name, _decode(image), bool(present), signature)
            for sidecar, image, present, signature in zip(
                self.sidecars, self.images, self.present, signatures, strict=True
            )
        }


def pack(entries: list[Entry]) -> Listing:
    """Return the packed form of ``entries``."""
    return Listing(
        [_encode(e.sidecar) for e in entries],
        [_encode(e.image) for e in entries],
        bytes(e.present for e in entries),
        array("q", [e.signature for e in entries]).tobytes(),
    )


def watch_paths(tree: Tree, rel: str) -> tuple[str, str, str]:
    """Return the folders whose mtimes tell whether the listing of ``rel`` still holds ("" where not used)."""
    mirror = os.path.join(tree.folder, "sidecars", rel) if tree.layout == TREE else ""
    overlay = os.path.join(tree.overlay_root, rel) if tree.overlay else ""
    return tree.path(rel), mirror, overlay


def watch(tree: Tree, rel: str) -> tuple[int, int, int]:
    """Return the mtimes of ``watch_paths`` now, 0 for what is not there."""
    first, second, third = watch_paths(tree, rel)
    return _mtime_ns(first), (second and _mtime_ns(second)) or 0, (third and _mtime_ns(third)) or 0


def ignore_signature(tree: Tree, rel: str) -> int:
    """Return the state of the ignore file of the folder ``rel``, 0 where it has none."""
    try:
        status = os.stat(os.path.join(tree.path(rel), IGNORE_FILE))
    except OSError:
        return 0
    return hash((status.st_size, status.st_mtime_ns, status.st_ino))


def settled(mtimes_ns: tuple[int, int, int], listed_ns: int) -> tuple[int, int, int]:
    """Return ``mtimes_ns`` with -1, which never matches, for those too close to ``listed_ns`` to be trusted."""
    one, two, three = ((-1 if is_racy(value, listed_ns) else value) for value in mtimes_ns)
    return one, two, three


def is_racy(mtime_ns: int, listed_ns: int) -> bool:
    """Say whether something with this mtime could change once more without a new mtime."""
    window = RACY_NS if mtime_ns % 1_000_000_000 else RACY_WHOLE_SECONDS_NS
    return listed_ns - window < mtime_ns < listed_ns + _CLOCK_SKEW_NS


def list_folder(tree: Tree, folder: Folder, *, sign: bool = True) -> list[Entry]:
    """Return the sidecars of ``folder`` with their state, sorted; conflict copies are left to ``sync resolve``.

    Without ``sign`` they are not statted: who opens all of them anyway learns their state more cheaply then.
    """
    place, mirror, above = watch_paths(tree, folder.rel)
    states = _states(mirror or place, above, folder.sidecars) if sign else dict.fromkeys(folder.sidecars, 0)
    images = {sidecar_name(name): name for name in folder.images}
    sizes = dict(zip(folder.images, folder.sizes, strict=True))
    lone = [name for name in states if name not in images]
    loose = _match_loosely(lone, set(folder.images) - {images[n] for n in states if n in images}) if lone else {}
    entries = []
    for name in sorted(states):
        image = images.get(name) or loose.get(name, "")
        if not image and (copies.is_copy(name) or _is_left_out(place, name)):
            continue
        present = bool(image) and _is_present(place, image, sizes[image])
        entries.append(Entry(name, image or image_name(name) or "", present, states[name]))
    return entries


def _states(place: str, above: str, names: list[str]) -> dict[str, int]:
    """Return {name: signature} of the sidecars ``names`` in ``place`` and of all in ``above``."""
    now_ns = time.time_ns()
    states = _stat_all(place, names, now_ns)
    if above:
        for name, state in _stat_all(above, _names(above), now_ns).items():
            mine = states.get(name)
            states[name] = state if mine is None or mine == MISSING else both(mine, state)
    return states


def _is_left_out(folder: str, sidecar: str) -> bool:
    """Say whether the image of a sidecar is there although the walk did not name it: it is ignored, or no file."""
    image = image_name(sidecar)
    return image is not None and os.path.lexists(os.path.join(folder, image))


def _decode(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")


def _is_present(folder: str, name: str, size: int) -> bool:
    """Say whether the content of the image is here, not only a dangling link or a pointer of git-annex to it."""
    if size == 0 or size > _POINTER_BYTES:
        return True
    return size > 0 and not annex.is_absent_pointer(os.path.join(folder, name), size)


def _encode(name: str) -> bytes:
    """Return ``name`` as bytes; ``os.fsencode`` costs five times as much."""
    return name.encode("utf-8", "surrogateescape")


def _stat_all(folder: str, names: list[str], now_ns: int) -> dict[str, int]:
    """Return {name: signature} of the sidecars of ``folder`` that are there."""
    states: dict[str, int] = {}
    try:
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return states
    try:
        for name in names:
            try:
                status = os.stat(name, dir_fd=fd)
            except OSError as error:
                states[name] = unread(error)  # a dangling link, or gone since: reading it says which
                continue
            states[name] = signature_of(status, now_ns)
    finally:
        os.close(fd)
    return states


def signature_of(status: os.stat_result, now_ns: int) -> int:
    """Return the state of a sidecar, 0 where it could change once more and look the same; ``now_ns``: just before."""
    mtime_ns, ctime_ns = status.st_mtime_ns, status.st_ctime_ns
    if is_racy(mtime_ns, now_ns) or is_racy(ctime_ns, now_ns):
        return 0
    # A program may set the mtime back, but not the ctime. Hashes of tuples of integers are the same in every process.
    return hash((status.st_size, mtime_ns, ctime_ns, status.st_ino))


def unread(error: OSError) -> int:
    """Return the state of a sidecar that could not be read: it is tried again, as no time tells when it can be."""
    return -(error.errno or errno.EIO)


def is_unread(signature: int) -> bool:
    """Say whether a sidecar of this state could not be read."""
    return -_ERRNO_LIMIT < signature < 0


def is_settled(signature: int) -> bool:
    """Say whether a sidecar of this state need not be read again while it has that state."""
    return not -_ERRNO_LIMIT < signature <= 0


def both(one: int, two: int) -> int:
    """Return the state of a sidecar that is in place and in the overlay."""
    return next((each for each in (one, two) if not is_settled(each)), hash((one, two)))


def _names(folder: str) -> list[str]:
    try:
        return [name for name in os.listdir(folder) if is_sidecar_name(name)]
    except OSError:
        return []


def _match_loosely(sidecars: list[str], images: set[str]) -> dict[str, str]:
    """Match names that differ by case or Unicode form only, where that is unique on both sides."""
    by_fold: dict[str, list[str]] = {}
    for image in images:
        by_fold.setdefault(_loose(sidecar_name(image)), []).append(image)
    if not by_fold:
        return {}
    wanted: dict[str, list[str]] = {}
    for name in sidecars:
        wanted.setdefault(_loose(name), []).append(name)
    return {
        names[0]: by_fold[key][0] for key, names in wanted.items() if len(names) == 1 and len(by_fold.get(key, ())) == 1
    }


def _loose(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _mtime_ns(path: str) -> int:
    """Return when a folder changed last; its ctime tells of a new name too, and of an mtime that was set back."""
    try:
        status = os.stat(path)
    except OSError:
        return 0
    return max(status.st_mtime_ns, status.st_ctime_ns)
