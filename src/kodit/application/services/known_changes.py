"""The changes of sources that are known and not yet indexed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

QUIET_SECONDS = 0.25
"""How long nothing must have changed before it is indexed."""
LONGEST_DELAY_SECONDS = 1.5
"""How long a few files that change again and again put it off."""
FEW_FILES = 20
LONGEST_STORM_SECONDS = 30.0
"""How long many files that change one after the other put it off."""


@dataclass(slots=True)
class Pending:
    """What has changed in one index. Times on the event loop's clock tell when that was noted.

    `files` has, by path, by when a file had changed, and `unnamed` when something else had, 0 for
    never: in nanoseconds since 1970 by the clock of the file system.
    """

    first_at: float
    last_at: float
    files: dict[str, int] = field(default_factory=dict)
    unnamed: int = 0
    is_requested: bool = False
    requested_at: float = 0.0
    is_stuck: bool = False
    """Whether its run has failed, or nobody starts it: to wait for it would be in vain."""
    waiting: int = 0
    """How many answers wait for it."""

    def is_over(self, now: float) -> bool:
        """Whether no more is to be expected, or it cannot be waited for any longer: a few files
        that change again and again are put off for a shorter time than a storm."""
        longest = LONGEST_DELAY_SECONDS if len(self.files) <= FEW_FILES else LONGEST_STORM_SECONDS
        return now - self.last_at >= QUIET_SECONDS or now - self.first_at >= longest


class KnownChanges:
    """What a watcher of sources knows about them; nothing is known if there is none.

    Counting takes no time and is for any thread; all else happens on one event loop.
    """

    def __init__(self) -> None:
        self.pending: dict[int, Pending] = {}
        self.watched: frozenset[int] = frozenset()
        """The indexes whose changes become known as they happen."""
        self.mark: Callable[[], int] = lambda: 0
        """Marks this moment. Who watches tells by `reach` when all that had happened is known."""
        self._reached = 0

    @cached_property
    def _moved(self) -> asyncio.Event:
        import asyncio  # noqa: PLC0415 - where nobody watches, nothing is waited for

        return asyncio.Event()

    def count(self, index_id: int) -> int:
        """How many files of an index have changed since they were indexed."""
        pending = self.pending.get(index_id)
        return 0 if pending is None else len(pending.files)

    def is_watched(self, index_id: int) -> bool:
        """Whether changes of an index become known as they happen."""
        return index_id in self.watched

    async def settle(self, index_ids: Sequence[int], seconds: float) -> bool:
        """Wait for at most so long until what has changed of these indexes, of all without any, is
        indexed; not for a run that has failed, or that nobody starts. Returns whether anything had
        changed; an answer that was found meanwhile may be out of date then."""
        meant = self.watched.intersection(index_ids) if index_ids else self.watched
        if not meant:
            return False
        import asyncio  # noqa: PLC0415 - where nobody watches, nothing is waited for

        until = asyncio.get_running_loop().time() + seconds
        changed: list[int] = []
        with suppress(TimeoutError):  # the answer says what is not in it
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
        """All that had happened when this was marked is known."""
        if mark > self._reached:
            self._reached = mark
            self._move()

    def stop(self) -> None:
        """Nobody watches any more; who waits waits no longer."""
        self.watched = frozenset()
        self.pending.clear()
        self.mark = lambda: 0
        self._reached = 0
        self._move()

    def forget(self, index_id: int) -> None:
        """The changes of an index are indexed, or nobody asks for them any more."""
        if self.pending.pop(index_id, None) is not None:
            self._move()

    def tell_stuck(self, index_id: int, *, is_stuck: bool) -> None:
        """Whether it is in vain to wait for the changes of an index."""
        pending = self.pending[index_id]
        if is_stuck != pending.is_stuck:
            pending.is_stuck = is_stuck
            self._move()

    def _move(self) -> None:
        self._moved.set()
        self._moved.clear()
