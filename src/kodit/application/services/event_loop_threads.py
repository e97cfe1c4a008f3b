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
    result = _Result[T](loop=loop)
    call = partial(contextvars.copy_context().run, work)
    if executor is not None:
        _submit(executor, result, call)
    elif lane is Lane.LOOKUPS or not _warm.take(result, call):
        _submit(_threads_of(lane), result, call)
    try:
        return await result
    except asyncio.CancelledError:
        if result.done():
            result.exception()  # nobody asks for it any more
        raise


class _Result(asyncio.Future[T]):
    """The result of work in a thread, which is never abandoned: a caller that is cancelled
    meanwhile gets its CancelledError when the work has ended."""

    def cancel(self, msg: object = None) -> bool:
        """Refuse. The task that awaits this remembers that it was cancelled."""
        return False


def _submit(executor: Executor, result: _Result[T], call: Callable[[], T]) -> None:
    """Let a thread of the executor do the work. Raises TransientError, and lets none do it, if no
    thread can be started."""
    todo = [call]
    try:
        executor.submit(_work, result, todo)
    except RuntimeError as error:
        # An executor queues the work before it starts a thread for it: those that it has would
        # still do what the caller takes for refused, and repeats.
        with suppress(IndexError):  # one does it at this moment
            todo.pop()
            raise shortage(error) or error from None


def _work(result: _Result[T], todo: list[Callable[[], T]]) -> None:
    """Do the work, in its thread, unless it was withdrawn, and hand over the result."""
    try:
        call = todo.pop()
    except IndexError:
        return
    _hand_over(result, _outcome(result, call))


def _outcome(result: _Result[T], call: Callable[[], T]) -> Callable[[], None]:
    """Do the work; returns what sets its result."""
    try:
        return partial(result.set_result, call())
    except StopIteration as error:  # a future does not accept it: its caller would hang
        wrapped = RuntimeError("the work raised StopIteration")
        wrapped.__cause__ = error
        return partial(result.set_exception, wrapped)
    except BaseException as error:  # noqa: BLE001 - raised where the work is awaited
        return partial(result.set_exception, error)


def _hand_over(result: _Result[T], outcome: Callable[[], None]) -> None:
    with suppress(RuntimeError):  # the loop is closed, so nobody waits for the result
        result.get_loop().call_soon_threadsafe(outcome)


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
        self._inbox: queue.SimpleQueue[tuple[_Result[Any], Callable[[], Any]]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def take(self, result: _Result[T], call: Callable[[], T]) -> bool:
        """Do this in the thread; False if it is busy, or cannot be started."""
        if not self._free.acquire(blocking=False):
            return False
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._serve, name="kodit-warm", daemon=True)
            try:
                self._thread.start()
            except RuntimeError:
                self._free.release()
                return False
        self._inbox.put((result, call))
        return True

    def _serve(self) -> None:
        while True:
            self._do(*self._inbox.get())

    def _do(self, result: _Result[T], call: Callable[[], T]) -> None:
        outcome = _outcome(result, call)
        # First: who gets the result may have more work at once.
        self._free.release()
        _hand_over(result, outcome)


_warm = _WarmThread()


def _forget_threads() -> None:
    """A forked process has none of its parent's threads."""
    global _warm  # noqa: PLW0603 - its lock may be held by a thread that does not exist here
    _warm = _WarmThread()
    _threads_of.cache_clear()


os.register_at_fork(after_in_child=_forget_threads)
