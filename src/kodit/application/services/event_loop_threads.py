"""The threads that take blocking work off the event loop."""

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
    """`in_thread` for code under an event loop."""
    loop = asyncio.get_running_loop()
    context = contextvars.copy_context()

    def call() -> T:
        try:
            return context.run(work)
        except StopIteration as error:  # a future does not accept it: its caller would hang
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
    """Start all threads of all lanes, in a long-lived process, so that none is missing later when
    threads are scarce. Raises TransientError if they are scarce already."""
    for lane in Lane:
        _name, threads = lane.value
        all_there = threading.Barrier(threads)
        try:
            waiting = [_threads_of(lane).submit(all_there.wait) for _thread in range(threads)]
        except RuntimeError as error:
            all_there.abort()  # the threads that did start wait for nobody
            raise shortage(error) or error from None
        for thread in waiting:
            thread.result()


@cache
def _threads_of(lane: Lane) -> ThreadPoolExecutor:
    name, threads = lane.value
    return ThreadPoolExecutor(threads, thread_name_prefix=f"kodit-{name}")


class _WarmThread:
    """One thread that takes work while it is idle. Handing work to it costs half as much as to an
    executor with its futures, counters and locks, and a queue of small tasks does that all the
    time."""

    def __init__(self) -> None:
        self._free = threading.Lock()
        self._inbox: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def run(
        self, loop: asyncio.AbstractEventLoop, call: Callable[[], T]
    ) -> asyncio.Future[T] | None:
        """A future of the result of `call`, or None if the thread is busy."""
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
            with suppress(RuntimeError):  # the loop is closed, so nobody waits for the result
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
    """A forked process has none of its parent's threads."""
    global _warm  # noqa: PLW0603 - its lock may be held by a thread that does not exist here
    _warm = _WarmThread()
    _threads_of.cache_clear()


os.register_at_fork(after_in_child=_forget_threads)
