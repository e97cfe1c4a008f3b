"""What goes with a version that is removed."""

from __future__ import annotations

import pytest
from tests.database.content import CODE, ENRICH, NOW, Content, change, rows

from kodit.domain.keyword import KeywordOperation

pytestmark = pytest.mark.every_store


def test_nothing_of_a_removed_version_is_still_to_do(content: Content, other: Content) -> None:
    """Neither its pending snippets nor its refused ones; those of others stay."""
    content.replace(a=["one"], b=["two"])
    transaction = content.transaction
    refused = [one.id for one in transaction.snippets.pending(content.id, ENRICH, 9)]
    others = [one.id for one in transaction.snippets.pending(other.id, ENRICH, 9)]
    for index_id, ids in ((content.id, refused), (other.id, others)):
        transaction.refusals.refuse(index_id, dict.fromkeys(ids, "the model refused"))
    content.embed(1)
    assert content.answering() == ["one"]

    transaction.versions.retire([content.versions["a"]])

    assert transaction.refusals.refused(content.id, refused) == {refused[1]}
    assert transaction.refusals.refused(other.id, others) == set(others)
    assert content.pending(CODE) == ["two"]
    assert content.answering() == []
    assert content.in_state("removed") == ["one"]
    logged = "SELECT op FROM keyword_changes WHERE index_id = ? AND snippet_id = ? ORDER BY seq"
    assert [row[0] for row in rows(transaction, logged, content.id, refused[0])] == [
        KeywordOperation.ADD.value,
        KeywordOperation.REMOVE.value,
    ]


def test_a_version_that_is_still_searched_for_another_file_is_shared(
    content: Content, other: Content
) -> None:
    """So that its snippets stay as they are when its own file loses it."""
    content.replace(a=["one"])
    version_id = content.versions["a"]
    versions = content.transaction.versions
    assert versions.shared([version_id]) == set()
    change(
        content.transaction,
        "INSERT INTO former_versions (index_id, path_id, version_id) VALUES (?, ?, ?)",
        *(other.id, other.files["a"], version_id),
    )
    assert versions.shared([version_id]) == {version_id}


def test_what_goes_with_its_index_is_not_counted_as_unused(content: Content) -> None:
    """While an index is deleted, its results take nothing from the room that is left to others."""
    content.replace(a=["one"], b=["two"])
    content.embed()
    transaction = content.transaction
    transaction.indexes.mark_deleted(content.id, NOW)
    while rows(transaction, "SELECT * FROM vectors WHERE index_id = ?", content.id):
        assert transaction.indexes.remove_some(content.id, 1)
    assert len(rows(transaction, "SELECT * FROM embeddings")) == 2
    assert transaction.unused.size() == 0
