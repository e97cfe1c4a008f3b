"""Background work beside the queue, in short steps; an error does not end it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from kodit.application.services.background_work import running_in_background
from kodit.application.services.threads import in_thread
from kodit.domain.errors import DatabaseReplacedError, TransientError
from kodit.domain.shortage import shortage

log = logging.getLogger(__name__)

LONGEST_BACK_OFF = 8
"""The maximum pause of a chore that keeps failing, in intervals."""


@dataclass(frozen=True, slots=True)
class Chore:
    """Something to do every `interval` seconds.

    `do_piece` does one bounded piece, about a transaction, and returns whether there is more to do
    now. The next piece starts after a pause as long as the last piece took, so that no chore takes
    more than half of the database's single writer; at once if others wait for it. It may be
    cancelled at any await, and loses nothing by that.
    """

    name: str
    interval: float
    do_piece: Callable[[], Awaitable[bool]]
    is_awaited: bool = False


async def in_one_piece(work: Callable[[], object]) -> bool:
    """Do blocking work in a thread, as a chore's only piece."""
    await in_thread(work)
    return False


def chores_done(chores: Sequence[Chore]) -> AbstractAsyncContextManager[None]:
    """Run the chores, each at its own interval, during the block; they are cancelled at its end."""
    return running_in_background([(chore.name, _keep_doing(chore)) for chore in chores])


async def _keep_doing(chore: Chore) -> None:
    loop = asyncio.get_running_loop()
    back_off = 1
    while True:
        began = loop.time()
        try:
            pause = chore.interval
            if await chore.do_piece():
                pause = 0.0 if chore.is_awaited else loop.time() - began
            back_off = 1
        except asyncio.CancelledError as error:
            if _is_cancelled():
                raise
            # A task that it waited for was cancelled, and not the chore.
            _log_failure(chore, error)
            back_off = min(2 * back_off, LONGEST_BACK_OFF)
            pause = chore.interval * back_off
        except DatabaseReplacedError:
            return  # the process that serves the queue reports this, and ends
        except Exception as error:  # noqa: BLE001 - whatever it is, the chore continues at its interval
            _log_failure(chore, error)
            if _is_cancelled():
                return
            back_off = min(2 * back_off, LONGEST_BACK_OFF)
            pause = chore.interval * back_off
        await asyncio.sleep(pause)


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _log_failure(chore: Chore, error: BaseException) -> None:
    about = {"chore": chore.name, "error": str(error) or type(error).__name__}
    if isinstance(error, (TransientError, OSError)) or shortage(error) is not None:
        log.warning("a chore failed and will be retried", extra=about)
    else:
        log.error("a chore raised an unexpected error", extra=about, exc_info=error)
