"""Recognises errors that mean that the machine, or a limit of the process, is exhausted."""

from __future__ import annotations

import errno

from kodit.domain.errors import TransientError

_OF_MEMORY = (
    "cannot allocate memory",
    "failed to map segment from shared object",
    "out of memory",
)
_OF_THREADS = ("can't start new thread",)
_ADVICE = "give Kodit more, or lower KODIT_WORKER_SLOTS, and try again"


def shortage(error: BaseException) -> TransientError | None:
    """The error as a transient one if memory, processes, threads or file descriptors are exhausted;
    None for any other. A library that cannot be loaded for lack of memory is an ImportError, a
    thread that cannot be started a RuntimeError."""
    told = str(error).lower()
    if isinstance(error, MemoryError) or (
        isinstance(error, (ImportError, RuntimeError, ValueError))
        and any(sign in told for sign in _OF_MEMORY)
    ):
        return TransientError(f"there is not enough memory; {_ADVICE}")
    if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):
        return TransientError(
            "no more files can be opened at once; raise the limit (`ulimit -n`) or lower "
            "KODIT_WORKER_SLOTS, and try again"
        )
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return TransientError(f"there is not enough memory to start a process; {_ADVICE}")
    is_of_threads = isinstance(error, RuntimeError) and any(sign in told for sign in _OF_THREADS)
    if is_of_threads or (isinstance(error, OSError) and error.errno == errno.EAGAIN):
        return TransientError(
            f"no more processes or threads can be started, or there is not enough memory; {_ADVICE}"
        )
    return None
