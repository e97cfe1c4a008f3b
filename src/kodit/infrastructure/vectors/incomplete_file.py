"""The file that a stage has come to the middle of.

Stages embed snippets in the order of their identifiers, and those of a file follow each other: at
any time at most one file of an index has vectors of a part of its snippets. As long as it still has
vectors of its superseded ones, it answers with these alone.
"""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import and_, bindparam, func, select

from kodit.domain.value_objects import TaskType, VectorKind
from kodit.infrastructure.sqlalchemy.entities import (
    PENDING_SNIPPETS,
    SNIPPETS,
    VECTORS,
)
from kodit.infrastructure.sqlalchemy.prepared import Driver, Prepared

_STAGES = {VectorKind.CODE: TaskType.CODE_EMBEDDINGS, VectorKind.TEXT: TaskType.ENRICH}

_next_snippet = SNIPPETS.alias()
_old_snippet = SNIPPETS.alias()
_next, _old = _next_snippet.c, _old_snippet.c
_HALF_DONE = Prepared(
    select(_next.file_id, func.max(_old.id))
    .select_from(_next_snippet)
    .join(_old_snippet, and_(_old.file_id == _next.file_id, _old.state == "superseded"))
    .join(
        VECTORS,
        and_(
            VECTORS.c.snippet_id == _old.id,
            VECTORS.c.kind == bindparam("kind"),
            VECTORS.c.model == bindparam("model"),
        ),
    )
    .where(
        _next.id
        == select(func.min(PENDING_SNIPPETS.c.snippet_id))
        .where(
            PENDING_SNIPPETS.c.index_id == bindparam("index"),
            PENDING_SNIPPETS.c.stage == bindparam("stage"),
        )
        .scalar_subquery()
    )
    .group_by(_next.file_id)
)


class HalfDone(NamedTuple):
    """A file, and the newest of its snippets that still answer for it. Zeros stand for none."""

    file_id: int = 0
    newest_snippet_id: int = 0


def half_done_file(driver: Driver, index_id: int, kind: VectorKind, model: str) -> HalfDone:
    """The file of an index that a kind of vectors, of a model, has only a part of."""
    of_stage = {
        "index": index_id,
        "stage": _STAGES[kind].name,
        "kind": kind.value,
        "model": model,
    }
    rows = _HALF_DONE.run(driver, of_stage)
    return HalfDone(*rows[0]) if rows else HalfDone()
