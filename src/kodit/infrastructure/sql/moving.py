"""How a database of a move keeps programs away: it refuses changes, or cannot be opened."""

from __future__ import annotations

from kodit.domain.errors import UserError

MOVES = "kodit_moves"
"""A table of both databases of a move. One row: the move's token, the other place, and how far it
is."""
REFUSAL = "kodit is moving this database"
"""The message by which a database refuses changes."""
REFUSAL_STATE = "KD001"
"""The same as an error code of a server; no others begin like that."""
MOVED = "moved"
MOVING = "moving"
"""Instead of a revision of the schema: no program opens such a database, neither this version nor
an older one."""
STATES_OF_A_MOVE = (MOVED, MOVING)


def moving(place: str) -> UserError:
    """The error for a change of a database that is being moved."""
    return UserError(
        f"{place} is being moved to another place, and cannot be changed",
        code="database_moving",
        database=place,
    )
