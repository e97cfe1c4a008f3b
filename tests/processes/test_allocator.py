"""A long-lived process returns memory to the system."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import weakref
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.memory import free_pages_between_blocks, resident_bytes

from kodit.infrastructure.processes import allocator
from kodit.infrastructure.processes.allocator import (
    UnusedMemory,
    allocator_variables,
    configure_allocator,
    release_free_pages,
)

LOOK = """
import ctypes, json, sys, threading, xml.etree.ElementTree as ElementTree

library = ctypes.CDLL(None)
library.malloc.restype = ctypes.c_void_p
library.free.argtypes = [ctypes.c_void_p]

class Held(ctypes.Structure):
    _fields_ = [(f"field_{number}", ctypes.c_size_t) for number in range(10)]

library.mallinfo2.restype = Held
if "settle" in sys.argv:
    from kodit.infrastructure.processes.allocator import configure_allocator
    configure_allocator()
if "brief" in sys.argv:
    from kodit.infrastructure.processes.allocator import BRIEF_BYTES, configure_allocator
    configure_allocator(BRIEF_BYTES)
library.free(library.malloc(20 << 20))
mapped = []
for size in (4 << 20, 16 << 20):
    before = library.mallinfo2().field_4
    block = library.malloc(size)
    mapped.append(library.mallinfo2().field_4 > before)
started = threading.Barrier(8)

def work():
    started.wait()
    library.free(library.malloc(1000))
    started.wait()

threads = [threading.Thread(target=work) for _thread in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
library.fopen.restype = ctypes.c_void_p
path = sys.argv[1].encode()
library.fopen.argtypes = [ctypes.c_char_p, ctypes.c_char_p]
library.malloc_info.argtypes = [ctypes.c_int, ctypes.c_void_p]
library.fclose.argtypes = [ctypes.c_void_p]
file = library.fopen(path, b"w")
library.malloc_info(0, file)
library.fclose(file)
arenas = len(ElementTree.parse(sys.argv[1]).findall("heap"))
print(json.dumps([mapped, arenas]))
"""


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may know no such parameters, or give their numbers another meaning."""

    class Musl:
        def mallopt(self, parameter: int, value: int) -> None:
            pytest.fail(f"{parameter} was set to {value}")

    monkeypatch.setattr("ctypes.CDLL", lambda _name: Musl())
    monkeypatch.setattr(allocator, "_threshold_bytes", 0)  # is set back afterwards
    configure_allocator()


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator")
@pytest.mark.parametrize(
    ("way", "variables", "expected"),
    [
        ("none", {}, (False, False, False)),
        ("settle", {}, (True, True, True)),
        ("brief", {}, (False, True, True)),
        ("none", allocator_variables(), (True, True, True)),
        ("settle", {"MALLOC_ARENA_MAX": "8"}, (True, True, False)),
    ],
    ids=["none", "settle", "brief", "variables", "chosen"],
)
def test_large_blocks_go_back_and_threads_share_arenas(
    way: str, variables: dict[str, str], expected: tuple[bool, bool, bool], tmp_path: Path
) -> None:
    """Unless the user has chosen otherwise."""
    command = [sys.executable, "-c", LOOK, str(tmp_path / "info"), way]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    ran = subprocess.run(
        command, env=kept | variables, capture_output=True, check=True, text=True, timeout=60
    )
    mapped, arenas = json.loads(ran.stdout)
    assert (*mapped, arenas <= 2) == expected


def test_unused_objects_are_released(monkeypatch: pytest.MonkeyPatch) -> None:
    """But only when the process has worked since the last release."""
    monkeypatch.setattr(allocator, "RELEASE_AFTER_SECONDS", 3600.0)
    released: list[str] = []
    memory = UnusedMemory(lambda: released.append("caches"))
    held = _Cycle()
    seen = weakref.ref(held)
    gc.disable()
    try:
        del held
        assert not memory.release()
        assert seen() is not None
        assert not released
        monkeypatch.setattr(allocator, "RELEASE_AFTER_SECONDS", 0.0)
        assert memory.release()
        assert seen() is None
        assert released == ["caches"]
    finally:
        gc.enable()


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator")
@pytest.mark.parametrize("release", [UnusedMemory().release, release_free_pages])
def test_free_pages_between_blocks_in_use_are_returned(
    release: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(allocator, "RELEASE_AFTER_SECONDS", 0.0)
    before = resident_bytes()
    with free_pages_between_blocks():
        assert resident_bytes() - before > 30e6
        release()
        assert resident_bytes() - before < 20e6


class _Cycle:
    """An object that only the garbage collector frees."""

    def __init__(self) -> None:
        self.itself = self
