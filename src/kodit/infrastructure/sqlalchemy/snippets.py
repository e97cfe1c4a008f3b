"""Snippets, the log that the keyword index follows, and the pending work of later stages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection

from kodit.domain.batches import (
    MOST_PER_TRANSACTION,
    Weight,
    first_batch,
    size_of,
)
from kodit.domain.entities import StoredSnippet
from kodit.domain.ports.repositories import (
    ExtractedFile,
    Followed,
    SnippetCounts,
)
from kodit.domain.value_objects import TaskType
from kodit.infrastructure.sql.stored_snippets import to_stored
from kodit.infrastructure.sqlalchemy.entities import (
    ENRICHMENTS,
)
from kodit.infrastructure.sqlalchemy.extracted import ExtractedContents
from kodit.infrastructure.sqlalchemy.keyword_log import new_token, next_change_set
from kodit.infrastructure.sqlalchemy.prepared import Driver
from kodit.infrastructure.sqlalchemy.refusals import SqlRefusalRepository
from kodit.infrastructure.sqlalchemy.snippet_statements import (
    COUNT_PENDING,
    COUNT_PENDING_FOR,
    COUNT_PENDING_UP_TO,
    DEAD,
    DELETE_SNIPPETS,
    FOLLOWED,
    LIVE_AFTER,
    LOG_LIVE,
    NEXT_PENDING,
    NOTE,
    NOTED,
    PEND_LIVE,
    PENDING,
    PENDING_FOR,
    STILL_PENDING,
    UNFINISHED_ELSEWHERE,
    UNFINISHED_WORK,
    WITH_MODEL,
    others,
)
from kodit.infrastructure.sqlalchemy.snippet_texts import forget_texts
from kodit.infrastructure.sqlalchemy.unused import release
from kodit.infrastructure.sqlalchemy.version_statements import (
    DROP_EMPTY_VERSIONS,
    FORGET_FORMER,
    SUPERSEDED_BY_VERSIONS,
)
from kodit.infrastructure.sqlalchemy.versions import (
    SqlVersionRepository,
)


class SqlSnippetRepository:
    """Snippets over one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._driver = Driver(connection)
        self._refusals = SqlRefusalRepository(connection)
        self._versions = SqlVersionRepository(connection)
        self._extracted = ExtractedContents(connection)

    # Extraction

    def replace(
        self, index_id: int, files: Sequence[ExtractedFile], *, keeps_former: bool = False
    ) -> SnippetCounts:
        return self._extracted.replace(index_id, files, keeps_former=keeps_former)

    def held(self, index_id: int, file_ids: Sequence[int]) -> dict[int, int]:
        return self._extracted.held(index_id, file_ids)

    # Keyword index

    def log_all(self, index_id: int, generation: str, after: int = 0) -> int | None:
        last_change_set = next_change_set(self._driver, index_id) - 1

        def log(some: Mapping[str, int]) -> None:
            # One change set per snippet, after all pending ones, so that a batch may end after any.
            mark = {"last_change_set": last_change_set, "with_token": new_token()}
            LOG_LIVE.run(self._driver, {**some, **mark})

        return self._follow(index_id, "keyword_generation", generation, log, after)

    # Later stages

    def pending(
        self,
        index_id: int,
        stage: TaskType,
        limit: int,
        most_bytes: int = MOST_PER_TRANSACTION.size,
        *,
        after: int = 0,
        of_index: int | None = None,
    ) -> list[StoredSnippet]:
        wanted: dict[str, Any] = {"of_index": index_id, "of_stage": stage.name}
        wanted |= {"after": after, "most": limit}
        statement = PENDING
        if of_index is not None:
            statement, wanted["had_by"] = PENDING_FOR, of_index
        with closing(statement.stream(self._driver, wanted)) as rows:
            batch = first_batch(
                map(to_stored, rows),
                Weight(limit, most_bytes),
                lambda snippet: Weight(1, size_of(snippet.text)),
            )
        files = list(dict.fromkeys(snippet.file_id for snippet in batch))
        superseded = dict(map(tuple, SUPERSEDED_BY_VERSIONS.run(self._driver, files)))
        if sum(superseded.values()) <= MOST_PER_TRANSACTION.rows:
            return batch
        # A file's old results are dropped when its last new one is there.
        kept = set(
            first_batch(
                files, MOST_PER_TRANSACTION, lambda file_id: Weight(superseded.get(file_id, 0))
            )
        )
        return [snippet for snippet in batch if snippet.file_id in kept]

    def count_pending(self, index_id: int, stage: TaskType, of_index: int | None = None) -> int:
        wanted: dict[str, Any] = {"of_index": index_id, "of_stage": stage.name}
        statement = COUNT_PENDING
        if of_index is not None:
            statement, wanted["had_by"] = COUNT_PENDING_FOR, of_index
        [(count,)] = statement.run(self._driver, wanted)
        return int(count)

    def few_pending(
        self, beside: int, stage: TaskType, model: str, most: int, most_indexes: int
    ) -> list[int]:
        found: list[int] = []
        for index_id in others(self._driver, NEXT_PENDING, beside):
            if most <= 0 or len(found) == most_indexes:
                break
            wanted = {"of_index": index_id, "of_stage": stage.name, "most": most + 1}
            [(count,)] = COUNT_PENDING_UP_TO.run(self._driver, wanted)
            if 0 < count <= most:
                found.append(index_id)
                most -= count
        return [row[0] for row in WITH_MODEL[stage].run(self._driver, found, {"of_model": model})]

    def still_pending(self, index_id: int, stage: TaskType, snippet_ids: Sequence[int]) -> set[int]:
        of_stage = {"of_index": index_id, "of_stage": stage.name}
        rows = STILL_PENDING.run(self._driver, snippet_ids, of_stage)
        return {row[0] for row in rows}

    def follow_model(
        self, index_id: int, stage: TaskType, model: str, after: int = 0
    ) -> int | None:
        def pend(some: Mapping[str, int]) -> None:
            if stage is TaskType.ENRICH:
                self._refusals.forget_all(index_id)
            PEND_LIVE.run(self._driver, {**some, "of_stage": stage.name})

        column = "code_model" if stage is TaskType.CODE_EMBEDDINGS else "text_model"
        return self._follow(index_id, column, model, pend, after)

    def _follow(
        self,
        index_id: int,
        column: str,
        wanted: str,
        note: Callable[[Mapping[str, int]], None],
        after: int,
    ) -> int | None:
        """Mark some live snippets as pending, and record the new model once all are."""
        [(noted,)] = NOTED[column].run(self._driver, {"of_index": index_id})
        if noted == wanted:
            return None
        if noted is not None:  # an empty one is no longer known
            some = {"of_index": index_id, "after": after}
            ids = LIVE_AFTER.run(self._driver, {**some, "most": MOST_PER_TRANSACTION.rows})
            if ids:
                last: int = ids[-1][0]
                note({**some, "until": last})
                if len(ids) == MOST_PER_TRANSACTION.rows:
                    return last
        NOTE[column].run(self._driver, {"of_index": index_id, "wanted": wanted})
        return None

    def followed(self, index_id: int) -> Followed:
        [row] = FOLLOWED.run(self._driver, {"of_index": index_id})
        return Followed(*row)

    def is_finished(self, index_id: int) -> bool:
        of_index = {"of_index": index_id}
        if any(work.run(self._driver, of_index) for work in UNFINISHED_WORK):
            return False
        if len(self._versions.stores(index_id)) == 1:
            return True
        return not any(work.run(self._driver, of_index) for work in UNFINISHED_ELSEWHERE)

    def has_dead(self, index_id: int) -> bool:
        return bool(DEAD.run(self._driver, {"of_index": index_id, "most": 1}))

    def purge(self, index_id: int, limit: int) -> int:
        with closing(DEAD.stream(self._driver, {"of_index": index_id, "most": limit})) as rows:
            weighed = ((row[0], Weight(1, row[1] or 0)) for row in rows)
            dead = first_batch(weighed, MOST_PER_TRANSACTION, itemgetter(1))
        deleted = DELETE_SNIPPETS.run(self._driver, [key for key, _weight in dead])
        release(self._driver, ENRICHMENTS, (row[0] for row in deleted))
        forget_texts(self._driver, (row[2] for row in deleted))
        versions = sorted({row[1] for row in deleted})
        FORGET_FORMER.run(self._driver, versions)
        DROP_EMPTY_VERSIONS.run(self._driver, versions)
        return len(dead)
