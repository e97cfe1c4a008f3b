"""Orders candidates by weighted sums of signals: by file, with different files first, for a topic
or a name; by snippet for a statement about what one of them does.

The engines' scores are signals among others and are not fused by reciprocal rank, which ignores by
how much one result is better. `benchmarks/retrieval.py` measures that as a baseline: NDCG@10 .736
against .911.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import NamedTuple

from kodit.domain.ranking.candidate import Candidate, CorpusStatistics
from kodit.domain.ranking.query import QueryUnderstanding
from kodit.domain.ranking.signals import (
    SIGNALS,
    FileEvidence,
    Signal,
    definition_fit,
    gather,
    path_asked,
    place_in_scope,
    snippet_points,
    snippet_signals,
    total_rarity,
)
from kodit.domain.ranking.weights import (
    FURTHER_SNIPPET,
    REPEATED_FILE,
    WITHIN_FILE,
    weights_for,
)
from kodit.domain.snippet import SymbolKind

NEARLY_AS_MUCH = 1.0
"""How many points a snippet may be weaker than its shown neighbour to be shown with it."""
MOST_BLANK_LINES = 2
MOST_JOINED_LINES = 100
"""The most lines that are joined into one result, and the most lines between its snippets."""


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one signal added to a score: its `value` times its `weight`."""

    signal: str
    value: float
    weight: float

    @property
    def points(self) -> float:
        return self.value * self.weight


_FURTHER: tuple[Contribution, ...] = (Contribution("further_snippet", 1.0, -FURTHER_SNIPPET),)


@dataclass(frozen=True, slots=True)
class Ranked:
    """A ranked candidate. The points of `explanation` sum to `score`; `neighbours` are the adjacent
    snippets that match nearly as well."""

    candidate: Candidate
    score: float
    explanation: tuple[Contribution, ...]
    neighbours: tuple[Candidate, ...] = ()


def rank(
    query: QueryUnderstanding,
    candidates: Iterable[Candidate],
    statistics: CorpusStatistics,
    *,
    kinds: Collection[SymbolKind] = (),
    outdated: Collection[int] = (),
) -> Iterator[Ranked]:
    """The candidates, best first; each costs little until it is taken. With `kinds`, only snippets
    that define one of them are returned, though a file is judged by all of its candidates.
    `outdated` snippets are not returned beside others of their file, of which they are an earlier
    version.

    A file is scored as a whole and represented by its best snippet; each further snippet of it is
    lower by `REPEATED_FILE` for each one above it, and by how much weaker it is itself. For a
    statement, each snippet has its own score, of which its file's score is a part, and a file may
    have as many places as its snippets deserve. Equal scores are ordered by path, source and line,
    so that the order depends on the content alone.
    """
    weighted = _weighted(weights_for(query))
    rarity = total_rarity(query, statistics)
    by_file = dict[int, list[Candidate]]()
    for candidate in candidates:
        by_file.setdefault(candidate.file_id, []).append(candidate)
    shown = by_file if not outdated else _newest(by_file, outdated)
    shown = shown if not kinds else _of_kinds(shown, kinds)
    judged = [
        _judge(gather(query, by_file[file_id], rarity), some, weighted)
        for file_id, some in shown.items()
    ]
    judged.sort(key=_before)
    # A snippet is never better than the first one of its file, so that the places of a file are
    # worked out only when its first one is next.
    opened: list[tuple[_Key, int, _Placed]] = []
    number = 0
    for one in judged:
        while opened and opened[0][0] < _before(one):
            yield _explained(heappop(opened)[2], weighted)
        for place in _places(one):
            number += 1
            key = (-place.score, *_place(place.candidate), place.candidate.start_line)
            heappush(opened, (key, number, place))
    while opened:
        yield _explained(heappop(opened)[2], weighted)


_Weighted = Sequence[tuple[str, Signal, float]]
"""The signals of a query, by name, with their weights, in the order in which a score is explained:
summing in another order may change the last bit, and with it the order of equal scores."""
_Key = tuple[float, str, str, int]
"""The order of the results: by score, path, source and line."""


class _Judged(NamedTuple):
    """A file, its snippets that may be returned, the values of its signals, their weighted sum, and
    the score of its first snippet in the list."""

    file: FileEvidence
    shown: Sequence[Candidate]
    values: Sequence[float]
    total: float
    first: float


class _Placed(NamedTuple):
    """A snippet with its score, and the penalty for not being its file's first."""

    candidate: Candidate
    score: float
    of: _Judged
    below: tuple[Contribution, ...] = ()
    neighbours: tuple[Candidate, ...] = ()


def _weighted(weights: Mapping[str, float]) -> _Weighted:
    return [(name, signal, weights[name]) for name, signal in SIGNALS.items() if name in weights]


def _judge(file: FileEvidence, shown: Sequence[Candidate], weighted: _Weighted) -> _Judged:
    values = [signal(file) for _name, signal, _weight in weighted]
    total = 0.0
    for value, (_name, _signal, weight) in zip(values, weighted, strict=True):
        total += value * weight
    if not file.query.is_statement:
        return _Judged(file, shown, values, total, total)
    best = max([snippet_points(file, candidate) for candidate in shown])
    return _Judged(file, shown, values, total, total + best)


def _place(candidate: Candidate) -> tuple[str, str]:
    return candidate.path, candidate.source


def _before(judged: _Judged) -> tuple[float, str, str]:
    """The order of files, which is that of their first snippets."""
    return -judged.first, *_place(judged.shown[0])


def _newest(
    by_file: Mapping[int, Sequence[Candidate]], outdated: Collection[int]
) -> dict[int, list[Candidate]]:
    """For each file, the snippets that are not outdated, or all of them if all are."""
    return {
        file_id: [one for one in all_of if one.snippet_id not in outdated] or list(all_of)
        for file_id, all_of in by_file.items()
    }


def _of_kinds(
    by_file: Mapping[int, Sequence[Candidate]], kinds: Collection[SymbolKind]
) -> dict[int, list[Candidate]]:
    """For each file that has any, the snippets that define a symbol of one of the kinds."""
    found = {
        file_id: [one for one in all_of if one.symbol is not None and one.symbol.kind in kinds]
        for file_id, all_of in by_file.items()
    }
    return {file_id: some for file_id, some in found.items() if some}


def _places(judged: _Judged) -> Iterator[_Placed]:
    """The snippets of a file, with scores of their own or below the best one."""
    file, shown, _values, total, first = judged
    (best, shown_best), others, beside = _snippets(file, shown)
    yield _Placed(shown_best, first, judged, (), beside)
    for above, (points, candidate) in enumerate(others, start=1):
        if file.query.is_statement:
            yield _Placed(candidate, total + points - FURTHER_SNIPPET, judged, _FURTHER)
            continue
        below = (
            Contribution("repeated_file", above, -REPEATED_FILE),
            Contribution("weaker_snippet", min(points - best, 0.0), 1.0),
        )
        score = total + sum(part.points for part in below)
        yield _Placed(candidate, score, judged, below)


def _explained(place: _Placed, weighted: _Weighted) -> Ranked:
    file, values = place.of.file, place.of.values
    parts = [
        Contribution(name, value, weight)
        for value, (name, _signal, weight) in zip(values, weighted, strict=True)
        if value
    ]
    if file.query.is_statement:
        of_snippet = snippet_signals(file, place.candidate)
        parts += [
            Contribution(f"snippet_{name}", value, weight)
            for (name, weight), value in zip(WITHIN_FILE.items(), of_snippet, strict=False)
            if value
        ]
    return Ranked(place.candidate, place.score, (*parts, *place.below), place.neighbours)


Weighed = tuple[float, Candidate]
"""A snippet and the sum of its signals' points."""


def _snippets(
    file: FileEvidence, shown: Sequence[Candidate]
) -> tuple[Weighed, list[Weighed], tuple[Candidate, ...]]:
    """The snippet that represents the file in the list, the others in order, and the snippets that
    are joined to the first."""
    own = [(snippet_points(file, candidate), candidate) for candidate in shown]
    own.sort(key=lambda pair: (*_place_in_file(file, pair[1]), -pair[0], pair[1].start_line))
    best, shown_best = own[0]
    beside = _neighbours(
        shown_best, [one for points, one in own if best - points <= NEARLY_AS_MUCH]
    )
    return own[0], [pair for pair in own[1:] if pair[1] not in beside], beside


def _neighbours(shown: Candidate, others: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """The `others` that touch the shown snippet, or another one that does. A snippet above it that
    defines something else is left out: a result starts with the definition it is named by."""
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
    """The order of snippets within a file. For a name: where its definition starts, in the wanted
    scope, the best fit and the first line; for a file that is asked for: its start."""
    if not file.query.kind.is_name:
        return (0.0, 0.0, candidate.start_line if path_asked(file) else 0)
    fit = definition_fit(candidate, file.query.names)
    return (-place_in_scope(candidate, file.query), -fit, candidate.start_line if fit else 0)
