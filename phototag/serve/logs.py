"""What the viewer's server logs to stderr: ``log_level``, and lines of JSON with ``json_logs``.

Addresses are logged without their query: it may hold the token of a visitor, and what was searched for is nobody's
business.
"""

from __future__ import annotations

import logging
from typing import Any

import msgspec

from phototag.errors import UsageError
from phototag.settings import LOG_LEVELS, Settings


def level(settings: Settings) -> str:
    """Return the level asked for. Raises UsageError for one that does not exist."""
    name = settings.log_level.lower()
    if name not in LOG_LEVELS:
        raise UsageError(f"no log level is called {settings.log_level!r}", hint=", ".join(LOG_LEVELS))
    return name


def config(settings: Settings) -> dict[str, Any]:
    """Return the logging configuration of the server. Raises UsageError."""
    formatter = "JsonLines" if settings.json_logs else "PlainLines"
    logger = {"handlers": ["stderr"], "level": level(settings).upper(), "propagate": False}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"lines": {"()": f"{__name__}.{formatter}"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines"}},
        "loggers": dict.fromkeys(("uvicorn", "uvicorn.error", "uvicorn.access"), logger),
    }


class PlainLines(logging.Formatter):
    """Time, level, message."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of ``record``."""
        return super().format(_without_query(record))


class JsonLines(logging.Formatter):
    """One JSON object a line: ``at`` (seconds since 1970), ``level``, ``message``, ``error`` where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of ``record``."""
        record = _without_query(record)
        line = {"at": round(record.created, 3), "level": record.levelname.lower(), "message": record.getMessage()}
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line).decode()


def _without_query(record: logging.LogRecord) -> logging.LogRecord:
    """Return an access record (client, method, path, version, status) with only the path of its address."""
    if record.name == "uvicorn.access" and isinstance(record.args, tuple) and len(record.args) == 5:
        client, method, path, version, status = record.args
        record.args = (client, method, str(path).partition("?")[0], version, status)
    return record
