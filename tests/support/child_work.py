"""Functions that tests run in child processes."""

from __future__ import annotations

import gc
import os
import resource
import signal
import subprocess
import sys
import time
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

from tests.support.memory import free_pages_between_blocks, resident_bytes

from kodit.domain.idleness import empty_when_idle
from kodit.infrastructure.processes import allocator
from kodit.infrastructure.processes.allocator import allocator_variables


def answer_large(size: int, *, report: Any) -> bytes:
    """An answer that takes many reads."""
    report(0, size)
    return bytes(size)


def tell_own_id(*, report: Any) -> int:
    """The id of the process that runs this."""
    report(0, None)
    return os.getpid()


def is_number(number: int, *, report: Any) -> bool:
    """Whether this is the id of the process that runs this."""
    report(0, None)
    return os.getpid() == number


def tell_own_id_after(pipe: str, *, report: Any) -> int:
    """The id of the process that runs this, once there is something in the pipe."""
    report(0, None)
    with Path(pipe).open("rb") as file:
        file.read(1)
    return os.getpid()


def work_on(*, report: Any) -> None:
    """Report the id of the process that runs this, and take long."""
    report(os.getpid(), None)
    time.sleep(600)


def go_silent(*, report: Any) -> None:
    """Report once and never again, while a child process keeps running."""
    child = subprocess.Popen(["sleep", "600"])
    report(child.pid, None)
    time.sleep(600)


def die(*, report: Any) -> None:
    """End like a crash in native code."""
    report(0, None)
    os.kill(os.getpid(), signal.SIGSEGV)


def refuse(*, report: Any) -> None:
    """Raise an error."""
    report(0, None)
    raise LookupError("there is nothing here")


def want_memory(*, report: Any) -> None:
    """Ask for more memory than there is."""
    report(0, None)
    bytearray(1 << 60)


def want_a_library(*, report: Any) -> None:
    """Fail like an import for which there is not enough memory."""
    report(0, None)
    raise ImportError("libarrow.so: failed to map segment from shared object")


def want_a_thread(*, report: Any) -> None:
    """Fail like the start of one thread too many."""
    report(0, None)
    raise RuntimeError("can't start new thread")


def be_killed(*, report: Any) -> None:
    """End like a process killed by the out-of-memory killer."""
    report(0, None)
    os.kill(os.getpid(), signal.SIGKILL)


def end_short_of_memory(*, report: Any) -> None:
    """Run out of memory where no error can be raised any more."""
    report(0, None)
    sys.excepthook(MemoryError, MemoryError(), None)


def leave(status: int, *, report: Any) -> None:
    """Exit as a library may that believes it is the program."""
    report(0, None)
    os._exit(status)


def tell_surroundings(descriptor: int, *, report: Any) -> dict[str, Any]:
    """The environment that the process finds."""
    report(0, None)
    return {
        "folder": os.getcwd(),  # noqa: PTH109 - as it is
        "allocator": {name: os.environ.get(name) for name in allocator_variables()},
        "threads": os.environ.get("OPENBLAS_NUM_THREADS"),
        "is_safe": sys.flags.safe_path,
        "threshold": gc.get_threshold()[0],
        "interrupt": signal.getsignal(signal.SIGINT) is signal.SIG_IGN,
        "blocked": signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ()),
        "streams": [os.fstat(number).st_rdev for number in (0, 1)],
        "inherited": os.fstat(descriptor).st_ino,
    }


class _Holding:
    """An object that only the garbage collector frees; then its descriptor is closed."""

    def __init__(self, descriptor: int) -> None:
        self.itself = self
        self.descriptor = descriptor

    def __del__(self) -> None:
        os.close(self.descriptor)


class Released:
    """An argument; the child gets an object for it that closes the descriptor when it is freed."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def __reduce__(self) -> tuple[type[_Closing], tuple[int]]:
        return _Closing, (self._descriptor,)


class _Closing:
    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def __del__(self) -> None:
        os.close(self._descriptor)


def take(_argument: object, *, report: Any) -> set[int]:
    """Hold neither the argument nor the result, which can be referred to weakly."""
    report(0, None)
    return {1}


def leave_free_pages(*, report: Any) -> int:
    """Leave pages of the C library between blocks in use, in a process that releases memory only
    after much more work; its resident memory before, in bytes."""
    report(0, None)
    vars(allocator)["RELEASE_AFTER_SECONDS"] = 3600.0
    before = resident_bytes()
    _held.append(free_pages_between_blocks())
    _held[0].__enter__()
    return before


_held: list[AbstractContextManager[None]] = []


def leave_cache(descriptor: int, *, report: Any) -> None:
    """Leave a cache that holds a descriptor, which is closed when the cache is emptied."""
    report(0, None)
    empty_when_idle(partial(os.close, descriptor))


def leave_garbage(descriptor: int, *, report: Any) -> None:
    """Leave an object that holds a descriptor, and is freed no sooner than memory is released."""
    report(0, None)
    gc.disable()
    vars(allocator)["RELEASE_AFTER_SECONDS"] = 0.0
    _Holding(descriptor)


def tell_all_surroundings(*, report: Any) -> dict[str, Any]:
    """What a process inherits and is given."""
    report(0, None)
    mask = os.umask(0)
    os.umask(mask)
    return {
        "parent": os.getppid(),
        "group": os.getpgrp(),
        "session": os.getsid(0),
        "folder": str(Path.cwd()),
        "mask": mask,
        "descriptors": resource.getrlimit(resource.RLIMIT_NOFILE)[0],
        "environment": dict(os.environ),
        "interrupt": signal.getsignal(signal.SIGINT),
        "blocked": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
        "streams": [os.fstat(stream).st_rdev for stream in range(3)],
        "open": len(list(Path("/proc/self/fd").iterdir())),
        "threads": len(list(Path("/proc/self/task").iterdir())),
    }
