"""The JSON shapes of all commands as types: ``schemas/cli.v1.json`` is generated from them, tests hold outputs to them.

A command's own result types are used where it has them; the others are written down here. Fields may be added, never
retyped or removed: scripts are written against them.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from phototag.library.syncing import Setting
from phototag.models.record import Checked


class PathShape(msgspec.Struct, frozen=True):
    """A path relative to the library; ``path_bytes`` (base64) only where ``path`` cannot say it."""

    path: str
    path_bytes: str | UnsetType = UNSET


class FailureShape(PathShape, frozen=True, kw_only=True):
    """A file that could not be used, and why."""

    reason: str


class InitShape(msgspec.Struct, frozen=True):
    """``init``."""

    library: str
    root: str


class ScanShape(msgspec.Struct, frozen=True):
    """``scan``, ``tag``, ``embed``, ``exif-backfill``, ``geo-tag``."""

    found: int
    unchanged: int
    written: int
    moved: int
    failed: list[FailureShape]
    seconds: float


class EditShape(msgspec.Struct, frozen=True):
    """``tag-edit``, ``rate``, ``caption``."""

    op: str | None
    changed: int
    unchanged: int
    images: list[PathShape]


class ChangeShape(msgspec.Struct, frozen=True, kw_only=True):
    """One field of one decision."""

    path: str | UnsetType = UNSET
    path_bytes: str | UnsetType = UNSET
    document: str | UnsetType = UNSET
    section: str
    key: str
    before: Any
    after: Any


class LogShape(msgspec.Struct, frozen=True):
    """One decision of ``log``."""

    op: str
    at: str
    device: str
    command: str
    summary: str
    undone_by: str | None
    changes: list[ChangeShape] | UnsetType = UNSET


class KeptShape(msgspec.Struct, frozen=True, kw_only=True):
    """A field that ``undo`` left alone, and why."""

    path: str | UnsetType = UNSET
    path_bytes: str | UnsetType = UNSET
    document: str | UnsetType = UNSET
    section: str
    key: str
    why: str


class UndoShape(msgspec.Struct, frozen=True):
    """``undo``."""

    op: str
    undoes: str
    restored: int
    kept: list[KeptShape]


class ResolveShape(msgspec.Struct, frozen=True):
    """``sync resolve``; ``found``, ``dropped`` and ``lost`` without ``--apply``, the counts with it."""

    joined: int
    kept_aside: list[FailureShape]
    found: list[PathShape] | UnsetType = UNSET
    """Conflict copies."""
    dropped: list[PathShape] | UnsetType = UNSET
    """Files in which a git merge dropped what one side said."""
    restored: int | UnsetType = UNSET
    """How many of those were joined again."""
    lost: list[PathShape] | UnsetType = UNSET
    """Images and documents that lack what a journal says was said of them."""
    recalled: int | UnsetType = UNSET
    """How many of those got it back."""


class SetupShape(msgspec.Struct, frozen=True):
    """``sync setup``: what the tool needs, whether it was so before, and what would lose edits."""

    settings: list[Setting]
    warnings: list[str]


class FindingShape(PathShape, frozen=True, kw_only=True):
    """Something that is wrong (``path`` is empty for the library itself), and what mends it."""

    what: str
    mend: str


class DoctorShape(msgspec.Struct, frozen=True):
    """``doctor``: what is wrong now, and how much ``--fix`` mended before."""

    ok: bool
    problems: list[FindingShape]
    fixed: int


class MoveShape(msgspec.Struct, frozen=True, rename={"source": "from", "target": "to"}):
    """A sidecar that belongs to another image than the one it lies beside."""

    source: PathShape
    target: PathShape
    why: Literal["content", "pixels", "key", "name"]
    copy: bool
    certain: bool


class RelinkPlanShape(msgspec.Struct, frozen=True):
    """``relink``."""

    moves: list[MoveShape]
    parks: list[PathShape]
    """Images whose old sidecar is kept in ``.phototag/orphans``."""
    orphans: list[PathShape]
    """Sidecars whose image is not here."""
    spent: list[PathShape]
    """Documents in ``.phototag/orphans`` whose words stand with their picture: ``--apply`` removes them."""


class RelinkedShape(msgspec.Struct, frozen=True):
    """``relink --apply``."""

    moved: int
    copied: int
    parked: int
    orphans: int
    failed: list[FailureShape]


class CarriedShape(msgspec.Struct, frozen=True):
    """``sidecar move``, ``sidecar push``; ``found`` without ``--apply``, ``parked`` with it."""

    carried: int
    failed: list[FailureShape]
    parked: int | UnsetType = UNSET
    """Of the carried: about another picture than the sidecar in the new place, so they went to ``.phototag/orphans``."""
    found: list[PathShape] | UnsetType = UNSET


class DumpShape(msgspec.Struct, frozen=True):
    """``dump``: docs/format.md, "JSON"; its schema is ``schemas/sidecar.v1.json``."""

    phototag: int
    sections: dict[str, dict[str, Any]]


class HistoryShape(msgspec.Struct, frozen=True):
    """One change in the ``history`` that ``info --history`` adds to ``info``."""

    op: str
    at: str
    device: str
    command: str
    section: str
    key: str
    before: Any
    after: Any


class RunShape(msgspec.Struct, frozen=True):
    """``clusters use``."""

    run: str


class LabelShape(msgspec.Struct, frozen=True):
    """What one cluster is called now."""

    id: int
    label: str


class RenameShape(msgspec.Struct, frozen=True):
    """``rename``, ``rename-bulk``."""

    op: str | None
    run: str
    clusters: list[LabelShape]


class DuplicatesShape(msgspec.Struct, frozen=True):
    """One picture of ``duplicates`` that is there several times."""

    keep: str
    others: list[str]
    kind: Literal["exact", "near"]
    linked: list[str] | UnsetType = UNSET
    """Links to these files: other names, nothing to remove."""
    keep_bytes: str | UnsetType = UNSET
    """Base64, only where ``keep`` cannot say the name."""
    others_bytes: list[str | None] | UnsetType = UNSET


class ClearedShape(msgspec.Struct, frozen=True):
    """``duplicates --apply``."""

    op: str | None
    """The operation that ``undo`` takes; null when nothing was moved."""
    moved: int
    size: int
    """In bytes, of the images that were moved."""
    groups: list[DuplicatesShape]
    skipped: list[FailureShape]


class FetchedShape(msgspec.Struct, frozen=True):
    """``models fetch``: which model, and its folder."""

    name: str
    path: str


class CheckedShape(msgspec.Struct, frozen=True):
    """``models verify``: whether all is well, and each file with why it is or is not."""

    ok: bool
    files: list[Checked]


class ModelFolderShape(msgspec.Struct, frozen=True):
    """``models path``."""

    path: str
    present: bool


class ModelUseShape(msgspec.Struct, frozen=True):
    """``models use``: ``for`` is ``tagger``, ``embedder`` or both; not ``changed`` when it was so already."""

    name: str
    changed: bool
    tasks: list[str] = msgspec.field(name="for")


class ConvertedShape(msgspec.Struct, frozen=True):
    """``models convert``: the new model's full name."""

    name: str


class VersionShape(msgspec.Struct, frozen=True):
    """``version``."""

    version: str
    python: str
    extras: dict[str, bool]
    models: dict[str, bool]


def shapes() -> dict[str, Any]:
    """Return {command: type of its JSON document}."""
    from phototag.catalog.describe import Description
    from phototag.catalog.stats import StatsReport
    from phototag.clustering.latecomers import Joined
    from phototag.clustering.listing import DiffItem, RunItem, RunLine
    from phototag.index.record import ImageRecord
    from phototag.index.refresh import BuildReport, RefreshReport
    from phototag.index.status import StatusReport
    from phototag.index.verify import VerifyReport
    from phototag.models.registry import ModelStatus
    from phototag.report.write import Written

    images = list[ImageRecord]
    return {
        **dict.fromkeys(("scan", "tag", "embed", "exif-backfill", "geo-tag"), ScanShape),
        **dict.fromkeys(("tag-edit", "rate", "caption"), EditShape),
        **dict.fromkeys(("list", "query", "similar", "export"), images),
        **dict.fromkeys(("cluster", "clusters"), RunItem),
        **dict.fromkeys(("rename", "rename-bulk"), RenameShape),
        "clusters runs": list[RunLine],
        "clusters diff": DiffItem,
        "clusters use": RunShape,
        "assign": Joined,
        "report": Written,
        "init": InitShape,
        "duplicates": list[DuplicatesShape],
        "duplicates --apply": ClearedShape,
        "info": Description,
        "stats": StatsReport,
        "index rebuild": BuildReport,
        "index refresh": RefreshReport,
        "index status": StatusReport,
        "index verify": VerifyReport,
        "log": list[LogShape],
        "undo": UndoShape,
        "sync resolve": ResolveShape,
        "sync setup": SetupShape,
        "doctor": DoctorShape,
        "relink": RelinkPlanShape,
        "relink --apply": RelinkedShape,
        **dict.fromkeys(("sidecar move", "sidecar push"), CarriedShape),
        "dump": DumpShape,
        "info --history": list[HistoryShape],
        "models list": list[ModelStatus],
        "models fetch": FetchedShape,
        "models verify": CheckedShape,
        "models path": ModelFolderShape,
        "models use": ModelUseShape,
        "models convert": ConvertedShape,
        "version": VersionShape,
    }


def json_schema() -> dict[str, Any]:
    """Return one JSON Schema: a definition a command under ``commands``, the types they share under ``$defs``."""
    known = shapes()
    schemas, components = msgspec.json.schema_components(known.values(), ref_template="#/$defs/{name}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "phototag command output, version 1",
        "description": "What each command prints with --json. Fields may be added, never retyped or removed.",
        "commands": dict(sorted(zip(known, schemas, strict=True))),
        "$defs": dict(sorted(components.items())),
    }
