"""Reads the tables of a database in a child process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from kodit.domain.descriptions.schema.merging import merged
from kodit.domain.descriptions.schema.reading import fragment_of
from kodit.domain.descriptions.schema.tables import Table
from kodit.domain.ports.descriptions import SchemaFile

# Child processes are started when they are first needed.
if TYPE_CHECKING:
    from kodit.infrastructure.processes.pool import ProcessPool

STALL_SECONDS = 120.0


class PooledSchemaReader:
    """Reads in the pool."""

    def __init__(self, pool: ProcessPool) -> None:
        self._pool = pool

    async def read(self, files: Sequence[SchemaFile]) -> Sequence[Table]:
        tables: list[Table] = await self._pool.call(
            f"{__name__}:read_tables", list(files), stall_seconds=STALL_SECONDS
        )
        return tables


def read_tables(files: Sequence[SchemaFile], *, report: Any) -> list[Table]:
    """The tables that the files define, as they are in the end."""
    fragments = {}
    for done, file in enumerate(files):
        report(done, len(files))
        fragment = fragment_of(file.path, file.language, file.text)
        if not fragment.is_empty:
            fragments[file.path] = fragment
    return merged(fragments)
