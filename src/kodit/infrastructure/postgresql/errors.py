"""The meaning of errors of PostgreSQL and its driver."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

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
_ATTEMPT = re.compile(r"^connection failed: connection to server at .*? failed: (FATAL: +)?")
_NOT_LET_IN = ("authentication failed", "no password supplied", "no pg_hba.conf entry")
"""Words of libpq and of the server, whose language is that of the server; in any other, the
database cannot be reached."""


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
    if state is None:
        is_away = isinstance(error, (psycopg.OperationalError, psycopg.InterfaceError))
        return _without_connection(place, reason) if is_away else None
    told = _trouble(place, state, reason)
    return None if told is None else TransientError(told)


@contextmanager
def translated(place: str) -> Iterator[None]:
    """Raises our error for one of the driver."""
    try:
        yield
    except psycopg.Error as error:
        raise meaning_of(place, error) or error from error


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


def _without_connection(place: str, reason: str) -> TransientError:
    """A server may get another certificate or password while programs run, so that nothing is
    given up for good."""
    told = _ATTEMPT.sub("", reason)
    if "certificate" in told:
        return TransientError(
            f"the database {place} is not trusted: {told}; sslrootcert= names the certificate of "
            "its authority, and the address must have a host that its own certificate names",
            code="database_untrusted",
            database=place,
        )
    if any(words in told for words in _NOT_LET_IN):
        return TransientError(
            f"the database {place} does not let this user in: {told}; the password is read from "
            "the address, PGPASSWORD or ~/.pgpass",
            code="database_refuses_user",
            database=place,
        )
    return TransientError(f"the database {place} cannot be reached: {reason}")


def _trouble(place: str, state: str, reason: str) -> str | None:
    """What passes by itself, or None for anything else."""
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
