"""What a scan does before it works: join conflict copies, then relink; next to nothing where all is in its place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from phototag.library import conflicts, moves
from phototag.library.conflicts import Resolved
from phototag.library.moves import Relinked
from phototag.library.tree import BESIDE, Tree
from phototag.library.walk import Folder, walk
from phototag.sidecar.codec import SUFFIX
from phototag.wording import count_text


class Tidied(msgspec.Struct, frozen=True):
    """What was joined and relinked."""

    resolved: Resolved = Resolved(0)
    relinked: Relinked = Relinked()

    @property
    def changed(self) -> bool:
        """Say whether sidecars are elsewhere than before, so that folders must be listed again."""
        return bool(self.resolved.joined or self.resolved.kept_aside or self.relinked.targets or self.relinked.cleared)

    def notices(self) -> Iterator[str]:
        """Yield what a person should hear."""
        if self.resolved.joined:
            yield f"joined {count_text(self.resolved.joined, 'conflict copy', 'conflict copies')}"
        for kept in self.resolved.kept_aside:
            yield f"kept aside {kept.path}: {kept.reason}"
        for rel, why in self.relinked.failed:
            yield f"not relinked: {rel}: {why}"
        for rel in self.relinked.cleared:
            yield foreign_text(rel)
        if self.relinked.uncertain:
            yield f"{uncertain_text(self.relinked.uncertain)}: phototag relink"


def uncertain_text(count: int) -> str:
    """Return what a person should hear of ``count`` sidecars that no scan gives to an image by itself."""
    return f"{count_text(count, 'sidecar')} could belong to several photos"


def foreign_text(rel: str) -> str:
    """Return what a person should hear of the image ``rel``, whose sidecar in the overlay gave way."""
    return f"{rel}: what the overlay said of it was about another picture, and is kept for that one"


def tidy(tree: Tree, folders: Sequence[Folder], suspects: set[str]) -> Tidied:
    """Join the conflict copies in ``folders`` and relink what moved.

    ``suspects`` are the images that are new or changed since the last scan. Raises WriteError.
    """
    odd = [folder.rel for folder in folders if not _is_tidy(folder)]
    if tree.layout == BESIDE:
        odd += conflicts.mirrored(tree)  # another device had layout ``tree`` and said something there
    elif odd or suspects:
        odd += set(conflicts.mirrored(tree)).difference(folder.rel for folder in folders)  # of folders that are gone
    if not odd and not suspects:
        return Tidied()
    resolved = conflicts.resolve(tree, (one for rel in sorted(set(odd)) for one in conflicts.in_folder(tree, rel)))
    if resolved.joined:
        folders = list(walk(tree, folders[0].rel))  # images may have a sidecar now that had none
    if resolved.kept_aside:  # one of two sidecars about two pictures stayed: perhaps not that of the image there
        suspects = suspects | {folder.path(name) for folder in folders if folder.rel in odd for name in folder.images}
    return Tidied(resolved, moves.relink(tree, list(folders), suspects))


def _is_tidy(folder: Folder) -> bool:
    """Say whether every sidecar of ``folder`` is where its image has it: 0.1 us an image, so that a rescan stays cheap."""
    if folder.misplaced:
        return False
    if folder.sidecars == [name + SUFFIX for name in folder.images]:
        return True
    expected = {name + SUFFIX for name in folder.images}
    return expected.issuperset(folder.sidecars)
