"""Opening connections to PostgreSQL."""

from __future__ import annotations

import psycopg

from kodit.infrastructure.postgresql.address import DatabaseAddress

LOCK_TIMEOUT_MS = 30_000
"""How long a write waits for a row: far more than a busy database needs."""


def connect(address: DatabaseAddress, name: str) -> psycopg.Connection:
    """A connection whose transactions begin explicitly, listed by the server as `name`."""
    connection = psycopg.connect(**{"application_name": name, **address.options}, autocommit=True)
    connection.execute(f"SET lock_timeout = {LOCK_TIMEOUT_MS}")
    return connection
