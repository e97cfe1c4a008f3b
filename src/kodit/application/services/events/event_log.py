"""The latest of everything that has happened: a log in which each thing has one place."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

MOST_EVENTS = 5_000


@dataclass(frozen=True, slots=True)
class Happening:
    """Something has changed. `kind` is `run`, `task` or `index`; `data` is a view of how it stands
    now, and `identity` tells it from others of its kind."""

    kind: str
    identity: Hashable
    index_id: int | None
    run_id: int | None
    data: Any


@dataclass(frozen=True, slots=True)
class Event:
    """A happening in its place; numbers grow."""

    number: int
    about: Happening


class EventLog:
    """Of each thing the latest event, the oldest first. Who reads slowly misses what has been
    overtaken since, and never how something ended. Used on one event loop."""

    def __init__(self, most: int = MOST_EVENTS) -> None:
        self._most = most
        self._events: dict[tuple[str, Hashable], Event] = {}
        self._dropped = 0
        self.last = 0

    def add(self, happening: Happening) -> None:
        """The latest of something."""
        key = (happening.kind, happening.identity)
        self._events.pop(key, None)
        self.last += 1
        self._events[key] = Event(self.last, happening)
        while len(self._events) > self._most:
            oldest = next(iter(self._events))
            self._dropped = self._events.pop(oldest).number

    def forget(self) -> None:
        """Something may have happened that nobody has seen."""
        self.last += 1
        self._dropped = self.last
        self._events.clear()

    def after(self, number: int) -> list[Event] | None:
        """What has happened since an event, oldest first; None where some of it is not known any
        more."""
        if not self._dropped <= number <= self.last:
            return None
        found: list[Event] = []
        for event in reversed(self._events.values()):
            if event.number <= number:
                break
            found.append(event)
        return found[::-1]
