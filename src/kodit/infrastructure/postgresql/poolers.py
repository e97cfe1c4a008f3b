"""Poolers between this program and its server.

A pooler in session mode gives a client one connection of the server for as long as it stays. One in
transaction mode gives it any for each transaction, so that locks, settings and prepared statements
of a session are those of others, and notifications reach nobody; nothing of that is an error.
"""

from __future__ import annotations

import os
from functools import cache
from typing import Any

import psycopg
from psycopg import sql

from kodit.domain.errors import UserError

SECONDS_TO_HEAR = 3.0
"""A notification takes a few milliseconds; more is needed only where none arrives."""


def refuse_transaction_mode(
    connection: psycopg.Connection, backend: int, options: dict[str, Any], place: str
) -> None:
    """Raises UserError if the connection is that of a pooler in transaction mode. `backend` is the
    process of the server that has answered over it, and `options` lead there.

    A pooler cannot know that process when the client signs in, and names another one.
    """
    if backend != connection.info.backend_pid and not _is_session_kept(tuple(options.items())):
        raise UserError(
            f"the database {place} is reached through a pooler in transaction mode, which mixes "
            "up the locks, settings and notifications of its clients; connect directly, or "
            "through a pooler in session mode",
            code="pooler_unusable",
            database=place,
        )


@cache
def _is_session_kept(options: tuple[tuple[str, Any], ...]) -> bool:
    """Asked once by each process."""
    return hears_notifications(dict(options))


def hears_notifications(options: dict[str, Any], seconds: float = SECONDS_TO_HEAR) -> bool:
    """Whether a notification that one connection sends reaches another one that listens."""
    channel = f"kodit_{os.urandom(8).hex()}"
    options = {**options, "autocommit": True, "prepare_threshold": None}
    with (
        psycopg.Connection.connect(**options) as listening,
        psycopg.Connection.connect(**options) as sending,
    ):
        listening.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
        sending.execute("SELECT pg_notify(%s, '')", (channel,))
        return any(True for _one in listening.notifies(timeout=seconds, stop_after=1))
