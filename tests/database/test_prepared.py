"""Statements are compiled once, which takes far longer than SQLite takes to run them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from sqlalchemy import BindParameter, Select, bindparam, select, update

from kodit.infrastructure.sql import statements
from kodit.infrastructure.sqlalchemy.entities import INDEXES
from kodit.infrastructure.sqlalchemy.prepared import Driver, Prepared, PreparedForMany, Statement
from kodit.infrastructure.sqlalchemy.transaction import SqlTransaction

pytestmark = pytest.mark.every_store


_ID = INDEXES.c.id == bindparam("number")
_READ = select(INDEXES.c.id).where(_ID)
_WRITE = update(INDEXES).where(_ID).values(location="")


@pytest.mark.parametrize(
    ("statement", "run"),
    [
        (_WRITE, lambda prepared, driver: prepared.run(driver, {"number": 1})),
        (_READ, lambda prepared, driver: list(prepared.stream(driver, {"number": 1}))),
        (_WRITE, lambda prepared, driver: prepared.run_many(driver, [{"number": 1}])),
    ],
    ids=["run", "stream", "run_many"],
)
def test_a_statement_is_compiled_once(
    statement: Statement, run: Callable[[Prepared, Driver], object], transaction: SqlTransaction
) -> None:
    made: list[Statement] = []

    def make() -> Statement:
        made.append(statement)
        return statement

    prepared, driver = Prepared(make), Driver(transaction.connection)
    for _time in range(3):
        run(prepared, driver)
    assert len(made) == 1


def test_a_statement_for_many_is_compiled_once_for_each_size(transaction: SqlTransaction) -> None:
    """Or, on PostgreSQL, for one id and for many."""
    made: list[int] = []

    def by_id(ids: Sequence[BindParameter[int]]) -> Select[Any]:
        made.append(len(ids))
        return select(INDEXES.c.id).where(INDEXES.c.id.in_(ids))

    driver = Driver(transaction.connection)
    statement = PreparedForMany(by_id)
    for _time in range(2):
        for count in range(1, 9):
            assert not statement.run(driver, range(count))
    assert made == ([1, 2] if driver.is_concurrent else [1, 2, 4, 8])


def test_the_text_for_many_is_made_once_for_each_size(
    transaction: SqlTransaction, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or, on PostgreSQL, once."""
    made: list[str] = []

    class Noted(statements.Statement):
        def __init__(self, sql: str, *, postgresql: str | None = None) -> None:
            super().__init__(sql, postgresql=postgresql)
            made.append(sql)

    monkeypatch.setattr(statements, "Statement", Noted)
    driver = Driver(transaction.connection)
    statement = statements.StatementForMany("SELECT id FROM indexes WHERE id IN :ids")
    for _time in range(2):
        for count in range(1, 9):
            assert not statement.run(driver, range(count))
            assert not list(statement.stream(driver, range(count)))
    assert [text.count(":") for text in made] == ([3] if driver.is_concurrent else [1, 2, 4, 8])
