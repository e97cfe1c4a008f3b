"""Calls from the event loop into a thread and back."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from functools import partial

import pytest

from kodit.application.services.threads import in_thread


def test_consecutive_calls_use_the_same_thread() -> None:
    """Its caches are warm, and it is not the event loop's; calls from another loop make no
    difference.
    """

    async def two() -> set[int]:
        return {await in_thread(threading.get_ident), await in_thread(threading.get_ident)}

    threads = asyncio.run(two()) | asyncio.run(two())
    assert len(threads) == 1
    assert threading.get_ident() not in threads


def test_calls_at_once_do_not_wait_for_each_other() -> None:
    """Each waits until all are there, which would never happen in a queue."""
    all_there = threading.Barrier(4)

    async def four() -> None:
        await asyncio.gather(*(in_thread(lambda: all_there.wait(timeout=30)) for _ in range(4)))

    asyncio.run(four())


def test_error_is_passed_on() -> None:
    """It is raised where the work is awaited, and the thread survives."""

    def fail() -> None:
        raise LookupError("nothing there")

    async def fail_twice() -> int:
        for _time in range(2):
            with pytest.raises(LookupError, match="nothing there"):
                await in_thread(fail)
        return await in_thread(lambda: 7)

    assert asyncio.run(fail_twice()) == 7


@pytest.mark.parametrize("busy", [0, 1])
def test_stop_iteration_is_passed_on_as_another_error(busy: int) -> None:
    """From any thread: no future can carry it, and the caller must not wait for ever."""
    go_on = threading.Event()

    async def fail() -> None:
        others = [asyncio.create_task(in_thread(go_on.wait)) for _other in range(busy)]
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="StopIteration"):
            await asyncio.wait_for(in_thread(partial(next, iter(()))), timeout=30)
        go_on.set()
        await asyncio.gather(*others)

    asyncio.run(fail())


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("busy", [0, 1])
def test_work_is_waited_for_when_its_caller_is_cancelled(busy: int, times: int) -> None:
    """However often, and in any thread: the caller continues after the work has ended, not
    before.
    """
    started, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        started.set()
        go_on.wait(timeout=30)
        ended.set()

    async def cancel() -> None:
        others = [asyncio.create_task(in_thread(go_on.wait)) for _other in range(busy)]
        await asyncio.sleep(0)
        task = asyncio.create_task(in_thread(work))
        await asyncio.get_running_loop().run_in_executor(None, started.wait)
        for _time in range(times):
            task.cancel()
            await asyncio.sleep(0.01)
            assert not task.done()
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert ended.is_set()
        await asyncio.gather(*others)

    asyncio.run(cancel())


def test_forked_child_has_a_thread_of_its_own() -> None:
    """Its parent's thread does not exist in it."""
    asyncio.run(in_thread(int))
    child = os.fork()
    if child == 0:
        signal.alarm(30)
        os._exit(asyncio.run(in_thread(lambda: 7)))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
