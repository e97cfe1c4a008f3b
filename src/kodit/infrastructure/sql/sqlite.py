"""SQLite connections through the driver, and the meaning of its errors."""

from __future__ import annotations

import os
import sqlite3
import time
from collections import Counter
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from kodit.domain.errors import (
    DatabaseReplacedError,
    KoditError,
    PermanentError,
    TransientError,
    UserError,
)
from kodit.domain.shortage import shortage
from kodit.infrastructure.descriptors import check_descriptors
from kodit.infrastructure.sql.moving import REFUSAL, moving

WRITE_TIMEOUT_SECONDS = 30.0
"""How long a write waits for its turn. Transactions last some 50 ms, so this is far more than a
busy database needs.
"""

ORIGIN = "kodit_origin"
"""The key in a connection's `info` of the file that it has opened."""


Mode = Literal["ro", "rw", "rwc"]
"""Whether a file is only read, also written, or even created."""


STATEMENTS_PER_CONNECTION = 64
"""The number of compiled statements that a connection caches, at some 13 KB each. In a mix of all
requests 96 % are found there, as many as among 128.
"""


def connect(path: Path, seconds: float, mode: Mode) -> sqlite3.Connection:
    """A connection that any thread may use, and that waits up to `seconds` for a lock.

    To read a file in a read-only folder, SQLite has to be told that no process writes it, unless
    the files exist that it keeps beside an open database.
    """
    options = f"mode={mode}"
    if mode == "ro":
        beside = (path.with_name(path.name + end) for end in ("-wal", "-shm"))
        options = "mode=ro" if any(one.exists() for one in beside) else "mode=ro&immutable=1"
    return sqlite3.connect(
        f"file:{quote(str(path))}?{options}",
        timeout=seconds,
        check_same_thread=False,
        cached_statements=STATEMENTS_PER_CONNECTION,
        uri=True,
    )


def write_ahead(connection: sqlite3.Connection, seconds: float) -> None:
    """Switch to the write-ahead log. SQLite does not wait for the lock that this takes in a new
    file, so that if several processes create a database at once all but one are refused.
    """
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


def prepare(connection: sqlite3.Connection) -> None:
    """Apply the settings of every connection. The driver does not begin transactions by itself."""
    connection.isolation_level = None
    connection.execute("PRAGMA synchronous = NORMAL")
    # A checkpoint waits for the disk; at the default of 1000 pages the queue spent more time in it
    # than in all its statements. This lets the log grow to 32 MB.
    connection.execute("PRAGMA wal_autocheckpoint = 8000")
    connection.execute("PRAGMA foreign_keys = ON")
    # The file may come from somebody else: its triggers and views may call no function with side
    # effects.
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA temp_store = MEMORY")
    # In KiB. Each connection of a long-lived process fills its own cache, although the file is
    # mapped and in the system's cache too: 16 MiB made no command faster.
    connection.execute("PRAGMA cache_size = -2048")
    connection.execute(_MAP)


_MAP = "PRAGMA mmap_size = 134217728"


def release_memory(connection: sqlite3.Connection) -> None:
    """Return the connection's cache and its map of the file to the system; it must not be in a
    transaction. The file is mapped again when it is read.
    """
    connection.execute("PRAGMA mmap_size = 0")
    connection.execute(_MAP)
    connection.execute("PRAGMA shrink_memory")


_connections: Counter[str] = Counter()
"""This process's number of connections to each file."""
_inherited: set[str] = set()
"""Files that were open in the parent when this process was forked. SQLite keeps the locks it holds
per process, and a forked one believes that it holds its parent's: it would read and write without
locking.
"""


def _note_fork() -> None:
    _inherited.update(path for path, number in _connections.items() if number)
    _connections.clear()


os.register_at_fork(after_in_child=_note_fork)


def count_connection(path: Path, change: int) -> None:
    """Add `change`, 1 or -1, to the number of connections to a file."""
    _connections[os.path.realpath(path)] += change


def refuse_inherited(path: Path) -> None:
    """Raises UserError for a database that was open when this process was forked."""
    if _inherited and os.path.realpath(path) in _inherited:
        raise UserError(
            f"the database {path} was open in the process from which this one was forked, so that "
            "it cannot be used here; fork before it is opened or after it is closed, or start "
            "processes by the method 'spawn'",
            code="opened_before_fork",
            database=str(path),
        )


FileId = tuple[int, int]
_LONGEST_REASON = 200


def file_id(path: Path | str) -> FileId | None:
    """Identifies a file, so that a replacement is noticed; None if there is none."""
    try:
        status = os.stat(path)  # noqa: PTH116 - takes a third of the time of `Path.stat`
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def replaced(path: Path, how: str) -> DatabaseReplacedError:
    """The error for a database that was replaced."""
    return DatabaseReplacedError(
        f"the database {path} was {how} while this program was using it; nothing more is "
        "written, and the next run continues the work"
    )


def meaning_of(path: Path, error: BaseException | None) -> KoditError | None:
    """Our error, with one clear sentence, for one of the driver; None if it is a bug in the
    program.
    """
    if isinstance(error, sqlite3.OperationalError):
        return TransientError(_explain(path, str(error)))
    if type(error) is sqlite3.DatabaseError:
        return PermanentError(
            f"{path} is damaged, or is not a Kodit database ({error}); restore a backup, or "
            "choose another data directory"
        )
    if isinstance(error, sqlite3.IntegrityError) and str(error) == REFUSAL:
        return moving(str(path))
    if isinstance(error, (sqlite3.IntegrityError, sqlite3.DataError)):
        # A trigger can raise any message.
        why = " ".join(str(error).split())[:_LONGEST_REASON]
        return PermanentError(
            f"{path} rejects what Kodit stores ({why}): it has constraints or rows that "
            "Kodit did not create; restore a backup, or choose another data directory",
            code="database_refuses",
            database=str(path),
        )
    return None


def _explain(path: Path, reason: str) -> str:
    if "locked" in reason or "busy" in reason:
        return "the database is locked by another process; try again when that process is done"
    if "full" in reason or "disk I/O" in reason:
        return f"the disk of {path} is full or failing ({reason}); free some space and try again"
    if (short := _shortage_of_files()) is not None:
        return str(short)
    return f"the database {path} is unavailable: {reason}"


def _shortage_of_files() -> TransientError | None:
    """SQLite only reports that it cannot open a file."""
    try:
        check_descriptors()
    except OSError as error:
        return shortage(error)
    return None
