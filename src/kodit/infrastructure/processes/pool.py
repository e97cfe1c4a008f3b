"""Child processes for CPU-bound work, so that the parent can watch and kill them."""

from __future__ import annotations

import asyncio
import os
import pickle
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from kodit.application.services.threads import in_thread, need_loop
from kodit.domain.errors import StalledError, TransientError
from kodit.domain.report import Report
from kodit.domain.shortage import shortage
from kodit.infrastructure.file_sizes import for_children
from kodit.infrastructure.processes.allocator import allocator_variables
from kodit.infrastructure.processes.child import EXIT_SHORT_OF_MEMORY
from kodit.infrastructure.processes.environment import steady_environment
from kodit.infrastructure.processes.process_tree import end_process_tree

STALL_SECONDS = 120.0
"""How long a child may work without reporting progress."""

FEW_ITEMS = 64
"""With as few snippets, a call takes less time than the start of a process: .2 s of CPU time."""

SHORT_WAIT_SECONDS = 1.0
"""How long a short call waits for a busy child before another child is started."""

UNUSED_SECONDS = 3.0
"""How long an idle child is kept beside another: it holds 30 MB and more, and starting one again
takes a quarter of a second of CPU time.
"""

MOST_WEAR = 4_096
"""Calls and parsed files after which a child is replaced, at a hundredth of the CPU time of its
work: version 0.26.1 of the tree-sitter binding leaks some 190 bytes for each file it parses.
"""


class _Child:
    """One child process and the connection to it."""

    def __init__(self, folder: Path, inherited: Sequence[int]) -> None:
        ours, theirs = socket.socketpair()
        read_end, write_end = os.pipe()
        try:
            with _interrupts_blocked():
                # There is one child per core: numpy's own threads would only compete. -P keeps the
                # current folder, which may be a hostile repository, off the path.
                self._process = subprocess.Popen(
                    [
                        sys.executable,
                        "-P",
                        "-m",
                        "kodit.infrastructure.processes.child",
                        str(theirs.fileno()),
                        str(read_end),
                        str(os.getpid()),
                    ],
                    pass_fds=[theirs.fileno(), read_end, *inherited],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    cwd=folder,
                    env={
                        "OPENBLAS_NUM_THREADS": "1",
                        **allocator_variables(),
                        **steady_environment(),
                        **for_children(),
                    },
                )
        except BaseException:
            ours.close()
            os.close(write_end)
            raise
        finally:
            theirs.close()
            os.close(read_end)
        self._lifeline = write_end
        self._connection: Connection[Any, Any] = Connection(ours.detach())
        self._talk: Future[Any] | None = None
        self.has_run: set[str] = set()
        self.wear = 0
        self.idle_since = time.monotonic()

    def ask(self, threads: Executor, message: Any) -> asyncio.Future[Any]:
        """Send a message and receive the first answer, in one of the threads."""

        def talk() -> Any:
            # `Connection.send` would look up a reducer for every object in it.
            self._connection.send_bytes(pickle.dumps(message, pickle.HIGHEST_PROTOCOL))
            return self._connection.recv()

        return self._in(threads, talk)

    def receive(self, threads: Executor) -> asyncio.Future[Any]:
        """Receive the next answer in one of the threads."""
        return self._in(threads, self._connection.recv)

    def _in(self, threads: Executor, talk: Callable[[], Any]) -> asyncio.Future[Any]:
        self._talk = threads.submit(talk)
        return asyncio.wrap_future(self._talk)

    def forget_talk(self) -> None:
        """Hold the last answer no longer."""
        self._talk = None

    def kill(self) -> None:
        """End the process, which is idle."""
        self._process.kill()
        self._process.wait()
        self._close()

    def kill_at_work(self) -> None:
        """End the process and its descendants: git leaves helpers behind."""
        if self._process.poll() is None:
            end_process_tree(self._process.pid)
        self._process.wait()
        self._close()

    def how_it_ended(self) -> str:
        """The reason, for a process that closed its connection by itself."""
        code = self._process.wait()
        self._close()
        if code == EXIT_SHORT_OF_MEMORY:
            return f"ran out of memory{_memory_limit()}"
        if code >= 0:
            return f"ended with status {code}{_memory_limit()}"
        name = signal.Signals(-code).name
        if -code == signal.SIGKILL:
            return f"was killed by {name}, as the system does if memory runs out,"
        return f"was killed by {name}{_memory_limit()}"

    def _close(self) -> None:
        if self._talk is not None:
            # Its thread sees the end of the connection now. It must not be left with a descriptor
            # that may soon be another child's.
            wait([self._talk])
        self._connection.close()
        os.close(self._lifeline)


class ProcessPool:
    """Calls functions in child processes, which are started when first needed and kept.

    A function is named `module:function`, takes pickled arguments and a keyword `report`, and
    returns a pickled result. If a call is cancelled, or makes no progress for too long, its child
    is killed. Nothing here blocks the event loop: processes are started and ended in a thread that
    outlives them, because Linux kills a child with the thread that started it.
    """

    def __init__(self, folder: Path, size: int | None = None) -> None:
        """Children run in `folder`; at most `size` at once, by default one per core."""
        self.size = size or available_cores()
        self._folder = folder
        self._inherited: list[int] = []
        self._idle: list[_Child] = []
        self._modules: dict[str, None] = {}
        """Those of all functions called so far. Children that come to have imported them one after
        the other would let the memory of a worker grow for hours."""
        self._returned = asyncio.Condition()
        self._busy = 0
        self._places = asyncio.Semaphore(self.size)
        self._threads = ThreadPoolExecutor(self.size, thread_name_prefix="kodit-child")
        self._spawner = ThreadPoolExecutor(1, thread_name_prefix="kodit-spawner")

    def inherit(self, descriptor: int) -> None:
        """Let children hold this descriptor too: a lock stays taken until the last one ends."""
        self._inherited.append(descriptor)

    async def call(
        self,
        function: str,
        *arguments: Any,
        report: Report | None = None,
        stall_seconds: float = STALL_SECONDS,
        items: int | None = None,
        parses: int = 0,
    ) -> Any:
        """The function's result. `items` says how many snippets it is about: for a few, a busy
        child is awaited rather than a new one started. `parses` says how many files it parses.

        Raises the function's exception; StalledError if it stops reporting progress, and
        TransientError if its process dies, or memory or processes run out.
        """
        need_loop()
        try:
            async with self._places:
                if items is not None and items <= FEW_ITEMS and self._busy and not self._idle:
                    await self._wait_for_idle()
                self._busy += 1
                try:
                    return await self._call(function, arguments, report, stall_seconds, parses)
                finally:
                    self._busy -= 1
        except (MemoryError, OSError, RuntimeError, ImportError, ValueError) as error:
            if (short := shortage(error)) is not None:
                raise short from None
            raise

    async def _call(
        self,
        function: str,
        arguments: tuple[Any, ...],
        report: Report | None,
        stall_seconds: float,
        parses: int,
    ) -> Any:
        child = await self._take(function)
        try:
            answer = await self._converse(child, function, arguments, report, stall_seconds)
        except (EOFError, ConnectionError):
            how = await in_thread(child.how_it_ended, executor=self._spawner)
            raise TransientError(f"a child process {how} while it ran {_name(function)}") from None
        except BaseException:
            await in_thread(child.kill_at_work, executor=self._spawner)
            raise
        child.wear += 1 + parses
        child.idle_since = time.monotonic()
        if child.wear < MOST_WEAR:
            async with self._returned:
                self._idle.append(child)
                self._returned.notify()
        else:
            await in_thread(child.kill, executor=self._spawner)
        kind, value = answer
        if kind == "error":
            raise value
        return value

    async def _wait_for_idle(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(SHORT_WAIT_SECONDS), self._returned:
                await self._returned.wait_for(lambda: self._idle)

    async def _take(self, function: str) -> _Child:
        """Preferably a child that has run the function before: it has the imports and caches that
        make the next call cheaper. Else the one that has run most: its imports may serve too.
        """
        if self._idle:
            child = max(self._idle, key=lambda one: (function in one.has_run, len(one.has_run)))
            self._idle.remove(child)
        else:
            child = await self._start()
        child.has_run.add(function)
        return child

    async def _start(self) -> _Child:
        started: list[_Child] = []
        try:
            await in_thread(
                lambda: started.append(_Child(self._folder, self._inherited)),
                executor=self._spawner,
            )
        except asyncio.CancelledError:
            self._idle += started  # for the next call
            raise
        return started[0]

    async def _converse(
        self,
        child: _Child,
        function: str,
        arguments: tuple[Any, ...],
        report: Report | None,
        stall_seconds: float,
    ) -> tuple[str, Any]:
        self._modules[function.partition(":")[0]] = None
        answer = child.ask(self._threads, (function, arguments, list(self._modules)))
        while True:
            try:
                async with asyncio.timeout(stall_seconds):
                    kind, value = await answer
            except TimeoutError:
                raise StalledError(
                    f"{_name(function)} made no progress for {stall_seconds:.0f} s and was stopped"
                ) from None
            if kind != "progress":
                child.forget_talk()
                return kind, value
            if report is not None:
                report(*value)
            answer = child.receive(self._threads)

    async def end_unused(self) -> None:
        """End the children that have been idle for a while, except one: that which has run most
        functions, so that the next call, whichever it is, finds its imports made. While a call is
        running, others may follow that need them all.
        """
        if self._busy:
            return
        kept = max(self._idle, key=lambda one: len(one.has_run), default=None)
        latest = time.monotonic() - UNUSED_SECONDS
        ended = [one for one in self._idle if one is not kept and one.idle_since <= latest]
        self._idle = [one for one in self._idle if one not in ended]

        def end() -> None:
            for child in ended:
                child.kill()

        if ended:  # at once: whoever is cancelled meanwhile would leave the others to nobody
            await in_thread(end, executor=self._spawner)

    async def aclose(self) -> None:
        """End all children, off the event loop."""
        await in_thread(self.close)

    def close(self) -> None:
        """End all children; blocks until they have ended."""
        idle, self._idle = self._idle, []
        for child in idle:
            child.kill()
        self._threads.shutdown(wait=False)
        self._spawner.shutdown(wait=False)


def _memory_limit() -> str:
    """A hint for the error message about a memory limit that may have ended a process."""
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit == resource.RLIM_INFINITY:
        return ""
    return f" (its memory is limited to {limit >> 20} MB by ulimit -v)"


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """A process that is started meanwhile does not receive Ctrl-C until it is ready to ignore
    it.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def available_cores() -> int:
    """The number of cores that this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _name(function: str) -> str:
    return function.rpartition(":")[2].replace("_", " ")
