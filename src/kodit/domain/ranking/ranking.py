"""Candidates put in order: evidence by file, one sum of signals, different files first.

The engines' scores are signals among others, and not fused by reciprocal rank: that forgets by how
much one is better. `benchmarks/retrieval.py` measures it as a baseline: NDCG@10 .736 against .907.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from kodit.domain.ranking.candidate import Candidate, CorpusStatistics
from kodit.domain.ranking.query import QueryKind, QueryUnderstanding
from kodit.domain.ranking.signals import (
    SIGNALS,
    FileEvidence,
    definition_fit,
    gather,
    place_in_scope,
    snippet_points,
    total_rarity,
)
from kodit.domain.ranking.weights import REPEATED_FILE, weights_for
from kodit.domain.snippet import SymbolKind

NEARLY_AS_MUCH = 1.0
"""Points by which a snippet may be weaker than its neighbour that is shown, to be shown with it."""
MOST_BLANK_LINES = 2
MOST_JOINED_LINES = 100
"""What is shown as one: snippets with so many lines between them, up to so many lines in all."""


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one signal added to a score: its `value` times its `weight`."""

    signal: str
    value: float
    weight: float

    @property
    def points(self) -> float:
        return self.value * self.weight


@dataclass(frozen=True, slots=True)
class Ranked:
    """A candidate in its place. The points of `explanation` sum to `score`; `neighbours` are the
    snippets right above and below it that say nearly as much."""

    candidate: Candidate
    score: float
    explanation: tuple[Contribution, ...]
    neighbours: tuple[Candidate, ...] = ()


def rank(
    query: QueryUnderstanding,
    candidates: Iterable[Candidate],
    statistics: CorpusStatistics,
    limit: int,
    *,
    kinds: Collection[SymbolKind] = (),
    outdated: Collection[int] = (),
) -> list[Ranked]:
    """The best `limit` candidates, best first; shown are those that define one of the `kinds`,
    where any are given, though a file is judged by all of its candidates. Snippets that are
    `outdated` are not shown beside others of their file, of which they are an earlier version.

    A file is scored as a whole and stands in the list with its best snippet; a further snippet of
    it comes below by `REPEATED_FILE` for each one above, and by how much weaker it is itself.
    Equal scores are ordered by path, source and line, so that the order is that of the content
    alone.
    """
    weights = weights_for(query.kind)
    rarity = total_rarity(query, statistics)
    by_file = dict[int, list[Candidate]]()
    for candidate in candidates:
        by_file.setdefault(candidate.file_id, []).append(candidate)
    shown = by_file if not outdated else _newest(by_file, outdated)
    shown = shown if not kinds else _of_kinds(shown, kinds)
    files = [gather(query, by_file[file_id], rarity) for file_id in shown]
    # Only the best files can have a place, so only they are looked at snippet by snippet.
    files.sort(key=lambda file: (-_score(file, weights), *_place(file.candidates[0])))
    ranked: list[Ranked] = []
    for file in files[:limit]:
        ranked.extend(_rank_file(file, shown[file.candidates[0].file_id], weights, limit))
    ranked.sort(key=lambda r: (-r.score, *_place(r.candidate), r.candidate.start_line))
    return ranked[:limit]


def _place(candidate: Candidate) -> tuple[str, str]:
    return candidate.path, candidate.source


def _score(file: FileEvidence, weights: Mapping[str, float]) -> float:
    # In the order of the explanation: another one may give another last bit, and with it another
    # place among equals.
    score = 0.0
    for name, signal in SIGNALS.items():
        if name in weights:
            score += signal(file) * weights[name]
    return score


def _newest(
    by_file: Mapping[int, Sequence[Candidate]], outdated: Collection[int]
) -> dict[int, list[Candidate]]:
    """Of each file those that are not outdated, or all where all are."""
    return {
        file_id: [one for one in all_of if one.snippet_id not in outdated] or list(all_of)
        for file_id, all_of in by_file.items()
    }


def _of_kinds(
    by_file: Mapping[int, Sequence[Candidate]], kinds: Collection[SymbolKind]
) -> dict[int, list[Candidate]]:
    """Those that define a symbol of one of the kinds, of each file that has any."""
    found = {
        file_id: [one for one in all_of if one.symbol is not None and one.symbol.kind in kinds]
        for file_id, all_of in by_file.items()
    }
    return {file_id: some for file_id, some in found.items() if some}


def _rank_file(
    file: FileEvidence, shown: Sequence[Candidate], weights: Mapping[str, float], limit: int
) -> list[Ranked]:
    explanation = tuple(
        Contribution(name, value, weights[name])
        for name, signal in SIGNALS.items()
        if name in weights and (value := signal(file))
    )
    total = sum(part.points for part in explanation)
    own = [(snippet_points(file, candidate), candidate) for candidate in shown]
    own.sort(key=lambda pair: (*_place_in_file(file, pair[1]), -pair[0], pair[1].start_line))
    best, shown_best = own[0]
    beside = _neighbours(
        shown_best, [one for points, one in own if best - points <= NEARLY_AS_MUCH]
    )
    ranked = [Ranked(shown_best, total, explanation, beside)]
    others = [pair for pair in own[1:] if pair[1] not in beside]
    for above, (points, candidate) in enumerate(others[: limit - 1], start=1):
        below = (
            Contribution("repeated_file", above, -REPEATED_FILE),
            Contribution("weaker_snippet", min(points - best, 0.0), 1.0),
        )
        score = total + sum(part.points for part in below)
        ranked.append(Ranked(candidate, score, explanation + below))
    return ranked


def _neighbours(shown: Candidate, others: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """Those of `others` that touch the one that is shown, or another one that does. What stands
    above and defines something else does not: a result begins with what it is named by."""
    first, last, found = shown.start_line, shown.end_line, list[Candidate]()
    while True:
        for one in others:
            touches = (
                one.symbol in (None, shown.symbol)
                and one.end_line < first <= one.end_line + 1 + MOST_BLANK_LINES
            ) or one.start_line - 1 - MOST_BLANK_LINES <= last < one.start_line
            lines = max(last, one.end_line) - min(first, one.start_line) + 1
            if touches and lines <= MOST_JOINED_LINES:
                first, last = min(first, one.start_line), max(last, one.end_line)
                found.append(one)
                break
        else:
            return tuple(found)


def _place_in_file(file: FileEvidence, candidate: Candidate) -> tuple[float, float, int]:
    """Who asks for a name is shown where its definition begins, in the scope asked for, the best
    fit and the first line; who asks for a file, where the file begins."""
    if file.query.kind is QueryKind.PATH:
        return (0.0, 0.0, candidate.start_line)
    if not file.query.kind.is_name:
        return (0.0, 0.0, 0)
    fit = definition_fit(candidate, file.query.names)
    return (-place_in_scope(candidate, file.query), -fit, candidate.start_line if fit else 0)
