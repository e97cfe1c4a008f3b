"""Snippets, the log that the keyword index follows, and the pending work of later stages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import Connection, update

from kodit.domain.batches import (
    MOST_PER_TRANSACTION,
    Weight,
    first_batch,
    size_of,
)
from kodit.domain.entities import StoredSnippet
from kodit.domain.keyword import KeywordOperation
from kodit.domain.ports.repositories import ExtractedFile, Followed, SnippetCounts
from kodit.domain.value_objects import FileProcessingStatus, TaskType
from kodit.infrastructure.mappers.symbols import extents_to_text, placed_to_text
from kodit.infrastructure.sql.chunks import in_chunks
from kodit.infrastructure.sql.stored_snippets import to_stored
from kodit.infrastructure.sqlalchemy.entities import (
    EMBEDDINGS,
    ENRICHMENTS,
    FILES,
)
from kodit.infrastructure.sqlalchemy.keyword_log import new_token
from kodit.infrastructure.sqlalchemy.locking import lock_name
from kodit.infrastructure.sqlalchemy.prepared import Driver
from kodit.infrastructure.sqlalchemy.refusals import SqlRefusalRepository
from kodit.infrastructure.sqlalchemy.snippet_statements import (
    ADD_SNIPPET,
    COUNT_PENDING,
    COUNT_PENDING_UP_TO,
    DEAD,
    DELETE_SNIPPETS,
    DROP_VECTORS,
    DROP_VECTORS_OF_KIND,
    FOLLOWED,
    FORGET_PENDING,
    KINDS_OF_VECTORS,
    LAST_CHANGE_SET,
    LIVE_AFTER,
    LOG_CHANGE,
    LOG_LIVE,
    LOG_LIVE_OF_VERSIONS,
    NEXT_PENDING,
    NOTE,
    NOTE_EXTRACTION,
    NOTED,
    PEND_LIVE,
    PEND_LIVE_OF_VERSIONS,
    PENDING,
    SET_STATE,
    STILL_PENDING,
    UNFINISHED_WORK,
    WITH_MODEL,
    others,
)
from kodit.infrastructure.sqlalchemy.unused import release
from kodit.infrastructure.sqlalchemy.version_statements import (
    ADD_VERSION,
    DROP_EMPTY_VERSIONS,
    FORGET_FORMER,
    KEEP_VERSION,
    OLD_OF_FILES,
    SUPERSEDED_BY_VERSIONS,
    VERSIONS_OF_FILES,
)

_STAGES = (TaskType.CODE_EMBEDDINGS, TaskType.ENRICH)


class _OldSnippet(NamedTuple):
    id: int
    file_id: int
    state: str
    version_id: int


class _Version(NamedTuple):
    """The current version of a file, and the path."""

    id: int | None
    path: str


class SqlSnippetRepository:
    """Snippets over one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._driver = Driver(connection)
        self._refusals = SqlRefusalRepository(connection)

    # Extraction

    def replace(self, index_id: int, files: Sequence[ExtractedFile]) -> SnippetCounts:
        change_set, token = self._next_change_set(index_id), new_token()
        found = VERSIONS_OF_FILES.run(self._driver, [file.file_id for file in files])
        versions = {row[0]: _Version(*row[1:]) for row in found}
        removed = self._retire(index_id, change_set, token, files)
        made = {
            file.file_id: self._add_version(index_id, versions[file.file_id].path)
            for file in files
            if file.sliced is not None
        }
        rows = [
            {
                "index_id": index_id,
                "version_id": made[file.file_id],
                "state": "live",
                "start_line": snippet.start_line,
                "end_line": snippet.end_line,
                "language": snippet.language,
                "symbol": snippet.symbol.name if snippet.symbol else None,
                "kind": snippet.symbol.kind.value if snippet.symbol else None,
                "scope": snippet.symbol.scope if snippet.symbol else "",
                "content_hash": snippet.content_hash,
                "text": snippet.text,
                "also_defines": placed_to_text(snippet.also_defines, minor=False),
                "minor_symbols": placed_to_text(snippet.also_defines, minor=True),
                "mentions": snippet.mentions or None,
                "extents": extents_to_text(snippet.extents),
            }
            for file in files
            if file.sliced is not None
            for snippet in file.sliced.snippets
        ]
        if rows:
            self._store(change_set, token, rows)
        self._note_extraction(files, made)
        DROP_EMPTY_VERSIONS.run(
            self._driver,
            [versions[file_id].id or 0 for file_id in made if versions[file_id].id is not None],
        )
        return SnippetCounts(written=len(rows), removed=removed)

    def held(self, file_ids: Sequence[int]) -> dict[int, int]:
        return dict(Counter(row.file_id for row in self._old_snippets(file_ids)))

    def _old_snippets(self, file_ids: Sequence[int]) -> list[_OldSnippet]:
        """Those of former versions first."""
        return [
            _OldSnippet(*row)
            for old_of_files in OLD_OF_FILES
            for row in old_of_files.run(self._driver, file_ids)
        ]

    def _add_version(self, index_id: int, path: str) -> int:
        [(version_id,)] = ADD_VERSION.run(self._driver, {"of_index": index_id, "at": path})
        return int(version_id)

    def _retire(
        self, index_id: int, change_set: int, token: int, files: Sequence[ExtractedFile]
    ) -> int:
        """Supersede the snippets of changed files and remove those of deleted files."""
        gone = {file.file_id for file in files if file.sliced is None}
        old = self._old_snippets([file.file_id for file in files])
        live = [row for row in old if row.state == "live"]
        superseded_files = {row.file_id for row in old if row.state == "superseded"}
        for state, ids in (
            ("removed", [row.id for row in old if row.file_id in gone]),
            ("superseded", [row.id for row in live if row.file_id not in gone]),
        ):
            SET_STATE.run(self._driver, ids, {"new_state": state})
        left = sorted({(row.file_id, row.version_id) for row in live if row.file_id not in gone})
        KEEP_VERSION.run_many(
            self._driver,
            (
                {"index_id": index_id, "file_id": file_id, "version_id": version_id}
                for file_id, version_id in left
            ),
        )
        FORGET_PENDING.run(self._driver, [row.id for row in live])
        self._refusals.forget(index_id, [row.id for row in live])
        self._drop_vectors([row.id for row in old if row.file_id in gone])
        # If a file changes again before an engine had its last change, only the oldest snippets,
        # which the engine holds, are searched.
        for file_id in superseded_files - gone:
            self._drop_vectors_beside_older(
                [row.id for row in live if row.file_id == file_id],
                [row.id for row in old if row.file_id == file_id and row.state == "superseded"],
            )
        LOG_CHANGE.run_many(
            self._driver,
            (
                {
                    "index_id": index_id,
                    "version_id": row.version_id,
                    "change_set": change_set,
                    "snippet_id": row.id,
                    "op": KeywordOperation.REMOVE.value,
                    "token": token,
                }
                for row in live
            ),
        )
        return len(live)

    def _drop_vectors(self, snippet_ids: Sequence[int]) -> None:
        dropped = DROP_VECTORS.run(self._driver, snippet_ids)
        release(self._driver, EMBEDDINGS, (row[0] for row in dropped))

    def _drop_vectors_beside_older(
        self, snippet_ids: Sequence[int], older_ids: Sequence[int]
    ) -> None:
        """`snippet_ids` are all snippets of a file that were live until now."""
        if not snippet_ids:
            return
        kinds = sorted({row[0] for row in KINDS_OF_VECTORS.run(self._driver, older_ids)})
        for kind in kinds:
            dropped = DROP_VECTORS_OF_KIND.run(self._driver, snippet_ids, {"of_kind": kind})
            release(self._driver, EMBEDDINGS, (row[0] for row in dropped))

    def _next_change_set(self, index_id: int) -> int:
        # The numbers of changes are given in the order of commits: whoever has applied the log up
        # to one of them removes all before it.
        lock_name(self._driver, "keyword log", str(index_id))
        [(last,)] = LAST_CHANGE_SET.run(self._driver, {"of_index": index_id})
        return (last or 0) + 1

    def _store(self, change_set: int, token: int, rows: Sequence[dict[str, Any]]) -> None:
        """Once the old ones are retired, the live snippets of these files are the new ones."""
        ADD_SNIPPET.run_many(self._driver, rows)
        version_ids = sorted({row["version_id"] for row in rows})
        LOG_LIVE_OF_VERSIONS.run(
            self._driver, version_ids, {"of_change_set": change_set, "with_token": token}
        )
        for stage in _STAGES:
            PEND_LIVE_OF_VERSIONS.run(self._driver, version_ids, {"of_stage": stage.name})

    def _note_extraction(self, files: Sequence[ExtractedFile], made: Mapping[int, int]) -> None:
        """`made` are the new versions by file."""
        gone = [file.file_id for file in files if file.sliced is None]
        for some in in_chunks(gone):
            self._connection.execute(
                update(FILES)
                .where(FILES.c.id.in_(some))
                .values(
                    stale=False,
                    extracted_hash=None,
                    status=FileProcessingStatus.DELETED.value,
                )
            )
        NOTE_EXTRACTION.run_many(
            self._driver,
            (
                {
                    "file": file.file_id,
                    "hash": file.content_hash,
                    "version": file.extractor_version,
                    "what": file.sliced.problem,
                    # A file without a language is not read at all.
                    "spoken": file.sliced.language
                    if file.sliced.snippets or file.sliced.problem is None
                    else None,
                    "made": made[file.file_id],
                }
                for file in files
                if file.sliced is not None
            ),
        )

    # Keyword index

    def log_all(self, index_id: int, generation: str, after: int = 0) -> int | None:
        last_change_set = self._next_change_set(index_id) - 1

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
    ) -> list[StoredSnippet]:
        wanted = {"of_index": index_id, "of_stage": stage.name, "after": after, "most": limit}
        with closing(PENDING.stream(self._driver, wanted)) as rows:
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

    def count_pending(self, index_id: int, stage: TaskType) -> int:
        wanted = {"of_index": index_id, "of_stage": stage.name}
        [(count,)] = COUNT_PENDING.run(self._driver, wanted)
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
        return not any(work.run(self._driver, of_index) for work in UNFINISHED_WORK)

    def has_dead(self, index_id: int) -> bool:
        return bool(DEAD.run(self._driver, {"of_index": index_id, "most": 1}))

    def purge(self, index_id: int, limit: int) -> int:
        with closing(DEAD.stream(self._driver, {"of_index": index_id, "most": limit})) as rows:
            weighed = ((row[0], Weight(1, row[1] or 0)) for row in rows)
            dead = first_batch(weighed, MOST_PER_TRANSACTION, itemgetter(1))
        deleted = DELETE_SNIPPETS.run(self._driver, [key for key, _weight in dead])
        release(self._driver, ENRICHMENTS, (row[0] for row in deleted))
        versions = sorted({row[1] for row in deleted})
        FORGET_FORMER.run(self._driver, versions)
        DROP_EMPTY_VERSIONS.run(self._driver, versions)
        return len(dead)
