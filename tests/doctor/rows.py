"""A small sound database, to be damaged row by row."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.database.content import ENRICH, Content
from tests.queue.databases import sqlite_database

from kodit.domain.diagnosis import Area, Problem
from kodit.domain.value_objects import VectorKind
from kodit.infrastructure.doctor.checks import RowExaminer
from kodit.infrastructure.doctor.files import FILE_CHECKS
from kodit.infrastructure.doctor.paths import PATH_CHECKS
from kodit.infrastructure.doctor.vectors import ENRICHMENT_CHECKS, vector_checks
from kodit.infrastructure.doctor.versions import VERSION_CHECKS
from kodit.infrastructure.sqlalchemy.database import SqliteDatabase

MODEL = "m"
ALL_CHECKS = (
    *(*PATH_CHECKS, *VERSION_CHECKS, *FILE_CHECKS),
    *(*ENRICHMENT_CHECKS, *vector_checks(MODEL)),
)


class Rows:
    """A sound database of two indexes, each of two files with two snippets and one."""

    def __init__(self, database: SqliteDatabase) -> None:
        self.database = database

    def sql(self, *statements: str) -> list[tuple[Any, ...]]:
        """The rows of the last statement."""
        found: list[tuple[Any, ...]] = []
        with self.database.write() as transaction:
            for statement in statements:
                cursor = transaction.connection.exec_driver_sql(statement)
                found = [tuple(row) for row in cursor] if cursor.returns_rows else []
        return found

    def store(self, code: bytes, vector: bytes, first: int, last: int) -> None:
        """Replace embeddings by others."""
        with self.database.write() as transaction:
            transaction.connection.exec_driver_sql(
                "UPDATE embeddings SET code = ?, vector = ? WHERE id BETWEEN ? AND ?",
                (code, vector, first, last),
            )

    def problems(self) -> list[Problem]:
        return RowExaminer(self.database, Area.FILES, ALL_CHECKS).examine()

    def found(self) -> Counter[str]:
        """The number of wrong rows by message."""
        told = [problem.what.partition(" ") for problem in self.problems()]
        return Counter({what: int(count) for count, _, what in told})

    def repair(self) -> None:
        """Repair all problems; returns those found afterwards."""
        for _ in range(3):
            for problem in self.problems():
                repair(problem)


def repair(problem: Problem) -> None:
    """Repair one problem."""
    assert problem.repair is not None
    asyncio.run(_wait_for(problem.repair))


async def _wait_for(work: Callable[[], Awaitable[None]]) -> None:
    await work()


@contextmanager
def sound_rows(folder: Path) -> Iterator[Rows]:
    """A database in the folder, whose vectors are of `MODEL`."""
    with sqlite_database(folder) as database:
        with database.write() as transaction:
            for location in ("/one", "/two"):
                content = Content(transaction, location)
                content.replace(a=[f"{location} a1", "a2"], b=[f"{location} b1"])
                content.embed()
                pending = transaction.snippets.pending(content.id, ENRICH, 99)
                keys = {one.id: f"{one.id}".encode() for one in pending}
                texts = {keys[one.id]: one.text for one in pending}
                made = transaction.enrichments.add(content.id, texts)
                transaction.enrichments.link({one: made[key] for one, key in keys.items()})
                content.embed(kind=VectorKind.TEXT)
        rows = Rows(database)
        rows.sql(
            "DELETE FROM stale_files",
            "UPDATE indexes SET commit_id = 'c'",
        )
        yield rows
