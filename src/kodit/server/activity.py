"""The activity of the server: whether it is ready, and whether it is in use."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Activity:
    """Shared by all parts of one server, on its event loop."""

    def __init__(self) -> None:
        self.stop = asyncio.Event()
        self.requests = 0
        self.last_at = time.monotonic()
        self.has_opened = False
        self._settled = asyncio.Event()

    @property
    def is_ready(self) -> bool:
        """Whether requests are answered at once."""
        return self.has_opened and not self.stop.is_set()

    def become_ready(self) -> None:
        """Everything is open."""
        self.has_opened = True
        self._settled.set()

    def give_up(self) -> None:
        """The server is stopping, or could not start."""
        self.stop.set()
        self._settled.set()

    async def wait_until_open(self) -> None:
        """Returns when everything is open, or never will be."""
        await self._settled.wait()

    @contextmanager
    def request(self) -> Iterator[None]:
        """Counts a request as active during the block."""
        self.requests += 1
        try:
            yield
        finally:
            self.requests -= 1
            self.note()

    def note(self) -> None:
        """Record that the server was just used."""
        self.last_at = time.monotonic()
