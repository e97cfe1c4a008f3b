"""The keyword index of one machine: tantivy, following the log of changes in the database."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, cast

import tantivy

from kodit.domain.errors import PermanentError
from kodit.domain.keyword import KeywordBatch
from kodit.domain.ranking.candidate import CorpusStatistics
from kodit.domain.value_objects import Hit, Scope
from kodit.infrastructure.files import write_atomically
from kodit.infrastructure.keyword.schema import (
    FILE_ID,
    INDEX_ID,
    KIND,
    NAME,
    SCHEMA_VERSION,
    SNIPPET_ID,
    TERMS,
    open_index,
)
from kodit.infrastructure.keyword.writing import locked
from kodit.infrastructure.processes.pool import ProcessPool

MOST_SNIPPETS_OF_FILES = 20_000
"""More matching snippets than all candidate files together should have; those of the lowest scores
beyond that count as not matching."""

_WRITING = "kodit.infrastructure.keyword.writing"


class TantivyKeywordIndex:
    """Reads in this process; writes in a child process of the pool."""

    def __init__(self, folder: Path, pool: ProcessPool) -> None:
        self._folder = folder / SCHEMA_VERSION
        self._pool = pool
        self._index: tantivy.Index | None = None
        self._stamp = (0, 0)

    async def apply(self, batch: KeywordBatch) -> None:
        await self._pool.call(f"{_WRITING}:apply_batch", str(self._folder), batch)

    async def drop(self, index_id: int) -> None:
        await self._pool.call(f"{_WRITING}:drop_index", str(self._folder), index_id)

    def generation(self) -> str:
        path = self._folder / "generation"
        if not path.exists():
            with locked(str(self._folder)):
                if not path.exists():  # of two that begin at once, both take the first one's
                    write_atomically(path, secrets.token_hex(8).encode())
        return path.read_text()

    def search(self, terms: Sequence[str], scope: Scope, limit: int) -> list[Hit]:
        return self._run(terms, _within(scope), limit).hits()

    def definitions(self, name: str, terms: Sequence[str], scope: Scope, limit: int) -> list[Hit]:
        named = _Clause(tantivy.Occur.Must, NAME, (name.lower(),))
        return self._run(terms, [named, *_within(scope)], limit, any_term=False).hits()

    def in_files(
        self, terms: Sequence[str], file_ids: Sequence[int]
    ) -> dict[int, dict[int, float]]:
        if not file_ids:
            return {}
        these = _Clause(tantivy.Occur.Must, FILE_ID, tuple(file_ids))
        found = self._run(terms, [these], MOST_SNIPPETS_OF_FILES)
        files: dict[int, dict[int, float]] = {}
        for file_id, snippet_id, score in zip(
            found.column(FILE_ID), found.column(SNIPPET_ID), found.scores, strict=True
        ):
            if file_id in files:
                files[file_id][snippet_id] = score
            else:
                files[file_id] = {snippet_id: score}
        return files

    def statistics(self, terms: Sequence[str]) -> CorpusStatistics:
        index = self._open()
        if index is None:
            return CorpusStatistics(0)
        searcher = index.searcher()
        with _reading(self._folder):
            return CorpusStatistics(
                searcher.num_docs, {term: searcher.doc_freq(TERMS, term) for term in terms}
            )

    def _run(
        self,
        terms: Sequence[str],
        clauses: Sequence[_Clause],
        limit: int,
        *,
        any_term: bool = True,
    ) -> _Found:
        """Snippets that fulfil the clauses, and have a term where `any_term` asks for one; only
        the terms score."""
        index = self._open()
        if index is None or (any_term and not terms):
            return _Found(None, [], [])
        schema, query = index.schema, tantivy.Query
        parts = [
            (clause.occur, query.const_score_query(_any_of(schema, clause), 0.0))
            for clause in clauses
        ]
        if terms:
            wanted = query.boolean_query(
                [(tantivy.Occur.Should, query.term_query(schema, TERMS, term)) for term in terms]
            )
            parts.append((tantivy.Occur.Must if any_term else tantivy.Occur.Should, wanted))
        searcher, whole = index.searcher(), query.boolean_query(parts)
        with _reading(self._folder):
            found = cast(
                list[tuple[float, tantivy.DocAddress]],
                searcher.search(whole, limit, count=False).hits,
            )
        return _Found(
            searcher, [address for _score, address in found], [score for score, _address in found]
        )

    def _open(self) -> tantivy.Index | None:
        """The index as it was last committed, by whichever process."""
        try:
            status = (self._folder / "meta.json").stat()
        except FileNotFoundError:
            self._index = None
            return None
        stamp = (status.st_mtime_ns, status.st_ino)
        with _reading(self._folder):
            if self._index is None:
                self._index = open_index(self._folder)
            elif stamp != self._stamp:
                self._index.reload()
        self._stamp = stamp
        return self._index


@contextmanager
def _reading(folder: Path) -> Iterator[None]:
    """Files are read when they are needed: some damage shows when the index is opened, some when
    it is searched. Raises PermanentError for either."""
    try:
        yield
    except ValueError as error:
        raise PermanentError(
            f"the keyword index {folder} cannot be read: it is damaged, or belongs to another "
            "user; `kodit doctor` says which, and with --repair builds it anew"
        ) from error


class _Found(NamedTuple):
    """What a search found, best first. Columns are read when they are asked for."""

    searcher: tantivy.Searcher | None
    addresses: list[tantivy.DocAddress]
    scores: list[float]

    def column(self, field: str) -> list[int]:
        """A numeric field of every document; all documents have all of them."""
        if self.searcher is None:
            return []
        return cast(list[int], self.searcher.fast_field_values(field, self.addresses))

    def hits(self) -> list[Hit]:
        return [Hit(*pair) for pair in zip(self.column(SNIPPET_ID), self.scores, strict=True)]


class _Clause(NamedTuple):
    """A field that must, or must not, have one of some values."""

    occur: tantivy.Occur
    field: str
    values: Sequence[int | str]


def _within(scope: Scope) -> list[_Clause]:
    clauses = [_Clause(tantivy.Occur.Must, INDEX_ID, tuple(scope.index_ids))]
    if scope.file_ids is not None:
        clauses.append(_Clause(tantivy.Occur.Must, FILE_ID, tuple(scope.file_ids)))
    if scope.kinds:
        kinds = tuple(kind.value for kind in scope.kinds)
        clauses.append(_Clause(tantivy.Occur.Must, KIND, kinds))
    if scope.hidden_file_ids:
        clauses.append(_Clause(tantivy.Occur.MustNot, FILE_ID, tuple(scope.hidden_file_ids)))
    return clauses


def _any_of(schema: tantivy.Schema, clause: _Clause) -> tantivy.Query:
    if len(clause.values) == 1:
        return tantivy.Query.term_query(schema, clause.field, clause.values[0])
    return tantivy.Query.term_set_query(schema, clause.field, list(clause.values))
