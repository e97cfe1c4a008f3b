"""One object for equal texts, such as the path of all snippets of a file."""

from __future__ import annotations

from collections.abc import Callable

MOST_TEXTS = 4_096
"""About half a megabyte."""


class SharedTexts:
    """The texts seen lately; any number of threads may use them.

    `sys.intern` would do the same, but the interpreter's table only grows with the texts that come
    and go: by 2 MB in a server's day.
    """

    def __init__(self, most: int = MOST_TEXTS) -> None:
        self._most = most
        self._texts: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._texts)

    @property
    def share(self) -> Callable[[str, str], str]:
        """Called with a text twice, returns the object to use for it. To be read anew for each row:
        this is where old texts are dropped."""
        if len(self._texts) > self._most:
            self._texts.clear()
        return self._texts.setdefault
