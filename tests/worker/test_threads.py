"""Calls from the event loop into a thread."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NoReturn

import pytest
from tests.support.command import wait_until

from kodit.application.services import event_loop_threads
from kodit.application.services.threads import in_thread
from kodit.domain.errors import TransientError


def test_one_call_after_another_has_the_same_thread() -> None:
    """It is warm, and not the event loop's thread; another loop gets the same."""

    async def two() -> set[int]:
        return {await in_thread(threading.get_ident), await in_thread(threading.get_ident)}

    threads = asyncio.run(two()) | asyncio.run(two())
    assert len(threads) == 1
    assert threading.get_ident() not in threads


def test_calls_at_once_do_not_wait_for_each_other() -> None:
    """Each waits until all have started, which would never happen one after another."""
    all_there = threading.Barrier(4)

    async def four() -> None:
        await asyncio.gather(*(in_thread(lambda: all_there.wait(timeout=30)) for _ in range(4)))

    asyncio.run(four())


def test_error_travels() -> None:
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
def test_an_end_of_iteration_travels_as_another_error(busy: int) -> None:
    """From either kind of thread: no future can carry it, and the caller must not wait for ever."""
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
    """However often, and in either kind of thread: the caller continues only after the work has
    ended."""
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


def no_thread(_thread: threading.Thread) -> NoReturn:
    raise RuntimeError("can't start new thread")


@pytest.mark.parametrize("is_taken", [False, True])
def test_work_that_is_refused_for_lack_of_a_thread_is_not_done(
    monkeypatch: pytest.MonkeyPatch, *, is_taken: bool
) -> None:
    """An executor has queued it by then, and its caller tries again. If a thread has just become
    free and does it, it is not refused."""
    done: list[str] = []
    go_on = threading.Event()

    async def play() -> None:
        with ThreadPoolExecutor(2) as executor:
            first = asyncio.create_task(in_thread(go_on.wait, executor=executor))
            await asyncio.sleep(0)

            def start(thread: threading.Thread) -> NoReturn:
                if is_taken:
                    go_on.set()
                    wait_until(lambda: bool(done))
                no_thread(thread)

            with monkeypatch.context() as patched:
                patched.setattr(threading.Thread, "start", start)
                second = in_thread(lambda: done.append("second"), executor=executor)
                if is_taken:
                    await second
                else:
                    with pytest.raises(TransientError, match="no more processes or threads"):
                        await second
            go_on.set()
            await first
            await in_thread(lambda: done.append("third"), executor=executor)

    asyncio.run(play())
    assert done == ["second"] * is_taken + ["third"]


def test_a_thread_that_could_not_be_started_is_started_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Until then, the other threads do the work."""
    both_there = threading.Barrier(2)

    async def two_at_once() -> None:
        await asyncio.gather(*(in_thread(lambda: both_there.wait(30)) for _call in range(2)))

    async def name() -> str:
        return await in_thread(lambda: threading.current_thread().name)

    asyncio.run(two_at_once())  # another thread is idle from now on
    monkeypatch.setattr(event_loop_threads, "_warm", event_loop_threads._WarmThread())
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", no_thread)
        assert asyncio.run(name()).startswith("kodit-files")
    assert asyncio.run(name()) == "kodit-warm"


def test_forked_child_has_a_thread_of_its_own() -> None:
    """Its parent's thread does not exist in it."""
    asyncio.run(in_thread(int))
    child = os.fork()
    if child == 0:
        signal.alarm(30)
        os._exit(asyncio.run(in_thread(lambda: 7)))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
