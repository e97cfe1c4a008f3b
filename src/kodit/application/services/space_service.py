"""Giving room on the disk back after something was deleted."""

from __future__ import annotations

import asyncio
import time

from kodit.application.services.threads import Lane, in_thread
from kodit.domain.ports.space import Space

LEAST_WORTH = 1024 * 1024
"""Bytes that hold nothing and are not worth giving back: what is indexed next takes them."""


class SpaceService:
    """Keeps the database file about as large as what it holds."""

    def __init__(self, space: Space) -> None:
        self._space = space

    async def freeable(self) -> int:
        """How many bytes could be given back; 0 where it is not worth it."""
        return _worth(await in_thread(self._space.freeable, Lane.READS))

    async def give_back_some(self) -> bool:
        """One short step, if there is much to give back. Returns whether there is more to do."""
        return await in_thread(self._give_back_some, Lane.WRITES)

    async def give_back(self) -> None:
        """All of it, with as long a pause after each step as it took, so that others write too;
        nothing where the file has to be rewritten for that."""
        while True:
            began = time.monotonic()
            if not await self.give_back_some():
                return
            await asyncio.sleep(time.monotonic() - began)

    async def give_back_all(self) -> None:
        """The same, and where the file has to be rewritten for that, it is."""
        if await in_thread(self._space.is_rewritten_for, Lane.READS):
            if await self.freeable():
                await in_thread(self._space.rewrite, Lane.WRITES)
        else:
            await self.give_back()

    def _give_back_some(self) -> bool:
        if not _worth(self._space.freeable()) or self._space.is_rewritten_for():
            return False
        if self._space.give_back_some() and _worth(self._space.freeable()):
            return True
        self._space.shrink()
        return False


def _worth(size: int) -> int:
    return size if size > LEAST_WORTH else 0
