"""Releases disk space after deletions."""

from __future__ import annotations

import asyncio
import time

from kodit.application.services.threads import Lane, in_thread
from kodit.domain.ports.space import Space

LEAST_WORTH = 1024 * 1024
"""Free bytes below this are not worth releasing: the next indexing uses them."""


class SpaceService:
    """Keeps the database file about as large as its content."""

    def __init__(self, space: Space) -> None:
        self._space = space

    async def freeable(self) -> int:
        """How many bytes could be released; 0 if it is not worth it."""
        return _worth(await in_thread(self._space.freeable, Lane.READS))

    async def release_some_space(self) -> bool:
        """One short step, if there is much to release. Returns whether there is more to do."""
        return await in_thread(self._release_some_space, Lane.WRITES)

    async def release_space(self) -> None:
        """Release all of it, with a pause after each step as long as the step, so that others can
        write too; does nothing if the file has to be rewritten."""
        while True:
            began = time.monotonic()
            if not await self.release_some_space():
                return
            await asyncio.sleep(time.monotonic() - began)

    async def release_all_space(self) -> None:
        """The same, and rewrites the file if it has to be rewritten."""
        if await in_thread(self._space.is_rewritten_for, Lane.READS):
            if await self.freeable():
                await in_thread(self._space.rewrite, Lane.WRITES)
        else:
            await self.release_space()

    def _release_some_space(self) -> bool:
        if not _worth(self._space.freeable()) or self._space.is_rewritten_for():
            return False
        if self._space.release_some_space() and _worth(self._space.freeable()):
            return True
        self._space.shrink()
        return False


def _worth(size: int) -> int:
    return size if size > LEAST_WORTH else 0
