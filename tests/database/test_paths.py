"""What the files of several indexes share is stored once, and as long as one of them needs it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.database.content import NOW, Content, rows

from kodit.domain.source import FileHistory, SourceHistory
from kodit.domain.value_objects import FileProcessingStatus
from kodit.infrastructure.sqlalchemy.transaction import SqlTransaction

pytestmark = pytest.mark.every_store
ADA = FileHistory("Ada", "ada@host", 20, 10)
BEN = FileHistory("Ben", "ben@host", 30, 10)


def paths(transaction: SqlTransaction) -> list[str]:
    return [row[0] for row in rows(transaction, "SELECT path FROM paths ORDER BY path")]


def histories(transaction: SqlTransaction) -> list[tuple[str, str]]:
    """The path and author of each."""
    query = (
        "SELECT path, author FROM file_histories JOIN paths ON paths.id = path_id "
        "ORDER BY path, author"
    )
    return [(row[0], row[1]) for row in rows(transaction, query)]


def forget(content: Content) -> None:
    content.transaction.indexes.forget_files(content.id, list(content.files.values()))


def finish(content: Content) -> None:
    indexes = content.transaction.indexes
    files = indexes.files_by_path(content.id, list(content.files)).values()
    gone = [replace(file, status=FileProcessingStatus.DELETED) for file in files]
    indexes.update_files(content.id, gone)
    assert indexes.finish(content.id, NOW)


def detach(content: Content) -> None:
    while content.transaction.indexes.detach_some(content.id, 1):
        pass


@pytest.mark.parametrize("lose", [forget, finish, detach])
def test_a_path_goes_with_its_last_file(
    transaction: SqlTransaction, lose: Callable[[Content], None]
) -> None:
    """However an index loses it; its histories go too."""
    one, other = Content(transaction, "/one", "abc"), Content(transaction, "/other", "bcd")
    assert one.files["b"] == other.files["b"]
    for content in (one, other):
        told = dict.fromkeys(content.files, ADA)
        transaction.indexes.record_history(content.id, SourceHistory(None, told))
    assert paths(transaction) == ["a", "b", "c", "d"]
    lose(one)
    assert paths(transaction) == ["b", "c", "d"]
    assert histories(transaction) == [(path, "Ada <ada@host>") for path in "bcd"]
    lose(other)
    assert (paths(transaction), histories(transaction)) == ([], [])


def test_a_history_goes_with_the_last_file_that_has_it(transaction: SqlTransaction) -> None:
    contents = [Content(transaction, f"/{number}", "ab") for number in range(3)]
    ada, ben = "Ada <ada@host>", "Ben <ben@host>"

    def tell(content: Content, told: FileHistory | None) -> None:
        history = SourceHistory(None, {"a": told})
        transaction.indexes.record_history(content.id, history)

    for content in contents:
        tell(content, ADA)
    assert histories(transaction) == [("a", ada)]
    tell(contents[0], BEN)
    tell(contents[1], BEN)
    assert histories(transaction) == [("a", ada), ("a", ben)]
    tell(contents[2], None)
    assert histories(transaction) == [("a", ben)]
    tell(contents[0], ADA)
    assert histories(transaction) == [("a", ada), ("a", ben)]
    transaction.indexes.record_history(contents[1].id, SourceHistory(None, {}, {"a": BEN}))
    assert histories(transaction) == [("a", ada), ("a", ben)]
    tell(contents[1], ADA)
    assert histories(transaction) == [("a", ada)]
