"""The keyword index compared with the database that it follows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    Select,
    exists,
    func,
    insert,
    literal,
    select,
    union_all,
)

from kodit.application.services.keyword_following import follow_log
from kodit.application.services.threads import in_thread
from kodit.domain.diagnosis import Area, Problem
from kodit.domain.keyword import KeywordOperation
from kodit.domain.ports.engines import KeywordIndex
from kodit.infrastructure.doctor.keyword_files import Documents, read_all
from kodit.infrastructure.keyword.standing import DamagedIndexError
from kodit.infrastructure.keyword.writing import discard, locked
from kodit.infrastructure.sql.chunks import in_chunks
from kodit.infrastructure.sqlalchemy.entities import (
    INDEXES,
    KEYWORD_CHANGES,
    KEYWORD_HISTORY,
    SNIPPETS,
)
from kodit.infrastructure.sqlalchemy.keyword_log import new_token
from kodit.infrastructure.sqlalchemy.sql_database import SqlDatabase

Ids = NDArray[np.int64]

_REBUILD = "rebuilds the keyword index from the database"


class KeywordExaminer:
    """Checks that every live snippet whose addition is acknowledged is in the index exactly once,
    and nothing else, except snippets whose removal is still in the log.
    """

    area = Area.KEYWORD

    def __init__(self, database: SqlDatabase, folder: Path, keyword_index: KeywordIndex) -> None:
        """`folder` is that of the current schema version."""
        self._database = database
        self._folder = folder
        self._keyword_index = keyword_index

    def examine(self) -> list[Problem]:
        with self._database.read() as transaction:
            connection = transaction.connection
            try:
                # No process writes the index while the database's snapshot is taken, so that every
                # change acknowledged in it is in the index, and every change in the index was
                # logged in it.
                with locked(str(self._folder)):
                    indexes = _indexes(connection)
                    documents, standing = read_all(self._folder)
            except DamagedIndexError as reason:
                return [self._rebuilding(str(reason), indexes)]
            logged = [
                index_id for index_id, generation in indexes.items() if generation is not None
            ]
            untrusted = transaction.keyword_log.untrusted(
                {index_id: standing.position(index_id) for index_id in logged}
            )
            problems = [self._relogging(index_id) for index_id in sorted(untrusted)]
            for index_id in sorted(set(logged) - untrusted):
                problems += self._compare(connection, index_id, documents)
            strangers = {
                index_id
                for index_id in np.unique(documents.index_ids).tolist()
                if index_id not in indexes and not _is_dying(connection, index_id)
            }
        return problems + [self._dropping(index_id) for index_id in sorted(strangers)]

    def _compare(
        self, connection: Connection, index_id: int, documents: Documents
    ) -> list[Problem]:
        mine = documents.index_ids == index_id
        held, files = documents.snippet_ids[mine], documents.file_ids[mine]
        live = _ids(
            connection,
            select(SNIPPETS.c.id).where(
                SNIPPETS.c.index_id == index_id, SNIPPETS.c.state == "live"
            ),
        )
        logged = _ids(
            connection,
            union_all(
                *(
                    select(table.c.snippet_id).where(table.c.index_id == index_id)
                    for table in (KEYWORD_CHANGES, KEYWORD_HISTORY)
                )
            ),
        )
        missing = np.setdiff1d(np.setdiff1d(live, held), logged)
        is_dead = ~np.isin(held, live) & ~np.isin(held, logged)
        unique, counts = np.unique(held, return_counts=True)
        doubled = np.setdiff1d(unique[counts > 1], logged)
        doubled = np.intersect1d(doubled, live)
        problems = []
        for ids, what in (
            (missing, "snippets are missing from it"),
            (doubled, "snippets are in it more than once"),
        ):
            if len(ids):
                repair = partial(self._log_additions, ids.tolist())
                problems.append(self._drift(index_id, f"{len(ids)} {what}", repair))
        if is_dead.any():
            pairs = list(zip(held[is_dead].tolist(), files[is_dead].tolist(), strict=True))
            problems.append(
                self._drift(
                    index_id,
                    f"{len(pairs)} snippets are in it that no longer exist",
                    partial(self._log_removals, index_id, pairs),
                )
            )
        return problems

    def _drift(self, index_id: int, what: str, repair: Callable[[], None]) -> Problem:
        return Problem(
            self.area,
            what,
            "logs the change again and follows the log",
            index_id,
            partial(in_thread, repair),
            relog=frozenset([index_id]),
        )

    def _relogging(self, index_id: int) -> Problem:
        return Problem(
            self.area,
            "its contents for this index do not match the log of the database",
            "logs every snippet again and follows the log",
            index_id,
            partial(in_thread, partial(self._follow, [index_id])),
            relog=frozenset([index_id]),
        )

    def _rebuilding(self, what: str, indexes: dict[int, str | None]) -> Problem:
        return Problem(
            self.area,
            what,
            _REBUILD,
            repair=partial(in_thread, partial(self._restart_logs, list(indexes))),
            relog=frozenset(indexes),
        )

    def _dropping(self, index_id: int) -> Problem:
        return Problem(
            self.area,
            f"it holds snippets of index {index_id}, which does not exist",
            "removes them",
            repair=partial(self._keyword_index.drop, index_id, None),
        )

    # Repairs

    def _restart_logs(self, index_ids: Sequence[int]) -> None:
        with locked(str(self._folder)):
            discard(self._folder)
        self._follow(index_ids)

    def _follow(self, index_ids: Sequence[int]) -> None:
        """Log again all snippets on which the keyword index and the database differ; whichever
        process applies the log next repairs them.
        """
        for index_id in index_ids:
            position = self._keyword_index.positions([index_id])[index_id]
            follow_log(self._database, index_id, position)

    def _log_additions(self, snippet_ids: Sequence[int]) -> None:
        for some in in_chunks(snippet_ids):
            with self._database.write() as transaction:
                transaction.connection.execute(
                    insert(KEYWORD_CHANGES).from_select(
                        ["index_id", "version_id", "change_set", "snippet_id", "op", "token"],
                        select(
                            SNIPPETS.c.index_id,
                            SNIPPETS.c.version_id,
                            _next_change_set(SNIPPETS.c.index_id),
                            SNIPPETS.c.id,
                            literal(KeywordOperation.ADD.value),
                            literal(new_token()),
                        ).where(SNIPPETS.c.id.in_(some), SNIPPETS.c.state == "live", ~_is_logged()),
                    )
                )

    def _log_removals(self, index_id: int, pairs: Sequence[tuple[int, int]]) -> None:
        token = new_token()
        for some in in_chunks(pairs):
            with self._database.write() as transaction:
                change_set = transaction.connection.execute(
                    select(_next_change_set(literal(index_id)))
                ).scalar_one()
                transaction.connection.execute(
                    insert(KEYWORD_CHANGES),
                    [
                        {
                            "index_id": index_id,
                            "version_id": file_id,
                            "change_set": change_set,
                            "snippet_id": snippet_id,
                            "op": KeywordOperation.REMOVE.value,
                            "token": token,
                        }
                        for snippet_id, file_id in some
                    ],
                )


def _indexes(connection: Connection) -> dict[int, str | None]:
    """By index id, the generation of its log."""
    rows = connection.execute(
        select(INDEXES.c.id, INDEXES.c.keyword_generation).where(INDEXES.c.deleted_at == 0)
    )
    return {row[0]: row[1] for row in rows}


def _is_dying(connection: Connection, index_id: int) -> bool:
    query = select(INDEXES.c.id).where(INDEXES.c.id == index_id, INDEXES.c.deleted_at != 0)
    return connection.execute(query).first() is not None


def _ids(connection: Connection, query: Select[int] | CompoundSelect[int]) -> Ids:
    return np.fromiter(connection.execute(query).scalars(), dtype=np.int64)


def _is_logged() -> ColumnElement[bool]:
    return exists().where(KEYWORD_CHANGES.c.snippet_id == SNIPPETS.c.id)


def _next_change_set(index_id: Any) -> Any:
    """One more than the highest pending number."""
    change = KEYWORD_CHANGES.alias().c
    return (
        select(func.coalesce(func.max(change.change_set), 0) + 1)
        .where(change.index_id == index_id)
        .scalar_subquery()
    )
