"""The memory of this process. On Linux."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def mapped_bytes(path: Path) -> int:
    """The resident bytes of all maps of a file, or of the files in a folder, also of removed
    ones.
    """
    total, is_it = 0, False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        if "-" in line.split()[0]:
            is_it = line.endswith((f" {path}", f" {path} (deleted)")) or f" {path}/" in line
        elif is_it and line.startswith("Rss:"):
            total += int(line.split()[1]) * 1024
    return total


def resident_bytes(process: int | str = "self") -> int:
    """The resident memory of a process, by default of this one."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


@contextmanager
def free_pages_between_blocks() -> Iterator[None]:
    """In the block, 45 MB of the C library are free, in pieces between blocks in use."""
    library = ctypes.CDLL(None)
    library.malloc.restype = ctypes.c_void_p
    library.free.argtypes = [ctypes.c_void_p]
    blocks = [library.malloc(50_000) for _block in range(1_000)]
    for block in blocks:
        ctypes.memset(block, 1, 50_000)
    for number, block in enumerate(blocks):
        if number % 10:
            library.free(block)
    try:
        yield
    finally:
        for block in blocks[::10]:
            library.free(block)
