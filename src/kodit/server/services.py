"""Supervised services that run beside the answers, whatever fails."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from kodit.application.services.background_work import running_in_background

log = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Service:
    """Runs until it is cancelled. If it returns, it is done; if it raises, the error is logged, and
    it restarts after a pause that grows with repeated failures."""

    name: str
    run: Callable[[], Awaitable[None]]


def services_running(services: Sequence[Service]) -> AbstractAsyncContextManager[None]:
    """Run the services during the block; they end with it."""
    return running_in_background([(one.name, _keep_running(one)) for one in services])


async def _keep_running(service: Service) -> None:
    loop = asyncio.get_running_loop()
    pause = FIRST_PAUSE_SECONDS
    while True:
        began = loop.time()
        try:
            await service.run()
        except Exception:
            log.exception("a service failed and will be restarted", extra={"service": service.name})
        else:
            return
        if loop.time() - began > LONGEST_PAUSE_SECONDS:
            pause = FIRST_PAUSE_SECONDS
        await asyncio.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
