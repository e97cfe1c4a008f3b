"""The files that git tracks, in a work tree or in a commit."""

from __future__ import annotations

from typing import Protocol


class Tracking(Protocol):
    """Tells which files are tracked. Paths are byte text relative to the base of the rules."""

    def holds_file(self, path: str) -> bool:
        """Whether a file is tracked."""
        ...

    def holds_folder(self, path: str) -> bool:
        """Whether anything in a folder is tracked; `path` has no trailing slash."""
        ...


class _Same:
    def __init__(self, answer: bool) -> None:
        self._answer = answer

    def holds_file(self, path: str) -> bool:
        return self._answer

    def holds_folder(self, path: str) -> bool:
        return self._answer


NOTHING_TRACKED: Tracking = _Same(False)
"""For a folder outside any work tree."""
ALL_TRACKED: Tracking = _Same(True)
"""For a commit."""
