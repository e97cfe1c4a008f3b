"""Searching one state of the keyword index."""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from pathlib import Path
from typing import cast

import numpy as np
import tantivy
from numpy.typing import NDArray

from kodit.domain.keyword import KeywordPosition
from kodit.domain.ranking.candidate import CorpusStatistics
from kodit.domain.spelling import fold_case
from kodit.domain.value_objects import Hit, Scope
from kodit.infrastructure.keyword.asking import LEAST_ALIKE, Question, having_term
from kodit.infrastructure.keyword.corpus import Corpus, Figures
from kodit.infrastructure.keyword.file_matches import TantivyFileMatches
from kodit.infrastructure.keyword.found import Found, RecordCache
from kodit.infrastructure.keyword.querying import (
    Clause,
    any_of,
    explained,
    near_names,
    reading,
    within,
)
from kodit.infrastructure.keyword.schema import (
    CONTENT,
    FILE_ID,
    INDEX_ID,
    MINOR_NAME,
    NAME,
    PHRASES,
    SNIPPET_ID,
    TERMS,
)
from kodit.infrastructure.keyword.scoring import rarity
from kodit.infrastructure.keyword.sifting import sieve_for
from kodit.infrastructure.keyword.standing import Standing
from kodit.infrastructure.keyword.statistics import MOST_CORPORA, Drift, Statistics

MOST_SNIPPETS_OF_FILES = 20_000
"""More matching snippets than all candidate files together should have; if there are more, the
search is repeated for all of them.
"""
EXTRA_CANDIDATES = 16
"""Candidates that are rescored at first, beyond the number wanted."""
MOST_CANDIDATES = 20_000
"""If more snippets tie, or nearly tie, those that tantivy ranks first are taken."""
ROUNDING = 1e-5
"""Relative error of tantivy's single-precision scores."""
MOST_ALIKE = 2_000
"""If more snippets have words that differ from the query's only in diacritics, any may have."""
MOST = 0.5
"""The share of all snippets above which the few others are excluded."""


class KeywordState:
    """One committed state of the keyword index, with cached statistics of each set of indexes that
    was searched. Any number of threads may use it at once.
    """

    def __init__(
        self,
        index: tantivy.Index,
        folder: Path,
        records: RecordCache,
        standing: Standing,
        statistics: Statistics | None = None,
    ) -> None:
        """`statistics` are those known from an earlier opening of this state."""
        self.standing = standing
        self.statistics = Statistics() if statistics is None else statistics
        self.schema = index.schema
        self.searcher = index.searcher()
        self.folder = folder
        self.records = records
        self._whole = Corpus(self.searcher, self.schema, folder, figures=self.statistics.whole)
        self._corpora: dict[Hashable, Corpus] = {}

    def reader(self, scope: Scope | None = None) -> TantivyReader:
        """A reader whose scores use the statistics of a scope's indexes, or of all."""
        # A reader refers to the state, so the state must not refer to the reader: as soon as no
        # search uses it any more, a state must be freed, with its mapped files, which may be
        # deleted already.
        if scope is None:
            return TantivyReader(self, self._whole, None)
        key = scope.whole_stores, scope.listed, scope.hidden_from(None)
        corpus = self._corpora.get(key)
        if corpus is None:
            if len(self._corpora) >= MOST_CORPORA:
                self._corpora = {}
            corpus = self._corpora[key] = self._corpus(scope, self.statistics.of_scope(key))
        return TantivyReader(self, corpus, scope.whole_stores if corpus is self._whole else None)

    def _corpus(self, scope: Scope, figures: Figures) -> Corpus:
        clauses = within(scope.of_all_files())
        some = Corpus(self.searcher, self.schema, self.folder, clauses, figures)
        return self._whole if some.snippets == self._whole.snippets else some

    def share_of(self, corpus: Corpus) -> float:
        """The share of all snippets that count in a corpus."""
        return corpus.snippets / max(self._whole.snippets, 1)

    def drift(self, term: str) -> Drift:
        """The statistics behind tantivy's scores, found with a term that some snippet has."""
        drift = self.statistics.drift
        if drift is None:
            wanted = tantivy.Query.term_query(self.schema, TERMS, term, "freq")
            with reading(self.folder):
                ((_score, address),) = self.searcher.search(wanted, 1, count=False).hits
                tree = json.loads(wanted.explain(self.searcher, address).to_json())
            drift = Drift(explained(tree, "N, "), explained(tree, "avgdl, "))
            self.statistics.drift = drift
        return drift


class TantivyReader:
    """Any number of threads may use it at once: it is immutable."""

    leaves_out: frozenset[int] = frozenset()

    def __init__(
        self, state: KeywordState, corpus: Corpus, every_index: frozenset[int] | None
    ) -> None:
        """`every_index` are the indexes of all snippets in this state, if they are known."""
        self._state = state
        self._every_index = every_index
        self._schema = state.schema
        self._searcher = state.searcher
        self._folder = state.folder
        self._corpus = corpus
        self._share = state.share_of(corpus)

    def over(self, scope: Scope) -> TantivyReader:
        return self._state.reader(scope)

    def positions(self, index_ids: Iterable[int]) -> dict[int, KeywordPosition | None]:
        standing = self._state.standing
        return {index_id: standing.position(index_id) for index_id in index_ids}

    def without(self, index_ids: frozenset[int]) -> TantivyReader:
        other = copy(self)
        other.leaves_out = index_ids
        return other

    def search(self, terms: Sequence[str], scope: Scope, limit: int) -> list[Hit]:
        if not terms:
            return []
        return self._best(terms, within(scope), limit, must_match=True)

    def candidates(self, terms: Sequence[str], scope: Scope, limit: int) -> set[int]:
        if not terms:
            return set()
        return self._among_best(terms, within(scope), limit, must_match=True)

    def definitions(
        self, name: str, terms: Sequence[str], scope: Scope, limit: int, *, minor: bool = False
    ) -> set[int]:
        named = Clause(tantivy.Occur.Must, MINOR_NAME if minor else NAME, (fold_case(name),))
        return self._among_best(terms, [named, *within(scope)], limit, must_match=False)

    def having_all(self, terms: Sequence[str], scope: Scope, limit: int) -> set[int]:
        having = [having_term(term) for term in terms]
        return self._among_best(terms, [*having, *within(scope)], limit, must_match=True)

    def near(self, names: Mapping[str, int], scope: Scope, limit: int) -> list[Hit]:
        options = [
            (tantivy.Occur.Should, one)
            for name, edits in names.items()
            for one in near_names(self._schema, name, edits)
        ]
        if not options or not self._searcher.num_docs:
            return []
        clauses = [(one.occur, any_of(self._schema, one)) for one in self._trusted(within(scope))]
        wanted = tantivy.Query.boolean_query(
            [*clauses, (tantivy.Occur.Must, tantivy.Query.boolean_query(options))]
        )
        with reading(self._folder):
            answer = self._searcher.search(wanted, limit, count=False)
        found = Found(self._searcher, [address for _score, address in answer.hits], np.empty(0))
        return [Hit(snippet_id, 0.0) for snippet_id in found.column(SNIPPET_ID).tolist()]

    def in_files(self, terms: Sequence[str], file_ids: Sequence[int]) -> TantivyFileMatches:
        question = self._ask(terms)
        if not file_ids or not terms:
            return TantivyFileMatches(question, self._nothing(), np.empty(0))
        these = Clause(tantivy.Occur.Must, FILE_ID, tuple(file_ids))
        limit = MOST_SNIPPETS_OF_FILES
        found = self._find(question, [these], limit, must_match=True)
        if len(found) == limit:
            found = self._find(question, [these], self._searcher.num_docs, must_match=True)
        return TantivyFileMatches(question, found, self._at_least(question, found, [these]))

    def statistics(self, terms: Sequence[str]) -> CorpusStatistics:
        corpus = self._corpus
        return CorpusStatistics(corpus.snippets, {term: corpus.having(term) for term in terms})

    # Finding

    def _best(
        self, terms: Sequence[str], clauses: Sequence[Clause], limit: int, *, must_match: bool
    ) -> list[Hit]:
        """The best by the scores computed here. As many of tantivy's candidates are read as it
        takes to be sure that none is missing.
        """
        question, least = self._ask(terms), 0.0
        for wanted, is_last in _sizes(limit):
            found = self._find(question, clauses, wanted, must_match=must_match, least=least)
            near = _promising(question, found, limit)
            exact = question.score(near, np.arange(len(near)))
            order = np.lexsort((near.column(CONTENT), -exact))[:limit]
            is_complete = len(found) < wanted or is_last
            if is_complete or exact[order[-1]] > found.scores[-1] * question.most:
                ids = near.column(SNIPPET_ID)
                return list(map(Hit, ids[order].tolist(), exact[order].tolist()))
            least = exact[order[-1]]
        raise AssertionError

    def _among_best(
        self, terms: Sequence[str], clauses: Sequence[Clause], limit: int, *, must_match: bool
    ) -> set[int]:
        """The snippets of `_best`, in no order: scores are computed here only for those of which
        tantivy's do not tell whether they are among them.
        """
        question = self._ask(terms)
        for wanted, is_last in _sizes(limit):
            found = self._find(question, clauses, wanted, must_match=must_match)
            ids = found.column(SNIPPET_ID)
            is_complete = len(found) < wanted or is_last
            if len(found) <= limit:
                if is_complete:
                    return set(ids.tolist())
                continue
            at_least = self._at_least(question, found, clauses)
            at_most = found.scores * question.most
            sure = at_least > at_most[limit]
            places = np.flatnonzero(sure)
            unsure = np.flatnonzero(~sure & (at_most >= np.sort(at_least)[-limit]))
            exact = question.score(found, unsure)
            order = np.lexsort((found.column(CONTENT)[unsure], -exact))[: limit - len(places)]
            if is_complete or not len(order) or exact[order[-1]] > at_most[-1]:
                return {*ids[places].tolist(), *ids[unsure[order]].tolist()}
        raise AssertionError

    def _at_least(
        self, question: Question, found: Found, clauses: Sequence[Clause]
    ) -> NDArray[np.float64]:
        """Lower bounds of the exact scores: low ones for words that differ in diacritics."""
        bounds = found.scores * question.least
        alike = question.alike
        if alike and question.least:
            having = Clause(tantivy.Occur.Must, TERMS, alike)
            nothing = question._replace(asked=())
            some = self._find(nothing, [having, *clauses], MOST_ALIKE, must_match=False)
            lowered = np.isin(found.column(SNIPPET_ID), some.column(SNIPPET_ID))
            bounds[lowered | (len(some) == MOST_ALIKE)] *= LEAST_ALIKE
        return bounds

    def _find(
        self,
        question: Question,
        clauses: Sequence[Clause],
        limit: int,
        *,
        must_match: bool,
        least: float = 0.0,
    ) -> Found:
        """Snippets that satisfy the clauses; with `must_match`, only those that have a term. Those
        whose exact scores are below `least` may be left out."""
        if not self._searcher.num_docs or not all(clause.is_possible for clause in clauses):
            return self._nothing()
        if must_match and not question.asked:
            return self._nothing()
        trusted = self._trusted(clauses)
        sieve = sieve_for(trusted, limit, self._share)
        if sieve is not None and (question.asked or sieve.asked):
            found = self._run(question, sieve.asked, sieve.wanted, must_match=must_match)
            sifted = sieve.sift(found.down_to(least / question.most), limit)
            if sifted is not None:
                return sifted
        return self._run(question, trusted, limit, must_match=must_match)

    def _run(
        self, question: Question, clauses: Sequence[Clause], limit: int, *, must_match: bool
    ) -> Found:
        """What tantivy finds."""
        query = tantivy.Query
        parts = [
            (clause.occur, query.const_score_query(any_of(self._schema, clause), 0.0))
            for clause in clauses
        ]
        if question.asked:
            occur = tantivy.Occur.Must if must_match else tantivy.Occur.Should
            parts.append((occur, question.query))
        whole = parts[0][1] if len(parts) == 1 else query.boolean_query(parts)
        with reading(self._folder):
            answer = self._searcher.search(whole, max(limit, 1), count=False)
        hits = cast(list[tuple[float, tantivy.DocAddress]], answer.hits)
        return Found(
            self._searcher,
            [address for _score, address in hits],
            np.array([score for score, _address in hits]),
        )

    def _trusted(self, clauses: Sequence[Clause]) -> Sequence[Clause]:
        """The clauses, without the indexes that this reader does not answer for. One that every
        snippet satisfies is left out, and one that most satisfy excludes the few others instead: it
        takes a third of the time of a search, or more."""
        trusted = [
            shorter
            for one in clauses
            for shorter in (self._excluding(one) if one.field == INDEX_ID else (one,))
        ]
        if self.leaves_out:
            trusted.append(Clause(tantivy.Occur.MustNot, INDEX_ID, tuple(self.leaves_out)))
        return trusted

    def _excluding(self, clause: Clause) -> Sequence[Clause]:
        """A clause for some indexes, by what it excludes if that is less; nothing if it excludes
        nothing."""
        if clause.occur != tantivy.Occur.Must:
            return (clause,)
        if self._every_index is not None and self._every_index.issubset(clause.values):
            return ()
        if clause.or_else is not None or self._share <= MOST:
            return (clause,)
        places = self._state.standing.places.keys()
        if places.isdisjoint(clause.values):
            return (clause,)  # who wrote them did not say of which indexes they are
        others = places - set(map(int, clause.values))
        return (Clause(tantivy.Occur.MustNot, INDEX_ID, tuple(others)),) if others else ()

    def _nothing(self) -> Found:
        return Found(self._searcher, [], np.empty(0))

    def _ask(self, terms: Sequence[str]) -> Question:
        corpus = self._corpus
        known = [asked for asked in map(corpus.asked, terms) if asked.having]
        rarities = [rarity(corpus.snippets, asked.having) for asked in known]
        drift = (
            self._state.drift(known[0].tokens[0])
            if known
            else Drift(corpus.snippets, corpus.average_length)
        )
        weighed: list[tuple[tantivy.Occur, tantivy.Query]] = []
        for asked, exact in zip(known, rarities, strict=True):
            for token in asked.tokens:
                wanted = tantivy.Query.term_query(self._schema, TERMS, token, "freq")
                factor = exact / drift.rarity(self._searcher, token)
                is_exact = corpus.matches_engine and asked.is_plain
                if not is_exact or abs(factor - 1) > ROUNDING / 2:
                    wanted = tantivy.Query.boost_query(wanted, factor)
                if asked.phrase:
                    wanted = self._in_a_row(asked.phrase, wanted)
                weighed.append((tantivy.Occur.Should, wanted))
        return Question(
            known,
            rarities,
            corpus.average_length,
            tantivy.Query.boolean_query(weighed),
            drift.average_length,
            self._state.records,
        )

    def _in_a_row(self, pairs: Sequence[str], wanted: tantivy.Query) -> tantivy.Query:
        """The query, restricted to documents with this phrase of pairs of characters."""
        row = any_of(self._schema, Clause(tantivy.Occur.Must, PHRASES, pairs))
        return tantivy.Query.boolean_query(
            [
                (tantivy.Occur.Must, tantivy.Query.const_score_query(row, 0.0)),
                (tantivy.Occur.Must, wanted),
            ]
        )


def _promising(question: Question, found: Found, limit: int) -> Found:
    """Those found that may be among so many best by their exact scores."""
    if len(found) <= limit or question.alike:
        return found
    # The best by tantivy's scores come first.
    least = found.scores[limit - 1] * question.least
    if found.scores[-1] * question.most >= least:
        return found
    return found.at(np.flatnonzero(found.scores * question.most >= least))


def _sizes(limit: int) -> Iterator[tuple[int, bool]]:
    """How many of tantivy's candidates are read for so many results, and then, if these may not be
    all that it takes, for the next try; and whether that is the last one."""
    most = max(limit, MOST_CANDIDATES)
    wanted = min(limit + max(EXTRA_CANDIDATES, limit // 4), most)
    while True:
        yield wanted, wanted >= most
        wanted = min(4 * wanted, most)
