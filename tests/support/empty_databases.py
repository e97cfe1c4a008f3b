"""Databases of a server without tables."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql
from tests.support.postgresql_databases import server_url


@contextmanager
def empty_server_database() -> Iterator[str]:
    """The address of a new one, which is dropped afterwards."""
    url = server_url()
    name = f"kodit_empty_{os.getpid()}_{os.urandom(4).hex()}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name))
        )
    try:
        head, _, options = url.partition("?")
        yield f"{head.rpartition('/')[0]}/{name}?{options}"
    finally:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(
                sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
            )
