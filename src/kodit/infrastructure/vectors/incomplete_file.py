"""The file that a stage has embedded partly.

Stages embed snippets in the order of their ids, and those of a file are consecutive: at any time at
most one file of an index has vectors for only some of its snippets. As long as it still has vectors
of superseded snippets, only those are searched.
"""

from __future__ import annotations

from typing import NamedTuple

from kodit.domain.value_objects import TaskType, VectorKind
from kodit.infrastructure.sql.statements import Cursors, Statement

_STAGES = {VectorKind.CODE: TaskType.CODE_EMBEDDINGS, VectorKind.TEXT: TaskType.ENRICH}

_HALF_DONE = Statement(
    "SELECT upcoming.file_id, max(old.id) FROM snippets AS upcoming "
    "JOIN snippets AS old ON old.file_id = upcoming.file_id AND old.state = 'superseded' "
    "JOIN vectors ON vectors.snippet_id = old.id "
    "AND vectors.kind = :kind AND vectors.model = :model "
    "WHERE upcoming.id = (SELECT min(pending_snippets.snippet_id) FROM pending_snippets "
    "WHERE pending_snippets.index_id = :index AND pending_snippets.stage = :stage) "
    "GROUP BY upcoming.file_id"
)


class PartlyEmbedded(NamedTuple):
    """A file, and the newest of its snippets that is still searched. Zeros stand for none."""

    file_id: int = 0
    newest_snippet_id: int = 0


def partly_embedded_file(
    driver: Cursors, index_id: int, kind: VectorKind, model: str
) -> PartlyEmbedded:
    """The file of an index for which only some vectors of this kind and model exist."""
    of_stage = {
        "index": index_id,
        "stage": _STAGES[kind].name,
        "kind": kind.value,
        "model": model,
    }
    rows = _HALF_DONE.run(driver, of_stage)
    return PartlyEmbedded(*rows[0]) if rows else PartlyEmbedded()
