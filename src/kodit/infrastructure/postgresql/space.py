"""The disk space of a database on a server, which releases it by itself."""

from __future__ import annotations

from pathlib import Path

from kodit.domain.space import Sizes
from kodit.infrastructure.disk_usage import sizes_beside
from kodit.infrastructure.sql.readable import ReadableDatabase

_SIZE = (
    "SELECT sum(pg_total_relation_size(oid)) FROM pg_class "
    "WHERE relkind = 'r' AND relnamespace = current_schema()::text::regnamespace"
)


class ServerSpace:
    """The disk space of a data directory, and of the tables of a database."""

    def __init__(self, reading: ReadableDatabase, data_dir: Path) -> None:
        self._reading = reading
        self._data_dir = data_dir

    def sizes(self) -> Sizes:
        with self._reading.read() as transaction:
            row = transaction.cursors.cursor.execute(_SIZE).fetchone()
        return sizes_beside(self._data_dir, int(row[0] or 0))

    def freeable(self) -> int:
        return 0

    def is_rewritten_for(self) -> bool:
        return False

    def release_some_space(self) -> bool:
        return False

    def shrink(self) -> None:
        """The server's autovacuum does that."""

    def rewrite(self) -> None:
        """Never needed."""
