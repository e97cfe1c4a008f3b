"""A data directory and its sources."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.snapshot import QUERIES
from tests.support.stores import DATABASES, rows_of

from kodit import Kodit
from kodit.domain.diagnosis import Diagnosis
from kodit.infrastructure.keyword.version import SCHEMA_VERSION

Answer = list[tuple[str, str, int, int]]


@dataclass(frozen=True)
class Place:
    """Index 1 is that of the folder, index 2 that of the repository."""

    data_dir: Path
    folder: Path
    repository: Path

    @property
    def keyword(self) -> Path:
        return self.data_dir / "keyword" / SCHEMA_VERSION

    def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run a statement without regard to the other data."""
        with rows_of(self.data_dir) as rows:
            cursor = rows.execute(statement, values)
            return list(cursor.fetchall()) if cursor.description else []

    def skip_numbers(self, number: int) -> None:
        """The next index gets the number after this one."""
        if DATABASES.is_used:
            self.sql("SELECT setval(pg_get_serial_sequence('indexes', 'id'), ?)", number)
        else:
            self.sql("UPDATE sqlite_sequence SET seq = ? WHERE name = 'indexes'", number)

    def no_bits(self) -> bytes:
        """A code of zeros."""
        return bytes(len(self.sql("SELECT code FROM embeddings LIMIT 1")[0][0]))

    def check(self, *, repair: bool = False) -> Diagnosis:
        with Kodit(self.data_dir) as kodit:
            return kodit.check(repair=repair)

    def search(self) -> list[Answer]:
        """The complete answers of each engine, in a canonical order: scores depend on the layout of
        an engine's segments.
        """
        with Kodit(self.data_dir) as kodit:
            return [
                sorted(
                    (
                        one.snippet.source,
                        one.snippet.path,
                        one.snippet.start_line,
                        one.snippet.end_line,
                    )
                    for one in kodit.search(query, mode=mode, limit=1000)
                )
                for query in QUERIES
                for mode in ("keyword", "code", "text")
            ]
