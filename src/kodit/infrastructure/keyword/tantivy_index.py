"""The keyword index of one machine: tantivy, following the log of changes in the database."""

from __future__ import annotations

import secrets
from pathlib import Path

import tantivy

from kodit.domain.keyword import KeywordBatch
from kodit.domain.ranking.terms import terms
from kodit.domain.search import Hit, Scope
from kodit.infrastructure.files import write_atomically
from kodit.infrastructure.keyword.schema import (
    FILE_ID,
    INDEX_ID,
    SCHEMA_VERSION,
    SNIPPET_ID,
    TEXT_FIELDS,
    open_index,
)
from kodit.infrastructure.processes.pool import ProcessPool

LONGEST_QUERY_TERMS = 64
"""A query of more different terms than this is a document; its first terms say enough."""

_WRITING = "kodit.infrastructure.keyword.writing"


class TantivyKeywordIndex:
    """Reads in this process; writes in a child process of the pool."""

    def __init__(self, folder: Path, pool: ProcessPool) -> None:
        self._folder = folder / SCHEMA_VERSION
        self._pool = pool
        self._index: tantivy.Index | None = None

    async def apply(self, batch: KeywordBatch) -> None:
        await self._pool.call(f"{_WRITING}:apply_batch", str(self._folder), batch)

    async def drop(self, index_id: int) -> None:
        await self._pool.call(f"{_WRITING}:drop_index", str(self._folder), index_id)

    def generation(self) -> str:
        path = self._folder / "generation"
        if not path.exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            write_atomically(path, secrets.token_hex(8).encode())
        return path.read_text()

    def search(self, query: str, scope: Scope, limit: int) -> list[Hit]:
        wanted = list(dict.fromkeys(terms(query)))[:LONGEST_QUERY_TERMS]
        index = self._open()
        if not wanted or index is None:
            return []
        searcher = index.searcher()
        found = searcher.search(_to_query(index.schema, wanted, scope), limit, count=False).hits
        scores = [float(score) for score, _address in found]
        ids = searcher.fast_field_values(SNIPPET_ID, [address for _score, address in found])
        return [
            Hit(int(snippet_id), score)
            for snippet_id, score in zip(ids, scores, strict=True)
            if snippet_id is not None
        ]

    def _open(self) -> tantivy.Index | None:
        if self._index is None:
            if not (self._folder / "meta.json").exists():
                return None
            self._index = open_index(self._folder)
        else:
            self._index.reload()
        return self._index


def _to_query(schema: tantivy.Schema, wanted: list[str], scope: Scope) -> tantivy.Query:
    """Any of the terms in any field, within the scope; only the terms score."""
    query = tantivy.Query
    anything = query.boolean_query(
        [
            (
                tantivy.Occur.Should,
                query.boost_query(query.term_query(schema, field.name, term), field.boost),
            )
            for field in TEXT_FIELDS
            for term in wanted
        ]
    )
    clauses = [(tantivy.Occur.Must, anything)]
    clauses.append((tantivy.Occur.Must, _any_of(schema, INDEX_ID, scope.index_ids)))
    if scope.file_ids is not None:
        clauses.append((tantivy.Occur.Must, _any_of(schema, FILE_ID, scope.file_ids)))
    if scope.hidden_file_ids:
        clauses.append((tantivy.Occur.MustNot, _any_of(schema, FILE_ID, scope.hidden_file_ids)))
    return query.boolean_query(clauses)


def _any_of(schema: tantivy.Schema, field: str, values: frozenset[int]) -> tantivy.Query:
    members = tantivy.Query.term_set_query(schema, field, sorted(values))
    return tantivy.Query.const_score_query(members, 0.0)
