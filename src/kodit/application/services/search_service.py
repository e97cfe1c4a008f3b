"""Answers searches: the engines find candidates, and ranking orders them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from kodit.application.services.listing import (
    FoundTexts,
    Listing,
    without,
)
from kodit.application.services.pasted_lookup import find_pasted
from kodit.application.services.query_checks import check_text, checked
from kodit.application.services.query_corrections import QueryCorrections
from kodit.application.services.query_vectors import (
    EmbeddedQueries,
    EmbedderOf,
    Models,
    QueryVectors,
    vectors_for,
    when_embedded,
)
from kodit.application.services.shown_results import shown_results
from kodit.application.services.snapshots import read_together, without_keyword_index
from kodit.application.services.snippet_memory import SnippetMemory
from kodit.domain.entities import SearchResult
from kodit.domain.ranking.candidate import Candidate
from kodit.domain.ranking.confidence import is_weak
from kodit.domain.ranking.phrases import divide
from kodit.domain.ranking.query import QueryUnderstanding, understand
from kodit.domain.ranking.ranking import Ranked, rank
from kodit.domain.search import FoundSnippet, within_budget
from kodit.domain.value_objects import (
    Scope,
    SearchFilter,
    SearchMode,
    SearchRequest,
    VectorKind,
)

# Imported where used, so that a command loads only what it needs.
if TYPE_CHECKING:
    from kodit.domain.ports.database import Database, Transaction
    from kodit.domain.ports.engines import (
        Embedder,
        FileMatches,
        KeywordIndex,
        KeywordReader,
        VectorIndex,
    )

DEFINITIONS_PER_NAME = 20
REPRESENTATIVE_SNIPPETS_PER_FILE = 3
"""How many of a file's snippets each engine contributes to judge the file."""
MOST_DEFINITIONS = 1_000


class Tier(NamedTuple):
    """How many snippets the engines offer to the ranking of a hybrid search."""

    keyword: int
    vectors: int


TIERS = (Tier(160, 70), Tier(1_000, 500), Tier(11_000, 11_000))
"""The first tier is enough for most searches: 96 of 100 wanted files are among its candidates. A
request for more results than it has continues with those of the next tier, below them. So the
results and their order depend on the query alone, and a page is a slice of them."""
TIERS_OF_ONE = (50, 1_000, 11_000)
"""The same for the modes that use a single engine."""


@dataclass(frozen=True, slots=True)
class _Question:
    """A request with its parsed query and the open engines: for one search in one thread."""

    transaction: Transaction
    keyword: KeywordReader
    vectors: QueryVectors
    request: SearchRequest
    understanding: QueryUnderstanding
    scope: Scope
    pasted: Mapping[int, float]
    """By snippet, how likely text pasted into the query comes from it."""

    @property
    def depth(self) -> int:
        """How many results are needed for the requested page."""
        return self.request.offset + self.request.limit


class SearchService:
    """Synchronous: a search finishes before handing it to a thread would pay off. Any number of
    threads may search; each search is one transaction, which an endpoint does not prolong."""

    def __init__(
        self,
        *,
        database: Database,
        keyword_index: KeywordIndex,
        vector_index: VectorIndex,
        embedder: Embedder,
        embedder_of: EmbedderOf | None = None,
    ) -> None:
        self._database = database
        self._keyword_index = keyword_index
        self._vector_index = vector_index
        self._models = Models(embedder, embedder_of)
        self._memory = SnippetMemory()
        self._corrections = QueryCorrections(self._memory)

    def release_memory(self) -> None:
        """Drop cached snippets that no search has read for a minute or more: a deleted index leaves
        some behind."""
        self._memory.age()

    def search(
        self, request: SearchRequest, problems: list[str] | None = None
    ) -> list[SearchResult]:
        """The best snippets, best first. `problems` receives the reason, in a sentence, if the
        query could not be embedded and no vectors were searched. Raises InvalidQueryError and
        NotFoundError."""
        for text in (request.query, *request.filter.authors):
            check_text(text)
        understanding = understand(checked(request.query))
        results = when_embedded(
            lambda embedded: read_together(
                self._database,
                self._keyword_index,
                request.filter,
                partial(self._answer, request, understanding, embedded),
            ),
            [] if problems is None else problems,
        )
        page = results[request.offset : request.offset + request.limit]
        return page if request.budget is None else within_budget(page, request.budget)

    def without_keyword_index(self, search_filter: SearchFilter) -> list[int]:
        """The indexes that are searched without the keyword index, because it does not match the
        database: one of the two was restored from a copy or damaged. Indexing rebuilds it."""
        return without_keyword_index(self._database, self._keyword_index, search_filter)

    def _answer(  # noqa: PLR0917 - the last three are those of a read
        self,
        request: SearchRequest,
        understanding: QueryUnderstanding,
        embedded: EmbeddedQueries,
        transaction: Transaction,
        keyword: KeywordReader,
        scope: Scope,
    ) -> list[SearchResult]:
        if not scope.index_ids or scope.file_ids == frozenset():
            return []
        understanding = divide(understanding, partial(_occurs, keyword))
        if request.mode is SearchMode.HYBRID:
            answerable = self._corrections.answerable(understanding, transaction, keyword, scope)
            if answerable is None:
                return []
            understanding = answerable
        question = _Question(
            transaction,
            keyword,
            vectors_for(
                request.mode,
                understanding.text,
                reader=self._vector_index.reader(transaction),
                models=self._models,
                transaction=transaction,
                scope=scope,
                embedded=embedded,
            ),
            request,
            understanding,
            scope,
            {}
            if request.mode is not SearchMode.HYBRID
            else find_pasted(understanding, transaction, keyword, scope),
        )
        if request.mode is SearchMode.HYBRID:
            return self._search_hybrid(question)
        return self._search_one(question)

    def _search_one(self, question: _Question) -> list[SearchResult]:
        """The results of a single engine, in its own order."""
        mode, transaction = question.request.mode, question.transaction
        listing = Listing()
        for tier in TIERS_OF_ONE:
            limit = max(tier, question.depth)
            if mode is SearchMode.KEYWORD:
                hits = question.keyword.search(question.understanding.terms, question.scope, limit)
            else:
                kind = VectorKind.CODE if mode is SearchMode.CODE else VectorKind.TEXT
                hits = question.vectors.search(kind, question.scope, limit)
            found = self._memory.look_up(transaction, {hit.snippet_id for hit in hits})
            listing.add_hits(hits, FoundTexts(found), question.depth)
            if len(listing.listed) >= question.depth or len(hits) < limit:
                break
        return shown_results(transaction, listing.listed[: question.depth])

    def _search_hybrid(self, question: _Question) -> list[SearchResult]:
        listing = Listing()
        hits = set[int]()
        for tier in TIERS:
            before, hits = hits, self._find_candidates(question, tier)
            if hits <= before:
                break
            self._add_ranked(listing, question, hits)
            if len(listing.listed) >= question.depth:
                break
        results = shown_results(question.transaction, listing.listed[: question.depth])
        return (
            [replace(one, is_weak=True) for one in results] if _weak(question, listing) else results
        )

    def _add_ranked(self, listing: Listing, question: _Question, hits: set[int]) -> None:
        """Add results among the files of the hits, until there are as many as wanted."""
        files: dict[int, set[int]] = {}
        for snippet in self._memory.look_up(question.transaction, hits):
            files.setdefault(snippet.index_id, set()).add(snippet.file_id)
        every_file = question.transaction.search.with_former(
            list(chain.from_iterable(files.values()))
        )
        hidden = question.scope.hidden_from(None)
        matches = question.keyword.in_files(
            question.understanding.terms, [one for one in every_file if one not in hidden]
        )
        telling = self._find_representative(question, files, matches)
        if question.scope.kinds:
            telling |= hits
        snippets = self._memory.look_up(question.transaction, telling)
        outdated = question.transaction.search.superseded(every_file)
        found = FoundTexts(snippets, outdated)
        listing.add_ranked(
            rank(
                question.understanding,
                self._measure(question, snippets, matches),
                question.keyword.statistics(question.understanding.terms),
                kinds=question.scope.kinds,
                outdated=outdated,
            ),
            found,
            question.depth,
        )

    def _find_candidates(self, question: _Question, tier: Tier) -> set[int]:
        """The best snippets of every engine, and definitions of the names in the query."""
        understanding, scope = question.understanding, question.scope
        found = question.keyword.candidates(understanding.terms, scope, tier.keyword)
        for kind in VectorKind:
            hits = question.vectors.search(kind, scope, tier.vectors)
            found.update(hit.snippet_id for hit in hits)
        for name in sorted(understanding.names | understanding.proper_words):
            found |= question.keyword.definitions(
                name, understanding.terms, scope, DEFINITIONS_PER_NAME
            )
        return found.union(question.pasted)

    def _find_representative(
        self, question: _Question, files: Mapping[int, set[int]], matches: FileMatches
    ) -> set[int]:
        """The snippets by which each candidate file is judged: its best ones for every engine, and
        its definitions of the names in the query.

        A file is judged by these alone, and not by whichever of its snippets were found among other
        files, so that a filter never changes the order of results.
        """
        understanding = question.understanding
        with_former = question.transaction.search.with_former
        by_index = {index_id: with_former(sorted(file_ids)) for index_id, file_ids in files.items()}
        file_ids = [file_id for some in by_index.values() for file_id in some]
        hits = matches.best(REPRESENTATIVE_SNIPPETS_PER_FILE)
        found = {hit.snippet_id for hit in hits}.union(question.pasted)
        for kind in VectorKind:
            found |= question.vectors.best_in_files(
                kind,
                without(by_index, question.scope.hidden_from(kind)),
                REPRESENTATIVE_SNIPPETS_PER_FILE,
            )
        within = Scope(
            frozenset(files), frozenset(file_ids), hidden_file_ids=question.scope.hidden_from(None)
        )
        for name in sorted(understanding.names | understanding.proper_words):
            found |= question.keyword.definitions(name, (), within, MOST_DEFINITIONS)
        return found

    def _measure(
        self, question: _Question, snippets: Sequence[FoundSnippet], matches: FileMatches
    ) -> list[Candidate]:
        """Every engine's score for every candidate, also for those that another engine found."""
        by_index: dict[int, list[int]] = {}
        for snippet in snippets:
            by_index.setdefault(snippet.index_id, []).append(snippet.id)
        code = question.vectors.score(VectorKind.CODE, by_index)
        text = question.vectors.score(VectorKind.TEXT, by_index)
        keyword = matches.scores(snippet.id for snippet in snippets)
        sources = (
            question.transaction.search.sources(by_index)
            if len(question.scope.index_ids) > 1
            else {}
        )
        return [
            # By position, which takes half as long: a search does this for hundreds.
            Candidate(
                snippet_id,
                file_id,
                path,
                start_line,
                end_line,
                language,
                symbol,
                keyword.get(snippet_id, 0.0),
                code.get(snippet_id, 0.0),
                text.get(snippet_id, 0.0),
                also_defines,
                question.pasted.get(snippet_id, 0.0),
                sources.get(index_id, ""),
            )
            for (
                snippet_id,
                index_id,
                file_id,
                path,
                start_line,
                end_line,
                language,
                symbol,
                also_defines,
                _content_hash,
            ) in snippets
        ]


def _occurs(keyword: KeywordReader, term: str) -> bool:
    return bool(keyword.statistics((term,)).frequencies.get(term))


def _weak(question: _Question, listing: Listing) -> bool:
    """Whether the best result is weak; never if the keyword index lacks some snippets."""
    if not listing.listed or question.keyword.leaves_out:
        return False
    best = listing.listed[0].result
    statistics = question.keyword.statistics(question.understanding.terms)
    return isinstance(best, Ranked) and is_weak(
        question.understanding, best.explanation, statistics, question.vectors.model
    )
