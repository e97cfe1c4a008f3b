"""How many files and snippets the indexes hold: each count reads an index of the rows it counts."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, func, select

from kodit.domain.entities import Index, IndexSummary
from kodit.domain.value_objects import FileProcessingStatus
from kodit.infrastructure.sqlalchemy.entities import FILES, SNIPPETS, UNCLEAN, WITH_PROBLEM

_DELETED = FileProcessingStatus.DELETED.value


def summarise(connection: Connection, indexes: Sequence[Index]) -> list[IndexSummary]:
    """What each of these indexes holds."""
    ids = [index.id for index in indexes]
    files: dict[int, int] = {}
    problems: dict[int, dict[str, int]] = {}
    left_out: dict[int, dict[str, int]] = {}
    for sign, conditions in (
        (1, ()),
        (-1, (UNCLEAN, FILES.c.status == _DELETED)),
    ):
        for index_id, count in connection.execute(
            select(FILES.c.index_id, func.count())
            .where(FILES.c.index_id.in_(ids), *conditions)
            .group_by(FILES.c.index_id)
        ):
            files[index_id] = files.get(index_id, 0) + sign * count
    for index_id, problem, language, count in connection.execute(
        select(FILES.c.index_id, FILES.c.problem, FILES.c.language, func.count())
        .where(
            FILES.c.index_id.in_(ids),
            WITH_PROBLEM,
            FILES.c.status != _DELETED,
        )
        .group_by(FILES.c.index_id, FILES.c.problem, FILES.c.language)
    ):
        # A file with a problem that still has a language was split by lines.
        of_index = (left_out if language is None else problems).setdefault(index_id, {})
        of_index[str(problem)] = of_index.get(str(problem), 0) + count
        if language is None:
            files[index_id] -= count
    snippets: dict[int, int] = {
        row[0]: row[1]
        for row in connection.execute(
            select(SNIPPETS.c.index_id, func.count())
            .where(SNIPPETS.c.index_id.in_(ids), SNIPPETS.c.state == "live")
            .group_by(SNIPPETS.c.index_id)
        )
    }
    return [
        IndexSummary(
            index=index,
            files=files.get(index.id, 0),
            snippets=snippets.get(index.id, 0),
            problems=problems.get(index.id, {}),
            left_out=left_out.get(index.id, {}),
        )
        for index in indexes
    ]


def left_out(connection: Connection, index_ids: Sequence[int]) -> dict[int, dict[str, int]]:
    """How many files of these indexes were left out when they were read, by reason."""
    found: dict[int, dict[str, int]] = {}
    for index_id, problem, count in connection.execute(
        select(FILES.c.index_id, FILES.c.problem, func.count())
        .where(
            FILES.c.index_id.in_(index_ids),
            WITH_PROBLEM,
            FILES.c.language.is_(None),
            FILES.c.status != _DELETED,
        )
        .group_by(FILES.c.index_id, FILES.c.problem)
    ):
        found.setdefault(index_id, {})[str(problem)] = count
    return found
