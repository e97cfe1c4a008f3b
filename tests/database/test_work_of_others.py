"""What the repositories tell a stage of the work that other indexes have left."""

from __future__ import annotations

import pytest
from tests.database.content import CODE, ENRICH, NOW, Content

from kodit.domain.value_objects import TaskType
from kodit.infrastructure.sqlalchemy import snippet_statements


def test_indexes_with_few_pending_snippets(content: Content, other: Content) -> None:
    """As many as fit; none for another model, and none that is being deleted."""
    transaction = content.transaction
    snippets = transaction.snippets
    third = Content(transaction, "/third", "a")
    third.replace(a=["four", "five"])
    for stage in (CODE, ENRICH):
        assert snippets.few_pending(content.id, stage, "m", 99, 9) == []
        for index in (content, other, third):
            assert snippets.follow_model(index.id, stage, f"{stage.name} m") is None

    def few(beside: Content, most: int, most_indexes: int = 9, stage: TaskType = CODE) -> list[int]:
        return snippets.few_pending(beside.id, stage, f"{stage.name} m", most, most_indexes)

    both = [other.id, third.id]
    assert [few(content, most) for most in (5, 4, 2, 1)] == [both, both[:1], both[1:], []]
    assert [few(content, 5, most) for most in (2, 1, 0)] == [both, both[:1], []]
    assert few(third, 9) == few(third, 9, stage=ENRICH) == [other.id]
    assert snippets.few_pending(content.id, CODE, "ENRICH m", 9, 9) == []
    other.embed(2)
    assert few(content, 3) == both
    assert few(content, 3, stage=ENRICH) == [other.id]
    transaction.indexes.mark_deleted(third.id, NOW)
    assert few(content, 99) == [other.id]


def test_snippets_that_are_still_pending(content: Content, other: Content) -> None:
    snippets = content.transaction.snippets
    content.replace(a=["one", "two"])
    ids = [one.id for one in snippets.pending(content.id, CODE, 9)]
    content.embed(1)
    assert snippets.still_pending(content.id, CODE, ids) == set(ids[1:])
    assert snippets.still_pending(content.id, CODE, ids[:1]) == set()
    assert snippets.still_pending(content.id, ENRICH, ids) == set(ids)
    assert snippets.still_pending(other.id, CODE, ids) == set()


def test_indexes_that_come_later_are_looked_at_first(
    content: Content, other: Content, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stages of many indexes run in their order; a look ends after a number of indexes."""
    snippets = content.transaction.snippets
    third = Content(content.transaction, "/third", "a")
    content.replace(a=["one"])
    third.replace(a=["four"])
    for index in (content, other, third):
        snippets.follow_model(index.id, CODE, "m")
    monkeypatch.setattr(snippet_statements, "MOST_LOOKED_AT", 1)
    found = [snippets.few_pending(one.id, CODE, "m", 99, 9) for one in (content, other, third)]
    assert found == [[other.id], [third.id], [content.id]]
