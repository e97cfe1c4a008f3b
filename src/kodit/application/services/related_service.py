"""Finds snippets similar to one at a place."""

from __future__ import annotations

from collections import Counter

from kodit.application.services.browse_service import find_exactly, find_place
from kodit.application.services.listing import places_of
from kodit.domain.entities import SearchResult, StoredSnippet
from kodit.domain.errors import InvalidQueryError, NotFoundError
from kodit.domain.files import FilePlace
from kodit.domain.ports.catalogue import Catalogue, OpenCatalogue
from kodit.domain.ports.engines import VectorIndex
from kodit.domain.search import with_copy
from kodit.domain.value_objects import SearchFilter, VectorKind

MOST_OF_ONE_FILE = 2
"""The maximum of results from one file: a third snippet adds little."""
CANDIDATES_PER_RESULT = 8
"""How many candidates are fetched per wanted result, since neighbours come from few files."""


class RelatedService:
    """Synchronous: a search by a stored vector, in one transaction."""

    def __init__(self, *, catalogue: Catalogue, vector_index: VectorIndex) -> None:
        self._catalogue = catalogue
        self._vector_index = vector_index

    def find(
        self, index_id: int, place: str | FilePlace, search_filter: SearchFilter, limit: int
    ) -> list[SearchResult]:
        """The snippets whose code is most similar to that at `PATH:LINE`, most similar first,
        scored by cosine similarity: never the snippet itself or a copy of the same lines of the
        same path, and at most two of one file. Equal texts are one result.

        Raises NotFoundError if there is no snippet, and InvalidQueryError for an invalid line or a
        snippet that has no vector yet.
        """
        with self._catalogue.open() as catalogue:
            snippet = snippet_at(catalogue, index_id, place)
            stored = catalogue.code_vector(snippet)
            if stored is None:
                raise InvalidQueryError(
                    f"{snippet.path!r}:{snippet.start_line} has no vector yet",
                    code="index_incomplete",
                    source=snippet.source,
                )
            model, vector = stored
            hits = self._vector_index.reader(catalogue.transaction).search(
                VectorKind.CODE,
                model,
                vector,
                catalogue.scope(search_filter),
                (limit + 1) * CANDIDATES_PER_RESULT,
            )
            others = catalogue.snippets([hit.snippet_id for hit in hits])
            search = catalogue.transaction.search
            owners = search.owners({one.file_id: one.index_id for one in others})
            sources = search.sources({one for some in owners.values() for one in some[1:]})
        found = {one.id: one for one in others}
        results: dict[tuple[str, str], SearchResult] = {}
        of_file: Counter[int] = Counter()
        for hit in hits:
            other = found.get(hit.snippet_id)
            if other is None or _is_same(snippet, other):
                continue
            of_file[other.file_id] += 1
            if of_file[other.file_id] > MOST_OF_ONE_FILE:
                continue
            key = other.text, other.language
            elsewhere = tuple(places_of(other, (), owners, sources))
            first = results.setdefault(key, SearchResult(other, hit.score, also_in=elsewhere))
            if first.snippet.id != other.id:
                results[key] = with_copy(first, other, *elsewhere)
        return list(results.values())[:limit]


def snippet_at(catalogue: OpenCatalogue, index_id: int, place: str | FilePlace) -> StoredSnippet:
    """The snippet that contains a line, or is nearest to it. Raises NotFoundError and
    InvalidQueryError."""
    if isinstance(place, FilePlace):
        wanted = place
        _, file = find_exactly(catalogue, index_id, place.path)
    else:
        _, file, wanted = find_place(catalogue, index_id, place)
    line = wanted.start_line or 1
    snippets = catalogue.snippets_of_file(file.id)
    if not snippets:
        raise NotFoundError(
            f"{wanted.path!r} has no snippets: there is nothing to compare",
            code="file_without_snippets",
            path=wanted.path,
        )
    last = snippets[-1].end_line
    if line > last:
        raise NotFoundError(
            f"{wanted.path!r} ends at line {last}; there is no line {line}",
            code="line_not_found",
            path=wanted.path,
            line=line,
        )
    return min(snippets, key=lambda one: max(one.start_line - line, line - one.end_line, 0))


def _is_same(snippet: StoredSnippet, other: StoredSnippet) -> bool:
    """Whether the other is the snippet itself, its pending replacement, or its copy in another
    index of the same project."""
    overlaps = other.start_line <= snippet.end_line and snippet.start_line <= other.end_line
    return (other.file_id == snippet.file_id and overlaps) or (
        other.path == snippet.path and other.text == snippet.text
    )
