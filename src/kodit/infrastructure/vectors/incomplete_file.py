"""The file that a stage has embedded partly.

Stages embed snippets in the order of their ids, and those of a file are consecutive: at any time at
most one file of an index has vectors for only some of its snippets. As long as it still has vectors
of superseded snippets, only those are searched.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from kodit.domain.value_objects import TaskType, VectorKind
from kodit.infrastructure.sql.statements import Cursors, StatementForMany

_STAGES = {VectorKind.CODE: TaskType.CODE_EMBEDDINGS, VectorKind.TEXT: TaskType.ENRICH}

_HALF_DONE = StatementForMany(
    "SELECT upcoming.index_id, upcoming.version_id, max(old.id) FROM snippets AS upcoming "
    "JOIN files ON files.version_id = upcoming.version_id "
    "JOIN former_versions ON former_versions.index_id = files.index_id "
    "AND former_versions.path_id = files.path_id "
    "JOIN snippets AS old ON old.version_id = former_versions.version_id "
    "AND old.state = 'superseded' "
    "JOIN vectors ON vectors.snippet_id = old.id "
    "AND vectors.kind = :kind AND vectors.model = :model "
    "WHERE upcoming.id IN (SELECT min(pending_snippets.snippet_id) FROM pending_snippets "
    "WHERE pending_snippets.index_id IN :ids AND pending_snippets.stage = :stage "
    "GROUP BY pending_snippets.index_id) "
    "GROUP BY upcoming.id"
)


class PartlyEmbedded(NamedTuple):
    """A file, and the newest of its snippets that is still searched."""

    file_id: int
    newest_snippet_id: int


def partly_embedded_files(
    driver: Cursors, index_ids: Sequence[int], kind: VectorKind, model: str
) -> dict[int, PartlyEmbedded]:
    """By index, the file for which only some vectors of this kind and model exist, if any."""
    of_stage = {"stage": _STAGES[kind].name, "kind": kind.value, "model": model}
    rows = _HALF_DONE.run(driver, index_ids, of_stage)
    return {index_id: PartlyEmbedded(file_id, newest) for index_id, file_id, newest in rows}
