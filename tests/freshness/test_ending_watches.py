"""Watching that ends while its thread replaces the system's watches."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from kodit.infrastructure.watching.folder_watch import FolderWatch
from kodit.infrastructure.watching.watches import Watch


class NotingWatch:
    def __init__(self) -> None:
        self.is_stopped = False

    def paths(self, _seconds: float, _is_urgent: Callable[[str], bool]) -> set[str]:
        return set()

    def stop(self) -> None:
        self.is_stopped = True

    def close(self) -> None:
        """There is nothing to close."""


class Replacing(FolderWatch):
    """Its thread takes the watch away as soon as another one has looked at it."""

    _found: Watch | None

    @property
    def _watch(self) -> Watch | None:
        found, self._found = self._found, None
        return found

    @_watch.setter
    def _watch(self, watch: Watch | None) -> None:
        self._found = watch


def test_an_end_while_watches_are_replaced(tmp_path: Path) -> None:
    """It is no error, and the former watch is stopped."""
    watching, watch = Replacing(tmp_path / "marks"), NotingWatch()
    watching._watch = watch
    asyncio.run(watching.aclose())
    assert watch.is_stopped
