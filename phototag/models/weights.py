"""Bringing the files of a model into its folder: downloaded, or from what a person has already."""

from __future__ import annotations

import contextlib
import os
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec

from phototag import fsio
from phototag.errors import MissingModelError, UsageError, WriteError
from phototag.models import download, manifest, registry
from phototag.models.brought import Opener, assign
from phototag.models.identity import params8
from phototag.models.manifest import Entry, File
from phototag.models.record import RECORD, Note, read_record, sha256_of
from phototag.settings import Settings

STAGING = ".fetching"
"""In the models folder: where files wait until all of a model are there."""


class Hooks(msgspec.Struct, frozen=True):
    """How a fetch speaks: what it does, how many bytes are ahead, how many came."""

    say: Callable[[str], None]
    start: Callable[[int], None]
    advance: Callable[[int], None]


def entry_of(name: str, settings: Settings) -> Entry:
    """Return the manifest's entry of a name or alias. Raises UsageError."""
    if name in manifest.ENTRIES:
        return manifest.ENTRIES[name]
    if name.startswith(manifest.HUB_PREFIX):
        repository = name.removeprefix(manifest.HUB_PREFIX)
        if not re.fullmatch(r"[\w-][\w.-]*/[\w-][\w.-]*", repository, re.ASCII):
            raise UsageError(f"{name!r} names no model of the hub", hint="hf:ORGANISATION/MODEL")
        return manifest.from_hub(repository)
    try:
        full = registry.resolve(name, settings)
    except MissingModelError:
        full = ""
    if full not in manifest.ENTRIES:
        family = next((f for f in registry.FAMILIES.values() if name in (f.name, f.alias)), None)
        full = f"{family.name}/{family.default}" if family is not None and family.default else full or name
    if full not in manifest.ENTRIES:
        raise UsageError(
            f"{name!r} is not a model that can be fetched",
            hint=f"these can: {', '.join(manifest.ENTRIES)}; any other works from its folder in {settings.models_dir}",
        )
    return manifest.ENTRIES[full]


def fetch(name: str, settings: Settings, hooks: Hooks, *, sources: Sequence[str] = (), accepted: bool = False) -> str:
    """Bring a model's files into its folder and return that; what is already there and right is kept.

    ``sources`` are files, folders or ZIPs the person brings (``brought``); the rest is downloaded. Raises UsageError
    when the licence must be agreed to first, or what was brought is not clear; DownloadError, WriteError.
    """
    entry = entry_of(name, settings)
    if entry.non_commercial and not accepted:
        raise UsageError(
            f"{entry.name} is for {entry.license}: {entry.terms}", hint="if you agree: add --i-accept to the command"
        )
    folder = registry.folder_of(entry.name, settings)
    record = read_record(folder)
    _refuse_another(entry, folder, record)
    lacking = [file for file in entry.files if not _is_right(folder, file, record)]
    lacking = _without_spent_archives(entry, lacking)
    if not lacking:
        hooks.say(f"{entry.name} is complete in {folder}")
        return folder
    brought = _assigned(entry, sources)
    hooks.say(f"{entry.name}: {entry.about}; licence {entry.license}" + (f" ({entry.terms})" if entry.terms else ""))
    place = os.path.join(settings.models_dir, STAGING, _place_name(entry))
    _writable(place, settings)
    with _alone(place, hooks):
        _complete(entry, folder, lacking, os.path.join(place, "files"), settings, hooks, brought)
        fsio.remove_tree(place)
    return folder


def _place_name(entry: Entry) -> str:
    """Return the name of a staging folder; two models of one name, of two organisations, do not share theirs."""
    return f"{entry.name.replace('/', '__')}-{params8(urls=[file.url for file in entry.files])}"


@contextlib.contextmanager
def _alone(place: str, hooks: Hooks) -> Iterator[None]:
    """Hold ``place`` against another fetch of the same model, which would write into the same files."""
    with fsio.try_lock_folder(place) as held:
        if held:
            yield
            return
    hooks.say("it is being fetched already: waiting for that")
    with fsio.lock_folder(place):
        yield


def _complete(
    entry: Entry,
    folder: str,
    lacking: Sequence[File],
    staging: str,
    settings: Settings,
    hooks: Hooks,
    given: Mapping[str, Opener],
) -> None:
    """Bring ``lacking``, first into ``staging``; nothing where another fetch has brought it meanwhile."""
    record = read_record(folder)
    _refuse_another(entry, folder, record)
    lacking = _without_spent_archives(entry, [file for file in lacking if not _is_right(folder, file, record)])
    if not lacking:
        return
    fsio.make_folder(staging)
    there = sum(download.begun(os.path.join(staging, file.path)) for file in lacking)
    hooks.start(sum(file.size or file.near for file in lacking if file.url) - there)
    notes = dict(record)
    brought = []
    for file in lacking:
        try:
            notes[file.path] = _bring(entry, file, staging, settings, hooks, given, record.get(file.path))
        except download.DownloadError as error:
            if not (file.optional and error.code == 404):
                raise
        else:
            brought.append(file.path)
    _place(staging, folder, [path for path in brought if path not in entry.archives], notes)


def _bring(
    entry: Entry,
    file: File,
    staging: str,
    settings: Settings,
    hooks: Hooks,
    given: Mapping[str, Opener],
    before: Note | None,
) -> Note:
    """Put one file into the staging folder and return its note."""
    target = os.path.join(staging, file.path)
    fsio.make_folder(os.path.dirname(target))
    wanted = file.sha256 or (before.sha256 if before is not None else "")
    brought = given.get(file.path)
    if file.text:
        fsio.write_atomic(target, file.text.encode())
    elif brought is None and os.path.isfile(target):
        hooks.advance(os.stat(target).st_size)  # an earlier try got so far
    elif brought is not None or file.archive:
        opener = brought or _assigned(entry, [os.path.join(staging, file.archive)]).get(file.path)
        if opener is None:
            raise download.DownloadError(f"{file.archive} holds no {file.path}")
        _copy(opener, target, hooks.advance if file.url else lambda count: None)
    else:
        url = download.mirrored(file.url, settings.models_mirror)
        hooks.say(f"fetching {url}")
        download.fetch(url, target, size=file.size, sha256=wanted, progress=hooks.advance)
    found = sha256_of(target)
    if wanted and found != wanted:
        fsio.remove(target)
        raise download.DownloadError(f"{file.path} is not the file that was expected (SHA-256 {found[:16]}...)")
    if not wanted and not file.text:
        hooks.say(f"{file.path}: no hash is on record; pinned as {found[:16]}... from now on")
    return Note(found, os.stat(target).st_size, file.url, pinned=not file.sha256)


def _assigned(entry: Entry, sources: Sequence[str]) -> dict[str, Opener]:
    try:
        return assign(entry, sources)
    except zipfile.BadZipFile as error:
        raise download.DownloadError(str(error)) from error


_UNREADABLE = (OSError, EOFError, zipfile.BadZipFile, zlib.error, RuntimeError)
"""What a damaged, truncated or encrypted archive raises while it is read; RuntimeError also for a method unknown."""


def _copy(opener: Opener, target: str, advance: Callable[[int], None]) -> None:
    chunks = iter(opener())
    with fsio.replacing(target) as out:
        while True:
            try:
                chunk = next(chunks, b"")
            except _UNREADABLE as error:
                raise download.DownloadError(f"{os.path.basename(target)} cannot be read: {error}") from error
            if not chunk:
                return
            out.write(chunk)
            advance(len(chunk))


def _place(staging: str, folder: str, paths: Sequence[str], notes: dict[str, Note]) -> None:
    """Move the staged files of a complete model into its folder and note their hashes; a new folder comes at once."""
    for name in set(_relative(staging)) - set(paths):
        fsio.remove(os.path.join(staging, name))
    if not os.path.lexists(folder):
        _note(staging, notes)
        fsio.make_folder(os.path.dirname(folder))
        fsio.replace(staging, folder)
        return
    for path in paths:
        target = os.path.join(folder, path)
        fsio.make_folder(os.path.dirname(target))
        fsio.replace(os.path.join(staging, path), target)
    _note(folder, notes)


def _note(folder: str, notes: dict[str, Note]) -> None:
    kept = {path: note for path, note in sorted(notes.items()) if os.path.isfile(os.path.join(folder, path))}
    fsio.write_atomic(os.path.join(folder, RECORD), msgspec.json.format(msgspec.json.encode(kept)) + b"\n")


def _relative(folder: str) -> Iterator[str]:
    for base, _, names in os.walk(folder):
        for name in names:
            yield os.path.relpath(os.path.join(base, name), folder).replace(os.sep, "/")


def _without_spent_archives(entry: Entry, lacking: list[File]) -> list[File]:
    """Leave out a ZIP when everything that comes out of it is there."""
    needed = {file.archive for file in lacking if file.archive}
    return [file for file in lacking if file.path not in entry.archives or file.path in needed]


def _refuse_another(entry: Entry, folder: str, record: Mapping[str, Note]) -> None:
    """Raise UsageError where the folder holds another model of the same name: its files came from elsewhere.

    What the manifest knows by its hash may have moved.
    """
    urls = {file.url for file in entry.files}
    known = {file.path for file in entry.files if file.sha256}
    for path, note in record.items():
        if note.url and note.url not in urls and path not in known:
            wanted = next((file.url for file in entry.files if file.path == path), entry.terms)
            raise UsageError(
                f"{folder} holds another model: {path} came from {note.url}, not from {wanted}",
                hint="a model is its folder: rename or remove that one, then fetch again",
            )


def _is_right(folder: str, file: File, record: dict[str, Note]) -> bool:
    """Say whether the file is there and is what it should be, as far as that is known."""
    path = os.path.join(folder, file.path)
    if not os.path.isfile(path):
        return False
    note = record.get(file.path)
    wanted = file.sha256 or (note.sha256 if note is not None else "")
    return not wanted or sha256_of(path) == wanted


def _writable(folder: str, settings: Settings) -> None:
    try:
        fsio.make_folder(folder)
    except WriteError as error:
        raise WriteError(
            str(error), hint="models already there work; to fetch, set PHOTOTAG_MODELS_DIR to a folder you may write"
        ) from error
