"""What an error of a PostgreSQL server means to a user."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import text
from tests.support.postgresql_databases import postgresql_database

from kodit.domain.errors import ConflictError, KoditError, PermanentError, TransientError
from kodit.infrastructure.postgresql.errors import meaning_of
from kodit.infrastructure.sqlalchemy.sql_database import SqlDatabase


@pytest.fixture
def database() -> Iterator[SqlDatabase]:
    with postgresql_database() as opened:
        yield opened


@pytest.mark.parametrize(
    ("state", "kind", "sentence"),
    [
        ("53100", TransientError, "the disk of {} is full (it is so); free some space and try ag"),
        ("53200", TransientError, "the database {} is unavailable: it is so"),
        ("58030", TransientError, "the database {} is unavailable: it is so"),
        ("55P03", TransientError, "the database {} is locked by another process; try again when"),
        ("40001", ConflictError, "another transaction of {} changed the same rows (it is so)"),
        ("42501", PermanentError, "{} does not allow this user what Kodit needs (it is so); gra"),
        ("23514", PermanentError, "{} rejects what Kodit stores (it is so): it has constraints"),
    ],
)
def test_what_the_server_says_is_told_in_a_sentence(
    database: SqlDatabase, state: str, kind: type[KoditError], sentence: str
) -> None:
    """That also says what to do, or that it may pass."""
    fail = text(f"DO $$ BEGIN RAISE 'it is so' USING ERRCODE = '{state}'; END $$")
    with pytest.raises(KoditError) as told, database.write() as transaction:
        transaction.connection.execute(fail)
    assert type(told.value) is kind
    assert str(told.value).startswith(sentence.format(database.dialect.place))


def test_a_mistake_of_the_program_means_nothing_to_a_user(database: SqlDatabase) -> None:
    assert meaning_of("there", psycopg.errors.UndefinedTable("x")) is None
    assert meaning_of("there", ValueError("x")) is None
    fail = text("SELECT * FROM nothing")
    with pytest.raises(Exception, match="nothing") as told, database.read() as transaction:
        transaction.connection.execute(fail)
    assert not isinstance(told.value, KoditError)
