"""How a child process answers, its environment, and how it ends."""

from __future__ import annotations

import asyncio
import gc
import os
import pickle
import select
import signal
import subprocess
import sys
import weakref
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, cast

import pytest
from tests.support import child_work
from tests.support.command import PATIENCE_SECONDS, wait_until
from tests.support.memory import resident_bytes

from kodit.domain.errors import TransientError
from kodit.infrastructure.processes import allocator, child
from kodit.infrastructure.processes import pool as pool_module
from kodit.infrastructure.processes.environment import steady_environment
from kodit.infrastructure.processes.pool import ProcessPool
from kodit.infrastructure.processes.process_tree import end_process_tree

pytestmark = pytest.mark.real_children

WORK = child_work.__name__


class Told:
    """A connection that records the reports before the answer."""

    def __init__(self) -> None:
        self.reports: list[Any] = []

    def send_bytes(self, data: bytes) -> None:
        self.reports.append(pickle.loads(data))  # noqa: S301 - of this test


class PanicException(BaseException):
    """A panic of a library written in Rust."""


class StubbornError(Exception):
    """One that cannot be pickled."""

    def __reduce__(self) -> str:
        raise TypeError("not to be sent")


def say(now: Callable[[], None], *, report: Any) -> str:
    report(1, 9)
    now()
    report(2, 9)
    return "done"


def give_up(error: BaseException, *, report: Any) -> None:
    report(0)
    raise error


def answer(function: str, *arguments: Any) -> tuple[tuple[str, Any], list[Any]]:
    """A child's answer, and its reports before it."""
    told = Told()
    data = child._answer(cast("Connection[Any, Any]", told), f"{__name__}:{function}", arguments)
    return pickle.loads(data), told.reports  # noqa: S301 - of this test


def test_reports_come_at_most_ten_times_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = 100.0
    monkeypatch.setattr("kodit.infrastructure.processes.child.time.monotonic", lambda: clock)

    def wait(seconds: float) -> Callable[[], None]:
        def pass_time() -> None:
            nonlocal clock
            clock += seconds

        return pass_time

    first, second = ("progress", (1, 9)), ("progress", (2, 9))
    assert answer("say", wait(0.05)) == (("result", "done"), [first])
    assert answer("say", wait(0.15)) == (("result", "done"), [first, second])


@pytest.mark.parametrize(
    ("error", "kind", "sentence"),
    [
        (LookupError("not here"), LookupError, "'not here'"),
        (StubbornError("not here"), RuntimeError, "StubbornError: not here"),
        (PanicException("not here"), RuntimeError, "a library failed: not here"),
    ],
)
def test_every_error_travels(error: BaseException, kind: type[Exception], sentence: str) -> None:
    (word, value), reports = answer("give_up", error)
    assert (word, type(value)) == ("error", kind)
    assert str(value).strip("'") == sentence.strip("'")
    assert reports == [("progress", (0, None))]


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt()])
def test_what_ends_a_process_does(error: BaseException) -> None:
    with pytest.raises(type(error)):
        answer("give_up", error)


def test_a_function_that_is_not_there_is_an_error() -> None:
    (word, value), _reports = answer("missing")
    assert (word, type(value)) == ("error", AttributeError)


def test_a_shortage_of_memory_ends_it_without_a_trace(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ended: list[int] = []

    def leave(status: int) -> None:
        ended.append(status)
        raise SystemExit

    monkeypatch.setattr("kodit.infrastructure.processes.child.os._exit", leave)
    with pytest.raises(SystemExit):
        child._end_quietly(MemoryError, MemoryError(), None)
    assert (ended, capsys.readouterr().err) == ([child.EXIT_SHORT_OF_MEMORY], "")
    child._end_quietly(OSError, OSError("no luck"), None)
    assert "OSError: no luck" in capsys.readouterr().err


def open_files() -> int:
    """The number of open descriptors of this process, if the system tells."""
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.exists() else 0


@pytest.fixture
def pool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ProcessPool]:
    """One child process that can import the tests."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]), prepend=":")
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    pool = ProcessPool(tmp_path, 1)
    yield pool
    pool.close()


def test_the_surroundings_of_a_child(pool: ProcessPool, tmp_path: Path) -> None:
    """It has what it was given, and nothing of it stays open here when it has ended."""
    before = open_files()
    read_end, write_end = os.pipe()
    pool.inherit(read_end)
    found = asyncio.run(pool.call(f"{WORK}:tell_surroundings", read_end))
    nothing = Path(os.devnull).stat().st_rdev
    assert found == {
        "folder": str(tmp_path.resolve()),
        "allocator": allocator.allocator_variables(),
        "threads": "1",
        "is_safe": True,
        "threshold": child.OBJECTS_BETWEEN_COLLECTIONS,
        "interrupt": True,
        "blocked": False,
        "streams": [nothing, nothing],
        "inherited": os.fstat(read_end).st_ino,
    }
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())
    pool.close()
    os.close(read_end)
    os.close(write_end)
    assert open_files() == before


@pytest.mark.parametrize("left", ["garbage", "cache"])
def test_an_idle_child_releases_memory(pool: ProcessPool, left: str) -> None:
    """The object that holds the pipe is freed, without another call."""
    read_end, write_end = os.pipe()
    pool.inherit(write_end)
    asyncio.run(pool.call(f"{WORK}:leave_{left}", write_end))
    os.close(write_end)
    assert select.select([read_end], [], [], PATIENCE_SECONDS)[0] == [read_end]
    assert os.read(read_end, 1) == b""
    os.close(read_end)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_an_idle_child_holds_no_free_pages(pool: ProcessPool) -> None:
    """However little processor time its last calls took."""

    async def call_both() -> tuple[int, int]:
        before = await pool.call(f"{WORK}:leave_free_pages")
        return before, await pool.call(f"{WORK}:tell_own_id")

    before, child_id = asyncio.run(call_both())
    assert resident_bytes(child_id) - before > 30e6
    wait_until(lambda: resident_bytes(child_id) - before < 20e6)


def test_neither_process_holds_the_last_call(pool: ProcessPool) -> None:
    """Its arguments and its result are freed, without another call."""
    read_end, write_end = os.pipe()
    pool.inherit(write_end)
    result = asyncio.run(pool.call(f"{WORK}:take", child_work.Released(write_end)))
    seen = weakref.ref(result)
    del result
    gc.collect()
    wait_until(lambda: seen() is None)  # its thread may not have left it yet
    os.close(write_end)
    assert select.select([read_end], [], [], PATIENCE_SECONDS)[0] == [read_end]
    os.close(read_end)


def test_a_child_is_replaced_after_many_calls(
    pool: ProcessPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a library leaks ends with it. Every call is answered."""
    monkeypatch.setattr(pool_module, "MOST_WEAR", 4)

    async def numbers() -> list[int]:
        return [await pool.call(f"{WORK}:tell_own_id", parses=1) for _ in range(5)]

    first, second, third, fourth, fifth = asyncio.run(numbers())
    assert (first, third) == (second, fourth)
    assert len({first, third, fifth}) == 3
    for ended in (first, third):
        assert not Path(f"/proc/{ended}").exists()


def is_there(process: int) -> bool:
    """Whether there is such a process."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_children_that_are_not_needed_are_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one that has run most functions stays, and while there is work all do."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]), prepend=":")
    path = tmp_path / "pipe"
    os.mkfifo(path)
    pipe = os.open(path, os.O_RDWR)
    before = open_files()

    async def watch(pool: ProcessPool) -> None:
        waiting = [
            asyncio.create_task(pool.call(f"{WORK}:tell_own_id_after", str(path))) for _ in range(2)
        ]
        await asyncio.sleep(0)  # they have taken their places
        useful = await pool.call(f"{WORK}:tell_own_id")
        await pool.call(f"{WORK}:tell_surroundings", 0)
        os.write(pipe, b"x")
        done, busy = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        [unused] = [await one for one in done]
        monkeypatch.setattr(pool_module, "UNUSED_SECONDS", 0.0)
        await pool.end_unused()
        assert is_there(unused), "it may be needed while another works"
        os.write(pipe, b"x")
        [last] = [await one for one in busy]
        assert await pool.call(f"{WORK}:tell_own_id") == useful  # it is idle for the shortest time
        assert await pool.call(f"{WORK}:is_number", useful), "a new function is for it too"
        monkeypatch.setattr(pool_module, "UNUSED_SECONDS", 600.0)
        await pool.end_unused()
        assert is_there(unused), "it may be needed again soon"
        monkeypatch.setattr(pool_module, "UNUSED_SECONDS", 0.0)
        await pool.end_unused()
        await pool.end_unused()
        assert (is_there(unused), is_there(last)) == (False, False)
        assert await pool.call(f"{WORK}:tell_own_id") == useful

    pool = ProcessPool(tmp_path, 3)
    asyncio.run(watch(pool))
    pool.close()
    assert open_files() == before
    os.close(pipe)


@pytest.mark.parametrize(
    ("items", "patience", "is_same"),
    [
        (1, 600.0, True),
        (64, 600.0, True),
        (65, 600.0, False),
        (None, 600.0, False),
        (1, 0.0, False),
    ],
)
def test_a_few_snippets_wait_for_a_busy_child(
    *,
    items: int | None,
    patience: float,
    is_same: bool,
    pool: ProcessPool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """But not for long: then another child is started."""
    monkeypatch.setattr(pool_module, "SHORT_WAIT_SECONDS", patience)
    pool.close()
    pool = ProcessPool(tmp_path, 2)
    path = tmp_path / "pipe"
    os.mkfifo(path)
    pipe = os.open(path, os.O_RDWR)

    async def both() -> tuple[int, int]:
        busy = asyncio.create_task(pool.call(f"{WORK}:tell_own_id_after", str(path)))
        await asyncio.sleep(0)  # it has taken its place
        other = asyncio.create_task(pool.call(f"{WORK}:tell_own_id", items=items))
        if not is_same:
            await other
        os.write(pipe, b"x")
        return await busy, await other

    try:
        one, two = asyncio.run(both())
        assert (one == two) is is_same
        assert asyncio.run(pool.call(f"{WORK}:tell_own_id", items=1)) in (one, two)
    finally:
        pool.close()
        os.close(pipe)


def test_a_child_that_exits_is_reported_with_its_status(
    pool: ProcessPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next call has another one, with what the user has set, and else the allocator's settings
    of this process."""
    before = open_files()
    with pytest.raises(
        TransientError, match="a child process ended with status 3 while it ran leave"
    ):
        asyncio.run(pool.call(f"{WORK}:leave", 3))
    assert open_files() == before
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "2")
    monkeypatch.setenv("MALLOC_ARENA_MAX", "7")
    monkeypatch.setattr(allocator, "_threshold_bytes", 8_000)
    found = asyncio.run(pool.call(f"{WORK}:tell_surroundings", 0))
    assert found["threads"] == "2"
    assert sorted(found["allocator"].values()) == ["7", "8000", "8000"]


def test_a_process_is_ended_with_all_that_it_has_started() -> None:
    """Including grandchildren, and processes started by its threads."""
    read_end, write_end = os.pipe()
    program = (
        "import os, subprocess, sys, threading, time\n"
        "run = lambda *command: subprocess.Popen(command, pass_fds=[1])\n"
        "start = lambda: run('sh', '-c', 'sleep 600 & sleep 600 & wait')\n"
        "work = lambda: (start(), print('x', flush=True), time.sleep(600))\n"
        "threading.Thread(target=work).start()\n"
        "time.sleep(600)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stdout=write_end)
    os.close(write_end)
    assert os.read(read_end, 1) == b"x"

    def grandchildren() -> int:
        listed = subprocess.run(
            ["ps", "-A", "-o", "pid=,ppid="], capture_output=True, check=True, text=True
        ).stdout.split()
        parents = dict(zip(map(int, listed[::2]), map(int, listed[1::2]), strict=True))
        return sum(parents.get(parent) == process.pid for parent in parents.values())

    wait_until(lambda: grandchildren() == 2)
    end_process_tree(process.pid)
    assert process.wait() == -signal.SIGKILL
    is_over = False
    while not is_over:  # until the last one that holds the other end has gone
        assert select.select([read_end], [], [], PATIENCE_SECONDS)[0]
        is_over = not os.read(read_end, 100)
    os.close(read_end)
    end_process_tree(process.pid)  # which is gone


def test_search_paths_are_absolute() -> None:
    """Given entries are not changed, and an empty environment is respected."""
    given = {
        "PATH": "/a::b:/c",
        "LD_LIBRARY_PATH": "x",
        "DYLD_LIBRARY_PATH": "/d:",
        "PYTHONPATH": "lib:/e:",
        "HOME": "here",
    }
    before = dict(given)
    assert steady_environment(given) == {
        "PATH": "/a:/c",
        "DYLD_LIBRARY_PATH": "/d",
        "PYTHONPATH": f"{Path('lib').absolute()}:/e",
        "HOME": "here",
    }
    assert given == before
    assert steady_environment({}) == {"PATH": "/usr/local/bin:/usr/bin:/bin"}
    assert steady_environment({"PATH": "."}) == steady_environment({})
