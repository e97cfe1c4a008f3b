"""Child processes that cannot be started, and those that are ended while that is cancelled."""

from __future__ import annotations

import asyncio
import errno
import os
import subprocess
import threading
from pathlib import Path
from typing import Any, NoReturn

import pytest
from tests.support import child_work
from tests.support.command import PATIENCE_SECONDS

from kodit.domain.errors import TransientError
from kodit.infrastructure.processes import pool as pool_module
from kodit.infrastructure.processes.pool import ProcessPool, _Child

pytestmark = pytest.mark.real_children


def test_a_child_that_cannot_be_started_leaves_no_descriptor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its call is tried again, for as long as processes or memory are scarce."""

    def refuse(*_arguments: Any, **_options: Any) -> NoReturn:
        raise BlockingIOError(errno.EAGAIN, "no more processes")

    async def call_twice() -> list[int]:
        pool = ProcessPool(tmp_path)
        counts = []
        for _call in range(2):
            with pytest.raises(TransientError):
                await pool.call(f"{child_work.__name__}:anything")
            counts.append(len(os.listdir("/dev/fd")))  # noqa: PTH208 - of descriptors
        await pool.aclose()
        return counts

    monkeypatch.setattr(subprocess, "Popen", refuse)
    first, second = asyncio.run(call_twice())
    assert first == second


def test_all_children_are_ended_although_that_is_cancelled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody else would end those that are not idle any more."""
    kill = _Child.kill

    async def end_unused() -> list[bool]:
        loop, caller = asyncio.get_running_loop(), asyncio.current_task()
        assert caller is not None
        pool = ProcessPool(tmp_path)
        children = [await pool._start() for _child in range(3)]
        pool._idle += children
        monkeypatch.setattr(pool_module, "UNUSED_SECONDS", 0.0)

        def kill_while_cancelled(child: _Child) -> None:
            is_cancelled = threading.Event()
            loop.call_soon_threadsafe(caller.cancel)
            loop.call_soon_threadsafe(is_cancelled.set)
            assert is_cancelled.wait(PATIENCE_SECONDS)
            kill(child)

        with monkeypatch.context() as patched:
            patched.setattr(_Child, "kill", kill_while_cancelled)
            with pytest.raises(asyncio.CancelledError):
                await pool.end_unused()
        ended = [child._process.returncode is not None for child in children]
        pool.close()
        return ended

    assert sorted(asyncio.run(end_unused())) == [False, True, True]
