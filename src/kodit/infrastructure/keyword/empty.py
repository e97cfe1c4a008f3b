"""Stands in for a keyword index that does not exist."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from kodit.domain.keyword import KeywordPosition
from kodit.domain.value_objects import Hit, Scope

# Most commands rank nothing.
if TYPE_CHECKING:
    from kodit.domain.ranking.candidate import CorpusStatistics


class EmptyReader:
    """The reader of an index that does not exist."""

    leaves_out: frozenset[int] = frozenset()

    def over(self, _scope: Scope) -> EmptyReader:
        return self

    def positions(self, index_ids: Iterable[int]) -> dict[int, KeywordPosition | None]:
        return dict.fromkeys(index_ids)

    def without(self, index_ids: frozenset[int]) -> EmptyReader:
        other = EmptyReader()
        other.leaves_out = index_ids
        return other

    def search(self, _terms: Sequence[str], _scope: Scope, _limit: int) -> list[Hit]:
        return []

    def candidates(self, _terms: Sequence[str], _scope: Scope, _limit: int) -> set[int]:
        return set()

    def definitions(
        self,
        _name: str,
        _terms: Sequence[str],
        _scope: Scope,
        _limit: int,
        *,
        minor: bool = False,
    ) -> set[int]:
        return set()

    def having_all(self, _terms: Sequence[str], _scope: Scope, _limit: int) -> set[int]:
        return set()

    def near(self, _names: Mapping[str, int], _scope: Scope, _limit: int) -> list[Hit]:
        return []

    def in_files(self, _terms: Sequence[str], _file_ids: Sequence[int]) -> EmptyFileMatches:
        return EmptyFileMatches()

    def statistics(self, _terms: Sequence[str]) -> CorpusStatistics:
        from kodit.domain.ranking.candidate import CorpusStatistics  # noqa: PLC0415 - see above

        return CorpusStatistics(0)


class EmptyFileMatches:
    """No matches."""

    def best(self, _per_file: int) -> list[Hit]:
        return []

    def scores(self, _snippet_ids: Iterable[int]) -> dict[int, float]:
        return {}
