"""The list of results: no snippet twice, and each text once, with the places of its copies."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from kodit.domain.entities import StoredSnippet
from kodit.domain.ranking.ranking import Ranked
from kodit.domain.search import MOST_COPIES, CopyPlace, FoundSnippet, SignalPoints
from kodit.domain.value_objects import Hit


class Listed(NamedTuple):
    """A result: the identifiers of its main snippet and of the neighbours merged with it, and the
    copies of the main snippet."""

    result: Ranked | Hit
    snippet_ids: tuple[int, ...]
    copies: tuple[FoundSnippet, ...]


TextKey = tuple[str, str]
"""The content hash and the language: equal text in another language is no copy."""
Place = tuple[str, int, int]
"""Path, first line and index."""


class Listing:
    """Best first. A result is left out if its main snippet is a copy of a snippet of a result above
    it, a merged neighbour included."""

    def __init__(self) -> None:
        self.listed: list[Listed] = []
        self._ids: set[int] = set()
        self._texts = set[TextKey]()

    def add_ranked(self, ranked: Iterable[Ranked], found: FoundTexts, limit: int) -> None:
        """Add results of the ranking, whose snippets are all in `found`, until `limit` are
        listed."""
        for one in ranked:
            if len(self.listed) >= limit:
                break
            ids = [candidate.snippet_id for candidate in (one.candidate, *one.neighbours)]
            self._add(one, ids, found)

    def add_hits(self, hits: Sequence[Hit], found: FoundTexts, limit: int) -> None:
        """Add results of a single engine, until `limit` are listed. Of copies with the same score,
        the first by path and line is the result: an engine orders them by their ids, which depend
        on history."""
        ranks: dict[int, int] = {}
        for hit in hits:
            if len(self.listed) >= limit:
                break
            snippet = found.by_id.get(hit.snippet_id)
            if snippet is None or (text := _key(snippet)) in self._texts:
                continue
            self._texts.add(text)
            first, copies = hit, found.copies_of(hit.snippet_id)
            if copies:
                ranks = ranks or {one.snippet_id: rank for rank, one in enumerate(hits)}
                first = _first_of_tied(hit, copies, hits, ranks, found)
                copies = found.copies_of(first.snippet_id)
            self.listed.append(Listed(first, (first.snippet_id,), copies))

    def _add(self, result: Ranked | Hit, ids: Sequence[int], found: FoundTexts) -> None:
        texts = [_key(found.by_id[one]) for one in ids]
        is_new = self._ids.isdisjoint(ids) and texts[0] not in self._texts
        self._ids.update(ids)
        if is_new:
            self._texts.update(texts)
            self.listed.append(Listed(result, tuple(ids), found.copies_of(ids[0])))


class FoundTexts:
    """The candidates by identifier and by text; `outdated` snippets do not count as copies."""

    def __init__(self, found: Iterable[FoundSnippet], outdated: Collection[int] = ()) -> None:
        self.by_id: Mapping[int, FoundSnippet] = {one.id: one for one in found}
        self._by_text = defaultdict[TextKey, list[FoundSnippet]](list)
        if len({one.content_hash for one in self.by_id.values()}) == len(self.by_id):
            return  # no text occurs twice, as is usual
        for one in self.by_id.values():
            if one.id not in outdated:
                self._by_text[one.content_hash, one.language].append(one)

    def copies_of(self, snippet_id: int) -> tuple[FoundSnippet, ...]:
        """The other candidates with the same text."""
        if not self._by_text:
            return ()
        alike = self._by_text.get(_key(self.by_id[snippet_id]), ())
        if len(alike) == 1 and alike[0].id == snippet_id:
            return ()
        return tuple(one for one in alike if one.id != snippet_id)


def _key(snippet: FoundSnippet) -> TextKey:
    return snippet.content_hash, snippet.language


def _first_of_tied(
    hit: Hit,
    copies: Iterable[FoundSnippet],
    hits: Sequence[Hit],
    ranks: Mapping[int, int],
    found: FoundTexts,
) -> Hit:
    """The first by path and line of a hit and those of its copies with the same score; `ranks` are
    the positions of the hits."""
    tied = [hits[ranks[one.id]] for one in copies if one.id in ranks]
    tied = [hit, *(one for one in tied if one.score == hit.score)]
    return min(tied, key=lambda one: (*_place(found.by_id[one.snippet_id]), ranks[one.snippet_id]))


def _place(snippet: FoundSnippet) -> Place:
    return snippet.path, snippet.start_line, snippet.index_id


def places_of(
    shown: StoredSnippet,
    copies: Collection[FoundSnippet],
    owners: Mapping[int, Sequence[int]],
    sources: Mapping[int, str],
) -> Sequence[CopyPlace]:
    """The places of copies of a snippet, in order, at most `MOST_COPIES`. `owners` are the indexes
    that have each version, and `sources` those of the indexes."""
    if not copies and {shown.index_id}.issuperset(owners.get(shown.file_id, ())):
        return ()
    around: Sequence[StoredSnippet | FoundSnippet] = (shown, *copies)
    places = {
        CopyPlace(
            one.path, sources.get(index_id, shown.source), one.start_line, one.end_line, index_id
        )
        for one in around
        for index_id in owners.get(one.file_id, ())
        if one is not shown or index_id != shown.index_id
    }
    return sorted(places)[:MOST_COPIES]


def without(
    by_index: Mapping[int, Sequence[int]], hidden: frozenset[int]
) -> Mapping[int, Sequence[int]]:
    """Files by index, without the hidden ones."""
    if not hidden:
        return by_index
    return {
        index_id: [one for one in some if one not in hidden] for index_id, some in by_index.items()
    }


def explanation_of(result: Ranked | Hit) -> tuple[SignalPoints, ...]:
    """What the score of a result consists of; nothing for that of a single engine."""
    if isinstance(result, Hit):
        return ()
    return tuple(
        SignalPoints(part.signal, part.value, part.weight, part.points)
        for part in result.explanation
    )
