"""Which files of packed vectors a node has for an index."""

from __future__ import annotations

import pytest
from tests.database.content import Content, rows

from kodit.domain.value_objects import VectorKind
from kodit.infrastructure.vectors.exact_index import _noted_packs

pytestmark = pytest.mark.every_store


def test_the_packs_of_both_kinds_are_noted_apart(content: Content) -> None:
    embeddings = content.transaction.embeddings
    embeddings.note_pack(content.id, VectorKind.CODE, "c")
    embeddings.note_pack(content.id, VectorKind.TEXT, "t")
    noted = {
        kind: _noted_packs(content.transaction.cursors, [content.id], kind) for kind in VectorKind
    }
    assert noted == {VectorKind.CODE: {content.id: "c"}, VectorKind.TEXT: {content.id: "t"}}


def test_a_node_has_the_packs_that_it_noted_itself(content: Content) -> None:
    """One that has noted none has the last of any node. In a file there is one node only."""
    transaction = content.transaction
    is_shared = transaction.cursors.names_with_percent

    def noted(node: str, *tokens: str) -> str | None:
        if is_shared:
            rows(transaction, "SELECT set_config(?, ?, true)", "kodit.node", node)
        for token in tokens:
            transaction.embeddings.note_pack(content.id, VectorKind.CODE, token)
        return _noted_packs(transaction.cursors, [content.id], VectorKind.CODE).get(content.id)

    assert noted("one") is None
    assert noted("one", "a", "b") == "b"
    assert noted("another") == "b"
    assert noted("another", "c") == "c"
    assert noted("one") == ("b" if is_shared else "c")
    assert noted("a third") == "c"
