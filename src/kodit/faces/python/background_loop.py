"""An event loop in a thread of its own, for use from any other thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, wait
from contextlib import suppress
from typing import Any, TypeVar

from kodit.domain.errors import KoditError
from kodit.domain.shortage import shortage

T = TypeVar("T")


class BackgroundLoop:
    """Works whether or not the caller has an event loop, as in a notebook."""

    def __init__(self) -> None:
        """Raises TransientError if threads or descriptors are scarce."""
        # With a factory, the loop made here does not become that of this thread.
        self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        self._giving = threading.Lock()
        self._is_closed = False
        self._stop = asyncio.Event()
        self._afterwards: Callable[[], object] | None = None
        # A program that never closes it must still be able to exit.
        self._thread = threading.Thread(target=self._run, name="kodit-loop", daemon=True)
        try:
            # Made here: a thread that cannot make it would end, and its callers wait for ever.
            self._loop = self._runner.get_loop()
            self._thread.start()
        except (OSError, RuntimeError) as error:
            self._runner.close()
            raise shortage(error) or error from None

    def call(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The result of the coroutine. If the caller is interrupted, it is cancelled, and has
        released what it held before the interrupt propagates. Raises KoditError with the code
        `closed` if the loop is closed before the coroutine has ended."""
        outcome: Future[T] = Future()
        tasks: list[asyncio.Task[T]] = []

        async def run() -> T:
            return await work()  # here, since `work` itself may fail before it returns a coroutine

        def start() -> None:
            task = self._loop.create_task(run())
            tasks.append(task)
            task.add_done_callback(lambda ended: _settle(outcome, ended))

        def cancel() -> None:
            for task in tasks:
                task.cancel()

        # A coroutine passed to the loop after it was told to stop might never run, and its caller
        # would wait for ever.
        with self._giving:
            if self._is_closed:
                raise _closed()
            self._loop.call_soon_threadsafe(start)
        try:
            return outcome.result()
        except BaseException:
            if not outcome.done():
                with suppress(RuntimeError):  # it was closed a moment ago
                    self._loop.call_soon_threadsafe(cancel)
                wait([outcome])
            raise

    def close(self) -> None:
        """Cancel running work, wait for it, and end the thread."""
        with self._giving:
            self._end()
        self._thread.join()

    def abandon(self, afterwards: Callable[[], object]) -> None:
        """The same without waiting: `afterwards` is called in the thread at its end. For callers
        such as the garbage collector, in any thread, including that of this loop."""
        self._afterwards = afterwards
        self._end()

    def _end(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            self._loop.call_soon_threadsafe(self._stop.set)

    def _run(self) -> None:
        with self._runner:
            self._runner.run(self._serve())
        if self._afterwards is not None:
            self._afterwards()

    async def _serve(self) -> None:
        await self._stop.wait()


def _settle(outcome: Future[T], ended: asyncio.Task[T]) -> None:
    if ended.cancelled():
        outcome.set_exception(_closed())
    elif (error := ended.exception()) is not None:
        outcome.set_exception(error)
    else:
        outcome.set_result(ended.result())


def _closed() -> KoditError:
    return KoditError("Kodit was closed by another thread before this call ended", code="closed")
