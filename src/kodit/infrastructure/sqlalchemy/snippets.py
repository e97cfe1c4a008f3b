"""Snippets, the log that the keyword index follows, and what later stages have to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, delete, exists, func, insert, literal, select, update

from kodit.domain.keyword import KeywordChange, KeywordOperation
from kodit.domain.ports.repositories import ExtractedFile, SnippetCounts
from kodit.domain.search import StoredSnippet
from kodit.domain.source import FileProcessingStatus
from kodit.domain.task import TaskType
from kodit.infrastructure.sqlalchemy.chunks import in_chunks
from kodit.infrastructure.sqlalchemy.entities import (
    STALE,
    UNCLEAN,
    FileRow,
    IndexRow,
    KeywordChangeRow,
    PendingSnippetRow,
    SnippetRow,
    VectorRow,
    table_of,
)
from kodit.infrastructure.sqlalchemy.stored_snippets import select_stored, to_stored

_STAGES = (TaskType.CODE_EMBEDDINGS, TaskType.ENRICH)


class SqlSnippetRepository:
    """Snippets over one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

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
        old = self._connection.execute(
            select(SnippetRow.id, SnippetRow.file_id, SnippetRow.state)
            .where(
                SnippetRow.file_id.in_([file.file_id for file in files]),
                SnippetRow.state != "removed",
            )
            .order_by(SnippetRow.file_id, SnippetRow.id)
        ).all()
        live = [row for row in old if row.state == "live"]
        superseded_files = {row.file_id for row in old if row.state == "superseded"}
        for state, ids in (
            ("removed", [row.id for row in old if row.file_id in gone]),
            ("superseded", [row.id for row in live if row.file_id not in gone]),
        ):
            for some in in_chunks(ids):
                self._connection.execute(
                    update(SnippetRow).where(SnippetRow.id.in_(some)).values(state=state)
                )
        for some in in_chunks([row.id for row in live]):
            self._connection.execute(
                delete(PendingSnippetRow).where(PendingSnippetRow.snippet_id.in_(some))
            )
        self._drop_vectors([row.id for row in old if row.file_id in gone])
        # A file that changes again before an engine had its last change is answered for by the
        # oldest snippets the engine holds, and by them alone.
        for row in live:
            if row.file_id in superseded_files and row.file_id not in gone:
                self._drop_vectors_beside_older([row.id], row.file_id)
        if live:
            self._connection.execute(
                insert(KeywordChangeRow),
                [
                    {
                        "index_id": index_id,
                        "file_id": row.file_id,
                        "change_set": change_set,
                        "snippet_id": row.id,
                        "op": KeywordOperation.REMOVE.value,
                    }
                    for row in live
                ],
            )
        return len(live)

    def _drop_vectors(self, snippet_ids: Sequence[int]) -> None:
        for some in in_chunks(snippet_ids):
            self._connection.execute(delete(VectorRow).where(VectorRow.snippet_id.in_(some)))

    def _drop_vectors_beside_older(self, snippet_ids: Sequence[int], file_id: int) -> None:
        older = (
            select(VectorRow.kind)
            .join(SnippetRow, SnippetRow.id == VectorRow.snippet_id)
            .where(SnippetRow.file_id == file_id, SnippetRow.id.not_in(snippet_ids))
            .where(SnippetRow.id < min(snippet_ids), SnippetRow.state == "superseded")
        )
        kinds = list(self._connection.execute(older.distinct()).scalars())
        if kinds:
            self._connection.execute(
                delete(VectorRow).where(
                    VectorRow.snippet_id.in_(snippet_ids), VectorRow.kind.in_(kinds)
                )
            )

    def _next_change_set(self, index_id: int) -> int:
        last = select(func.max(KeywordChangeRow.change_set)).where(
            KeywordChangeRow.index_id == index_id
        )
        return (self._connection.execute(last).scalar() or 0) + 1

    def _store(self, index_id: int, change_set: int, rows: Sequence[dict[str, Any]]) -> None:
        stored = self._connection.execute(
            insert(SnippetRow).returning(
                SnippetRow.id, SnippetRow.file_id, sort_by_parameter_order=True
            ),
            rows,
        ).all()
        self._connection.execute(
            insert(KeywordChangeRow),
            [
                {
                    "index_id": index_id,
                    "file_id": row.file_id,
                    "change_set": change_set,
                    "snippet_id": row.id,
                    "op": KeywordOperation.ADD.value,
                }
                for row in stored
            ],
        )
        self._connection.execute(
            insert(PendingSnippetRow),
            [
                {"index_id": index_id, "stage": stage.name, "snippet_id": row.id}
                for stage in _STAGES
                for row in stored
            ],
        )

    def _note_extraction(self, files: Sequence[ExtractedFile]) -> None:
        gone = [file.file_id for file in files if file.sliced is None]
        for some in in_chunks(gone):
            self._connection.execute(
                update(FileRow)
                .where(FileRow.id.in_(some))
                .values(
                    stale=False,
                    extracted_hash=None,
                    status=FileProcessingStatus.DELETED.value,
                )
            )
        values = [
            {
                "file": file.file_id,
                "hash": file.content_hash,
                "version": file.extractor_version,
                "problem": file.sliced.problem,
                # No language marks a file that is not read at all.
                "language": file.sliced.language
                if file.sliced.snippets or file.sliced.problem is None
                else None,
            }
            for file in files
            if file.sliced is not None
        ]
        if values:
            self._connection.execute(
                update(table_of(FileRow))
                .where(FileRow.id == bindparam("file"))
                .values(
                    stale=False,
                    content_hash=bindparam("hash"),
                    extracted_hash=bindparam("hash"),
                    extractor_version=bindparam("version"),
                    problem=bindparam("problem"),
                    language=bindparam("language"),
                ),
                values,
            )

    # The log of the keyword index

    def keyword_changes(self, index_id: int, limit: int) -> list[KeywordChange]:
        mine = (
            select(
                KeywordChangeRow.seq,
                KeywordChangeRow.change_set,
                KeywordChangeRow.snippet_id,
                KeywordChangeRow.op,
            )
            .where(KeywordChangeRow.index_id == index_id)
            .order_by(KeywordChangeRow.change_set, KeywordChangeRow.seq)
        )
        rows = list(self._connection.execute(mine.limit(limit)))
        if not rows:
            return []
        rows += self._connection.execute(
            mine.where(
                KeywordChangeRow.change_set == rows[-1].change_set,
                KeywordChangeRow.seq > rows[-1].seq,
            )
        ).all()
        snippets = {
            snippet.id: snippet
            for some in in_chunks([row.snippet_id for row in rows if row.op == "add"])
            for snippet in self._select(SnippetRow.id.in_(some), SnippetRow.state == "live")
        }
        return [
            KeywordChange(
                row.seq, row.snippet_id, KeywordOperation(row.op), snippets.get(row.snippet_id)
            )
            for row in rows
        ]

    def count_keyword_changes(self, index_id: int) -> int:
        return self._count(KeywordChangeRow.index_id == index_id)

    def acknowledge(self, index_id: int, seq: int) -> None:
        self._connection.execute(
            delete(KeywordChangeRow).where(
                KeywordChangeRow.index_id == index_id, KeywordChangeRow.seq <= seq
            )
        )

    def follow_generation(self, index_id: int, generation: str) -> None:
        noted = self._connection.execute(
            select(IndexRow.keyword_generation).where(IndexRow.id == index_id)
        ).scalar()
        if noted == generation:
            return
        if noted is not None:
            self._connection.execute(
                delete(KeywordChangeRow).where(KeywordChangeRow.index_id == index_id)
            )
            self._connection.execute(
                insert(KeywordChangeRow).from_select(
                    ["index_id", "file_id", "change_set", "snippet_id", "op"],
                    select(
                        SnippetRow.index_id,
                        SnippetRow.file_id,
                        SnippetRow.id,
                        SnippetRow.id,
                        literal(KeywordOperation.ADD.value),
                    ).where(SnippetRow.index_id == index_id, SnippetRow.state == "live"),
                )
            )
        self._connection.execute(
            update(IndexRow).where(IndexRow.id == index_id).values(keyword_generation=generation)
        )

    # What the later stages have to do

    def pending(self, index_id: int, stage: TaskType, limit: int) -> list[StoredSnippet]:
        ids = (
            select(PendingSnippetRow.snippet_id)
            .where(PendingSnippetRow.index_id == index_id, PendingSnippetRow.stage == stage.name)
            .order_by(PendingSnippetRow.snippet_id)
            .limit(limit)
        )
        return self._select(SnippetRow.id.in_(ids))

    def count_pending(self, index_id: int, stage: TaskType) -> int:
        return self._count(
            PendingSnippetRow.index_id == index_id, PendingSnippetRow.stage == stage.name
        )

    def follow_model(self, index_id: int, stage: TaskType, model: str) -> None:
        column = IndexRow.code_model if stage is TaskType.CODE_EMBEDDINGS else IndexRow.text_model
        noted = self._connection.execute(select(column).where(IndexRow.id == index_id)).scalar()
        if noted == model:
            return
        if noted is not None:
            mine = PendingSnippetRow.index_id == index_id
            self._connection.execute(
                delete(PendingSnippetRow).where(mine, PendingSnippetRow.stage == stage.name)
            )
            self._connection.execute(
                insert(PendingSnippetRow).from_select(
                    ["index_id", "stage", "snippet_id"],
                    select(SnippetRow.index_id, literal(stage.name), SnippetRow.id).where(
                        SnippetRow.index_id == index_id, SnippetRow.state == "live"
                    ),
                )
            )
        self._connection.execute(
            update(IndexRow).where(IndexRow.id == index_id).values({column: model})
        )

    def is_finished(self, index_id: int) -> bool:
        unfinished = (
            exists().where(KeywordChangeRow.index_id == index_id),
            exists().where(PendingSnippetRow.index_id == index_id),
            exists().where(FileRow.index_id == index_id, STALE),
            exists().where(FileRow.index_id == index_id, UNCLEAN),
            exists().where(IndexRow.id == index_id, IndexRow.updated_at.is_(None)),
        )
        return not any(
            self._connection.execute(select(condition)).scalar() for condition in unfinished
        )

    def purge(self, index_id: int, limit: int) -> int:
        held = exists().where(VectorRow.snippet_id == SnippetRow.id)
        logged = exists().where(KeywordChangeRow.snippet_id == SnippetRow.id)
        some = (
            select(SnippetRow.id)
            .where(
                SnippetRow.index_id == index_id,
                SnippetRow.state.in_(("superseded", "removed")),
                ~held,
                ~logged,
            )
            .limit(limit)
        )
        return self._connection.execute(delete(SnippetRow).where(SnippetRow.id.in_(some))).rowcount

    def _select(self, *conditions: Any) -> list[StoredSnippet]:
        query = select_stored().where(*conditions).order_by(SnippetRow.id)
        return [to_stored(row) for row in self._connection.execute(query)]

    def _count(self, *conditions: Any) -> int:
        return self._connection.execute(select(func.count()).where(*conditions)).scalar_one()
