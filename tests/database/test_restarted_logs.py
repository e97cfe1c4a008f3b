"""The log of the only node is started again if its keyword index cannot continue."""

from __future__ import annotations

from tests.database.content import Content
from tests.database.test_keyword_log_repository import acknowledged

from kodit.domain.keyword import KeywordOperation, KeywordPosition

ADD, REMOVE = KeywordOperation


def test_an_engine_of_another_log_starts_over(content: Content, other: Content) -> None:
    """One that is ahead of the acknowledged change is accepted if the log knows its position."""
    transaction = content.transaction
    log, snippets = transaction.keyword_log, transaction.snippets
    assert log.follow(content.id, None)
    assert log.generation(content.id) is None
    assert snippets.log_all(content.id, "g1") is None
    assert not log.follow(content.id, None)
    assert not log.follow(content.id, KeywordPosition("g0", 1, 1))
    content.replace(a=["one"], b=["two"])
    seq, token = [(one.seq, one.token) for one in log.read(content.id, 9).changes][-1]
    reached = KeywordPosition("g1", seq, token)
    assert not log.follow(content.id, reached)
    assert (acknowledged(transaction, content.id), log.count(content.id)) == (reached, 0)
    assert not log.follow(content.id, reached)
    for wrong in (None, KeywordPosition("g1", seq + 1, 1), KeywordPosition("g2", seq, token)):
        assert log.follow(content.id, wrong)
        assert (acknowledged(transaction, content.id), log.generation(content.id)) == (None, "")
        assert log.untrusted({content.id: None}) == {content.id}
        assert log.follow(content.id, None)
        assert snippets.log_all(content.id, "g1") is None
        assert content.changes() == [(ADD, "one"), (ADD, "two")]
        last = log.read(content.id, 9).changes[-1]
        log.acknowledge(content.id, KeywordPosition("g1", last.seq, last.token))
    assert log.count(other.id) == 3


def test_only_what_the_log_lacks_is_logged_again(content: Content, other: Content) -> None:
    """The live snippets that are not in it already, so that a batch may end after any."""
    transaction = content.transaction
    log, snippets = transaction.keyword_log, transaction.snippets
    content.replace(a=["one"], b=["two", "three"])
    assert snippets.log_all(content.id, "g1") is None
    last = log.read(content.id, 99).changes[-1]
    assert not log.follow(content.id, KeywordPosition("g1", last.seq, last.token))
    content.replace(a=["four"])
    waiting = [(REMOVE, None), (ADD, "four")]
    assert content.changes() == waiting
    assert log.follow(content.id, None)
    assert snippets.log_all(content.id, "g2") is None
    assert snippets.followed(content.id).keyword_generation == "g2"
    assert content.changes() == [*waiting, (ADD, "two"), (ADD, "three")]
    assert [len(log.read(content.id, most).changes) for most in (1, 3, 4)] == [2, 3, 4]
    assert snippets.log_all(content.id, "g2") is None
    assert len(content.changes()) == 4
    assert all(one.token for one in log.read(content.id, 99).changes)
    assert log.count(other.id) == 3
