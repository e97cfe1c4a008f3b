"""Runs blocking work from a coroutine in a thread.

A command that asks one question runs its coroutine alone, without an event loop: nothing else waits
meanwhile, and importing asyncio takes a third of the time that help takes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeVar

from kodit.application.services.lanes import Lane

if TYPE_CHECKING:
    from concurrent.futures import Executor

__all__ = [
    "Lane",
    "LoopNeededError",
    "in_thread",
    "is_alone",
    "need_loop",
    "run_alone",
    "time_limit",
]

T = TypeVar("T")

_alone: ContextVar[bool] = ContextVar("kodit_alone", default=False)


async def in_thread(
    work: Callable[[], T], lane: Lane = Lane.FILES, *, executor: Executor | None = None
) -> T:
    """Run blocking work off the event loop, in a thread of the lane or of the given executor;
    without an event loop, at once.

    If the caller is cancelled meanwhile, however often, the work is still waited for: a transaction
    is never left unattended. Raises TransientError if no thread can be started.
    """
    if _alone.get():
        return work()
    from kodit.application.services.event_loop_threads import (  # noqa: PLC0415 - see above
        in_thread_of_loop,
    )

    return await in_thread_of_loop(work, lane, executor)


class LoopNeededError(Exception):
    """A coroutine that runs alone tried to wait for something that needs an event loop."""


def is_alone() -> bool:
    """Whether this runs without an event loop, for a command that ends with its answer."""
    return _alone.get()


def need_loop() -> None:
    """Call this before something that needs an event loop. Raises LoopNeededError without one."""
    if _alone.get():
        raise LoopNeededError


@asynccontextmanager
async def time_limit(seconds: float) -> AsyncIterator[None]:
    """Raises TimeoutError in the block when it takes longer, at its current await; without an event
    loop, there is no limit."""
    if _alone.get():
        yield
        return
    import asyncio  # noqa: PLC0415 - see above

    async with asyncio.timeout(seconds):
        yield


def run_alone(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that awaits nothing but `in_thread`. Raises LoopNeededError for one
    that awaits something else: it has to run again, under an event loop."""
    token = _alone.set(True)
    try:
        coroutine.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    finally:
        _alone.reset(token)
        coroutine.close()
    raise LoopNeededError
