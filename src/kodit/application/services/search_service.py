"""Answers questions from the engines."""

from __future__ import annotations

from collections.abc import Sequence

from kodit.domain.errors import InvalidQueryError
from kodit.domain.ports.database import Database
from kodit.domain.ports.engines import Embedder, KeywordIndex, VectorIndex
from kodit.domain.search import (
    Hit,
    Scope,
    SearchMode,
    SearchRequest,
    SearchResult,
    VectorKind,
)

FUSION_CONSTANT = 60
"""The rank constant of reciprocal rank fusion (Cormack, Clarke and Büttcher, 2009)."""
CANDIDATES = 100
LONGEST_QUERY = 20_000
"""Characters; a longer query is refused rather than silently cut."""


class SearchService:
    """Synchronous: a search is over before a thread would have been worth it."""

    def __init__(
        self,
        *,
        database: Database,
        keyword_index: KeywordIndex,
        vector_index: VectorIndex,
        embedder: Embedder,
    ) -> None:
        self._database = database
        self._keyword_index = keyword_index
        self._vector_index = vector_index
        self._embedder = embedder

    def search(self, request: SearchRequest) -> list[SearchResult]:
        """The best snippets, best first. Raises InvalidQueryError and NotFoundError."""
        if not request.query.strip():
            raise InvalidQueryError("the query is empty; say what you are looking for")
        if len(request.query) > LONGEST_QUERY:
            raise InvalidQueryError(
                f"the query has {len(request.query)} characters; at most {LONGEST_QUERY} are read"
            )
        with self._database.read() as transaction:
            scope = transaction.search.resolve(request.filter)
            if not scope.index_ids or scope.file_ids == frozenset():
                return []
            fused = fuse(self._ask_engines(request, scope))[: request.limit]
            snippets = {
                snippet.id: snippet
                for snippet in transaction.search.get_many([hit.snippet_id for hit in fused])
            }
        return [
            SearchResult(snippets[hit.snippet_id], hit.score)
            for hit in fused
            if hit.snippet_id in snippets
        ]

    def _ask_engines(self, request: SearchRequest, scope: Scope) -> list[Sequence[Hit]]:
        """One list of hits an engine, each best first."""
        limit = max(CANDIDATES, request.limit)
        answers: list[Sequence[Hit]] = []
        if request.mode in (SearchMode.HYBRID, SearchMode.KEYWORD):
            answers.append(self._keyword_index.search(request.query, scope, limit))
        kinds = {
            SearchMode.HYBRID: (VectorKind.CODE, VectorKind.TEXT),
            SearchMode.CODE: (VectorKind.CODE,),
            SearchMode.TEXT: (VectorKind.TEXT,),
            SearchMode.KEYWORD: (),
        }[request.mode]
        if kinds:
            vector = self._embedder.embed_query(request.query)
            answers.extend(
                self._vector_index.search(kind, self._embedder.model, vector, scope, limit)
                for kind in kinds
            )
        return answers


def fuse(answers: Sequence[Sequence[Hit]]) -> list[Hit]:
    """Reciprocal rank fusion: a snippet's score is the sum of 1 / (60 + rank) over the engines
    that found it."""
    scores: dict[int, float] = {}
    for hits in answers:
        for rank, hit in enumerate(hits, 1):
            scores[hit.snippet_id] = scores.get(hit.snippet_id, 0.0) + 1 / (FUSION_CONSTANT + rank)
    return sorted(
        (Hit(snippet_id, score) for snippet_id, score in scores.items()),
        key=lambda hit: (-hit.score, hit.snippet_id),
    )
