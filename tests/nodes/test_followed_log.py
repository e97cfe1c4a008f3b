"""The log as each of several nodes follows it, each with a position of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from tests.database.content import Content, change, rows
from tests.support.postgresql_databases import postgresql_database

from kodit.application.services.keyword_filling import CHANGES_PER_BATCH
from kodit.domain.keyword import KeywordBatch, KeywordPosition
from kodit.domain.services.bm25_service import BM25DomainService
from kodit.infrastructure.sql.nodes import SETTING
from kodit.infrastructure.sqlalchemy.transaction import SqlTransaction


class Engine:
    """The keyword index of a node, which holds what it was given."""

    def __init__(self, content: Content, node: str) -> None:
        self._content = content
        self._node = node
        self.position: KeywordPosition | None = None
        self.held: dict[int, str] = {}

    @property
    def texts(self) -> list[str]:
        return sorted(self.held.values())

    @contextmanager
    def _connected(self) -> Iterator[SqlTransaction]:
        transaction = self._content.transaction
        change(transaction, "SELECT set_config(?, ?, true)", SETTING, self._node)
        yield transaction
        change(transaction, "SELECT set_config(?, ?, true)", SETTING, "")

    def apply(self, batch: KeywordBatch) -> None:
        assert batch.continues(self.position)
        if batch.replaces or self.position is None:
            self.held.clear()
        for snippet_id in batch.deletions:
            self.held.pop(snippet_id, None)
        self.held.update((snippet.id, snippet.text) for snippet in batch.additions)
        self.position = batch.reached

    def follow(self) -> None:
        with self._connected() as transaction:
            assert not transaction.keyword_log.follow(self._content.id, self.position)

    def fill(self, limit: int = CHANGES_PER_BATCH) -> bool:
        """One piece; returns whether there was one."""
        with self._connected() as transaction:
            batch = transaction.keyword_log.filling(self._content.id, self.position, limit)
        if batch is not None:
            self.apply(batch)
        return batch is not None

    def read(self, *, only_led: bool = False) -> KeywordBatch | None:
        with self._connected() as transaction:
            log = transaction.keyword_log.read(self._content.id, 99, only_led=only_led)
        return BM25DomainService().fold(self._content.id, log) if log.changes else None

    def advance(self, *, only_led: bool = False) -> bool:
        """Apply and acknowledge what there is; returns whether there was anything."""
        batch = self.read(only_led=only_led)
        if batch is None:
            return False
        self.apply(batch)
        return self.acknowledge(batch.reached)

    def acknowledge(self, reached: KeywordPosition) -> bool:
        with self._connected() as transaction:
            return transaction.keyword_log.acknowledge(self._content.id, reached)

    @property
    def is_trusted(self) -> bool:
        with self._connected() as transaction:
            return not transaction.keyword_log.untrusted({self._content.id: self.position})

    @property
    def is_behind(self) -> bool:
        with self._connected() as transaction:
            return self._content.id in transaction.keyword_log.behind()

    @property
    def count(self) -> int:
        with self._connected() as transaction:
            return transaction.keyword_log.count(self._content.id)


@pytest.fixture
def content() -> Iterator[Content]:
    with postgresql_database() as database, database.write() as transaction:
        content = Content(transaction, "/content")
        assert transaction.snippets.log_all(content.id, "g") is None
        yield content


def kept(content: Content) -> tuple[int, int]:
    """How many changes wait for the first node, and how many for others."""
    queries = ("SELECT count(*) FROM keyword_changes", "SELECT count(*) FROM keyword_history")
    first, others = (rows(content.transaction, query)[0][0] for query in queries)
    return first, others


def test_the_changes_of_a_store_that_an_index_waits_for(content: Content) -> None:
    """Those of the versions that its files have."""
    other = Content(content.transaction, "/other")
    content.replace(a=["one"], b=["two", "three"])
    content.replace(a=["four"])
    log = content.transaction.keyword_log
    assert [log.count(content.id, of) for of in (None, content.id, other.id)] == [5, 3, 0]


def test_the_log_keeps_what_the_slowest_node_has_not_applied(content: Content) -> None:
    first, second = Engine(content, "first"), Engine(content, "second")
    content.replace(a=["one"])
    assert first.advance()
    assert kept(content) == (0, 0)
    assert not second.is_trusted
    second.follow()
    assert second.fill()
    assert second.is_trusted
    assert second.texts == first.texts == ["one"]
    content.replace(a=["two"])
    assert (first.count, second.count) == (2, 2)
    assert first.advance()
    assert kept(content) == (0, 2)
    assert (first.count, second.count) == (0, 2)
    assert (first.is_behind, second.is_behind) == (False, True)
    content.replace(b=["three"])
    assert second.advance(only_led=True)
    assert second.texts == ["two"]
    assert kept(content) == (1, 0)
    assert not second.advance(only_led=True)
    # Whoever is first leads.
    assert second.advance()
    assert first.is_behind
    assert kept(content) == (0, 1)
    assert first.advance()
    assert kept(content) == (0, 0)
    assert first.texts == second.texts == ["three", "two"]


def test_an_old_state_of_a_node_is_not_trusted(content: Content) -> None:
    """Its folder may have been restored from a copy, while another node keeps the log."""
    first, second = Engine(content, "first"), Engine(content, "second")
    content.replace(a=["one"])
    assert first.advance()
    second.follow()
    assert second.fill()
    content.replace(a=["two"])
    content.replace(a=["three"])
    batch = first.read()
    assert batch is not None
    first.advance()
    assert kept(content) == (0, 4)
    early = min(batch.tokens)
    first.position = KeywordPosition("g", early, batch.tokens[early])
    assert not first.is_trusted
    first.follow()
    while first.fill():
        pass
    assert first.is_trusted
    assert first.texts == ["three"]


@pytest.mark.parametrize("limit", [1, 2, 99])
def test_a_node_is_filled_with_one_state_while_others_go_on(content: Content, limit: int) -> None:
    """The changes since come from the log, in their order."""
    first, second = Engine(content, "first"), Engine(content, "second")
    content.replace(a=["one", "two"], b=["three"])
    assert first.advance()
    second.follow()
    assert second.fill(1)
    content.replace(a=["four"])
    first.advance()
    content.replace(b=["five", "six"])
    assert not second.is_trusted
    while second.fill(limit):
        pass
    assert second.texts == ["one", "three", "two"]
    assert second.is_trusted
    assert second.advance(only_led=True)
    assert second.texts == ["four", "three"]
    assert second.advance()
    assert second.texts == ["five", "four", "six"]
    first.advance()
    assert first.texts == second.texts
    assert kept(content) == (0, 0)


def test_a_fill_continues_after_an_interruption(content: Content) -> None:
    first, second = Engine(content, "first"), Engine(content, "second")
    content.replace(a=["one", "two", "three"])
    assert first.advance()
    second.follow()
    assert second.fill(2)
    held = dict(second.held)
    second.follow()
    assert second.fill(2)
    assert held.items() < second.held.items()
    content.replace(a=["four"])
    first.advance()
    second.position = None
    second.follow()
    while second.fill(1):
        pass
    assert second.texts == ["four"]
    assert kept(content) == (0, 0)


def test_a_position_of_another_history_is_not_acknowledged(content: Content) -> None:
    """Neither one that was restored, nor one that another node has passed and nobody keeps."""
    first, second = Engine(content, "first"), Engine(content, "second")
    content.replace(a=["one"])
    batch = first.read()
    assert batch is not None
    assert not first.acknowledge(batch.reached._replace(token=1))
    assert not first.acknowledge(batch.reached._replace(generation="h"))
    assert first.advance()
    content.replace(a=["two"])
    assert first.advance()
    assert not second.acknowledge(batch.reached)
    assert not second.is_trusted
