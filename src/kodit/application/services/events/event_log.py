"""A log that keeps only the latest event of each run, task or index."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

MOST_EVENTS = 500
"""About half a megabyte: what the last 80 runs changed. A reader that was away for longer gets the
current state."""


@dataclass(frozen=True, slots=True)
class StateChange:
    """A change of a run, task or index. `kind` is `run`, `task` or `index`; `data` is a view of its
    current state, and `identity` distinguishes it from others of its kind."""

    kind: str
    identity: Hashable
    index_id: int | None
    run_id: int | None
    data: Any


@dataclass(frozen=True, slots=True)
class Event:
    """A numbered change; numbers grow."""

    number: int
    about: StateChange


class EventLog:
    """The latest event of each identity, oldest first. A slow reader misses events that were
    replaced by later ones, but never how something ended. Used on one event loop."""

    def __init__(self, most: int = MOST_EVENTS) -> None:
        self._most = most
        self._events: dict[tuple[str, Hashable], Event] = {}
        self._dropped = 0
        self.last = 0

    def add(self, change: StateChange) -> None:
        """Add an event, replacing the earlier one of the same identity."""
        key = (change.kind, change.identity)
        self._events.pop(key, None)
        self.last += 1
        self._events[key] = Event(self.last, change)
        while len(self._events) > self._most:
            oldest = next(iter(self._events))
            self._dropped = self._events.pop(oldest).number

    def forget(self) -> None:
        """Record that events may have been missed."""
        self.last += 1
        self._dropped = self.last
        self._events.clear()

    def after(self, number: int) -> list[Event] | None:
        """The events after this number, oldest first; None if some of them are no longer known."""
        if not self._dropped <= number <= self.last:
            return None
        found: list[Event] = []
        for event in reversed(self._events.values()):
            if event.number <= number:
                break
            found.append(event)
        return found[::-1]
