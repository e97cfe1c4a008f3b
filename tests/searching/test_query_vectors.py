"""A query whose indexes have vectors of different models."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import pytest

from kodit.application.services.query_vectors import QueryVectors, _Part
from kodit.domain.value_objects import Hit, Scope, VectorKind

CODE, TEXT = VectorKind.CODE, VectorKind.TEXT


class Row(NamedTuple):
    """A stored vector, reduced to its similarity to the query."""

    index_id: int
    file_id: int
    snippet_id: int
    score: float


class VectorsInMemory:
    """The vectors of each model. An index that has changed its model may still have some of the
    former one."""

    def __init__(self, **rows: list[Row]) -> None:
        self._rows = rows

    def search(
        self, kind: VectorKind, model: str, vector: Sequence[float], scope: Scope, limit: int
    ) -> list[Hit]:
        rows = [row for row in self._of(kind, model) if row.index_id in scope.store_ids]
        return _best(rows)[:limit]

    def best_in_files(
        self,
        kind: VectorKind,
        model: str,
        vector: Sequence[float],
        files: Mapping[int, Sequence[int]],
        per_file: int,
    ) -> set[int]:
        return {
            hit.snippet_id
            for index_id, of_index in files.items()
            for file_id in of_index
            for hit in _best(
                row for row in self._of(kind, model) if row[:2] == (index_id, file_id)
            )[:per_file]
        }

    def score(
        self,
        kind: VectorKind,
        model: str,
        vector: Sequence[float],
        snippets: Mapping[int, Sequence[int]],
    ) -> dict[int, float]:
        return {
            row.snippet_id: row.score
            for row in self._of(kind, model)
            if row.snippet_id in snippets.get(row.index_id, ())
        }

    def _of(self, kind: VectorKind, model: str) -> list[Row]:
        return self._rows.get(f"{model}_{kind.value}", [])


def _best(rows: object) -> list[Hit]:
    found: list[Row] = sorted(rows, key=lambda row: -row.score)  # type: ignore[call-overload]
    return [Hit(row.snippet_id, row.score) for row in found]


def half(score: float) -> float:
    return score / 2


def part(
    model: str,
    *index_ids: int,
    kind: VectorKind = CODE,
    scale: Callable[[float], float] | None = None,
) -> _Part:
    return _Part(kind, model, [1.0], frozenset(index_ids) if index_ids else None, scale)


READER = VectorsInMemory(
    new_code=[Row(1, 10, 100, 0.9), Row(1, 10, 101, 0.4), Row(1, 11, 102, 0.2)],
    old_code=[
        Row(2, 20, 200, 0.8),
        Row(2, 20, 201, 0.6),
        Row(1, 10, 101, 1.0),  # left of the model that the index had before
        Row(3, 30, 300, 0.7),
    ],
    new_text=[Row(1, 10, 100, 0.1)],
)
BOTH = QueryVectors(READER, [part("new", 1), part("old", 2, scale=half), part("new", 1, kind=TEXT)])


@pytest.mark.parametrize(
    ("index_ids", "limit", "expected"),
    [
        ({1, 2}, 10, [(100, 0.9), (101, 0.4), (200, 0.4), (201, 0.3), (102, 0.2)]),
        ({1, 2}, 2, [(100, 0.9), (101, 0.4)]),
        ({2, 3}, 10, [(200, 0.4), (201, 0.3)]),
        ({1}, 10, [(100, 0.9), (101, 0.4), (102, 0.2)]),
        ({3}, 10, []),
    ],
)
def test_each_index_is_searched_with_its_own_model(
    index_ids: set[int], limit: int, expected: list[tuple[int, float]]
) -> None:
    """The best of all follow, by the similarities of the built-in model."""
    assert BOTH.search(CODE, Scope(frozenset(index_ids)), limit) == [Hit(*hit) for hit in expected]


def test_of_an_index_with_vectors_of_two_models_the_better_ones_count() -> None:
    """While it changes from one to the other."""
    both = QueryVectors(READER, [part("old", 1, 2), part("new", 1)])
    found = both.search(CODE, Scope(frozenset({1})), 10)
    assert found == [Hit(101, 1.0), Hit(100, 0.9), Hit(102, 0.2)]
    other_way = QueryVectors(READER, [part("new", 1), part("old", 1, 2)])
    assert other_way.search(CODE, Scope(frozenset({1})), 10) == found


def test_files_and_snippets_are_asked_of_the_model_of_their_index() -> None:
    files = {1: [10, 11], 2: [20], 3: [30]}
    found = BOTH.best_in_files(CODE, files, 1)
    assert found == {100, 102, 200}
    snippets = {1: [100, 101], 2: [201], 3: [300]}
    assert BOTH.score(CODE, snippets) == {100: 0.9, 101: 0.4, 201: 0.3}
    assert BOTH.score(TEXT, snippets) == {100: 0.1}
    assert BOTH.best_in_files(CODE, {3: [30]}, 1) == set()
    assert BOTH.score(CODE, {3: [300]}) == {}


def test_one_model_for_all_indexes() -> None:
    vectors = QueryVectors(READER, [part("old"), part("old", kind=TEXT)])
    assert vectors.model == "old"
    assert BOTH.model == ""
    found = vectors.search(CODE, Scope(frozenset({2, 3})), 2)
    assert found == [Hit(200, 0.8), Hit(300, 0.7)]
    assert vectors.score(CODE, {3: [300], 2: [200]}) == {300: 0.7, 200: 0.8}
    assert QueryVectors(READER, []).search(CODE, Scope(frozenset({1})), 5) == []
