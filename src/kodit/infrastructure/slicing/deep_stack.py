"""Calling C code that recurses as deep as its input is long."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

Result = TypeVar("Result")

_STACK_BYTES = 256 * 2**20
"""Address space, not memory: pages come into being as they are touched."""

_stack_size_lock = threading.Lock()


def with_deep_stack(work: Callable[[], Result]) -> Result:
    """What `work` returns or raises, called in a thread with a large stack of its own."""
    future: Future[Result] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 - it is raised again where it is waited for
            future.set_exception(error)

    thread = threading.Thread(target=run, name="slicing")
    with _stack_size_lock:  # the size is a setting of the process, for the threads to come
        usual = threading.stack_size(_STACK_BYTES)
        try:
            thread.start()
        finally:
            threading.stack_size(usual)
    thread.join()
    return future.result()
