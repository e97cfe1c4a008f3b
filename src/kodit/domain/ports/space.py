"""Room on the disk: what is taken, and giving back what is not needed any more."""

from __future__ import annotations

from typing import Protocol

from kodit.domain.space import Sizes


class Space(Protocol):
    """The disk space of one data directory. Synchronous."""

    def sizes(self) -> Sizes:
        """What its parts take."""
        ...

    def freeable(self) -> int:
        """How many bytes of the database file hold nothing and could be given back."""
        ...

    def is_rewritten_for(self) -> bool:
        """Whether the file, made by an earlier program, cannot be made smaller in small steps: all
        of it has to be written anew."""
        ...

    def give_back_some(self) -> bool:
        """Give back some of what holds nothing, in one short write transaction. Returns whether
        there is more. Of no use where the file has to be written anew."""
        ...

    def shrink(self) -> None:
        """Let the file on the disk become as small as it can be now."""
        ...

    def rewrite(self) -> None:
        """Write the file anew without what holds nothing; nobody else writes meanwhile, and what
        was given back can be given back in steps afterwards. Done or not done, never in part.

        Raises TransientError where the disk has no room for the second file.
        """
        ...
