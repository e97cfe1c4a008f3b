"""Calling C code whose recursion is as deep as its input is long."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

Result = TypeVar("Result")

_STACK_BYTES = 256 * 2**20
"""Address space, not memory: pages are allocated when they are first touched."""

_stack_size_lock = threading.Lock()


def with_deep_stack(work: Callable[[], Result]) -> Result:
    """Call `work` in a thread with a large stack; returns or raises whatever it does."""
    future: Future[Result] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 - raised again in the calling thread
            future.set_exception(error)

    thread = threading.Thread(target=run, name="slicing")
    with _stack_size_lock:  # the stack size of new threads is a setting of the process
        usual = threading.stack_size(_STACK_BYTES)
        try:
            thread.start()
        finally:
            threading.stack_size(usual)
    thread.join()
    return future.result()
