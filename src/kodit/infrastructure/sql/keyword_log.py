"""Reading the position of the log that the keyword index follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kodit.domain.keyword import KeywordPosition
from kodit.infrastructure.sql.state_cache import Caches
from kodit.infrastructure.sql.statements import Cursors, StatementForMany

UNKNOWN_GENERATION = ""
"""The generation of an index whose log was lost, for example in a migration."""

_STANDINGS = StatementForMany(
    "SELECT indexes.id, indexes.keyword_generation, indexes.keyword_seq, indexes.keyword_token "
    "FROM indexes WHERE indexes.id IN :ids"
)
_WAITING = StatementForMany(
    "SELECT keyword_changes.seq FROM keyword_changes WHERE keyword_changes.seq IN :ids "
    "AND keyword_changes.index_id = :of_index AND keyword_changes.token = :with_token"
)


class KeywordLogReads:
    """Reads the log's position over one connection."""

    def __init__(self, driver: Cursors, caches: Caches) -> None:
        self._driver = driver
        self._caches = caches

    def generation(self, index_id: int) -> str | None:
        return self._standing(index_id)[0]

    def untrusted(self, positions: Mapping[int, KeywordPosition | None]) -> set[int]:
        """Those of the indexes whose part of the keyword index, at these positions, was not made
        from this database.
        """
        key = __name__, frozenset(positions.items())
        return set(self._caches.state.get(key, lambda: self._untrusted(positions)))

    def _untrusted(self, positions: Mapping[int, KeywordPosition | None]) -> set[int]:
        found = _STANDINGS.run(self._driver, list(positions))
        standings = {row[0]: _to_standing(row) for row in found}
        return {
            index_id
            for index_id, position in positions.items()
            if not self._is_trusted(index_id, standings.get(index_id, (None, None)), position)
        }

    def _is_trusted(
        self,
        index_id: int,
        standing: tuple[str | None, KeywordPosition | None],
        position: KeywordPosition | None,
    ) -> bool:
        generation, acknowledged = standing
        if position == acknowledged:
            return generation != UNKNOWN_GENERATION
        if position is None or position.generation != generation:
            return False
        of_change = {"of_index": index_id, "with_token": position.token}
        return bool(_WAITING.run(self._driver, [position.seq], of_change))

    def _standing(self, index_id: int) -> tuple[str | None, KeywordPosition | None]:
        rows = _STANDINGS.run(self._driver, [index_id])
        return _to_standing(rows[0]) if rows else (None, None)


def _to_standing(row: Sequence[object]) -> tuple[str | None, KeywordPosition | None]:
    """The generation of an index's log, and the last change that was acknowledged."""
    generation, seq, token = row[1:]
    if isinstance(generation, str) and isinstance(seq, int) and isinstance(token, int):
        return generation, KeywordPosition(generation, seq, token)
    return generation if isinstance(generation, str) else None, None
