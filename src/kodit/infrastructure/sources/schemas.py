"""Reads the tables of a database in a child process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kodit.domain.descriptions.schema.merging import merged
from kodit.domain.descriptions.schema.reading import fragment_of
from kodit.domain.descriptions.schema.tables import SchemaFragment
from kodit.domain.ports.descriptions import SchemaFile, SchemaReading
from kodit.domain.snippet import hash_text

# Child processes are started when they are first needed.
if TYPE_CHECKING:
    from kodit.infrastructure.processes.pool import ProcessPool

STALL_SECONDS = 120.0


class PooledSchemaReader:
    """Reads in the pool."""

    def __init__(self, pool: ProcessPool) -> None:
        self._pool = pool

    async def read(self, files: Sequence[SchemaFile]) -> SchemaReading:
        reading: SchemaReading = await self._pool.call(
            f"{__name__}:read_tables", list(files), stall_seconds=STALL_SECONDS
        )
        return reading

    async def said(self, files: Sequence[SchemaFile]) -> Mapping[str, str]:
        hashes: dict[str, str] = await self._pool.call(
            f"{__name__}:hash_what_is_said", list(files), stall_seconds=STALL_SECONDS
        )
        return hashes


def read_tables(files: Sequence[SchemaFile], *, report: Any) -> SchemaReading:
    """What the files say in the end."""
    fragments = _fragments(files, report)
    return SchemaReading(merged(fragments), _hashes(fragments))


def hash_what_is_said(files: Sequence[SchemaFile], *, report: Any) -> dict[str, str]:
    """A hash of what each file says, by path, without files that say nothing."""
    return _hashes(_fragments(files, report))


def _hashes(fragments: Mapping[str, SchemaFragment]) -> dict[str, str]:
    return {path: hash_text(repr(fragment)) for path, fragment in sorted(fragments.items())}


def _fragments(files: Sequence[SchemaFile], report: Any) -> dict[str, SchemaFragment]:
    """What each file says about tables, by path; files that say nothing are left out."""
    fragments = {}
    for done, file in enumerate(files):
        report(done, len(files))
        fragment = fragment_of(file.path, file.language, file.text)
        if not fragment.is_empty:
            fragments[file.path] = fragment
    return fragments
