"""The meaning of errors of PostgreSQL and its driver."""

from __future__ import annotations

import psycopg

from kodit.domain.errors import ConflictError, KoditError, PermanentError, TransientError
from kodit.infrastructure.sql.moving import REFUSAL_STATE, moving

_LONGEST_REASON = 200
_CONFLICTS = {"40001", "40P01", "23505"}
"""A serialisation failure, a deadlock, and a row that another transaction has added first."""
_LOCKED = "55P03"
_FULL = "53100"
_TRANSIENT_CLASSES = {"08", "53", "57", "58"}
"""Connections, resources, an operator's intervention, and the system of the server."""
_DENIED = "42501"


def meaning_of(place: str, error: BaseException | None) -> KoditError | None:
    """Our error, with one clear sentence, for one of the driver; None if it is a bug in the
    program.
    """
    if not isinstance(error, psycopg.Error):
        return None
    state, reason = error.sqlstate, _reason(error)
    if state in _CONFLICTS:
        return ConflictError(
            f"another transaction of {place} changed the same rows ({reason}); try again"
        )
    if state == REFUSAL_STATE:
        return moving(place)
    if state == _DENIED or isinstance(error, (psycopg.IntegrityError, psycopg.DataError)):
        return PermanentError(
            _refusal(place, state, reason), code="database_refuses", database=place
        )
    told = _trouble(place, state, reason, error)
    return None if told is None else TransientError(told)


def _refusal(place: str, state: str | None, reason: str) -> str:
    if state == _DENIED:
        return (
            f"{place} does not allow this user what Kodit needs ({reason}); grant it, or choose "
            "another user"
        )
    return (
        f"{place} rejects what Kodit stores ({reason}): it has constraints or rows that Kodit did "
        "not create; restore a backup, or choose another database"
    )


def _trouble(place: str, state: str | None, reason: str, error: psycopg.Error) -> str | None:
    """What passes by itself, or None for anything else."""
    if state is None:
        is_away = isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError))
        return f"the database {place} cannot be reached: {reason}" if is_away else None
    if state == _LOCKED:
        return (
            f"the database {place} is locked by another process; try again when that process is "
            "done"
        )
    if state == _FULL:
        return f"the disk of {place} is full ({reason}); free some space and try again"
    if state[:2] in _TRANSIENT_CLASSES:
        return f"the database {place} is unavailable: {reason}"
    return None


def _reason(error: psycopg.Error) -> str:
    """The first line of a message: the others may quote values of rows."""
    told = (error.diag.message_primary or str(error)).splitlines()
    return " ".join(told[0].split())[:_LONGEST_REASON] if told else "no reason given"
