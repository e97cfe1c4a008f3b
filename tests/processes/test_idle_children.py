"""What a child process does while there is no call: the longer it waits, the more it gives back."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any, cast

import pytest

from kodit.infrastructure.processes import child
from kodit.infrastructure.processes.child import IDLE_SECONDS, LONG_IDLE_SECONDS

CACHES, MEMORY, PAGES = "caches", "memory", "pages"


class Line:
    """A connection to a pool, over which a call comes at one of the moments when it is asked."""

    def __init__(self, comes_at: int) -> None:
        self._comes_at = comes_at
        self.waited: list[float] = []

    def poll(self, seconds: float) -> bool:
        self.waited.append(seconds)
        return len(self.waited) > self._comes_at


class Memory:
    """Notes that it was released."""

    def __init__(self, done: list[object]) -> None:
        self._done = done

    def release(self) -> None:
        self._done.append(MEMORY)


@pytest.mark.parametrize(
    ("comes_at", "expected", "waited"),
    [
        (0, [], IDLE_SECONDS),
        (1, [MEMORY, PAGES], LONG_IDLE_SECONDS),
        (2, [MEMORY, PAGES, CACHES, "json", "no.such.module", "sys", PAGES], LONG_IDLE_SECONDS),
    ],
)
def test_what_an_idle_child_does(
    comes_at: int, expected: Sequence[object], waited: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call that comes in between finds the caches full. A module that is not there is none's
    concern before the call."""
    done: list[object] = []

    def import_module(name: str) -> None:
        done.append(name)
        if name == "no.such.module":
            raise ImportError

    monkeypatch.setattr(child, "empty_caches", lambda: done.append(CACHES))
    monkeypatch.setattr(child, "release_free_pages", lambda: done.append(PAGES))
    monkeypatch.setattr(importlib, "import_module", import_module)
    line = Line(comes_at)
    modules = ["json", "no.such.module", "sys"]
    child._use_idleness(cast("Any", line), cast("Any", Memory(done)), modules)
    monkeypatch.undo()
    assert done == expected
    assert sum(line.waited) == waited
