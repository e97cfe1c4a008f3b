"""Snippets, the log that the keyword index follows, and what later stages have to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    Connection,
    delete,
    exists,
    func,
    insert,
    literal,
    select,
    update,
)

from kodit.domain.entities import StoredSnippet
from kodit.domain.keyword import KeywordChange, KeywordOperation
from kodit.domain.ports.repositories import ExtractedFile, SnippetCounts
from kodit.domain.value_objects import FileProcessingStatus, TaskType
from kodit.infrastructure.mappers.symbols import placed_to_text
from kodit.infrastructure.sqlalchemy.chunks import in_chunks
from kodit.infrastructure.sqlalchemy.entities import (
    FILES,
    INDEXES,
    KEYWORD_CHANGES,
    PENDING_SNIPPETS,
    SNIPPETS,
    STALE,
    UNCLEAN,
    VECTORS,
)
from kodit.infrastructure.sqlalchemy.prepared import (
    Driver,
)
from kodit.infrastructure.sqlalchemy.snippet_statements import (
    ADD_SNIPPET,
    CHANGES,
    DROP_VECTORS,
    FORGET_PENDING,
    LIVE_BY_ID,
    LOG_CHANGE,
    LOG_LIVE_OF_FILES,
    NOTE_EXTRACTION,
    OLD_OF_FILES,
    PEND_LIVE_OF_FILES,
    PENDING,
    REST_OF_CHANGE_SET,
    SET_STATE,
)
from kodit.infrastructure.sqlalchemy.stored_snippets import to_stored

_STAGES = (TaskType.CODE_EMBEDDINGS, TaskType.ENRICH)


class _OldSnippet(NamedTuple):
    id: int
    file_id: int
    state: str


class SqlSnippetRepository:
    """Snippets over one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._driver = Driver(connection)

    # Extraction

    def replace(self, index_id: int, files: Sequence[ExtractedFile]) -> SnippetCounts:
        change_set = self._next_change_set(index_id)
        removed = self._retire(index_id, change_set, files)
        rows = [
            {
                "index_id": index_id,
                "file_id": file.file_id,
                "state": "live",
                "start_line": snippet.start_line,
                "end_line": snippet.end_line,
                "language": snippet.language,
                "symbol": snippet.symbol.name if snippet.symbol else None,
                "kind": snippet.symbol.kind.value if snippet.symbol else None,
                "scope": snippet.symbol.scope if snippet.symbol else "",
                "content_hash": snippet.content_hash,
                "text": snippet.text,
                "also_defines": placed_to_text(snippet.also_defines),
            }
            for file in files
            if file.sliced is not None
            for snippet in file.sliced.snippets
        ]
        if rows:
            self._store(index_id, change_set, rows)
        self._note_extraction(files)
        return SnippetCounts(written=len(rows), removed=removed)

    def _retire(self, index_id: int, change_set: int, files: Sequence[ExtractedFile]) -> int:
        """Supersede the snippets of changed files and remove those of files that are gone."""
        gone = {file.file_id for file in files if file.sliced is None}
        old = [
            _OldSnippet(*row)
            for row in OLD_OF_FILES.run(self._driver, [file.file_id for file in files])
        ]
        live = [row for row in old if row.state == "live"]
        superseded_files = {row.file_id for row in old if row.state == "superseded"}
        for state, ids in (
            ("removed", [row.id for row in old if row.file_id in gone]),
            ("superseded", [row.id for row in live if row.file_id not in gone]),
        ):
            SET_STATE.run(self._driver, ids, {"new_state": state})
        FORGET_PENDING.run(self._driver, [row.id for row in live])
        self._drop_vectors([row.id for row in old if row.file_id in gone])
        # A file that changes again before an engine had its last change is answered for by the
        # oldest snippets the engine holds, and by them alone.
        for row in live:
            if row.file_id in superseded_files and row.file_id not in gone:
                self._drop_vectors_beside_older([row.id], row.file_id)
        LOG_CHANGE.run_many(
            self._driver,
            (
                {
                    "index_id": index_id,
                    "file_id": row.file_id,
                    "change_set": change_set,
                    "snippet_id": row.id,
                    "op": KeywordOperation.REMOVE.value,
                }
                for row in live
            ),
        )
        return len(live)

    def _drop_vectors(self, snippet_ids: Sequence[int]) -> None:
        DROP_VECTORS.run(self._driver, snippet_ids)

    def _drop_vectors_beside_older(self, snippet_ids: Sequence[int], file_id: int) -> None:
        older = (
            select(VECTORS.c.kind)
            .join(SNIPPETS, SNIPPETS.c.id == VECTORS.c.snippet_id)
            .where(SNIPPETS.c.file_id == file_id, SNIPPETS.c.id.not_in(snippet_ids))
            .where(SNIPPETS.c.id < min(snippet_ids), SNIPPETS.c.state == "superseded")
        )
        kinds = list(self._connection.execute(older.distinct()).scalars())
        if kinds:
            self._connection.execute(
                delete(VECTORS).where(
                    VECTORS.c.snippet_id.in_(snippet_ids), VECTORS.c.kind.in_(kinds)
                )
            )

    def _next_change_set(self, index_id: int) -> int:
        last = select(func.max(KEYWORD_CHANGES.c.change_set)).where(
            KEYWORD_CHANGES.c.index_id == index_id
        )
        return (self._connection.execute(last).scalar() or 0) + 1

    def _store(self, index_id: int, change_set: int, rows: Sequence[dict[str, Any]]) -> None:
        """Once the old ones are retired, the live snippets of these files are the new ones."""
        ADD_SNIPPET.run_many(self._driver, rows)
        file_ids = sorted({row["file_id"] for row in rows})
        LOG_LIVE_OF_FILES.run(self._driver, file_ids, {"of_change_set": change_set})
        for stage in _STAGES:
            PEND_LIVE_OF_FILES.run(self._driver, file_ids, {"of_stage": stage.name})

    def _note_extraction(self, files: Sequence[ExtractedFile]) -> None:
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
                    # No language marks a file that is not read at all.
                    "spoken": file.sliced.language
                    if file.sliced.snippets or file.sliced.problem is None
                    else None,
                }
                for file in files
                if file.sliced is not None
            ),
        )

    # The log of the keyword index

    def keyword_changes(self, index_id: int, limit: int) -> list[KeywordChange]:
        rows = list(CHANGES.run(self._driver, {"of_index": index_id, "most": limit}))
        if not rows:
            return []
        last_seq, last_set = rows[-1][:2]
        rows += REST_OF_CHANGE_SET.run(
            self._driver, {"of_index": index_id, "of_change_set": last_set, "after": last_seq}
        )
        added = [snippet_id for _seq, _set, snippet_id, op in rows if op == "add"]
        snippets = {row[0]: to_stored(row) for row in LIVE_BY_ID.run(self._driver, added)}
        return [
            KeywordChange(seq, snippet_id, KeywordOperation(op), snippets.get(snippet_id))
            for seq, _set, snippet_id, op in rows
        ]

    def count_keyword_changes(self, index_id: int) -> int:
        return self._count(KEYWORD_CHANGES.c.index_id == index_id)

    def acknowledge(self, index_id: int, seq: int) -> None:
        self._connection.execute(
            delete(KEYWORD_CHANGES).where(
                KEYWORD_CHANGES.c.index_id == index_id, KEYWORD_CHANGES.c.seq <= seq
            )
        )

    def follow_generation(self, index_id: int, generation: str) -> None:
        noted = self._connection.execute(
            select(INDEXES.c.keyword_generation).where(INDEXES.c.id == index_id)
        ).scalar()
        if noted == generation:
            return
        if noted is not None:
            self._connection.execute(
                delete(KEYWORD_CHANGES).where(KEYWORD_CHANGES.c.index_id == index_id)
            )
            self._connection.execute(
                insert(KEYWORD_CHANGES).from_select(
                    ["index_id", "file_id", "change_set", "snippet_id", "op"],
                    select(
                        SNIPPETS.c.index_id,
                        SNIPPETS.c.file_id,
                        SNIPPETS.c.id,
                        SNIPPETS.c.id,
                        literal(KeywordOperation.ADD.value),
                    )
                    .where(SNIPPETS.c.index_id == index_id, SNIPPETS.c.state == "live")
                    .order_by(SNIPPETS.c.id),
                )
            )
        self._connection.execute(
            update(INDEXES).where(INDEXES.c.id == index_id).values(keyword_generation=generation)
        )

    # What the later stages have to do

    def pending(self, index_id: int, stage: TaskType, limit: int) -> list[StoredSnippet]:
        rows = PENDING.run(
            self._driver, {"of_index": index_id, "of_stage": stage.name, "most": limit}
        )
        return [to_stored(row) for row in rows]

    def count_pending(self, index_id: int, stage: TaskType) -> int:
        return self._count(
            PENDING_SNIPPETS.c.index_id == index_id, PENDING_SNIPPETS.c.stage == stage.name
        )

    def follow_model(self, index_id: int, stage: TaskType, model: str) -> None:
        column = INDEXES.c.code_model if stage is TaskType.CODE_EMBEDDINGS else INDEXES.c.text_model
        noted = self._connection.execute(select(column).where(INDEXES.c.id == index_id)).scalar()
        if noted == model:
            return
        if noted is not None:
            mine = PENDING_SNIPPETS.c.index_id == index_id
            self._connection.execute(
                delete(PENDING_SNIPPETS).where(mine, PENDING_SNIPPETS.c.stage == stage.name)
            )
            self._connection.execute(
                insert(PENDING_SNIPPETS).from_select(
                    ["index_id", "stage", "snippet_id"],
                    select(SNIPPETS.c.index_id, literal(stage.name), SNIPPETS.c.id).where(
                        SNIPPETS.c.index_id == index_id, SNIPPETS.c.state == "live"
                    ),
                )
            )
        self._connection.execute(
            update(INDEXES).where(INDEXES.c.id == index_id).values({column: model})
        )

    def is_finished(self, index_id: int) -> bool:
        unfinished = (
            exists().where(KEYWORD_CHANGES.c.index_id == index_id),
            exists().where(PENDING_SNIPPETS.c.index_id == index_id),
            exists().where(FILES.c.index_id == index_id, STALE),
            exists().where(FILES.c.index_id == index_id, UNCLEAN),
            exists().where(INDEXES.c.id == index_id, INDEXES.c.updated_at.is_(None)),
        )
        return not any(
            self._connection.execute(select(condition)).scalar() for condition in unfinished
        )

    def purge(self, index_id: int, limit: int) -> int:
        held = exists().where(VECTORS.c.snippet_id == SNIPPETS.c.id)
        logged = exists().where(KEYWORD_CHANGES.c.snippet_id == SNIPPETS.c.id)
        some = (
            select(SNIPPETS.c.id)
            .where(
                SNIPPETS.c.index_id == index_id,
                SNIPPETS.c.state.in_(("superseded", "removed")),
                ~held,
                ~logged,
            )
            .limit(limit)
        )
        return self._connection.execute(delete(SNIPPETS).where(SNIPPETS.c.id.in_(some))).rowcount

    def _count(self, *conditions: Any) -> int:
        return self._connection.execute(select(func.count()).where(*conditions)).scalar_one()
