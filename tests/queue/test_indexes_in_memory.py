"""The indexes of a queue in memory, as far as the queue needs them."""

from __future__ import annotations

import pytest
from tests.queue.requests import NOW

from kodit.domain.errors import NotFoundError
from kodit.domain.value_objects import Source, SourceKind
from kodit.infrastructure.memory.database import MemoryDatabase

FOLDER = Source(SourceKind.FOLDER, "/shop", host="ada")
GIT = Source(SourceKind.GIT, "https://a/b.git")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, (False, False)),
        ({"is_confined": True}, (True, True)),
        ({"is_remote": True}, (False, True)),
    ],
)
def test_who_has_added_an_index(given: dict[str, bool], expected: tuple[bool, bool]) -> None:
    """What is confined was added by somebody far away."""
    with MemoryDatabase().write() as transaction:
        index = transaction.indexes.add(GIT, NOW, **given)
        assert (index.is_confined, index.is_remote) == expected
        assert transaction.indexes.get(index.id) == index
        assert (index.source, index.created_at) == (GIT, NOW)


def test_an_index_that_is_deleted() -> None:
    """It is remembered, until its source is added again."""
    with MemoryDatabase().write() as transaction:
        indexes = transaction.indexes
        first, second = indexes.add(FOLDER, NOW), indexes.add(GIT, NOW)
        assert indexes.hosts() == {first.id: "ada"}
        assert not indexes.was_deleted("/shop", "ada")
        indexes.mark_deleted(first.id, NOW)
        indexes.remember_deletion(FOLDER, NOW)
        assert indexes.hosts() == {}
        with pytest.raises(NotFoundError):
            indexes.get(first.id)
        with pytest.raises(NotFoundError):
            indexes.get(99)
        assert indexes.get(second.id) == second
        assert indexes.was_deleted("/shop", "ada")
        assert not indexes.was_deleted("/shop")
        again = indexes.add(FOLDER, NOW)
        assert again.id not in (first.id, second.id)
        assert not indexes.was_deleted("/shop", "ada")


def test_what_is_not_in_memory_is_refused() -> None:
    """Only the queue is."""
    with MemoryDatabase().write() as transaction:
        for name in ("versions", "search", "embeddings", "enrichments", "descriptions"):
            with pytest.raises(LookupError, match="the in-memory database holds no"):
                getattr(transaction, name)
