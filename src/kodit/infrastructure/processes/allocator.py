"""How the C library's allocator keeps memory in a process that lives for long.

By its own rules, glibc gives each thread an arena, and after the first large block that is freed
it serves larger and larger ones from these arenas instead of mapping them (`mallopt(3)`: the
thresholds adjust themselves up to 32 MiB). What a search or a batch of files needs for a moment is
then freed into an arena, where one small block above it keeps it from going back. Over a day in
miniature the processes that cut files grew from 105 to 165 MB that way, and hold 77 MB when the
thresholds stand still.
"""

from __future__ import annotations

import os
import sys
from typing import Final

_ARENAS: Final = 2
_THRESHOLD_BYTES: Final = 1 << 20
"""Blocks from here on are mapped, and go back when they are freed. A mapped block costs a page
fault for each 4 KiB, which smaller ones, of which there are many, would notice."""

_CHOICES: Final = (
    ("MALLOC_ARENA_MAX", -8, _ARENAS),
    ("MALLOC_MMAP_THRESHOLD_", -3, _THRESHOLD_BYTES),
    ("MALLOC_TRIM_THRESHOLD_", -1, _THRESHOLD_BYTES),
)
"""The variable, the parameter of `mallopt` (from glibc's `malloc.h`), and the value."""

ALLOCATOR_VARIABLES: Final = {variable: str(value) for variable, _parameter, value in _CHOICES}
"""For the environment of a child process, before what the user has chosen; nobody else's allocator
knows these names."""


def settle_allocator() -> None:
    """The same for this process, which is Kodit's own from its start to its end, unless the user
    has chosen otherwise. Nothing is done where the C library is another one."""
    if sys.platform != "linux":
        return
    import ctypes  # noqa: PLC0415 - only processes that live for long pay for it

    library = ctypes.CDLL(None)
    if not hasattr(library, "gnu_get_libc_version"):
        return
    for variable, parameter, value in _CHOICES:
        if variable not in os.environ:
            library.mallopt(parameter, value)
