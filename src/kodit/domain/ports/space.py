"""Disk space: how much is used, and how to release it."""

from __future__ import annotations

from typing import Protocol

from kodit.domain.space import Sizes


class Space(Protocol):
    """The disk space of one data directory. Synchronous."""

    def sizes(self) -> Sizes:
        """The disk usage of each part."""
        ...

    def freeable(self) -> int:
        """How many bytes of the database file are unused and could be released."""
        ...

    def is_rewritten_for(self) -> bool:
        """Whether the file was made by an earlier program and cannot shrink in small steps: it has
        to be rewritten as a whole."""
        ...

    def release_some_space(self) -> bool:
        """Release some free space, in one short write transaction. Returns whether there is more.
        Has no effect on a file that has to be rewritten."""
        ...

    def shrink(self) -> None:
        """Shrink the file on the disk as far as possible now."""
        ...

    def rewrite(self) -> None:
        """Rewrite the file without its free space; other writers wait, and later free space can be
        released in steps. Done completely or not at all. Raises TransientError if the disk has no
        space for the second file."""
        ...
