"""The two ends of a move."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from kodit.domain.moving import Key, MovePhase, RowBatch, TableProgress


class MoveSource(Protocol):
    """The database that is moved, at this program's schema."""

    @property
    def place(self) -> str:
        """Where it is, without a password."""
        ...

    @property
    def full_place(self) -> str:
        """The same, with the name of this machine if it is a file."""
        ...

    def refuse_users(self) -> None:
        """Raises UserError if a worker or a server uses it, naming them."""
        ...

    def standing(self) -> tuple[str, MovePhase] | None:
        """The token of its move, and how far that is; None if it is not being moved."""
        ...

    def freeze(self, target: str) -> str:
        """Refuse all changes from now on, whoever makes them; returns the token of the move. Raises
        UserError if it is already being moved to another place."""
        ...

    def tables(self) -> Sequence[str]:
        """The names of the tables, parents first."""
        ...

    def count(self, table: str) -> int: ...

    def batches(self, table: str, after: Key | None) -> Iterator[RowBatch]:
        """The rows beyond a key, ordered by primary key, in batches of some MB; all read from one
        snapshot."""
        ...

    def last_ids(self) -> Mapping[str, int]:
        """By table, the largest id that was ever assigned, if any was."""
        ...

    def note_ending(self) -> None:
        """Record that the target may be the truth from now on."""
        ...

    def retire(self) -> str | None:
        """Keep other programs from opening it. May be repeated. Returns where it is left."""
        ...

    def release(self) -> None:
        """Allow changes again."""
        ...


class MoveTarget(Protocol):
    """The database that takes the rows. Other programs cannot open it until it is published."""

    @property
    def place(self) -> str: ...

    @property
    def full_place(self) -> str: ...

    def refuse_occupied(self, token: str | None) -> None:
        """Raises UserError if it holds anything but what the move with this token has stored."""
        ...

    def begin(self, token: str, source: str) -> None:
        """Make the tables, or find those of this move. Raises UserError if it holds anything
        else."""
        ...

    def knows(self, token: str) -> bool:
        """Whether this move has started and is not finished."""
        ...

    def progress(self, table: str) -> TableProgress: ...

    def add(self, table: str, batch: RowBatch, progress: TableProgress) -> None:
        """Store the rows and, in the same transaction, the progress that they bring."""
        ...

    def batches(self, table: str, after: Key | None) -> Iterator[RowBatch]: ...

    def set_last_ids(self, ids: Mapping[str, int]) -> None:
        """No id up to these is assigned again."""
        ...

    def publish(self) -> None:
        """Let other programs open it. May be repeated."""
        ...

    def finish(self) -> None:
        """Forget the move. May be repeated."""
        ...

    def clear(self, token: str) -> None:
        """Remove everything that this move has stored, and nothing else."""
        ...
