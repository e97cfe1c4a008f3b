"""Answers questions: the engines find candidates, ranking orders them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from kodit.domain.entities import SearchResult, StoredSnippet
from kodit.domain.errors import InvalidQueryError
from kodit.domain.ports.database import Database, Transaction
from kodit.domain.ports.engines import Embedder, KeywordIndex, VectorIndex
from kodit.domain.ranking import Candidate, QueryUnderstanding, Ranked, rank, understand
from kodit.domain.search import FoundSnippet, SignalPoints, joined, within_budget
from kodit.domain.text import is_text
from kodit.domain.value_objects import Hit, Scope, SearchMode, SearchRequest, VectorKind

KEYWORD_CANDIDATES = 150
VECTOR_CANDIDATES = 60
DEFINITIONS_PER_NAME = 20
"""How many snippets each engine offers to the ranking of a hybrid search. With these, 96 of 100
wanted files are among the candidates; more of them cost time and bring next to none."""
TELLING_SNIPPETS_PER_FILE = 3
"""How many of a file's snippets each engine names to judge the file by."""
MOST_DEFINITIONS = 1_000
MOST_REMEMBERED = 50_000
"""Snippets whose place is kept in memory between searches: some 20 MB."""
_KeywordScores = Mapping[int, Mapping[int, float]]
"""By file and snippet, the best of a file first; snippets without a term are left out."""
_NO_SCORES: Mapping[int, float] = {}
LONGEST_QUERY = 200_000
"""Characters; a longer query is a mistake and is refused. Of the others, the beginning counts."""


@dataclass(frozen=True, slots=True)
class _Question:
    """A request with what was made of it."""

    request: SearchRequest
    understanding: QueryUnderstanding
    scope: Scope
    vector: Sequence[float]

    @property
    def depth(self) -> int:
        """How many results have to be known to answer the page that was asked for."""
        return self.request.offset + self.request.limit


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
        self._known: dict[int, FoundSnippet] = {}

    def search(self, request: SearchRequest) -> list[SearchResult]:
        """The best snippets, best first. Raises InvalidQueryError and NotFoundError."""
        for text in (request.query, *request.filter.authors):
            _check_text(text)
        understanding = understand(_checked(request.query))
        with self._database.read() as transaction:
            scope = transaction.search.resolve(request.filter)
            if not scope.index_ids or scope.file_ids == frozenset():
                return []
            vector: Sequence[float] = ()
            if request.mode is not SearchMode.KEYWORD:
                vector = self._embedder.embed_query(understanding.text)
            question = _Question(request, understanding, scope, vector)
            if request.mode is SearchMode.HYBRID:
                results = self._search_hybrid(transaction, question)
            else:
                results = self._search_one(transaction, question)
        page = results[request.offset : question.depth]
        return page if request.budget is None else within_budget(page, request.budget)

    def _search_one(self, transaction: Transaction, question: _Question) -> list[SearchResult]:
        """One engine alone, in its own order."""
        mode = question.request.mode
        if mode is SearchMode.KEYWORD:
            hits = self._keyword_index.search(
                question.understanding.terms, question.scope, question.depth
            )
        else:
            kind = VectorKind.CODE if mode is SearchMode.CODE else VectorKind.TEXT
            hits = self._nearest(question, kind, question.depth)
        snippets = _by_id(transaction.search.get_many([hit.snippet_id for hit in hits]))
        return [
            SearchResult(snippets[hit.snippet_id], hit.score)
            for hit in hits
            if hit.snippet_id in snippets
        ]

    def _search_hybrid(self, transaction: Transaction, question: _Question) -> list[SearchResult]:
        hits = self._find_candidates(question)
        files: dict[int, set[int]] = {}
        for snippet in self._look_up(transaction, hits):
            files.setdefault(snippet.index_id, set()).add(snippet.file_id)
        keyword = self._keyword_index.in_files(
            question.understanding.terms, list(chain.from_iterable(files.values()))
        )
        telling = self._find_telling(question, files, keyword)
        if question.scope.kinds:
            telling |= hits
        candidates = self._measure(question, self._look_up(transaction, telling), keyword)
        statistics = self._keyword_index.statistics(question.understanding.terms)
        ranked = rank(
            question.understanding,
            candidates,
            statistics,
            question.depth,
            kinds=question.scope.kinds,
        )
        return self._show(transaction, ranked)

    def _show(self, transaction: Transaction, ranked: Sequence[Ranked]) -> list[SearchResult]:
        """The ranked snippets, each as one with its neighbours."""
        groups = [
            [found.snippet_id for found in (one.candidate, *one.neighbours)] for one in ranked
        ]
        snippets = _by_id(transaction.search.get_many(list(chain.from_iterable(groups))))
        following = transaction.search.following(
            list(chain.from_iterable(group for group in groups if len(group) > 1))
        )
        return [
            _to_result(
                one,
                joined(
                    snippets[shown],
                    [snippets[other] for other in others if other in snippets],
                    following,
                ),
            )
            for one, (shown, *others) in zip(ranked, groups, strict=True)
            if shown in snippets
        ]

    def _look_up(self, transaction: Transaction, ids: set[int]) -> list[FoundSnippet]:
        """What ranking reads of the candidates; remembered, as it never changes."""
        if len(self._known) > MOST_REMEMBERED:
            self._known.clear()
        unknown = [snippet_id for snippet_id in ids if snippet_id not in self._known]
        self._known.update((found.id, found) for found in transaction.search.find_many(unknown))
        return [self._known[snippet_id] for snippet_id in ids if snippet_id in self._known]

    def _find_candidates(self, question: _Question) -> set[int]:
        """What any engine holds for the best, and definitions of the names in the query."""
        understanding, scope = question.understanding, question.scope
        more = question.depth
        hits = list(
            self._keyword_index.search(understanding.terms, scope, KEYWORD_CANDIDATES + more)
        )
        for kind in VectorKind:
            hits += self._nearest(question, kind, VECTOR_CANDIDATES + more)
        for name in sorted(understanding.names | understanding.proper_words):
            hits += self._keyword_index.definitions(
                name, understanding.terms, scope, DEFINITIONS_PER_NAME
            )
        return {hit.snippet_id for hit in hits}

    def _find_telling(
        self, question: _Question, files: Mapping[int, set[int]], keyword: _KeywordScores
    ) -> set[int]:
        """The snippets by which each candidate file is judged: its best ones for every engine, and
        its definitions of the names in the query.

        A file is judged by these alone, and not by what of it happened to be found beside the
        other files: so a filter never changes the order of what passes it.
        """
        understanding, model = question.understanding, self._embedder.model
        by_index = {index_id: sorted(file_ids) for index_id, file_ids in files.items()}
        file_ids = [file_id for some in by_index.values() for file_id in some]
        hits: list[Hit] = []
        for kind in VectorKind:
            hits += self._vector_index.best_in_files(
                kind, model, question.vector, by_index, TELLING_SNIPPETS_PER_FILE
            )
        within = Scope(frozenset(files), frozenset(file_ids))
        for name in sorted(understanding.names | understanding.proper_words):
            hits += self._keyword_index.definitions(name, (), within, MOST_DEFINITIONS)
        telling = {hit.snippet_id for hit in hits}
        for best_first in keyword.values():
            telling.update(islice(best_first, TELLING_SNIPPETS_PER_FILE))
        return telling

    def _nearest(self, question: _Question, kind: VectorKind, limit: int) -> list[Hit]:
        return self._vector_index.search(
            kind, self._embedder.model, question.vector, question.scope, limit
        )

    def _measure(
        self, question: _Question, snippets: Sequence[FoundSnippet], keyword: _KeywordScores
    ) -> list[Candidate]:
        """Every engine's score for every candidate, also for those that another engine found."""
        by_index: dict[int, list[int]] = {}
        for snippet in snippets:
            by_index.setdefault(snippet.index_id, []).append(snippet.id)
        model, vector = self._embedder.model, question.vector
        code = self._vector_index.score(VectorKind.CODE, model, vector, by_index)
        text = self._vector_index.score(VectorKind.TEXT, model, vector, by_index)
        return [
            Candidate(
                snippet_id=snippet.id,
                file_id=snippet.file_id,
                path=snippet.path,
                start_line=snippet.start_line,
                end_line=snippet.end_line,
                language=snippet.language,
                symbol=snippet.symbol,
                keyword=keyword.get(snippet.file_id, _NO_SCORES).get(snippet.id, 0.0),
                code=code.get(snippet.id, 0.0),
                text=text.get(snippet.id, 0.0),
                also_defines=snippet.also_defines,
            )
            for snippet in snippets
        ]


def _check_text(text: str) -> None:
    if not is_text(text):
        raise InvalidQueryError(f"{text[:100]!r} is not valid text")


def _checked(query: str) -> str:
    if not query.strip():
        raise InvalidQueryError("the query is empty; say what you are looking for")
    if len(query) > LONGEST_QUERY:
        raise InvalidQueryError(
            f"the query has {len(query)} characters; at most {LONGEST_QUERY} are taken"
        )
    return query


def _by_id(snippets: Iterable[StoredSnippet]) -> dict[int, StoredSnippet]:
    return {snippet.id: snippet for snippet in snippets}


def _to_result(ranked: Ranked, snippet: StoredSnippet) -> SearchResult:
    return SearchResult(
        snippet,
        ranked.score,
        tuple(
            SignalPoints(part.signal, part.value, part.weight, part.points)
            for part in ranked.explanation
        ),
    )
