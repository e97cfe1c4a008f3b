"""What the server does beside answering: each service goes on, whatever fails."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from kodit.application.services.beside import running_beside

log = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Service:
    """Something that goes on until it is cancelled. One that returns has done what it had to do;
    one that raises is logged, and starts again after a pause that grows while it fails."""

    name: str
    run: Callable[[], Awaitable[None]]


def services_running(services: Sequence[Service]) -> AbstractAsyncContextManager[None]:
    """Run the services beside the block; they end with it."""
    return running_beside([(one.name, _keep_running(one)) for one in services])


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
