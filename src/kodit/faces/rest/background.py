"""Work that continues after its request has been answered."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from fastapi import Request

log = logging.getLogger(__name__)


class Background:
    """The background work of one application; unfinished work is left to others when it closes."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def run(self, work: Coroutine[Any, Any, None], **about: object) -> None:
        """Start some work; `about` are the fields of the log line if it fails."""
        task = asyncio.create_task(self._do(work, about))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Cancel unfinished work."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _do(self, work: Coroutine[Any, Any, None], about: dict[str, object]) -> None:
        try:
            await work
        except Exception:
            log.exception("work in the background failed", extra=about)


def background_of(request: Request) -> Background:
    """The background work of the application that answers a request."""
    background = request.app.state.background
    if not isinstance(background, Background):
        raise TypeError("the REST application was made without its background")
    return background
