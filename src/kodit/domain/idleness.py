"""Caches of what is computed from the words of texts, which an idle process empties.

Each is bounded, but together they reach 60 MB in a process that splits and embeds files, which then
waits for hours. Filled anew they cost a run of a few files next to nothing. The same holds for the
pages of a file that the process has mapped.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

_TO_EMPTY: Final[list[Callable[[], None]]] = []


def empty_when_idle(clear: Callable[[], None]) -> None:
    """Let `clear` empty a cache of this process whenever that has become idle."""
    _TO_EMPTY.append(clear)


def empty_caches() -> None:
    """Empty them all, in a process that is idle; other threads may use them meanwhile."""
    for clear in _TO_EMPTY:
        clear()
