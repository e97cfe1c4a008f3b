"""What a search reads of files and their former versions, within the indexes that it asks."""

from __future__ import annotations

import pytest
from tests.database.content import ENRICH, Content, change, rows
from tests.database.test_version_histories import store

from kodit.domain.search import SearchFilter
from kodit.infrastructure.sqlalchemy.transaction import SqlTransaction

pytestmark = pytest.mark.every_store


@pytest.fixture
def late(transaction: SqlTransaction) -> Content:
    """An index whose identifier is that of none of its versions."""
    for number in range(9):
        Content(transaction, f"/empty{number}")
    return Content(transaction, "/late")


def test_former_versions_are_those_of_the_asked_indexes(
    late: Content, other: Content, transaction: SqlTransaction
) -> None:
    late.replace(a=["one"], b=["two"])
    former = late.versions["b"]
    late.replace(b=["three", "four"])
    current, unchanged = late.versions["b"], late.versions["a"]
    assert late.id not in {former, current, unchanged}
    search = transaction.search
    search.ask([late.id])
    assert search.with_former([current, unchanged]) == [current, unchanged, former]
    assert search.with_former([unchanged]) == [unchanged]
    assert search.successors([former, current, unchanged]) == {former: current}
    old = search.superseded([current, unchanged])
    assert list(search.texts(sorted(old)).values()) == ["two"]
    [read] = search.get_many(sorted(old))
    assert (read.text, read.file_id, read.source) == ("two", current, "/late")

    search.ask([other.id])
    assert search.with_former([current, unchanged]) == [current, unchanged]
    assert search.successors([former]) == {}
    assert search.superseded([current, unchanged]) == set()


def test_a_version_is_used_as_long_as_its_file_has_it_or_searches_it(
    late: Content, transaction: SqlTransaction
) -> None:
    late.replace(a=["one"], b=["two"])
    gone, former = late.versions["a"], late.versions["b"]
    late.replace(a=["other"], b=["three"])
    change(transaction, "DELETE FROM former_versions WHERE version_id = ?", gone)
    transaction.versions.release([gone, former, *late.versions.values()])
    unused = "SELECT id FROM versions WHERE unused_since IS NOT NULL"
    assert [row[0] for row in rows(transaction, unused)] == [gone]


def test_files_of_a_name(transaction: SqlTransaction, other: Content) -> None:
    """In any folder of some indexes, by the whole name."""
    paths = ("a_b.py", "x/a_b.py", "x/y/a_b.py", "a_b.pyx", "xa_b.py", "x/axb.py", "a_b.py/c")
    one = Content(transaction, "/one", paths)
    two = Content(transaction, "/two", ["a_b.py"])
    one.replace(**{path: ["text"] for path in paths})
    two.replace(**{"a_b.py": ["text of another"]})
    found = transaction.search.files_named({one.id, other.id}, "a_b.py")
    assert sorted(found.values()) == [
        ("/one", "a_b.py"),
        ("/one", "x/a_b.py"),
        ("/one", "x/y/a_b.py"),
    ]
    assert set(found) <= set(one.versions.values())
    both = transaction.search.files_named({one.id, two.id}, "a_b.py")
    assert len(both) == 4
    assert transaction.search.files_named({other.id}, "a_b.py") == {}
    assert transaction.search.sources({one.id, two.id}) == {one.id: "/one", two.id: "/two"}
    assert transaction.search.sources(()) == {}


def test_snippets_belong_to_the_indexes_that_are_asked(late: Content, other: Content) -> None:
    late.replace(a=["five"])
    search = late.transaction.search
    stores = {late.versions["a"]: late.id, other.versions["a"]: other.id}
    assert search.owners(stores) == {version: [index] for version, index in stores.items()}
    [five] = search.get_many(
        [one.id for one in late.transaction.snippets.pending(late.id, ENRICH, 9)]
    )
    assert search.in_asked([five]) == [five]
    assert (five.index_id, five.source) == (late.id, "/late")


def test_each_question_is_about_its_own_files(transaction: SqlTransaction) -> None:
    """Whatever was asked before it."""
    first, second = (Content(transaction, f"/{name}", ("a", "b")) for name in ("first", "second"))
    for content in (first, second):
        store(content, {"a": ["one"], "b": ["two"]}, keeps_former=False)
    assert first.versions == second.versions
    stores = dict.fromkeys(first.versions.values(), first.id)
    both = (first.id, second.id)
    search = transaction.search
    every = {version_id: list(both) for version_id in stores}
    search.resolve(SearchFilter(index_ids=both))
    assert search.owners(stores) == every
    search.resolve(SearchFilter(index_ids=both, paths=("a",)))
    assert search.owners(stores) == {first.versions["a"]: list(both)}
    search.resolve(SearchFilter(index_ids=both))
    assert search.owners(stores) == every
    search.resolve(SearchFilter(index_ids=both, paths=("a",)))
    search.ask(both)
    assert search.owners(stores) == every
