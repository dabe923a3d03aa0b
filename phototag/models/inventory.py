"""Which models are here and whether their files are what they should be."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from phototag.errors import MissingModelError, UsageError
from phototag.models import manifest, registry
from phototag.models.record import RECORD, Checked, read_record, sha256_of
from phototag.models.registry import ModelStatus
from phototag.settings import Settings


def verify(settings: Settings, names: Sequence[str] = ()) -> Iterator[Checked]:
    """Check the files of the models that are here (or of ``names``) against the manifest and what came first."""
    for full in names or present(settings):
        if not registry.has_folder(full):
            yield Checked(full, "", True, "needs no files")
            continue
        folder = registry.folder_of(full, settings)
        if not os.path.isdir(folder):
            yield Checked(full, "", False, f"not in {settings.models_dir}")
            continue
        checked = list(_verified(full, folder))
        yield from checked or [Checked(full, "", False, "its folder is empty")]


def present(settings: Settings) -> list[str]:
    """Return the full names of the models that have a folder here."""
    found = [name for family in registry.families().values() for name in registry.folders_of(family, settings)]
    listed = [n for n in manifest.ENTRIES if os.path.isdir(registry.folder_of(n, settings))]
    return list(dict.fromkeys([*found, *listed]))


def status(settings: Settings, defaults: Mapping[str, str]) -> list[ModelStatus]:
    """Return one row a model and task: those here, then those that can be fetched; ``defaults`` by task, full names."""
    rows = [_described(row, settings) for row in registry.installed(settings, defaults=defaults)]
    known = {row.path for row in rows if row.path}
    for entry in manifest.ENTRIES.values():
        folder = registry.folder_of(entry.name, settings)
        if folder in known:
            continue
        there = all(
            os.path.isfile(os.path.join(folder, file.path)) for file in entry.files if file.path not in entry.archives
        )
        row = ModelStatus(
            name=entry.name,
            task=entry.task,
            present=there,
            default=False,
            size=entry.size,
            license=entry.license,
            path=folder,
        )
        rows.append(_described(row, settings))
    return rows


def _verified(full: str, folder: str) -> Iterator[Checked]:
    record = read_record(folder)
    entry = manifest.ENTRIES.get(full)
    listed = {file.path: file for file in entry.files if file.path not in entry.archives} if entry is not None else {}
    if entry is not None and "config.json" not in listed and os.path.isfile(os.path.join(folder, "config.json")):
        listed = {}  # a person's own model under a name of ours: nothing was published for it
    for path in sorted(listed.keys() | record.keys() | set(_files(folder))):
        where = os.path.join(folder, path)
        if not os.path.isfile(where):
            yield Checked(full, path, False, "missing")
            continue
        file, note = listed.get(path), record.get(path)
        found = sha256_of(where)
        if file is not None and file.sha256:
            yield Checked(
                full, path, found == file.sha256, "as published" if found == file.sha256 else "not as published"
            )
        elif note is not None:
            same = found == note.sha256
            yield Checked(full, path, same, "as first fetched" if same else "changed since it was fetched")
        else:
            yield Checked(full, path, True, f"your own file, sha256 {found[:16]}")


def _files(folder: str) -> Iterator[str]:
    for base, _, names in os.walk(folder, followlinks=True):
        for name in names:
            if name != RECORD and not name.startswith("."):
                yield os.path.relpath(os.path.join(base, name), folder).replace(os.sep, "/")


def _described(row: ModelStatus, settings: Settings) -> ModelStatus:
    """Return ``row`` with its licence, named as a person names it: the alias where it means just this model."""
    entry = manifest.ENTRIES.get(row.name)
    family = registry.FAMILIES.get(row.name.partition("/")[0])
    name = row.name
    if family is not None and family.folders == "one" and family.alias:
        name = family.alias
    elif family is not None and family.folders == "many" and row.name == _meant(family.name, settings):
        name = family.alias or family.name
    licence = row.license or (
        entry.license if entry is not None else "Apache-2.0" if row.name == registry.BUILTIN else "yours"
    )
    return msgspec.structs.replace(row, name=name, license=licence)


def _meant(family: str, settings: Settings) -> str:
    """Return the full name that the bare family name means, or would once it is fetched."""
    try:
        return registry.resolve(family, settings)
    except MissingModelError:
        return f"{family}/{registry.FAMILIES[family].default}"
    except UsageError:
        return ""
