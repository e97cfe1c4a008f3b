"""Looking for what is wrong with a data directory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from kodit.domain.diagnosis import Area, Problem


class Examiner(Protocol):
    """Looks at one area. Synchronous, changes nothing, and may run while workers work: what they
    are in the middle of is no problem."""

    @property
    def area(self) -> Area: ...

    def examine(self) -> Sequence[Problem]: ...
