"""Which files the indexes hold and what they define, read from the database."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

from sqlalchemy import Connection, Select, func, literal, select

from kodit.domain.entities import Index, StoredSnippet
from kodit.domain.files import IndexedFiles, IndexedText, ListedFile
from kodit.domain.ports.database import Transaction
from kodit.domain.text import is_text
from kodit.domain.value_objects import FileProcessingStatus, Scope, SearchFilter, VectorKind
from kodit.infrastructure.folder.builtin import path_reason
from kodit.infrastructure.mappers.symbols import names_of_placed
from kodit.infrastructure.sqlalchemy.chunks import in_chunks
from kodit.infrastructure.sqlalchemy.database import SqliteDatabase
from kodit.infrastructure.sqlalchemy.entities import (
    EMBEDDINGS,
    FILES,
    SNIPPETS,
    VECTORS,
)
from kodit.infrastructure.sqlalchemy.stored_snippets import select_stored, to_stored
from kodit.infrastructure.sqlalchemy.transaction import SqlTransaction

_NOT_DELETED = FILES.c.status != FileProcessingStatus.DELETED.value
_SHOWN = (_NOT_DELETED, FILES.c.language.is_not(None), FILES.c.extracted_hash.is_not(None))
"""No language marks a file that was not read at all: binary, a private key, generated."""
_LIVE = SNIPPETS.c.state == "live"


class SqlCatalogue:
    """The catalogue of one database."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    @contextmanager
    def open(self) -> Iterator[SqlOpenCatalogue]:
        with self._database.read() as transaction:
            yield SqlOpenCatalogue(transaction)

    def within(self, transaction: Transaction) -> SqlOpenCatalogue:
        return SqlOpenCatalogue(cast(SqlTransaction, transaction))


class SqlOpenCatalogue:
    """The catalogue over one connection."""

    def __init__(self, transaction: SqlTransaction) -> None:
        self._transaction = transaction
        self._connection = transaction.connection

    @property
    def transaction(self) -> SqlTransaction:
        return self._transaction

    def files(
        self, search_filter: SearchFilter, *, with_unread: bool = False
    ) -> list[IndexedFiles]:
        scope = self.scope(search_filter)
        by_index = _files(self._connection, scope, _select_unread() if with_unread else None)
        return [
            IndexedFiles(self._transaction.indexes.get(index_id), tuple(by_index[index_id]))
            for index_id in sorted(by_index)
        ]

    def list_files(self, search_filter: SearchFilter) -> list[ListedFile]:
        by_index = _files(self._connection, self.scope(search_filter), _select_unread())
        sources = {
            index_id: str(self._transaction.indexes.get(index_id).source) for index_id in by_index
        }
        files = [file for index_id in sorted(by_index) for file in by_index[index_id]]
        counts = _snippet_counts(self._connection, [file.id for file in files])
        return [
            ListedFile(
                file.index_id,
                sources[file.index_id],
                file.path,
                file.language,
                file.size,
                *counts.get(file.id, (0, 0)),
            )
            for file in files
        ]

    def find_file(self, index_id: int, path: str) -> tuple[Index, IndexedText | None]:
        index = self._transaction.indexes.get(index_id)
        if not is_text(path):
            return index, None
        for selection in (_select_files(), _select_unread()):
            row = self._connection.execute(
                selection.where(FILES.c.index_id == index_id, FILES.c.path == path)
            ).first()
            if row is not None:
                return index, IndexedText(*row)
        return index, None

    def reason_left_out(self, index_id: int, path: str) -> str | None:
        if not is_text(path):
            return None
        problem: str | None = self._connection.execute(
            select(FILES.c.problem).where(
                FILES.c.index_id == index_id,
                FILES.c.path == path,
                FILES.c.language.is_(None),
                _NOT_DELETED,
            )
        ).scalar()
        return problem or path_reason(path)

    def named(self, index_id: int, name: str, limit: int) -> list[str]:
        if not is_text(name):
            return []
        paths = self._connection.execute(
            select(FILES.c.path).where(
                FILES.c.index_id == index_id,
                *_SHOWN,
                FILES.c.path.endswith(name, autoescape=True),
            )
        ).scalars()
        return sorted(path for path in paths if path.rpartition("/")[2] == name)[:limit]

    def paths(self, index_id: int) -> Sequence[str]:
        query = select(FILES.c.path).where(FILES.c.index_id == index_id, *_SHOWN)
        return self._connection.execute(query).scalars().all()

    def scope(self, search_filter: SearchFilter) -> Scope:
        return self._transaction.search.resolve(search_filter)

    def definitions(
        self, names: Collection[str], scope: Scope, kinds: Collection[str]
    ) -> list[StoredSnippet]:
        query = (
            _select_places()
            # The index `snippets_by_symbol` answers exactly this pair of conditions, but SQLite
            # prefers another one as soon as there is a condition on `index_id`.
            .where(
                SNIPPETS.c.symbol.is_not(None),
                func.lower(SNIPPETS.c.symbol).in_(
                    [func.lower(name) for name in sorted(filter(is_text, names))]
                ),
            )
            .where(_LIVE, _NOT_DELETED)
        )
        if kinds:
            query = query.where(SNIPPETS.c.kind.in_(kinds))
        found = [to_stored(row) for row in self._connection.execute(query)]
        return [
            snippet
            for snippet in found
            if snippet.index_id in scope.index_ids
            and (scope.file_ids is None or snippet.file_id in scope.file_ids)
        ]

    def named_snippets(self, scope: Scope) -> Iterator[tuple[int, Sequence[str]]]:
        query = select(
            SNIPPETS.c.id, SNIPPETS.c.file_id, SNIPPETS.c.symbol, SNIPPETS.c.also_defines
        ).where(SNIPPETS.c.symbol.is_not(None), SNIPPETS.c.index_id.in_(scope.index_ids), _LIVE)
        for snippet_id, file_id, symbol, others in self._connection.execute(query):
            if file_id in scope.hidden_file_ids:
                continue
            if scope.file_ids is None or file_id in scope.file_ids:
                yield snippet_id, (symbol or "", *names_of_placed(others))

    def snippets(self, snippet_ids: Sequence[int]) -> list[StoredSnippet]:
        return self._transaction.search.get_many(snippet_ids)

    def snippets_of_file(self, file_id: int) -> list[StoredSnippet]:
        query = select_stored().where(SNIPPETS.c.file_id == file_id, _LIVE)
        rows = self._connection.execute(query.order_by(SNIPPETS.c.start_line, SNIPPETS.c.id))
        return [to_stored(row) for row in rows]

    def code_vector(self, snippet: StoredSnippet) -> tuple[str, Sequence[float]] | None:
        from kodit.infrastructure.vectors.quantization import unpack  # noqa: PLC0415 - heavy

        query = (
            select(VECTORS.c.model, EMBEDDINGS.c.vector)
            .join(EMBEDDINGS, EMBEDDINGS.c.id == VECTORS.c.embedding_id)
            .where(
                VECTORS.c.index_id == snippet.index_id,
                VECTORS.c.kind == VectorKind.CODE.value,
                VECTORS.c.snippet_id == snippet.id,
            )
        )
        row = self._connection.execute(query).first()
        return None if row is None else (row.model, unpack([row.vector])[0].tolist())


def _select_files() -> Select[*tuple[Any, ...]]:
    """The columns of an `IndexedText`."""
    return select(
        FILES.c.id,
        FILES.c.index_id,
        FILES.c.path,
        FILES.c.language,
        FILES.c.extracted_hash,
        FILES.c.size,
    ).where(*_SHOWN)


def _select_unread() -> Select[*tuple[Any, ...]]:
    """The same of files that were scanned, and never extracted yet."""
    return select(
        FILES.c.id,
        FILES.c.index_id,
        FILES.c.path,
        literal(""),
        FILES.c.content_hash,
        FILES.c.size,
    ).where(_NOT_DELETED, FILES.c.extracted_hash.is_(None), FILES.c.problem.is_(None))


def _files(
    connection: Connection, scope: Scope, more: Select[*tuple[Any, ...]] | None = None
) -> dict[int, list[IndexedText]]:
    """The files of a scope by index, sorted by path as Python sorts, whatever the database."""
    by_index: dict[int, list[IndexedText]] = {}
    for selection in (_select_files(), *(() if more is None else (more,))):
        for row in connection.execute(selection.where(FILES.c.index_id.in_(scope.index_ids))):
            if scope.file_ids is None or row[0] in scope.file_ids:
                by_index.setdefault(row[1], []).append(IndexedText(*row))
    for files in by_index.values():
        files.sort(key=lambda file: file.path)
    return by_index


def _snippet_counts(connection: Connection, file_ids: Sequence[int]) -> dict[int, tuple[int, int]]:
    """By file, the last line that is in a snippet, and how many snippets there are."""
    return {
        row[0]: (row[1], row[2])
        for some in in_chunks(file_ids)
        for row in connection.execute(
            select(SNIPPETS.c.file_id, func.max(SNIPPETS.c.end_line), func.count())
            .where(SNIPPETS.c.file_id.in_(some), _LIVE)
            .group_by(SNIPPETS.c.file_id)
        )
    }


def _select_places() -> Select[*tuple[Any, ...]]:
    """What `to_stored` reads, with an empty text."""
    stored = select_stored()
    return stored.with_only_columns(
        *(
            literal("") if column.name == SNIPPETS.c.text.name else column
            for column in stored.selected_columns
        ),
        maintain_column_froms=True,
    )
