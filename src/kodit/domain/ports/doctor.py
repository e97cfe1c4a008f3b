"""Finds problems of a data directory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from kodit.domain.diagnosis import Area, Problem


class Examiner(Protocol):
    """Examines one area. Synchronous, read-only, and safe to run beside workers: their unfinished
    work is not a problem."""

    @property
    def area(self) -> Area: ...

    def examine(self) -> Sequence[Problem]: ...
