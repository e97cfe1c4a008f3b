"""Runs a few coroutines at a time, and hands on each result as soon as it is there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")


async def side_by_side(
    inputs: Iterable[T], work: Callable[[T], Coroutine[Any, Any, R]], most: int
) -> AsyncGenerator[R, None]:
    """The results of `work` for each input, in the order in which they end, with `most` under way.

    After an error nothing more is started; the results of what is under way still come, as they may
    have been paid for, and then the error is raised. If the caller stops or is cancelled, what is
    under way is cancelled.
    """
    waiting = iter(inputs)
    running: set[asyncio.Task[R]] = set()
    error: BaseException | None = None
    try:
        while True:
            while error is None and len(running) < most:
                try:
                    one = next(waiting)
                except StopIteration:
                    break
                running.add(asyncio.create_task(work(one)))
            if not running:
                break
            done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for ended in done:
                failure = ended.exception()
                if failure is not None:
                    error = error or failure
            for ended in done:
                if ended.exception() is None:
                    yield ended.result()
        if error is not None:
            raise error
    finally:
        for one_task in running:
            one_task.cancel()
        if running:
            await asyncio.wait(running)
