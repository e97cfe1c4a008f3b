"""Stored descriptions: what is replaced, dropped and found; and the files that may need them."""

from __future__ import annotations

from typing import cast

import pytest
from tests.database.content import Content, change

from kodit.domain.descriptions.kinds import DescriptionKind
from kodit.domain.descriptions.stored import StoredDescription
from kodit.infrastructure.sql.catalogue import SqlCatalogue
from kodit.infrastructure.sqlalchemy.database import SqliteDatabase
from kodit.infrastructure.sqlalchemy.transaction import SqlTransaction

pytestmark = pytest.mark.every_store

SCHEMA, COMMIT = DescriptionKind.SCHEMA, DescriptionKind.COMMIT


def one(subject: str, *words: str, path: str = "") -> StoredDescription:
    return StoredDescription(subject, f"the {subject}", words, path, 3)


def test_descriptions_by_index_and_kind(
    transaction: SqlTransaction, content: Content, other: Content
) -> None:
    stored = transaction.descriptions
    orders = one("orders", "order", "100%", path="a.sql")
    stored.put(content.id, SCHEMA, [orders, one("lines", "lin")])
    stored.put(content.id, COMMIT, [one("abc", "order")])
    stored.put(other.id, SCHEMA, [one("orders", "other")])
    assert stored.stored(content.id, SCHEMA).keys() == {"orders", "lines"}
    assert stored.stored(content.id, SCHEMA)["orders"] == orders.key
    assert [row.path for row in stored.read(content.id, SCHEMA)] == ["a.sql", ""]
    changed = one("orders", "order", "total")
    stored.put(content.id, SCHEMA, [changed])
    assert stored.stored(content.id, SCHEMA)["orders"] == changed.key != orders.key
    stored.drop(content.id, SCHEMA, ["lines"])
    assert stored.stored(content.id, SCHEMA).keys() == {"orders"}
    assert stored.stored(other.id, SCHEMA).keys() == {"orders"}
    assert stored.stored(content.id, COMMIT).keys() == {"abc"}


def test_terms_are_found_whole(
    transaction: SqlTransaction, content: Content, other: Content
) -> None:
    stored, search = transaction.descriptions, transaction.search
    stored.put(content.id, SCHEMA, [one("orders", "order", "a_b"), one("marked", "%")])
    stored.put(other.id, COMMIT, [one("abc", "order", "late")])

    def found(*terms: str, kinds: tuple[DescriptionKind, ...] = (SCHEMA, COMMIT)) -> list[str]:
        rows = search.described({content.id, other.id}, kinds, terms)
        return [description.subject for description, _words in rows]

    assert found("order") == ["abc", "orders"]
    assert found("order", kinds=(SCHEMA,)) == ["orders"]
    assert found("orde") == found("axb") == found("zzz") == []
    assert found("%") == ["marked"]
    assert found("a_b", "late") == ["abc", "orders"]
    [(description, words)] = search.described({content.id}, (SCHEMA,), ("order",))
    assert (description.index_id, description.title, description.line) == (
        content.id,
        "the orders",
        3,
    )
    assert list(words) == ["order", "a_b"]
    assert search.described(set(), (SCHEMA,), ("order",)) == []


def test_files_by_what_their_snippets_say(transaction: SqlTransaction, content: Content) -> None:
    paths = list(content.files)
    content.replace(**{paths[0]: ["x = 'a_b%'"], paths[1]: ["y = 1"]})
    catalogue = SqlCatalogue(cast(SqliteDatabase, None)).within(transaction)
    first, second = (content.files[path] for path in paths[:2])
    assert catalogue.having([first, second], "a_b%") == {first}
    assert catalogue.having([first, second], "aXb") == set()
    mention = "UPDATE snippets SET mentions = ? WHERE version_id = ?"
    change(transaction, mention, "i0\tmodels\tdjango.db", second)
    assert catalogue.hinting([first, second], ("models\tdjango.", "never")) == {second}
    assert {one.path for one in transaction.descriptions.changed_files(content.id)} == set(paths)


def test_the_index_that_is_most_alike(
    transaction: SqlTransaction, content: Content, other: Content
) -> None:
    """By the versions that it brought; none while it is being changed."""
    stored = transaction.descriptions
    content.replace(a=["one", "two"], b=["four"])
    assert stored.most_alike(content.id) is None
    shared = other.versions["a"]
    change(
        transaction,
        "UPDATE files SET version_id = ? WHERE index_id = ? AND version_id = ?",
        shared,
        content.id,
        content.versions["a"],
    )
    change(transaction, "UPDATE files SET status = '' WHERE index_id = ?", other.id)
    like = stored.most_alike(content.id)
    assert like is not None
    assert like.id == other.id
    assert [(one.id, one.path) for one in like.lacking] == [(content.versions["b"], "b")]
    assert [(one.id, one.path) for one in like.further] == [(other.versions["b"], "b")]
    change(
        transaction,
        "UPDATE files SET status = 'd' WHERE version_id = ? AND index_id = ?",
        shared,
        other.id,
    )
    assert stored.most_alike(content.id) is None


def test_what_is_read_is_what_was_stored(
    transaction: SqlTransaction, content: Content, other: Content
) -> None:
    descriptions = [one("orders", "order", "100%", path="a.sql"), one("", path="")]
    transaction.descriptions.put(content.id, SCHEMA, descriptions)
    transaction.descriptions.put(other.id, SCHEMA, [one("lines")])
    transaction.descriptions.put(content.id, COMMIT, [one("abc")])
    assert transaction.descriptions.read(content.id, SCHEMA) == descriptions
