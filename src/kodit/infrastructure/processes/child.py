"""The program of a child process: it calls functions for its parent, and ends with it.

Started by `pool.py` as `python -P -m kodit.infrastructure.processes.child SOCKET LIFELINE`. It
imports next to nothing by itself: the imports of a function are made when it is first called, or
when the child has nothing else to do, if the pool has called it in another child.
"""

from __future__ import annotations

import gc
import importlib
import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any

from kodit.domain.idleness import empty_caches
from kodit.infrastructure.processes.allocator import UnusedMemory, release_free_pages
from kodit.infrastructure.processes.parent_death import death_with_parent

SECONDS_BETWEEN_REPORTS = 0.1
OBJECTS_BETWEEN_COLLECTIONS = 50_000
IDLE_SECONDS = 1.0
"""How long a child waits for a call before it releases memory."""
LONG_IDLE_SECONDS = 3.0
"""How long it waits before it also empties its caches: a run keeps it waiting for less."""

EXIT_SHORT_OF_MEMORY = 75
"""From `sysexits.h`: a transient failure."""


def main() -> None:
    """Serve calls until the parent closes the connection."""
    sys.excepthook = _end_quietly
    # A call's objects are freed by reference counting; few are left for the collector.
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)
    connection: Connection[Any, Any] = Connection(int(sys.argv[1]))
    _end_with_parent(int(sys.argv[2]), int(sys.argv[3]))
    # Ctrl-C reaches the whole process group, and the parent decides how to react.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    memory = UnusedMemory()
    modules: Sequence[str] = ()
    while True:
        try:
            _use_idleness(connection, memory, modules)
            modules = _serve_call(connection)
        except EOFError:
            return


def _use_idleness(
    connection: Connection[Any, Any], memory: UnusedMemory, modules: Sequence[str]
) -> None:
    """Release more and more memory, and import the modules, until there is a call."""
    if connection.poll(IDLE_SECONDS):
        return
    memory.release()
    # Takes so little time that it is done however little the last calls took.
    release_free_pages()
    if connection.poll(LONG_IDLE_SECONDS - IDLE_SECONDS):
        return
    empty_caches()
    for name in modules:
        # A call that needs it finds out again why it cannot be imported, and tells.
        with suppress(Exception):
            importlib.import_module(name)
    release_free_pages()


def _serve_call(connection: Connection[Any, Any]) -> Sequence[str]:
    """Await a call and answer it; neither is referred to afterwards, while the child is idle.
    Returns the modules whose functions the pool has called so far.
    """
    name, arguments, modules = connection.recv()
    connection.send_bytes(_answer(connection, name, arguments))
    return tuple(modules)


def _end_quietly(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    """The parent reports a shortage of memory in one sentence."""
    if issubclass(kind, MemoryError):
        os._exit(EXIT_SHORT_OF_MEMORY)
    sys.__excepthook__(kind, error, traceback)


def _answer(connection: Connection[Any, Any], name: str, arguments: tuple[Any, ...]) -> bytes:
    told_at = 0.0

    def report(current: int, total: int | None = None) -> None:
        """Each report wakes two processes, so they are limited to ten per second."""
        nonlocal told_at
        now = time.monotonic()
        if now - told_at >= SECONDS_BETWEEN_REPORTS:
            told_at = now
            connection.send_bytes(pickle.dumps(("progress", (current, total))))

    try:
        module, _, function = name.partition(":")
        result = getattr(importlib.import_module(module), function)(*arguments, report=report)
        return pickle.dumps(("result", result), pickle.HIGHEST_PROTOCOL)
    except Exception as error:  # noqa: BLE001 - every error of a call is passed to the parent
        return _pickle_error(error)
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # of a library that is written in Rust
            raise
        return _pickle_error(RuntimeError(f"a library failed: {error}"))


def _pickle_error(error: Exception) -> bytes:
    try:
        return pickle.dumps(("error", error))
    except Exception:  # noqa: BLE001 - an error that cannot be pickled is passed as text
        return pickle.dumps(("error", RuntimeError(f"{type(error).__name__}: {error}")))


def _end_with_parent(lifeline: int, parent: int) -> None:
    """End this process as soon as its parent has ended, for whatever reason.

    Linux sends a signal; elsewhere a thread waits for the parent's end of the pipe to close.
    """
    death_with_parent(parent)()

    def wait() -> None:
        os.read(lifeline, 1)
        os._exit(1)

    threading.Thread(target=wait, daemon=True, name="lifeline").start()


if __name__ == "__main__":
    main()
