"""Words that stand in a journal and no longer in their document: a copy that cannot join took one side whole.

``rsync``, a USB stick, or git without the merge driver put one device's sidecar over another's; the journals of both
arrive, since each has one writer. A register carries its stamp, so joining it again is right whenever it is done, and
changes nothing the second time.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

import msgspec

from phototag import fsio
from phototag.errors import FormatError, LibraryError, WriteError
from phototag.library import journal, lock
from phototag.library.operation import IMAGE, Operation
from phototag.library.targets import load, save
from phototag.library.tree import MARKER, Tree
from phototag.sidecar.codec import SUFFIX, VERSION
from phototag.sidecar.model import BIRTH, ID
from phototag.sidecar.registers import Document

_SEEN = "journals-seen"
"""File in the writer's state folder: the logs of other devices, each with the size up to which it was looked at."""


class Lost(msgspec.Struct, frozen=True):
    """A document that lacks what a journal says was said of it."""

    target: str
    """``image:<path>`` or ``doc:<name>``."""
    words: Document
    """All that the journals say of it."""

    @property
    def shown(self) -> str:
        """Return what a person knows it by: the image, or the file of a library document."""
        kind, _, name = self.target.partition(":")
        return name if f"{kind}:" == IMAGE else f"{MARKER}/{name}{SUFFIX}"


def lost(tree: Tree, operations: Iterable[Operation] | None = None) -> Iterator[Lost]:
    """Yield the documents that lack a register that ``operations``, by default all, set; or hold an older one.

    A picture is looked for at its name alone, and only where the sidecar there is about it: a copy elsewhere has words
    of its own, and which of several files moved nobody says. Purged data stays gone. Raises LibraryError.
    """
    for (target, birth), words in sorted(_said(journal.operations(tree) if operations is None else operations).items()):
        try:
            now = load(tree, target)
        except (FormatError, LibraryError):
            continue  # damaged: a scan or doctor brings the words back
        if (now is None and target.startswith(IMAGE)) or (now is not None and now.version > VERSION):
            continue  # gone, trashed or not here yet; or not ours to write
        now = now or Document()
        if _is_about(now, birth, words) and now.join(words).body != now.body:
            yield Lost(target, words)


class Restored(msgspec.Struct, frozen=True):
    """How many documents have their words again, and those that could not be written, each with the reason."""

    count: int = 0
    failed: tuple[tuple[str, str], ...] = ()


def restore(tree: Tree, found: Iterable[Lost]) -> Restored:
    """Join the words of ``found`` into their documents again. Raises WriteError where nothing could be written."""
    changed, failed = 0, []
    with lock.writing(tree):
        for one in found:
            try:
                changed += save(tree, one.target, one.words, sync=False)
            except FormatError:
                continue  # damaged since it was read
            except WriteError as error:
                if fsio.is_everywhere(error, tree.write_root):
                    raise
                failed.append((one.shown, str(error)))
        if changed:
            fsio.sync_filesystem(tree.write_root)
    return Restored(changed, tuple(failed))


def catch_up(tree: Tree, device: bytes) -> Restored:
    """Restore what was lost of all that was said since the journal of another device last grew.

    What is older stays as it is: whoever deleted a photo with its sidecar and took it up again did not lose anything.
    Next to nothing where no journal of another device has grown. What could not be written is tried again the next
    time. Raises WriteError where nothing could be written.
    """
    if tree.overlay:
        return Restored()  # the library's own writers do
    sizes = journal.sizes(tree)
    with lock.writing(tree):
        seen = _seen(tree)
        grown = [name for name, size in sizes.items() if seen is not None and size != seen.get(name)]
        if seen is not None and all(name.startswith(device.hex()) for name in grown):
            return Restored()
        done = Restored()
        if seen is not None:
            operations = (one for name in grown for one in journal.operations_in(tree, name, seen.get(name, 0)))
            done = restore(tree, list(lost(tree, operations)))
            if done.failed:
                return done
        lines = [f"{size} {name}\n" for name, size in sorted(sizes.items())]
        fsio.write_atomic(os.path.join(lock.state_folder(tree), _SEEN), "".join(lines).encode(), sync=False)
        return done


def _said(operations: Iterable[Operation]) -> dict[tuple[str, bytes], Document]:
    """Return what ``operations`` said, by document and the birth of its picture."""
    said: dict[tuple[str, bytes], Document] = {}
    for operation in operations:
        for touched in operation.touched:
            words, known = touched.words(), said.get((touched.target, touched.birth))
            said[touched.target, touched.birth] = words if known is None else known.join(words)
    return said


def _is_about(now: Document, birth: bytes, words: Document) -> bool:
    """Say whether ``now`` is the document that ``words`` were said of, a picture's by its birth."""
    born = now.get(ID, BIRTH, bytes)
    if birth or born is None:
        return not birth or birth == born
    # Said before the picture was known by anything but its name: then a word of that time must still be there.
    return any(now.body.get(s, {}).get(k) == raw for s, keys in words.body.items() for k, raw in keys.items())


def _seen(tree: Tree) -> dict[str, int] | None:
    """Return {log: size} as noted, None where nothing was noted yet."""
    try:
        text = fsio.read_bytes(os.path.join(lock.state_folder(tree), _SEEN)).decode("utf-8", "replace")
    except OSError:
        return None
    pairs = (line.partition(" ") for line in text.splitlines())
    return {name: int(size) for size, _, name in pairs if size.isdecimal()}
