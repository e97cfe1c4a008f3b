"""The threads that take work off the event loop."""

from __future__ import annotations

import asyncio
import contextvars
import os
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from functools import cache, partial
from typing import Any, TypeVar

from kodit.application.services.lanes import Lane
from kodit.domain.shortage import shortage

T = TypeVar("T")


async def in_thread_of_loop(work: Callable[[], T], lane: Lane, executor: Executor | None) -> T:
    """What `in_thread` does under an event loop."""
    loop = asyncio.get_running_loop()
    context = contextvars.copy_context()

    def call() -> T:
        try:
            return context.run(work)
        except StopIteration as error:  # which no future takes: who waits would wait for ever
            raise RuntimeError("the work raised StopIteration") from error

    future: asyncio.Future[T] | None = None
    try:
        if executor is None:
            future = _warm.run(loop, call)
        if future is None:
            future = loop.run_in_executor(executor or _threads_of(lane), call)
    except RuntimeError as error:
        raise shortage(error) or error from None  # no thread can be started
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        while not future.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait([future])
        if not future.cancelled():
            future.exception()
        raise


def start_threads() -> None:
    """Start all threads of all lanes, as a process does that lives for long: none is missing later,
    when threads have become scarce. Raises TransientError where they are scarce already."""
    for lane in Lane:
        _name, threads = lane.value
        all_there = threading.Barrier(threads)
        try:
            waiting = [_threads_of(lane).submit(all_there.wait) for _thread in range(threads)]
        except RuntimeError as error:
            all_there.abort()  # those that did start wait for nobody
            raise shortage(error) or error from None
        for thread in waiting:
            thread.result()


@cache
def _threads_of(lane: Lane) -> ThreadPoolExecutor:
    name, threads = lane.value
    return ThreadPoolExecutor(threads, thread_name_prefix=f"kodit-{name}")


class _WarmThread:
    """One thread that takes what comes while nothing else does. Handing work to it costs half of
    what it costs to give it to an executor, with its futures, counters and locks; and a queue of
    small tasks is one such handing after another."""

    def __init__(self) -> None:
        self._free = threading.Lock()
        self._inbox: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def run(
        self, loop: asyncio.AbstractEventLoop, call: Callable[[], T]
    ) -> asyncio.Future[T] | None:
        """What `call` will give, or None when the thread has something else to do."""
        if not self._free.acquire(blocking=False):
            return None
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._serve, name="kodit-warm", daemon=True)
            self._thread.start()
        future: asyncio.Future[T] = loop.create_future()

        def work() -> None:
            settle: Callable[[], None]
            try:
                settle = partial(future.set_result, call())
            except BaseException as error:  # noqa: BLE001 - raised where the work is awaited
                settle = partial(future.set_exception, error)
            self._free.release()
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(_unless_done, future, settle)

        self._inbox.put(work)
        return future

    def _serve(self) -> None:
        while True:
            self._inbox.get()()


def _unless_done(future: asyncio.Future[Any], settle: Callable[[], None]) -> None:
    if not future.done():
        settle()


_warm = _WarmThread()


def _forget_threads() -> None:
    """A forked process has none of the threads of the one it comes from."""
    global _warm  # noqa: PLW0603 - its lock may be held by a thread that is not there
    _warm = _WarmThread()
    _threads_of.cache_clear()


os.register_at_fork(after_in_child=_forget_threads)
