"""Disk space: what is used, and releasing what is no longer needed."""

from __future__ import annotations

from typing import Protocol

from kodit.domain.space import Sizes


class Space(Protocol):
    """The disk space of one data directory. Synchronous."""

    def sizes(self) -> Sizes:
        """What its parts take."""
        ...

    def freeable(self) -> int:
        """How many bytes of the database file are free and could be released."""
        ...

    def is_rewritten_for(self) -> bool:
        """Whether the file, made by an earlier program, cannot be made smaller in small steps: all
        of it has to be rewritten."""
        ...

    def give_back_some(self) -> bool:
        """Release some free space, in one short write transaction. Returns whether there is more.
        Of no use where the file has to be rewritten."""
        ...

    def shrink(self) -> None:
        """Shrink the file on the disk as far as possible now."""
        ...

    def rewrite(self) -> None:
        """Rewrite the file without its free space; nobody else writes meanwhile, and what was given
        back can be given back in steps afterwards. Done or not done, never in part.

        Raises TransientError where the disk has no room for the second file.
        """
        ...
