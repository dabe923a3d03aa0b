"""Fail or die at each system call in turn: what tests of crashes and full disks are made of."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

CALLS = ("open", "write", "fsync", "replace", "link", "unlink", "makedirs")


class Killed(BaseException):
    """The process died here: nothing after it runs, not even clean-up that would change the disk."""


class Faults:
    """Wraps the system calls of ``fsio``; at the ``at``-th one that changes the disk it does ``fault``."""

    def __init__(self, patch: pytest.MonkeyPatch, fault: Callable[[], BaseException], at: int) -> None:
        self.fault, self.at, self.count, self.dead = fault, at, 0, False
        for name in CALLS:
            patch.setattr(os, name, self._wrap(name, getattr(os, name)))

    def _wrap(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            if name == "open" and not args[1] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
                return real(*args, **kwargs)
            if self.dead:
                raise Killed  # a dead process cleans nothing up
            self.count += 1
            if self.count == self.at:
                error = self.fault()
                self.dead = isinstance(error, Killed)
                raise error
            return real(*args, **kwargs)

        return call
