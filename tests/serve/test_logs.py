"""The server's log: levels, JSON lines, and no query of an address in it."""

from __future__ import annotations

import json
import logging
import sys

import pytest

from phototag.errors import UsageError
from phototag.serve import logs
from phototag.settings import Settings


def record(path: str = "/?token=secret&q=beach") -> logging.LogRecord:
    args = ("127.0.0.1:5000", "GET", path, "1.1", 200)
    return logging.LogRecord("uvicorn.access", logging.INFO, "", 0, '%s - "%s %s HTTP/%s" %d', args, None)


@pytest.mark.parametrize("formatter", [logs.PlainLines(), logs.JsonLines()], ids=["plain", "json"])
def test_no_query_is_logged(formatter: logging.Formatter) -> None:
    line = formatter.format(record())
    assert "GET / HTTP" in line
    assert "secret" not in line
    assert "beach" not in line


def test_json_lines_are_json_also_with_errors() -> None:
    try:
        raise ValueError("broken")
    except ValueError:
        failed = logging.LogRecord("uvicorn.error", logging.ERROR, "", 0, "it broke", (), sys.exc_info())
    line = json.loads(logs.JsonLines().format(failed))
    assert line["level"] == "error"
    assert line["message"] == "it broke"
    assert "ValueError: broken" in line["error"]


def test_levels() -> None:
    assert logs.level(Settings(log_level="INFO")) == "info"
    assert logs.config(Settings())["loggers"]["uvicorn"]["level"] == "WARNING"
    with pytest.raises(UsageError, match="loud"):
        logs.config(Settings(log_level="loud"))
