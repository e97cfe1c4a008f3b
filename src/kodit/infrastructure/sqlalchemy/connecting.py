"""Connections of the driver to a SQLite file."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from urllib.parse import quote

ORIGIN = "kodit_origin"
"""What a connection notes of the file that it has opened, in its `info`."""


def connect(path: Path, seconds: float, *, read_only: bool) -> sqlite3.Connection:
    """A connection that any thread may use, and that waits so many seconds for a lock.

    To read a file whose folder cannot be written, SQLite has to be told that nobody writes it,
    unless the files are there that it keeps beside one that is open.
    """
    options = "mode=rwc"
    if read_only:
        beside = (path.with_name(path.name + end) for end in ("-wal", "-shm"))
        options = "mode=ro" if any(one.exists() for one in beside) else "mode=ro&immutable=1"
    return sqlite3.connect(
        f"file:{quote(str(path))}?{options}", timeout=seconds, check_same_thread=False, uri=True
    )


def write_ahead(connection: sqlite3.Connection, seconds: float) -> None:
    """Choose the journal. SQLite does not wait for the lock that this takes in a new file, so that
    of several processes which make a database at once all but one are refused."""
    patience = time.monotonic() + seconds
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > patience:
                raise
            time.sleep(0.01)
        else:
            return
