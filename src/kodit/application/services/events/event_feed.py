"""Events for any number of readers, from one watch that runs while there is a reader."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

from kodit.application.services.events.event_log import EventLog, StateChange
from kodit.application.services.events.run_watch import RunWatch
from kodit.application.services.threads import Lane, in_thread
from kodit.domain.ports.runtime import WakeUp

log = logging.getLogger(__name__)

LONGEST_PAUSE_SECONDS = 30.0
"""How long the watch waits for a notification before it checks anyway."""
SHORTEST_PAUSE_SECONDS = 0.2
"""The shortest time between two checks; events within it are delivered together."""

OpenWakeUp = Callable[[], AbstractAsyncContextManager[WakeUp]]


@dataclass(frozen=True, slots=True)
class EventFilter:
    """The events of these indexes and of these runs; without any, all events."""

    index_ids: tuple[int, ...] = ()
    run_ids: tuple[int, ...] = ()

    def has(self, change: StateChange) -> bool:
        if self.run_ids and change.run_id not in self.run_ids:
            return False
        return not self.index_ids or change.index_id in self.index_ids


@dataclass(frozen=True, slots=True)
class DeliveredEvent:
    """A change as a reader receives it. `mark` is where to resume after it; None except for the
    last of several that belong together."""

    about: StateChange
    mark: str | None


class EventFeed:
    """Used on one event loop."""

    def __init__(
        self, *, watch: RunWatch, open_wake_up: OpenWakeUp, event_log: EventLog | None = None
    ) -> None:
        """`open_wake_up` opens a wake-up that notices changes of the database."""
        self._watch = watch
        self._open_wake_up = open_wake_up
        self._log = event_log or EventLog()
        self._epoch = secrets.token_hex(4)
        """Identifies this feed: marks of another one, such as that of an earlier process, are not
        valid here."""
        self.readers = 0
        """The current number of readers."""
        self._watching: asyncio.Task[None] | None = None
        self._looking = asyncio.Lock()
        self._changed = asyncio.Event()

    @asynccontextmanager
    async def reading(
        self, wanted: EventFilter, mark: str | None = None
    ) -> AsyncIterator[EventReader]:
        """Read events: first the current state, then changes; with the `mark` of an earlier event,
        only the changes since that event."""
        self.readers += 1
        if self._watching is None:
            self._watching = asyncio.create_task(self._keep_watching())
        try:
            await self._look()  # changes that happened while there was no reader
            yield EventReader(self, wanted, self._position(mark))
        finally:
            self.readers -= 1
            if not self.readers and self._watching is not None:
                watching, self._watching = self._watching, None
                watching.cancel()

    async def read(
        self, wanted: EventFilter, position: int | None, seconds: float
    ) -> tuple[list[DeliveredEvent], int]:
        """The changes that a reader at this position has not read, and its new position; empty if
        there is none within `seconds`."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while True:
            changed = self._changed
            events = None if position is None else self._log.after(position)
            if position is None or events is None:
                # Changes during the snapshot are delivered again.
                position = self._log.last
                return await self._snapshot(wanted, position), position
            if events:
                position = events[-1].number
            told = [
                DeliveredEvent(event.about, self._mark(event.number))
                for event in events
                if wanted.has(event.about)
            ]
            if told:
                return told, position
            try:
                async with asyncio.timeout_at(deadline):
                    await changed.wait()
            except TimeoutError:
                return [], position

    async def _snapshot(self, wanted: EventFilter, position: int) -> list[DeliveredEvent]:
        found = await in_thread(
            lambda: self._watch.snapshot(wanted.index_ids, wanted.run_ids), Lane.READS
        )
        told = [DeliveredEvent(one, None) for one in found]
        return [*told[:-1], *(DeliveredEvent(one.about, self._mark(position)) for one in told[-1:])]

    def _mark(self, number: int) -> str:
        return f"{self._epoch}-{number}"

    def _position(self, mark: str | None) -> int | None:
        epoch, _, number = (mark or "").partition("-")
        if epoch != self._epoch or not (number.isascii() and number.isdecimal()):
            return None
        return int(number[:18])

    async def _keep_watching(self) -> None:
        pause = SHORTEST_PAUSE_SECONDS
        while True:
            try:
                async with self._open_wake_up() as wake_up:
                    while True:
                        await self._look()
                        pause = SHORTEST_PAUSE_SECONDS
                        await asyncio.sleep(pause)
                        await wake_up.wait(LONGEST_PAUSE_SECONDS)
            except Exception:
                log.exception("events cannot be sent at the moment")
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
                await asyncio.sleep(pause)

    async def _look(self) -> None:
        """Log the changes since the last check. Runs to its end even if its caller is cancelled,
        because no later check sees the same changes."""
        await asyncio.shield(asyncio.ensure_future(self._look_once()))

    async def _look_once(self) -> None:
        async with self._looking:
            changes = await in_thread(self._watch.look, Lane.READS)
            if changes is None:
                self._log.forget()
            for change in changes or ():
                self._log.add(change)
        if changes is None or changes:
            changed, self._changed = self._changed, asyncio.Event()
            changed.set()


class EventReader:
    """One reader of a feed. It receives what it has not read when it asks; nothing is buffered for
    it meanwhile."""

    def __init__(self, feed: EventFeed, wanted: EventFilter, position: int | None) -> None:
        self._feed = feed
        self._wanted = wanted
        self._position = position

    async def read(self, seconds: float) -> list[DeliveredEvent]:
        """The new changes, oldest first; empty if there is none within `seconds`."""
        told, self._position = await self._feed.read(self._wanted, self._position, seconds)
        return told
