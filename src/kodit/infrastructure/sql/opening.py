"""Opening a database by its address, in a child process that only reads."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from kodit.infrastructure.sql.statements import Cursors


@contextmanager
def snapshot_of(address: str) -> Iterator[Cursors]:
    """One snapshot of the database at a path, or at the URL of a server, over a connection of its
    own."""
    if not address.startswith("/"):
        from kodit.infrastructure.postgresql.reading import (  # noqa: PLC0415 - if it is used
            snapshot_on_server,
        )

        with snapshot_on_server(address) as cursors:
            yield cursors
        return
    from kodit.infrastructure.sql.reading import DriverCursors  # noqa: PLC0415 - likewise

    uri = f"{Path(address).as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as connection:
        connection.execute("BEGIN")
        yield DriverCursors(connection)
