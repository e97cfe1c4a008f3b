"""What a search reads: filters resolved to identifiers, and the snippets found."""

from __future__ import annotations

from collections.abc import Sequence

from pathspec import GitIgnoreSpec
from sqlalchemy import Connection, select

from kodit.domain.errors import NotFoundError
from kodit.domain.search import Scope, SearchFilter, StoredSnippet
from kodit.domain.source import FileProcessingStatus
from kodit.infrastructure.sqlalchemy.chunks import in_chunks
from kodit.infrastructure.sqlalchemy.entities import FileRow, IndexRow, SnippetRow
from kodit.infrastructure.sqlalchemy.stored_snippets import select_stored, to_stored


class SqlSearchRepository:
    """Search over one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def resolve(self, search_filter: SearchFilter) -> Scope:
        every = set(
            self._connection.execute(select(IndexRow.id).where(IndexRow.deleted_at == 0)).scalars()
        )
        wanted = set(search_filter.index_ids) or every
        for index_id in wanted - every:
            raise NotFoundError(f"there is no index {index_id}; `kodit status` lists the indexes")
        hidden = self._connection.execute(
            select(FileRow.id).where(
                FileRow.index_id.in_(wanted),
                FileRow.status == FileProcessingStatus.DELETED.value,
            )
        ).scalars()
        return Scope(
            index_ids=frozenset(wanted),
            file_ids=self._files(wanted, search_filter),
            hidden_file_ids=frozenset(hidden),
        )

    def _files(self, index_ids: set[int], search_filter: SearchFilter) -> frozenset[int] | None:
        if not search_filter.languages and not search_filter.paths:
            return None
        query = select(FileRow.id, FileRow.path).where(FileRow.index_id.in_(index_ids))
        if search_filter.languages:
            query = query.where(FileRow.language.in_(search_filter.languages))
        rows = self._connection.execute(query)
        if not search_filter.paths:
            return frozenset(row[0] for row in rows)
        globs = GitIgnoreSpec.from_lines(search_filter.paths)
        return frozenset(row[0] for row in rows if globs.match_file(row[1]))

    def get_many(self, snippet_ids: Sequence[int]) -> list[StoredSnippet]:
        return [
            to_stored(row)
            for some in in_chunks(snippet_ids)
            for row in self._connection.execute(select_stored().where(SnippetRow.id.in_(some)))
        ]
