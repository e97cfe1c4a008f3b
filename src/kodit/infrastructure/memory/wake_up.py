"""Waking the workers of one process."""

from __future__ import annotations

import asyncio
import contextlib


class MemoryWakeUp:
    """An event of the running loop, which only this process sets."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def notify(self) -> None:
        # The loop may be closing while one of its threads is still ending its transaction.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._event.set)

    async def wait(self, timeout_seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_seconds):
                await self._event.wait()
        self._event.clear()
