"""Configuring the C library's allocator.

By default, glibc gives each thread an arena, and after the first large block that is freed it
serves larger and larger ones from these arenas instead of mapping them (`mallopt(3)`: the
thresholds adjust themselves up to 32 MiB). The temporary memory of a search or a batch of files is
then freed into an arena, where one small block above it prevents its return to the system. In a
simulated day the processes that split files grew from 105 to 165 MB that way, and stay at 77 MB
with fixed thresholds.

Free memory between blocks in use stays with the process even so, until it asks the library to
return it (`malloc_trim(3)`).
"""

from __future__ import annotations

import gc
import os
import sys
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import ctypes
    from collections.abc import Callable

_ARENAS: Final = 2
STEADY_BYTES: Final = 1 << 20
"""Larger blocks are mapped, and returned when they are freed. A mapped block costs a page fault for
each 4 KiB, which would slow down the many smaller ones.
"""
BRIEF_BYTES: Final = 8 << 20
"""The same for processes that end with their work, before their memory has grown. Django is indexed
with a third of the page faults and an eighth less system time, in 10 MB more.
"""

_threshold_bytes = STEADY_BYTES


def allocator_variables() -> dict[str, str]:
    """The settings of this process for the environment of its child processes, overridden by the
    user's own; other allocators ignore these names.
    """
    return {variable: str(value) for variable, _parameter, value in _choices()}


def _choices() -> tuple[tuple[str, int, int], ...]:
    """The environment variable, the parameter of `mallopt` (from glibc's `malloc.h`), and the
    value."""
    return (
        ("MALLOC_ARENA_MAX", -8, _ARENAS),
        ("MALLOC_MMAP_THRESHOLD_", -3, _threshold_bytes),
        ("MALLOC_TRIM_THRESHOLD_", -1, _threshold_bytes),
    )


RELEASE_AFTER_SECONDS: Final = 0.1
"""Processor time since the last release after which memory is released again, if that takes
`_USUAL_SECONDS`; in proportion if it takes longer, as in a process with many objects, each of which
the collector looks at.
"""
_USUAL_SECONDS: Final = 0.004


def configure_allocator(threshold_bytes: int = STEADY_BYTES) -> None:
    """Configure this process, which must be Kodit's own throughout its life, and those that it will
    start, unless the user has chosen other settings. Does nothing with another C library.
    """
    global _threshold_bytes  # noqa: PLW0603 - it is the process that has this setting
    _threshold_bytes = threshold_bytes
    library = _glibc()
    if library is None:
        return
    for variable, parameter, value in _choices():
        if variable not in os.environ:
            library.mallopt(parameter, value)


def release_free_pages() -> None:
    """Return the free pages of the C library to the system; takes less than a millisecond. Does
    nothing with another library.
    """
    library = _glibc()
    if library is not None:
        library.malloc_trim(0)


class UnusedMemory:
    """Memory that a process holds without using it: objects in reference cycles, and free pages of
    the C library that are not at the end of an arena.
    """

    def __init__(self, *release_others: Callable[[], None]) -> None:
        """Each of `release_others` first returns what another library caches."""
        self._release_others = release_others
        self._released_at = time.process_time()
        self._took = 0.0

    def release(self) -> bool:
        """Return it to the system, unless this process has used little processor time since the
        last release. Returns whether it was released. Blocks for some milliseconds.
        """
        now = time.process_time()
        if now - self._released_at < RELEASE_AFTER_SECONDS * max(1, self._took / _USUAL_SECONDS):
            return False
        began = time.thread_time()
        for release in self._release_others:
            release()
        gc.collect()
        release_free_pages()
        self._took = time.thread_time() - began
        self._released_at = time.process_time()
        return True


def _glibc() -> ctypes.CDLL | None:
    if sys.platform != "linux":
        return None
    import ctypes  # noqa: PLC0415 - only long-lived processes need it

    library = ctypes.CDLL(None)
    return library if hasattr(library, "gnu_get_libc_version") else None
