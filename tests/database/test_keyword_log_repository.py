"""The contract of the keyword log's repository; beside the tested index there is another with the
same paths and texts.
"""

from __future__ import annotations

import pytest
from tests.database.content import NOW, Content

from kodit.domain.keyword import KeywordOperation, KeywordPosition
from kodit.infrastructure.sqlalchemy.transaction import SqlTransaction

pytestmark = pytest.mark.every_store

ADD, REMOVE = KeywordOperation


def test_the_log_has_every_change_in_its_order(content: Content, other: Content) -> None:
    """An addition that was withdrawn has no text; the changes of one transaction share a token."""
    content.replace(a=["one"], b=["two"])
    content.replace(a=["three"])
    assert content.changes() == [(ADD, None), (ADD, "two"), (REMOVE, None), (ADD, "three")]
    changes = content.transaction.keyword_log.read(content.id, 99).changes
    assert [one.seq for one in changes] == sorted({one.seq for one in changes})
    tokens = [one.token for one in changes]
    assert tokens[0] == tokens[1] != tokens[2] == tokens[3]
    assert all(0 <= token < 1 << 63 for token in tokens)
    log = content.transaction.keyword_log
    assert (log.count(content.id), log.count(other.id)) == (4, 3)
    # A batch ends with a transaction: neither its number of changes nor its bytes cut one.
    assert [len(log.read(content.id, most).changes) for most in (1, 2, 3, 4)] == [2, 2, 4, 4]
    assert [len(log.read(content.id, 99, most).changes) for most in (1, 3, 4, 99)] == [2, 2, 4, 4]
    assert [len(log.read(other.id, 99, most).changes) for most in (1, 3, 99)] == [3, 3, 3]
    led = log.read(content.id, 99, only_led=True)  # there is no other node
    assert (list(led.changes), led.follows) == ([], log.read(content.id, 99).follows)
    many = Content(content.transaction, "/many", "abc")
    for path, text in zip("abc", ("one", "two", "six"), strict=True):
        many.replace(**{path: [text]})
    assert [len(log.read(many.id, 99, most).changes) for most in (3, 4, 6, 7)] == [1, 2, 2, 3]


def test_small_logs_are_found_beside_one(content: Content, other: Content) -> None:
    """As many as fit, but none whose log is being started, or whose index is being deleted."""
    transaction = content.transaction
    log, snippets = transaction.keyword_log, transaction.snippets
    third = Content(transaction, "/third", "a")
    third.replace(a=["one", "two"])
    assert log.small(content.id, 99) == []
    for index in (content, other, third):
        assert snippets.log_all(index.id, "g") is None
    assert (log.count(other.id), log.count(third.id)) == (3, 2)
    for most, found in (
        (5, [other.id, third.id]),
        (4, [other.id]),
        (3, [other.id]),
        (2, [third.id]),
        (1, []),
    ):
        assert log.small(content.id, most) == found
    assert log.small(third.id, 99) == [other.id]
    content.replace(a=["one"])
    assert log.small(third.id, 4) == [content.id, other.id]
    assert log.follow(other.id, KeywordPosition("g2", 1, 1)) is False
    last = log.read(other.id, 9).changes[-1]
    assert log.acknowledge(other.id, KeywordPosition("g", last.seq, last.token))
    assert log.small(content.id, 99) == [third.id]
    transaction.indexes.mark_deleted(third.id, NOW)
    assert log.small(content.id, 99) == []


def acknowledged(transaction: SqlTransaction, index_id: int) -> KeywordPosition | None:
    return transaction.keyword_log.read(index_id, 0).follows


def test_an_acknowledgement_is_of_one_index_and_one_change(
    content: Content, other: Content
) -> None:
    """With another generation, another token or another index it changes nothing."""
    transaction = content.transaction
    log = transaction.keyword_log
    for index in (content, other):
        assert transaction.snippets.log_all(index.id, f"g{index.id}") is None
    content.replace(a=["four"], b=["five"])
    content.replace(a=["six"])
    generation = f"g{content.id}"
    assert (log.generation(content.id), log.generation(other.id)) == (generation, f"g{other.id}")
    first, *_rest, last = log.read(content.id, 99).changes
    reached = KeywordPosition(generation, first.seq, first.token)
    for wrong in (
        reached._replace(generation="g"),
        reached._replace(token=first.token + 1),
        reached._replace(seq=last.seq),
    ):
        log.acknowledge(content.id, wrong)
        assert log.untrusted({content.id: wrong}) == {content.id}
    assert (log.count(content.id), acknowledged(transaction, content.id)) == (4, None)
    assert log.untrusted({content.id: None, other.id: None, 99: reached}) == {99}
    log.acknowledge(content.id, reached)
    assert (log.count(content.id), acknowledged(transaction, content.id)) == (3, reached)
    assert log.count(other.id) == 3
    assert log.untrusted({content.id: reached}) == set()
    assert log.untrusted({content.id: None}) == {content.id}
