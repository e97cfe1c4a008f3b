"""Reading the position of the log that the keyword index follows."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from kodit.domain.keyword import KeywordPosition
from kodit.infrastructure.sql.nodes import THIS_NODE
from kodit.infrastructure.sql.state_cache import Caches
from kodit.infrastructure.sql.statements import Cursors, StatementForMany

UNKNOWN_GENERATION = ""
"""The generation of an index whose log was lost, for example in a migration."""

_STANDINGS = StatementForMany(
    "SELECT indexes.id, indexes.keyword_generation, indexes.keyword_seq, indexes.keyword_token "
    "FROM indexes WHERE indexes.id IN :ids",
    # A node without a cursor has acknowledged what the first one has, or cannot continue.
    postgresql="SELECT indexes.id, indexes.keyword_generation, "
    "coalesce(mine.seq, indexes.keyword_seq), coalesce(mine.token, indexes.keyword_token) "
    "FROM indexes LEFT JOIN node_cursors AS mine ON mine.index_id = indexes.id "
    f"AND mine.node = {THIS_NODE} AND mine.generation = indexes.keyword_generation "
    "WHERE indexes.id IN :ids",
)
_WAITING_IN = (
    "SELECT seq FROM {0} WHERE seq IN :ids AND index_id = :of_index AND token = :with_token"
)
_WAITING = StatementForMany(
    _WAITING_IN.format("keyword_changes"),
    postgresql=" UNION ALL ".join(map(_WAITING_IN.format, ("keyword_changes", "keyword_history"))),
)


_LAG = StatementForMany(
    "",
    postgresql="SELECT keyword_history.index_id, count(*) FROM keyword_history "
    "JOIN indexes ON indexes.id = keyword_history.index_id "
    "LEFT JOIN node_cursors AS mine ON mine.index_id = indexes.id "
    f"AND mine.node = {THIS_NODE} AND mine.generation = indexes.keyword_generation "
    "WHERE keyword_history.index_id IN :ids "
    "AND keyword_history.seq > coalesce(mine.seq, indexes.keyword_seq) "
    "GROUP BY keyword_history.index_id",
)


_UNAPPLIED = StatementForMany(
    "",
    postgresql="SELECT indexes.id FROM indexes WHERE indexes.id IN :ids AND (EXISTS "
    "(SELECT 1 FROM keyword_changes WHERE keyword_changes.index_id = indexes.id) "
    "OR (indexes.shares AND EXISTS (SELECT 1 FROM keyword_changes JOIN files "
    "ON files.version_id = keyword_changes.version_id AND files.index_id = indexes.id)))",
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

    def lag(self, index_ids: Collection[int]) -> dict[int, int]:
        """By index, how many changes this node has not applied yet that another one has; without
        those that have none."""
        if not self._driver.names_with_percent or not index_ids:
            return {}
        rows = _LAG.run(self._driver, sorted(index_ids))
        return {row[0]: row[1] for row in rows}

    def unapplied(self, index_ids: Collection[int]) -> set[int]:
        """Those of the indexes with changes that no node has applied; none where there is only one
        node."""
        if not self._driver.names_with_percent or not index_ids:
            return set()
        return {row[0] for row in _UNAPPLIED.run(self._driver, sorted(index_ids))}

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
        if acknowledged is not None and position.seq < acknowledged.seq:
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
