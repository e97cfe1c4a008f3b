"""Recognising the database of another program: an earlier project named kodit keeps one in the same
place. It is recognised by its tables, and nothing is written beside it.

That project's databases have had two forms: `sources` with a `uri` (a URL or a path), and later
`git_repos` with a `sanitized_remote_uri`, a URL without secrets.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from kodit.domain.errors import UserError

if TYPE_CHECKING:
    import sqlite3

MOST_SOURCES = 1_000
_COMMON_TABLE = "index_runs"
"""A table in every database that this program has ever created."""
_OF_NOBODY = frozenset({"alembic_version"})
_SOURCES = (
    ("git_repos", "SELECT sanitized_remote_uri FROM git_repos ORDER BY id LIMIT ?"),
    ("sources", "SELECT uri FROM sources ORDER BY id LIMIT ?"),
)


@dataclass(frozen=True, slots=True)
class AnotherDatabase:
    """A database of another program, and the sources in it: git URLs without their secrets, and
    paths of folders.
    """

    path: Path
    sources: tuple[str, ...]


def another_database(path: Path) -> AnotherDatabase | None:
    """The database at this path if another program made it; None if there is none, or it is empty,
    this program's, or unreadable.
    """
    try:
        if path.stat().st_size == 0:
            return None
        has_log = _size_of(path.with_name(f"{path.name}-wal")) > 0
    except OSError:
        return None
    import sqlite3  # noqa: PLC0415 - a new installation has no such file

    # To read a write-ahead log, SQLite needs its own file beside it. Without a log, it creates no
    # files.
    options = "mode=ro" if has_log else "mode=ro&immutable=1"
    try:
        uri = f"file:{quote(str(path))}?{options}"
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            found = connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
            )
            tables = {str(row[0]) for row in found}
            if _COMMON_TABLE in tables or not tables - _OF_NOBODY:
                return None
            return AnotherDatabase(path, _sources(connection, tables))
    except (sqlite3.Error, UnicodeError):
        return None  # opening it later reports the problem


def refuse_another_database(path: Path) -> None:
    """Raises UserError if the database at this path is that of another program."""
    another = another_database(path)
    if another is not None:
        raise UserError(
            f"{path} is the database of another program, which may also be called kodit; it was "
            "left unchanged",
            code="database_of_another",
            database=str(path),
        )


def _sources(connection: sqlite3.Connection, tables: set[str]) -> tuple[str, ...]:
    from kodit.infrastructure.sources.parsing import shown  # noqa: PLC0415 - as above

    for table, query in _SOURCES:
        if table in tables:
            rows = connection.execute(query, (MOST_SOURCES,)).fetchall()
            texts = [row[0] for row in rows if isinstance(row[0], str) and row[0]]
            return tuple(dict.fromkeys(map(shown, texts)))
    return ()


def _size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
