"""Transactions of a server that write at the same time, where a file would let in one after the
other.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from tests.database.content import NOW, Content, change, rows
from tests.queue.requests import add_run, claim
from tests.support.command import wait_until
from tests.support.postgresql_databases import postgresql_database

from kodit.application.services.transactions import written
from kodit.domain.embedding import PackedVector
from kodit.domain.entities import Snippet
from kodit.domain.errors import ConflictError, TransientError
from kodit.domain.ports.repositories import ExtractedFile
from kodit.domain.snippet import SlicedFile
from kodit.domain.value_objects import TaskType
from kodit.infrastructure.sqlalchemy.entities import EMBEDDINGS
from kodit.infrastructure.sqlalchemy.sql_database import SqlDatabase, translated_errors
from kodit.infrastructure.sqlalchemy.unused import hold

SHORT = "SET LOCAL lock_timeout = 100"


@pytest.fixture
def database() -> Iterator[SqlDatabase]:
    with postgresql_database() as opened:
        yield opened


def test_no_stage_takes_part_in_what_another_one_writes(database: SqlDatabase) -> None:
    """Nor waits for it, as it may be waited for: each of two would hold what the other one needs.
    Nor in what nobody is going to count."""
    add_run(database, 1)
    (task,) = claim(database)
    with database.write() as own, database.write() as other:
        own.tasks.fence(task.claim)
        assert other.tasks.taking_part([1], TaskType.SYNC) == set()
        assert other.tasks.taking_part([1], TaskType.EXTRACT) == {1}
        assert other.tasks.taking_part([2], TaskType.EXTRACT) == set()
    with database.write() as other, database.write() as own:
        assert other.tasks.taking_part([1], TaskType.SYNC) == {1}
        change(own, SHORT)
        with pytest.raises(TransientError, match="is locked"), translated_errors(database.dialect):
            own.tasks.fence(task.claim)


def test_changes_are_numbered_in_the_order_of_commits(database: SqlDatabase) -> None:
    """Whoever has followed the log to its end removes all of it up to there: a smaller number must
    not be committed later."""
    with database.write() as transaction:
        content = Content(transaction, "/content")
    with database.write() as first:
        content.transaction = first
        content.replace(a=["one"])
        with pytest.raises(TransientError, match="is locked"), database.write() as second:
            change(second, SHORT)
            content.transaction = second
            content.replace(b=["two"])


ADD_VECTOR = (
    "INSERT INTO vectors (index_id, kind, snippet_id, version_id, embedding_id, model, code) "
    "VALUES (1, 'code', 1, 1, ?, 'm', 'c')"
)
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"


def waiting(database: SqlDatabase) -> int:
    """How many connections wait for a lock. A transaction sees them as they were when it first
    looked."""
    with database.read() as transaction:
        [(count,)] = rows(transaction, WAITING)
    return int(count)


@pytest.fixture
def embedding(database: SqlDatabase) -> int:
    """One that nothing uses."""
    vector = {b"key": PackedVector(b"vector", b"code")}
    return written(database, lambda open_: open_.embeddings.add(1, vector)[b"key"][0])


def test_a_result_that_gets_a_user_is_not_marked_as_unused(
    database: SqlDatabase, embedding: int
) -> None:
    """By a transaction that began to release it before the other one had ended."""

    def release() -> None:
        written(database, lambda open_: open_.embeddings.release([embedding]))

    releasing = threading.Thread(target=release)
    with database.write() as using:
        hold(using.cursors, EMBEDDINGS, [embedding])
        change(using, ADD_VECTOR, embedding)
        releasing.start()
        wait_until(lambda: waiting(database) == 1)
    releasing.join()
    with database.read() as transaction:
        assert rows(transaction, "SELECT unused_since FROM embeddings") == [(None,)]


def test_a_removed_result_gets_no_user(database: SqlDatabase, embedding: int) -> None:
    """Whoever has found it in the cache looks again."""
    with database.write() as transaction:
        transaction.embeddings.release([embedding])
        assert transaction.unused.date(NOW) == 1
        assert transaction.unused.remove(NOW + timedelta(days=1), 99).rows == 1
    with pytest.raises(ConflictError, match="was removed"), database.write() as late:
        hold(late.cursors, EMBEDDINGS, [embedding])


def test_a_content_is_stored_once(database: SqlDatabase) -> None:
    """Also if two indexes bring it at the same time: statistics of words would count it twice."""
    with database.write() as transaction:
        contents = [Content(transaction, f"/content{number}") for number in range(2)]
    files = [
        [
            ExtractedFile(
                content.files[path],
                "1" * 40,
                "v1",
                SlicedFile(path, "python", (Snippet(path, 1, 1, "python", None, path),)),
                path.encode() * 32,
            )
            for path in order
        ]
        # In another order, in which each could wait for the other one.
        for content, order in zip(contents, ("ab", "ba"), strict=True)
    ]

    def replace(number: int) -> None:
        written(database, lambda open_: open_.snippets.replace(contents[number].id, files[number]))

    second = threading.Thread(target=replace, args=(1,))
    with database.write() as first:
        first.snippets.replace(contents[0].id, files[0][:1])
        second.start()
        wait_until(lambda: waiting(database) == 1)
        first.snippets.replace(contents[0].id, files[0][1:])
    second.join()
    with database.read() as transaction:
        for content in contents:
            content.transaction = transaction
        assert contents[0].versions == contents[1].versions
        assert rows(transaction, "SELECT count(*) FROM snippets") == [(2,)]
