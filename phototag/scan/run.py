"""The scan: survey, examine in threads, infer and write in batches, note the gate. Stops cleanly, resumes by itself."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Sequence

import msgspec

from phototag import fsio, pipeline
from phototag.errors import FormatError, ImageError, LibraryError, PhototagError, WriteError
from phototag.imaging.places import Places
from phototag.library import sidecars
from phototag.library.tidy import tidy
from phototag.library.tree import Tree
from phototag.library.walk import Folder
from phototag.models.registry import BUILTIN
from phototag.scan.beside import settle as settle_beside
from phototag.scan.examine import Found, Task, examine, read
from phototag.scan.gate import Gate
from phototag.scan.infer import infer
from phototag.scan.survey import Failed, Survey, survey
from phototag.scan.wanted import Wanted, lacks_place, readers
from phototag.sidecar import model as fields
from phototag.sidecar.model import Gps
from phototag.wording import count_text

BATCH = 64
"""Sidecars written between two flushes of the file system: 111 us a file against 490 with one flush each."""
SOON_S = 8.0
"""A batch that takes a slow model longer is cut, so that a person sees something done and an end of it loses little."""
GATE_EVERY_S = 20.0
"""A killed scan hashes again at most what it did in this time."""


class Hooks(msgspec.Struct, frozen=True):
    """How a scan talks while it runs; all optional."""

    walked: Callable[[int], None] = lambda found: None
    """Images found so far."""
    started: Callable[[int], None] = lambda total: None
    """Images that will be examined."""
    advanced: Callable[[int], None] = lambda count: None
    """Images finished since the last call."""
    notice: Callable[[str], None] = lambda text: None
    stop: Callable[[], bool] = lambda: False


class ScanReport(msgspec.Struct):
    """What a scan did; encodes to the JSON of ``scan --json``."""

    found: int = 0
    unchanged: int = 0
    written: int = 0
    moved: int = 0
    failed: list[Failed] = []
    seconds: float = 0.0


class Scanned(msgspec.Struct):
    """The report, and what the index needs to follow."""

    report: ScanReport
    folders: list[Folder]
    interrupted: bool = False
    remaining: int = 0


def scan(
    tree: Tree, under: str, wanted: Wanted, *, places: Places | None = None, hooks: Hooks | None = None
) -> Scanned:
    """Bring every image at and below ``under`` up to ``wanted``.

    Raises WriteError when nothing can be written any more (full or read-only disk), and what a model that cannot be
    used raises (BrokenModelError); everything else that goes wrong is the failure of one image.
    """
    begun = time.monotonic()
    run = _Run(tree, wanted, places, hooks or Hooks())
    run.look(under)
    try:
        run.work()
    finally:
        run.gate.save()
    report = run.report
    report.unchanged = report.found - report.written - (len(report.failed) - run.odd) - run.remaining
    report.failed.sort(key=lambda one: one.path)
    report.seconds = round(time.monotonic() - begun, 3)
    return Scanned(report, run.survey.folders, run.interrupted, run.remaining)


class _Run:
    """The state of one scan."""

    def __init__(self, tree: Tree, wanted: Wanted, places: Places | None, hooks: Hooks) -> None:
        self.tree, self.wanted, self.places, self.hooks = tree, wanted, places, hooks
        self.gate = Gate(tree, readers())
        self.report = ScanReport()
        self.interrupted, self.remaining = False, 0
        self.walked_ns = time.time_ns()
        self.survey = Survey([], [], {}, [], 0, 0)
        self.odd = 0
        """Problems that the walk met: they are listed as failed but are not among the images found."""
        self.done: dict[str, set[str]] = {}
        self.failures: dict[str, dict[str, str]] = {}
        """By folder and name, those that are not worth another try."""
        self.broken: set[str] = set()
        self.beside: Counter[str] = Counter()
        """Images by the tagger whose tags of other parameters count for them too."""
        self.saved_at = time.monotonic()
        # What equals does not hang on how quick the machine is: every model gets whole batches of its own.
        self.step = math.lcm(*(model.batch_size for _, model in wanted.models if model.info.name != BUILTIN))
        self.image_s = math.inf
        """What an image took in the last batch."""

    def look(self, under: str) -> None:
        """Walk and compare with the gate; join conflict copies and relink what moved, then look again."""
        found = self._survey(under)
        tidied = tidy(self.tree, found.folders, {task.rel for task in found.tasks if not task.trusted})
        self.report.moved = tidied.relinked.moved
        for notice in tidied.notices():
            self.hooks.notice(notice)
        if tidied.changed:
            found = self._survey(under)
        self.survey = found
        self.odd = sum(len(folder.problems) for folder in found.folders)
        self.report.found, self.report.failed = found.found, found.failed
        self.remaining = len(found.tasks)
        for rel, same in found.unchanged.items():
            self.done[rel], self.failures[rel] = set(same.done), dict(same.failures)
        self.gate.forget_missing(under, (folder.rel for folder in found.folders))

    def _survey(self, under: str) -> Survey:
        return survey(self.tree, under, self.gate, self.wanted.asked, force=self.wanted.force, seen=self.hooks.walked)

    def work(self) -> None:
        """Examine, infer and write everything the survey listed."""
        self.hooks.started(len(self.survey.tasks))
        outcomes = pipeline.run(
            ((task, max(task.size, 0)) for task in self.survey.tasks),
            lambda task: read(self.tree, self.wanted, task),
            lambda task, data: examine(self.tree, self.wanted, task, data),
            pipeline.bounds(self.tree.settings.threads),
            self.hooks.stop,
        )
        batch: list[Found] = []
        for outcome in outcomes:
            if outcome.result is not None:
                batch.append(outcome.result)
            elif outcome.error is not None:
                if is_of_model(outcome.error):
                    raise outcome.error
                self.fail(outcome.item, outcome.error)
            if len(batch) >= BATCH or (len(batch) % self.step == 0 and len(batch) * self.image_s > SOON_S):
                self.finish(batch)
                batch = []
        self.finish(batch)
        self.interrupted = self.remaining > 0
        self.settle(self.survey.folders)
        for name, count in self.beside.items() if self.wanted.words else ():
            self.hooks.notice(
                f"{count_text(count, 'image')} also {'has' if count == 1 else 'have'} tags of {name} from another "
                "vocabulary or language, and both count; --replace drops the others"
            )

    def finish(self, batch: Sequence[Found]) -> None:
        """Infer and write one batch, then flush it to disk once."""
        begun = time.monotonic()
        infer(batch, self.fail)
        add_places(batch, self.wanted, self.places)
        for found in batch:
            self.beside.update(settle_beside(found.document, self.wanted, found.source))
        wrote = [found for found in batch if self.write(found)]
        if wrote:
            fsio.sync_filesystem(self.tree.write_root)
        self.report.written += len(wrote)
        if batch:
            self.image_s = (time.monotonic() - begun) / len(batch)
        if time.monotonic() - self.saved_at > GATE_EVERY_S:
            touched = {found.task.folder for found in batch}
            self.settle([folder for folder in self.survey.folders if folder.rel in touched])
            self.gate.save()
            self.saved_at = time.monotonic()

    def write(self, found: Found) -> bool:
        """Write one sidecar where it changed; an owner's word in it is synced at once. Say whether it is done with.

        Where one model had no answer the image has failed, and what the others said of it is kept.
        """
        task = found.task
        if found.damaged is not None:
            self.hooks.notice(
                f"{fsio.display(task.rel)}: its sidecar was damaged; the bytes are kept as {found.damaged}"
            )
        if found.partial:
            self.hooks.notice(f"{fsio.display(task.rel)}: only a part of the picture can be read: the file is damaged")
        wrote = False
        if found.changed:
            try:
                wrote = sidecars.write(self.tree, task.rel, found.document, sync=bool(found.before))
            except (WriteError, FormatError) as error:
                if isinstance(error, WriteError) and fsio.is_everywhere(error, self.tree.write_root):
                    raise
                if task.rel not in self.broken:
                    self.fail(task, error)
        if task.rel in self.broken:
            return False
        self.done.setdefault(task.folder, set()).add(task.name)
        self.remaining -= 1
        self.hooks.advanced(1)
        return wrote

    def fail(self, task: Task, error: Exception) -> None:
        """Note that one image could not be used.

        What the bytes are to blame for is remembered. A closed folder, want of memory or a model's error may pass.
        """
        why = reason(error)
        self.report.failed.append(Failed(task.rel, why))
        self.broken.add(task.rel)
        if isinstance(error, ImageError) and error.lasting:
            self.failures.setdefault(task.folder, {})[task.name] = why
        self.remaining -= 1
        self.hooks.advanced(1)

    def settle(self, folders: Sequence[Folder]) -> None:
        """Tell the gate how far each of ``folders`` has come."""
        for folder in folders:
            if folder.rel in self.done:
                self.gate.settle(
                    folder,
                    self.wanted.steps,
                    done=self.done[folder.rel],
                    failures=self.failures.get(folder.rel, {}),
                    walked_ns=self.walked_ns,
                    dropped=self.wanted.replace,
                )


def is_of_model(error: Exception) -> bool:
    """Say whether what stopped an image is wrong with a model, so that it would stop every other one too."""
    return isinstance(error, PhototagError) and not isinstance(error, (ImageError, LibraryError, WriteError))


def add_places(batch: Sequence[Found], wanted: Wanted, places: Places | None) -> None:
    """Fill in the named place of every image of ``batch`` that has a position and lacks one."""
    if places is None or wanted.geo is None:
        return
    lacking = [found for found in batch if lacks_place(found.document, wanted)]
    positions = [found.document.get(fields.GPS, fields.V1, Gps) for found in lacking]
    points = [(gps.lat, gps.lon) for gps in positions if gps is not None]
    for found, place in zip(lacking, places.nearest(points) if points else (), strict=True):
        found.document.set_machine(fields.GEO, wanted.geo, place)


def reason(error: Exception) -> str:
    """Return one line that says why an image could not be used."""
    if isinstance(error, PhototagError):
        said = str(error) + (f" ({error.hint})" if error.hint else "")
    elif isinstance(error, OSError):
        said = f"cannot be read: {error.strerror or error}"
    elif isinstance(error, MemoryError):
        said = "not enough memory to decode it"
    else:
        said = f"unexpected {type(error).__name__}: {error}"
    return fsio.display(" ".join(said.split()))
