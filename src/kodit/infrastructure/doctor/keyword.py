"""The keyword index against the database that it follows."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    exists,
    func,
    insert,
    literal,
    select,
    text,
)

from kodit.application.services.threads import in_thread
from kodit.domain.diagnosis import Area, Problem
from kodit.domain.keyword import KeywordOperation
from kodit.infrastructure.doctor.keyword_files import (
    DamagedIndexError,
    Documents,
    read_documents,
)
from kodit.infrastructure.keyword.writing import locked, read_positions
from kodit.infrastructure.sqlalchemy.chunks import in_chunks
from kodit.infrastructure.sqlalchemy.database import SqliteDatabase
from kodit.infrastructure.sqlalchemy.entities import (
    INDEXES,
    KEYWORD_CHANGES,
    SNIPPETS,
)

Ids = NDArray[np.int64]

_REBUILD = "builds the keyword index anew from the database"


class KeywordExaminer:
    """Every live snippet whose addition is acknowledged is in, once; nothing else is, but for what
    the log still has to remove."""

    area = Area.KEYWORD

    def __init__(
        self, database: SqliteDatabase, folder: Path, generation: Callable[[], str]
    ) -> None:
        """`folder` is that of the current version; `generation` names the index in it."""
        self._database = database
        self._folder = folder
        self._generation = generation

    def examine(self) -> list[Problem]:
        with self._database.read() as transaction:
            connection = transaction.connection
            try:
                # Nobody writes the index while the database's snapshot is taken, so that what was
                # acknowledged in it is in the index, and what is in the index was logged in it.
                with locked(str(self._folder)):
                    indexes = _indexes(connection)
                    if not any(indexes.values()):
                        return []
                    documents, positions = _read(self._folder)
                    generation = _stored_generation(self._folder)
                self._check_positions(connection, indexes, documents, positions)
            except DamagedIndexError as reason:
                return [self._rebuilding(str(reason), indexes)]
            problems: list[Problem] = []
            for index_id, noted in indexes.items():
                if noted is not None and noted != generation:
                    problems.append(self._relogging(index_id))
                elif noted is not None:
                    problems += self._compare(connection, index_id, documents)
        return problems

    def _check_positions(
        self,
        connection: Connection,
        indexes: dict[int, str | None],
        documents: Documents,
        positions: dict[str, int | None],
    ) -> None:
        last = _last_seq(connection)
        for index_id in indexes:
            position = positions.get(str(index_id), 0)
            if position is None:
                raise DamagedIndexError(f"it refuses index {index_id} as deleted")
            if position > last:
                raise DamagedIndexError(f"it claims to be ahead of the log of index {index_id}")
        for index_id in np.unique(documents.index_ids).tolist():
            if index_id not in indexes and not _is_dying(connection, index_id):
                raise DamagedIndexError(
                    f"it holds snippets of index {index_id}, which is not there"
                )
            if index_id in indexes and str(index_id) not in positions:
                raise DamagedIndexError(
                    f"it does not know how far it has followed index {index_id}"
                )

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
            select(KEYWORD_CHANGES.c.snippet_id).where(KEYWORD_CHANGES.c.index_id == index_id),
        )
        missing = np.setdiff1d(np.setdiff1d(live, held), logged)
        is_dead = ~np.isin(held, live) & ~np.isin(held, logged)
        unique, counts = np.unique(held, return_counts=True)
        doubled = np.setdiff1d(unique[counts > 1], logged)
        doubled = np.intersect1d(doubled, live)
        problems = []
        for ids, what in (
            (missing, "snippets are not in it"),
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
                    f"{len(pairs)} snippets are in it that are no more",
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
            "it was made anew since it followed this index",
            "logs every snippet again and follows the log",
            index_id,
            partial(in_thread, partial(self._follow_generation, [index_id])),
            relog=frozenset([index_id]),
        )

    def _rebuilding(self, what: str, indexes: dict[int, str | None]) -> Problem:
        return Problem(
            self.area,
            what,
            _REBUILD,
            repair=partial(in_thread, partial(self._start_anew, list(indexes))),
            relog=frozenset(indexes),
        )

    # Repairs

    def _start_anew(self, index_ids: Sequence[int]) -> None:
        """Another generation is what makes every index log its snippets again, here at once and
        in whichever process comes to it later."""
        with locked(str(self._folder)):
            doomed = self._folder.with_name(f"{secrets.token_hex(8)}.tmp")
            self._folder.rename(doomed)
            self._folder.mkdir(mode=0o700)
        shutil.rmtree(doomed, ignore_errors=True)
        self._follow_generation(index_ids)

    def _follow_generation(self, index_ids: Sequence[int]) -> None:
        generation = self._generation()
        for index_id in index_ids:
            after: int | None = 0
            while after is not None:
                with self._database.write() as transaction:
                    after = transaction.snippets.follow_generation(index_id, generation, after)

    def _log_additions(self, snippet_ids: Sequence[int]) -> None:
        for some in in_chunks(snippet_ids):
            with self._database.write() as transaction:
                transaction.connection.execute(
                    insert(KEYWORD_CHANGES).from_select(
                        ["index_id", "file_id", "change_set", "snippet_id", "op"],
                        select(
                            SNIPPETS.c.index_id,
                            SNIPPETS.c.file_id,
                            _next_change_set(SNIPPETS.c.index_id),
                            SNIPPETS.c.id,
                            literal(KeywordOperation.ADD.value),
                        ).where(SNIPPETS.c.id.in_(some), SNIPPETS.c.state == "live", ~_is_logged()),
                    )
                )

    def _log_removals(self, index_id: int, pairs: Sequence[tuple[int, int]]) -> None:
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
                            "file_id": file_id,
                            "change_set": change_set,
                            "snippet_id": snippet_id,
                            "op": KeywordOperation.REMOVE.value,
                        }
                        for snippet_id, file_id in some
                    ],
                )


def _read(folder: Path) -> tuple[Documents, dict[str, int | None]]:
    """Raises DamagedIndexError."""
    try:
        positions = read_positions(str(folder))
    except ValueError:
        raise DamagedIndexError("positions.json cannot be read") from None
    if not all(position is None or isinstance(position, int) for position in positions.values()):
        raise DamagedIndexError("positions.json holds something else than positions")
    return read_documents(folder), positions


def _stored_generation(folder: Path) -> str | None:
    path = folder / "generation"
    return path.read_text() if path.exists() else None


def _indexes(connection: Connection) -> dict[int, str | None]:
    """The keyword index that each index has noted."""
    rows = connection.execute(
        select(INDEXES.c.id, INDEXES.c.keyword_generation).where(INDEXES.c.deleted_at == 0)
    )
    return {row[0]: row[1] for row in rows}


def _is_dying(connection: Connection, index_id: int) -> bool:
    query = select(INDEXES.c.id).where(INDEXES.c.id == index_id, INDEXES.c.deleted_at != 0)
    return connection.execute(query).first() is not None


def _last_seq(connection: Connection) -> int:
    """The highest number that the log has ever given out."""
    query = text("SELECT seq FROM sqlite_sequence WHERE name = :name")
    found = connection.execute(query, {"name": KEYWORD_CHANGES.name}).scalar()
    return int(found or 0)


def _ids(connection: Connection, query: Select[int]) -> Ids:
    return np.fromiter(connection.execute(query).scalars(), dtype=np.int64)


def _is_logged() -> ColumnElement[bool]:
    return exists().where(KEYWORD_CHANGES.c.snippet_id == SNIPPETS.c.id)


def _next_change_set(index_id: Any) -> Any:
    """One more than the highest that waits."""
    change = KEYWORD_CHANGES.alias().c
    return (
        select(func.coalesce(func.max(change.change_set), 0) + 1)
        .where(change.index_id == index_id)
        .scalar_subquery()
    )
