"""What git tracks, of a work tree or of a commit."""

from __future__ import annotations

from typing import Protocol


class Tracking(Protocol):
    """Knows what is tracked. Paths are byte text from where the rules are based."""

    def holds_file(self, path: str) -> bool:
        """Whether a file is tracked."""
        ...

    def holds_folder(self, path: str) -> bool:
        """Whether anything in a folder is tracked; `path` has no slash at its end."""
        ...


class _Same:
    def __init__(self, answer: bool) -> None:
        self._answer = answer

    def holds_file(self, path: str) -> bool:
        return self._answer

    def holds_folder(self, path: str) -> bool:
        return self._answer


NOTHING_TRACKED: Tracking = _Same(False)
"""Of a folder that is in no work tree."""
ALL_TRACKED: Tracking = _Same(True)
"""Of a commit."""
