"""Child processes do the work, and are killed with all their descendants."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from tests.support import child_work
from tests.support.command import wait_until

from kodit.domain.errors import StalledError, TransientError
from kodit.infrastructure.processes import child
from kodit.infrastructure.processes.pool import ProcessPool

pytestmark = pytest.mark.real_children

WORK = child_work.__name__


@pytest.fixture
def pool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ProcessPool]:
    """One child process that can import the tests."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]), prepend=":")
    pool = ProcessPool(tmp_path, 1)
    yield pool
    pool.close()


def test_a_child_runs_again_what_it_has_run_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has loaded the imports; the other child need not load them as well."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]), prepend=":")
    pool = ProcessPool(tmp_path, 2)

    async def ask() -> tuple[int, int]:
        first = asyncio.create_task(pool.call(f"{WORK}:tell_own_id"))
        other = asyncio.create_task(pool.call(f"{WORK}:answer_large", 50_000_000))
        before = await first
        await other
        return before, await pool.call(f"{WORK}:tell_own_id")

    try:
        before, after = asyncio.run(ask())
    finally:
        pool.close()
    assert before == after


@pytest.mark.skipif(sys.platform != "linux", reason="what a process may use is told by Linux")
def test_there_are_as_many_children_as_the_process_may_use_cores(tmp_path: Path) -> None:
    """Whatever the machine has: in a container that may be only some of its cores."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        pool = ProcessPool(tmp_path)
    finally:
        os.sched_setaffinity(0, allowed)
    pool.close()
    assert pool.size == 1


def is_alive(pid: int) -> bool:
    state = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, check=False, text=True
    ).stdout
    return bool(state.strip()) and not state.startswith("Z")


def test_a_silent_child_is_killed_with_its_descendants(pool: ProcessPool) -> None:
    """The call raises StalledError, and no process is left."""
    started: list[int] = []
    for stall_seconds in (
        1.0,
        10.0,
        60.0,
    ):  # a busy machine may need long to come to the first word
        with pytest.raises(StalledError, match="go silent made no progress"):
            asyncio.run(
                pool.call(
                    f"{WORK}:go_silent",
                    report=lambda current, _total: started.append(current),
                    stall_seconds=stall_seconds,
                )
            )
        if started:
            break

    wait_until(lambda: not is_alive(started[0]))


@pytest.mark.usefixtures("pool")
def test_a_child_at_work_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    """No process is left to tell it: it must notice in the middle of a call."""
    program = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from kodit.infrastructure.processes.pool import ProcessPool\n"
        "pool = ProcessPool(Path(sys.argv[1]), 1)\n"
        "tell = lambda current, total: print(current, flush=True)\n"
        "asyncio.run(pool.call(sys.argv[2], report=tell))\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path), f"{WORK}:work_on"],
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert is_alive(child)
        parent.kill()

    wait_until(lambda: not is_alive(child))


def test_a_cancelled_call_leaves_the_pool_sound(pool: ProcessPool) -> None:
    """A call that is cancelled while its large answer arrives does not affect the next."""

    async def cancel(wait_seconds: float) -> bytes:
        reported = asyncio.Event()
        call = asyncio.create_task(
            pool.call(f"{WORK}:answer_large", 1 << 26, report=lambda *_: reported.set())
        )
        await reported.wait()
        await asyncio.sleep(wait_seconds)
        call.cancel()
        await asyncio.wait({call})
        answer: bytes = await pool.call(f"{WORK}:answer_large", 1000)
        return answer

    for wait_seconds in (0.0, 0.001, 0.003, 0.01):
        assert asyncio.run(cancel(wait_seconds)) == bytes(1000)


def test_a_child_of_a_call_that_is_cancelled_meanwhile_is_kept(pool: ProcessPool) -> None:
    """The next call takes it; none is left behind without an owner."""

    others = children()

    async def cancel() -> int:
        call = asyncio.create_task(pool.call(f"{WORK}:tell_own_id"))
        await asyncio.sleep(0)  # the thread that starts the process is at it
        call.cancel()
        await asyncio.wait({call})
        (kept,) = children() - others
        answering: int = await pool.call(f"{WORK}:tell_own_id")
        assert answering == kept
        return kept

    kept = asyncio.run(cancel())
    pool.close()
    assert not is_alive(kept)


def children() -> set[int]:
    """The child processes of the pools of this process."""
    listed = subprocess.run(
        ["ps", "-ww", "-o", "pid=,args=", "--ppid", str(os.getpid())],
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    return {int(line.split()[0]) for line in listed.splitlines() if child.__name__ in line}


def test_a_child_that_dies_is_a_transient_error(pool: ProcessPool) -> None:
    """The error says how it died, and the next call has a new child."""
    with pytest.raises(TransientError, match="was killed by SIGSEGV while it ran die"):
        asyncio.run(pool.call(f"{WORK}:die"))

    assert asyncio.run(pool.call(f"{WORK}:answer_large", 3)) == bytes(3)


def test_an_error_is_passed_on(pool: ProcessPool) -> None:
    """The call raises the exception of the function, and the child is kept."""
    with pytest.raises(LookupError, match="there is nothing here"):
        asyncio.run(pool.call(f"{WORK}:refuse"))


@pytest.mark.usefixtures("pool")
def test_ctrl_c_while_a_child_is_starting() -> None:
    """A terminal sends Ctrl-C to the whole group; a child that is not ready yet survives it."""
    done = threading.Event()

    def send_interrupts() -> None:
        while not done.is_set():
            listed = subprocess.run(
                ["ps", "-A", "-o", "pid=,ppid=,args="],
                capture_output=True,
                check=False,
                text=True,
            ).stdout
            for line in listed.splitlines():
                pid, parent, command = line.split(maxsplit=2)
                if int(parent) == os.getpid() and "kodit.infrastructure.processes" in command:
                    with suppress(ProcessLookupError):
                        os.kill(int(pid), signal.SIGINT)

    sender = threading.Thread(target=send_interrupts)
    sender.start()
    try:
        for _ in range(3):
            fresh = ProcessPool(Path.cwd(), 1)
            try:
                assert asyncio.run(fresh.call(f"{WORK}:answer_large", 3)) == bytes(3)
            finally:
                fresh.close()
    finally:
        done.set()
        sender.join()
