"""A text is stored once, as long as any snippet has it."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from tests.database.content import CODE, NOW, Content, change, rows
from tests.support.command import wait_until
from tests.support.postgresql_databases import postgresql_database

from kodit.application.services.transactions import written
from kodit.domain.entities import Snippet
from kodit.infrastructure.sqlalchemy.snippet_texts import add_texts, forget_texts
from kodit.infrastructure.sqlalchemy.sql_database import SqlDatabase
from kodit.infrastructure.sqlalchemy.transaction import SqlTransaction

SHARED, OWN = "def shared(): ...", "def own(): ..."


def stored(transaction: SqlTransaction) -> list[str]:
    return sorted(row[0] for row in rows(transaction, "SELECT text FROM snippet_texts"))


def snippet(text: str) -> Snippet:
    return Snippet("a", 1, 1, "python", None, text)


def acknowledge(content: Content) -> None:
    """As if all engines had followed, so that what is replaced may go."""
    for table in ("keyword_changes", "keyword_history", "vectors"):
        change(content.transaction, f"DELETE FROM {table}")  # noqa: S608 - our own tables


def test_a_text_goes_with_the_last_snippet_that_has_it(transaction: SqlTransaction) -> None:
    """Whichever files, versions and indexes these are of."""
    one, two = (Content(transaction, location) for location in ("/one", "/two"))
    one.replace(a=[SHARED, OWN, SHARED], b=[SHARED])
    two.replace(a=[SHARED])
    assert stored(transaction) == [OWN, SHARED]

    one.replace(a=["new"], b=None)
    assert stored(transaction) == [OWN, SHARED, "new"]
    acknowledge(one)
    assert transaction.snippets.purge(one.id, 99) == 4
    assert stored(transaction) == [SHARED, "new"]

    for index_id, left in ((two.id, ["new"]), (one.id, [])):
        transaction.indexes.mark_deleted(index_id, NOW)
        while transaction.indexes.remove_some(index_id, 99):
            pass
        assert stored(transaction) == left


def test_a_version_that_is_copied_has_the_same_texts(transaction: SqlTransaction) -> None:
    """As those read from the same bytes have."""
    content = Content(transaction, "/content")
    content.replace(a=[SHARED, OWN], b=[OWN, SHARED])
    query = "SELECT count(*), count(DISTINCT text_id), max(length(text)) FROM snippets"
    assert rows(transaction, query) == [(4, 2, 0)]


def test_texts_of_an_earlier_release_are_still_read(transaction: SqlTransaction) -> None:
    """Those snippets have their texts themselves."""
    content = Content(transaction, "/content")
    content.replace(a=[SHARED], b=[OWN])
    change(transaction, "UPDATE snippets SET text = 'former', text_id = NULL WHERE id = 1")
    change(transaction, "DELETE FROM snippet_texts WHERE text = ?", SHARED)
    assert content.pending(CODE) == ["former", OWN]
    added = transaction.keyword_log.read(content.id, 9).changes
    assert [change.snippet.text for change in added if change.snippet] == ["former", OWN]

    content.replace(a=["new"])
    acknowledge(content)
    assert transaction.snippets.purge(content.id, 99) == 1
    assert stored(transaction) == [OWN, "new"]


@pytest.fixture
def database() -> Iterator[SqlDatabase]:
    with postgresql_database() as opened:
        yield opened


def waiting(database: SqlDatabase) -> int:
    with database.read() as transaction:
        query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        [(count,)] = rows(transaction, query)
    return int(count)


def test_a_text_that_gets_a_snippet_is_not_removed(database: SqlDatabase) -> None:
    """By a transaction that began to remove it before the other one had ended."""
    with database.write() as transaction:
        content = Content(transaction, "/content")
        content.replace(b=[OWN])
        version_id = content.versions["b"]
        ids = add_texts(transaction.cursors, [snippet(SHARED)])
    removing = threading.Thread(
        target=written,
        args=(database, lambda open_: forget_texts(open_.cursors, ids.values())),
    )
    with database.write() as using:
        assert add_texts(using.cursors, [snippet(SHARED)]) == ids
        query = "UPDATE snippets SET text_id = ? WHERE version_id = ?"
        change(using, query, *ids.values(), version_id)
        removing.start()
        wait_until(lambda: waiting(database) == 1)
    removing.join()
    with database.read() as transaction:
        assert stored(transaction) == [OWN, SHARED]


def test_a_text_that_was_removed_meanwhile_is_stored_again(database: SqlDatabase) -> None:
    """Whoever brings it waits for the removal."""
    with database.write() as transaction:
        first = add_texts(transaction.cursors, [snippet(SHARED)])
    found: list[dict[str, int]] = []

    def add() -> None:
        with database.write() as open_:
            found.append(add_texts(open_.cursors, [snippet(SHARED), snippet(OWN)]))

    adding = threading.Thread(target=add)
    with database.write() as removing:
        forget_texts(removing.cursors, first.values())
        adding.start()
        wait_until(lambda: waiting(database) == 1)
    adding.join()
    with database.read() as transaction:
        assert stored(transaction) == [OWN, SHARED]
        assert len(found[0]) == 2
