"""Changes of sources that are known but not indexed yet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

QUIET_SECONDS = 0.25
"""How long a folder must be quiet before its changes are indexed."""
LONGEST_DELAY_SECONDS = 1.5
"""The longest delay that a few files that keep changing can cause."""
FEW_FILES = 20
LONGEST_STORM_SECONDS = 30.0
"""The longest delay that many files changing one after another can cause."""


@dataclass(slots=True)
class Pending:
    """The changes of one index. Times are on the event loop's clock. `files` maps a path to the
    latest time its file changed, and `unnamed` is the latest time of any other change, 0 for never:
    in nanoseconds since 1970 by the file system's clock."""

    first_at: float
    last_at: float
    files: dict[str, int] = field(default_factory=dict)
    unnamed: int = 0
    is_requested: bool = False
    requested_at: float = 0.0
    is_stuck: bool = False
    """Whether its run has failed, or none starts, so that waiting for it is pointless."""
    waiting: int = 0
    """How many answers wait for it."""

    def is_over(self, now: float) -> bool:
        """Whether no more changes are expected, or waiting must end: a few files that keep changing
        are waited for less long than a storm."""
        longest = LONGEST_DELAY_SECONDS if len(self.files) <= FEW_FILES else LONGEST_STORM_SECONDS
        return now - self.last_at >= QUIET_SECONDS or now - self.first_at >= longest


class KnownChanges:
    """What a watcher knows about changes of sources; without a watcher, nothing is known. Counting
    takes no time and is for any thread; all other methods run on one event loop."""

    def __init__(self) -> None:
        self.pending: dict[int, Pending] = {}
        self.watched: frozenset[int] = frozenset()
        """The indexes whose changes become known as they happen."""
        self.mark: Callable[[], int] = lambda: 0
        """Marks this moment. The watcher calls `reach` when all changes before it are known."""
        self._reached = 0

    @cached_property
    def _moved(self) -> asyncio.Event:
        import asyncio  # noqa: PLC0415 - without a watcher, nothing is waited for

        return asyncio.Event()

    def count(self, index_id: int) -> int:
        """How many files of an index have changed since they were indexed."""
        pending = self.pending.get(index_id)
        return 0 if pending is None else len(pending.files)

    def is_watched(self, index_id: int) -> bool:
        """Whether changes of an index become known as they happen."""
        return index_id in self.watched

    async def settle(self, index_ids: Sequence[int], seconds: float) -> bool:
        """Wait at most this long until the changes of these indexes (of all, if empty) are indexed;
        not for a run that has failed or does not start. Returns whether there were any changes; an
        answer that was found meanwhile may be out of date then."""
        meant = self.watched.intersection(index_ids) if index_ids else self.watched
        if not meant:
            return False
        import asyncio  # noqa: PLC0415 - without a watcher, nothing is waited for

        until = asyncio.get_running_loop().time() + seconds
        changed: list[int] = []
        with suppress(TimeoutError):  # the answer reports what it lacks
            async with asyncio.timeout_at(until):
                mark = self.mark()
                while self._reached < mark and self.watched:
                    await self._moved.wait()
                changed = [index_id for index_id in meant if index_id in self.pending]
                await self._wait_for(changed)
        return bool(changed)

    async def _wait_for(self, index_ids: Sequence[int]) -> None:
        waited_for = {index_id: self.pending[index_id] for index_id in index_ids}
        for pending in waited_for.values():
            pending.waiting += 1
        try:
            while any(
                self.pending.get(key) is pending and not pending.is_stuck
                for key, pending in waited_for.items()
            ):
                await self._moved.wait()
        finally:
            for pending in waited_for.values():
                pending.waiting -= 1

    def reach(self, mark: int) -> None:
        """All changes before this mark are known."""
        if mark > self._reached:
            self._reached = mark
            self._move()

    def stop(self) -> None:
        """Stop watching; waiting callers return."""
        self.watched = frozenset()
        self.pending.clear()
        self.mark = lambda: 0
        self._reached = 0
        self._move()

    def forget(self, index_id: int) -> None:
        """The changes of an index are indexed, or no longer matter."""
        if self.pending.pop(index_id, None) is not None:
            self._move()

    def set_stuck(self, index_id: int, *, is_stuck: bool) -> None:
        """Set whether waiting for the changes of an index is pointless."""
        pending = self.pending[index_id]
        if is_stuck != pending.is_stuck:
            pending.is_stuck = is_stuck
            self._move()

    def _move(self) -> None:
        self._moved.set()
        self._moved.clear()
