"""Errors that carry their own message, exit code and way forward; only ``cli`` prints them and exits."""

from __future__ import annotations


class PhototagError(Exception):
    """A failure that a person can act on.

    ``str(error)`` is one line: what failed and why. ``hint`` is what to do next, if anything helps.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(PhototagError):
    """The command was asked for something that makes no sense (exit 2)."""

    exit_code = 2


class QueryError(UsageError):
    """A query cannot be understood (exit 2); ``hint`` is what was expected at character ``at`` of ``text``."""

    def __init__(self, message: str, *, text: str, at: int, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.text = text
        self.at = at


class LibraryError(PhototagError):
    """The library cannot be used as it stands (exit 4)."""

    exit_code = 4


class FormatError(LibraryError):
    """A phototag file is damaged or is not one (exit 4).

    ``reason`` is a stable word for programs: ``magic``, ``version``, ``length``, ``checksum``, ``size``,
    ``stamp``, ``nesting``, ``text``, ``shape``, ``conflict-markers``, ``pointer``, ``empty``.
    """

    def __init__(self, message: str, *, reason: str, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.reason = reason


class NewerVersionError(FormatError):
    """A phototag file was written by a version whose rules this one does not know (exit 4)."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message, reason="version", hint=hint or "upgrade phototag: pipx upgrade phototag")


class MissingModelError(PhototagError):
    """The weights of a model are not on this machine (exit 5)."""

    exit_code = 5


class MissingExtraError(PhototagError):
    """An optional dependency is not installed (exit 5)."""

    exit_code = 5

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(
            f"{what} needs an optional part that is not installed", hint=f"pip install 'phototag[{extra}]'"
        )
        self.extra = extra


class ImageError(PhototagError):
    """One image cannot be read; the run goes on without it.

    ``lasting``: it is the file's fault, so there is no use in trying again before the file changes.
    """

    def __init__(self, message: str, *, hint: str | None = None, lasting: bool = True) -> None:
        super().__init__(message, hint=hint)
        self.lasting = lasting


class WriteError(PhototagError):
    """A file could not be written: disk full, read-only, no permission."""
