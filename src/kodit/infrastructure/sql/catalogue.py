"""The indexed files and the definitions in them, read from the database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from heapq import nsmallest
from operator import itemgetter
from sys import intern
from typing import TYPE_CHECKING, cast

from kodit.domain.entities import Index, StoredSnippet
from kodit.domain.files import WHOLE_LIST, IndexedFiles, IndexedText, ListedFile
from kodit.domain.mentions import MentioningSnippet
from kodit.domain.text import is_text
from kodit.domain.value_objects import Scope, SearchFilter, SymbolKind
from kodit.infrastructure.mappers.symbols import names_of_placed, text_to_placed
from kodit.infrastructure.sql.chunks import in_chunks
from kodit.infrastructure.sql.statements import (
    Cursors,
    Parameters,
    Row,
    Statement,
    StatementForMany,
    containing,
    lowered,
)
from kodit.infrastructure.sql.stored_snippets import (
    CONTENT_ID,
    JOIN_TEXT,
    SELECT_PLACES,
    SELECT_STORED,
    TEXT,
    to_stored,
)

# A command imports what it uses.
if TYPE_CHECKING:
    from kodit.domain.ports.database import Transaction
    from kodit.infrastructure.sql.readable import ReadableDatabase, ReadTransaction

_NOT_DELETED = "files.status <> 'd'"
_SHOWN = f"{_NOT_DELETED} AND versions.language IS NOT NULL AND versions.content_hash IS NOT NULL"
"""A file without a language was not read at all: binary, a private key, generated."""
_LIVE = "snippets.state = 'live'"

_READ = (
    "FROM files JOIN paths ON paths.id = files.path_id "
    f"JOIN versions ON versions.id = files.version_id WHERE {_SHOWN} AND"
)
_FILES = (
    f"SELECT {CONTENT_ID}, files.index_id, paths.path, versions.language, versions.content_hash, "
    f"files.size {_READ} "
)
"""The columns of an `IndexedText`; conditions are appended."""
_UNREAD = (
    f"SELECT {CONTENT_ID}, files.index_id, paths.path, '', stale_files.content_hash, files.size "
    "FROM stale_files JOIN files ON files.index_id = stale_files.index_id "
    "AND files.path_id = stale_files.path_id JOIN paths ON paths.id = files.path_id "
    "LEFT JOIN versions ON versions.id = files.version_id "
    f"WHERE {_NOT_DELETED} AND versions.content_hash IS NULL AND files.problem IS NULL AND "
)
"""The same for files that were scanned but not extracted yet."""
_FILES_OF = StatementForMany(f"{_FILES} files.index_id IN :ids")
_UNREAD_OF = StatementForMany(f"{_UNREAD} stale_files.index_id IN :ids")
_AT_PATH = "files.index_id = :index_id AND paths.path = :path"
_FILE_AT = Statement(_FILES + _AT_PATH)
_UNREAD_AT = Statement(_UNREAD + _AT_PATH)
_PROBLEM_AT = Statement(
    "SELECT files.problem FROM files JOIN paths ON paths.id = files.path_id "
    "LEFT JOIN versions ON versions.id = files.version_id "
    f"WHERE {_AT_PATH} AND versions.language IS NULL AND {_NOT_DELETED}"
)
_PATHS = f"SELECT paths.path {_READ} files.index_id = :index_id"
_ALL_PATHS = Statement(_PATHS)
_PATHS_ENDING = Statement(f"{_PATHS} AND paths.path LIKE '%' || :ending ESCAPE '/'")
_COUNTS = StatementForMany(
    "SELECT snippets.version_id, max(snippets.end_line), count(*) FROM snippets "
    f"WHERE snippets.version_id IN :ids AND {_LIVE} GROUP BY snippets.version_id"
)
_OF_FILE = Statement(
    f"{SELECT_STORED} WHERE snippets.version_id = :file_id AND {_LIVE} "
    "ORDER BY snippets.start_line, snippets.id"
)
_MENTIONING = StatementForMany(
    "SELECT snippets.id, snippets.version_id, snippets.start_line, snippets.end_line, "
    "snippets.symbol, snippets.scope, snippets.also_defines, snippets.mentions, "
    "snippets.kind FROM snippets "
    f"WHERE snippets.version_id IN :ids AND {_LIVE} "
    "ORDER BY snippets.version_id, snippets.start_line"
)
FILES_PER_READ = 64
_MENTIONS = StatementForMany(
    "SELECT snippets.version_id, snippets.mentions FROM snippets "
    f"WHERE snippets.version_id IN :ids AND {_LIVE} AND snippets.mentions IS NOT NULL"
)
_HAVING = StatementForMany(
    f"SELECT DISTINCT snippets.version_id FROM snippets {JOIN_TEXT} "
    f"WHERE snippets.version_id IN :ids AND {_LIVE} "
    f"AND {TEXT} LIKE '%' || :part || '%' ESCAPE '/'"
)
_ROUTES = StatementForMany(
    "SELECT snippets.version_id, snippets.minor_symbols FROM snippets "
    f"WHERE snippets.version_id IN :ids AND {_LIVE} "
    f"AND snippets.minor_symbols LIKE '%\"{SymbolKind.ROUTE}\"%'"
)
_CODE_VECTOR = Statement(
    "SELECT vectors.model, embeddings.vector FROM vectors "
    "JOIN embeddings ON embeddings.id = vectors.embedding_id "
    "WHERE vectors.snippet_id = :snippet_id AND vectors.kind = 'code'"
)


class SqlCatalogue:
    """The catalogue of one database."""

    def __init__(self, database: ReadableDatabase) -> None:
        self._database = database

    @contextmanager
    def open(self) -> Iterator[SqlOpenCatalogue]:
        with self._database.read() as transaction:
            yield SqlOpenCatalogue(transaction)

    def within(self, transaction: Transaction) -> SqlOpenCatalogue:
        return SqlOpenCatalogue(cast("ReadTransaction", transaction))


class SqlOpenCatalogue:
    """The catalogue over one connection."""

    def __init__(self, transaction: ReadTransaction) -> None:
        self._transaction = transaction
        self._driver = transaction.cursors

    @property
    def transaction(self) -> ReadTransaction:
        return self._transaction

    def files(
        self, search_filter: SearchFilter, *, with_unread: bool = False
    ) -> list[IndexedFiles]:
        scope = self.scope(search_filter)
        by_index = _files(self._driver, scope, with_unread=with_unread)
        return [
            IndexedFiles(self._transaction.indexes.get(index_id), tuple(by_index[index_id]))
            for index_id in sorted(by_index)
        ]

    def list_files(self, search_filter: SearchFilter, page: slice = WHOLE_LIST) -> list[ListedFile]:
        files = _page(self._driver, self.scope(search_filter), page)
        sources = {
            index_id: str(self._transaction.indexes.get(index_id).source)
            for index_id in {file.index_id for file in files}
        }
        counts = {
            row[0]: (row[1], row[2]) for row in _COUNTS.run(self._driver, [one.id for one in files])
        }
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
        self._transaction.search.ask([index_id])
        if not is_text(path):
            return index, None
        for statement in (_FILE_AT, _UNREAD_AT):
            row = statement.first(self._driver, {"index_id": index_id, "path": path})
            if row is not None:
                return index, IndexedText(*row)
        return index, None

    def reason_left_out(self, index_id: int, path: str) -> str | None:
        from kodit.infrastructure.folder.builtin import path_reason  # noqa: PLC0415 - rarely needed

        if not is_text(path):
            return None
        row = _PROBLEM_AT.first(self._driver, {"index_id": index_id, "path": path})
        return (row[0] if row is not None else None) or path_reason(path)

    def named(self, index_id: int, name: str, limit: int) -> list[str]:
        if not is_text(name):
            return []
        ending = {"index_id": index_id, "ending": containing(name)}
        paths = (row[0] for row in _PATHS_ENDING.run(self._driver, ending))
        return sorted(path for path in paths if path.rpartition("/")[2] == name)[:limit]

    def paths(self, index_id: int) -> Sequence[str]:
        return [row[0] for row in _ALL_PATHS.run(self._driver, {"index_id": index_id})]

    def scope(self, search_filter: SearchFilter) -> Scope:
        return self._transaction.search.resolve(search_filter)

    def definitions(
        self, names: Collection[str], scope: Scope, kinds: Collection[str]
    ) -> list[StoredSnippet]:
        wanted = sorted(filter(is_text, names))
        if not wanted:
            return []
        values = Parameters()
        # The index `snippets_by_symbol` covers exactly this pair of conditions, but SQLite prefers
        # another one as soon as there is a condition on `index_id`.
        conditions = [
            "snippets.symbol IS NOT NULL",
            f"lower(snippets.symbol) IN {values.of_all(map(lowered, wanted))}",
            _LIVE,
            "EXISTS (SELECT 1 FROM files WHERE files.version_id = snippets.version_id "
            f"AND {_NOT_DELETED})",
        ]
        if kinds:
            conditions.append(f"snippets.kind IN {values.of_all(kinds)}")
        statement = Statement(f"{SELECT_PLACES} WHERE {' AND '.join(conditions)}")
        found = [to_stored(row) for row in statement.run(self._driver, values.values)]
        within = [
            one
            for one in found
            if one.index_id in scope.store_ids and scope.has_file(one.file_id, one.index_id)
        ]
        return self._transaction.search.in_asked(within)

    def named_snippets(self, scope: Scope) -> Iterator[tuple[int, Sequence[str]]]:
        if not scope.index_ids:
            return
        values = Parameters()
        statement = Statement(
            "SELECT snippets.id, snippets.version_id, snippets.index_id, snippets.symbol, "
            "snippets.also_defines, snippets.minor_symbols FROM snippets WHERE "
            "coalesce(snippets.symbol, snippets.also_defines, snippets.minor_symbols) IS NOT NULL "
            f"AND snippets.index_id IN {values.of_all(sorted(scope.store_ids))} AND {_LIVE}"
        )
        rows = statement.stream(self._driver, values.values)
        for snippet_id, file_id, store_id, symbol, *others in rows:
            if scope.has_file(file_id, store_id):
                named = [name for some in others for name in names_of_placed(some)]
                yield snippet_id, (symbol, *named) if symbol else named

    def snippets(self, snippet_ids: Sequence[int]) -> list[StoredSnippet]:
        return self._transaction.search.get_many(snippet_ids)

    def snippets_of_file(self, file_id: int) -> list[StoredSnippet]:
        rows = _OF_FILE.run(self._driver, {"file_id": file_id})
        return self._transaction.search.in_asked([to_stored(row) for row in rows])

    def mentioning(self, file_ids: Collection[int]) -> list[MentioningSnippet]:
        return [
            MentioningSnippet(
                id=row[0],
                file_id=row[1],
                start_line=row[2],
                end_line=row[3],
                symbol=row[4],
                scope=row[5],
                also_defines=text_to_placed(row[6]),
                encoded=row[7] or "",
                kind=row[8],
            )
            for row in _MENTIONING.run(self._driver, sorted(file_ids))
        ]

    def hinting(self, file_ids: Collection[int], parts: Sequence[str]) -> set[int]:
        return {
            file_id
            for some in in_chunks(sorted(file_ids), FILES_PER_READ)  # of any number of files
            for file_id, mentions in _MENTIONS.run(self._driver, some)
            if any(part in mentions for part in parts)
        }

    def having(self, file_ids: Collection[int], text: str) -> set[int]:
        rows = _HAVING.run(self._driver, sorted(file_ids), {"part": containing(text)})
        return {row[0] for row in rows}

    def routes(self, file_ids: Collection[int]) -> dict[int, int]:
        found: Counter[int] = Counter()
        for file_id, symbols in _ROUTES.run(self._driver, sorted(file_ids)):
            placed = text_to_placed(symbols, minor=True)
            found[file_id] += sum(one.symbol.kind is SymbolKind.ROUTE for one in placed)
        return dict(+found)

    def code_vector(self, snippet: StoredSnippet) -> tuple[str, Sequence[float]] | None:
        from kodit.infrastructure.vectors.quantization import unpack  # noqa: PLC0415 - heavy

        row = _CODE_VECTOR.first(self._driver, {"snippet_id": snippet.id})
        return None if row is None else (row[0], unpack([row[1]])[0].tolist())


def _files(driver: Cursors, scope: Scope, *, with_unread: bool) -> dict[int, list[IndexedText]]:
    """The files of a scope by index, sorted by path in Python's order on any database."""
    by_index: dict[int, list[IndexedText]] = {}
    rows = _rows(driver, scope, with_unread=with_unread)
    for file_id, index_id, path, language, content_hash, size in rows:
        by_index.setdefault(index_id, []).append(
            IndexedText(file_id, index_id, path, intern(language), content_hash, size)
        )
    for files in by_index.values():
        files.sort(key=lambda file: file.path)
    return by_index


def _page(driver: Cursors, scope: Scope, page: slice) -> list[IndexedText]:
    """Some files of a scope, in the order of index and path, including unread ones. Those that
    follow the page are not held in memory.
    """
    rows, place = _rows(driver, scope, with_unread=True), itemgetter(1, 2)
    first = sorted(rows, key=place) if page.stop is None else nsmallest(page.stop, rows, key=place)
    return [IndexedText(*row) for row in first[page]]


def _rows(driver: Cursors, scope: Scope, *, with_unread: bool) -> Iterator[Row]:
    """The columns of the files of a scope, in no particular order."""
    for statement in (_FILES_OF, _UNREAD_OF) if with_unread else (_FILES_OF,):
        for row in statement.stream(driver, sorted(scope.index_ids)):
            if scope.file_ids is None or row[0] in scope.file_ids:
                yield row
