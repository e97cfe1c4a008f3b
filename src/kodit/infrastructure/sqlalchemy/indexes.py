"""Indexes and their working copies in SQL."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Connection,
    and_,
    delete,
    exists,
    insert,
    or_,
    select,
    update,
)

from kodit.domain.batches import MOST_PER_TRANSACTION
from kodit.domain.entities import Index, IndexedFile, WorkingCopy
from kodit.domain.ports.repositories import Extraction
from kodit.domain.source import SourceHistory
from kodit.domain.value_objects import FileProcessingStatus, FileStamp, Source, SourceKind
from kodit.infrastructure.mappers.moments import to_microseconds
from kodit.infrastructure.sql.chunks import in_chunks
from kodit.infrastructure.sql.indexes import ANY_HOST, INDEX_COLUMNS, IndexReads, to_index
from kodit.infrastructure.sqlalchemy.entities import (
    DELETED_FOLDERS,
    FILES,
    INDEXES,
    SNIPPETS,
)
from kodit.infrastructure.sqlalchemy.file_history import record_history
from kodit.infrastructure.sqlalchemy.file_statements import (
    ADD_FILE,
    CLEAN_FILES,
    COUNT_STALE_FILES,
    EXTRACTIONS,
    FILES_BY_PATH,
    FILES_WITHOUT_HISTORY,
    FINISH,
    FINISH_SCAN,
    FORGET_DELETED_FILES,
    STALE_FILES,
    UNCLEAN_FILES,
    UPDATE_FILE,
)
from kodit.infrastructure.sqlalchemy.prepared import Driver, Row
from kodit.infrastructure.sqlalchemy.removal import detach_some, is_detached, remove_some
from kodit.infrastructure.sqlalchemy.version_statements import DROP_EMPTY_VERSIONS
from kodit.infrastructure.sqlalchemy.versions import SqlVersionRepository

_DELETED = FileProcessingStatus.DELETED.value
_CLEAN = FileProcessingStatus.CLEAN.value
_PUBLIC_HOSTS = "public hosts"


class SqlIndexRepository(IndexReads):
    """Indexes and files over one connection."""

    _driver: Driver

    def __init__(self, connection: Connection) -> None:
        super().__init__(Driver(connection))
        self._connection = connection

    # Indexes

    def add(
        self,
        source: Source,
        now: datetime,
        *,
        is_confined: bool = False,
        is_remote: bool = False,
    ) -> Index:
        if source.kind is SourceKind.FOLDER:
            self._forget_deletion(source)
        row = self._connection.execute(
            insert(INDEXES).returning(*(INDEXES.c[name] for name in INDEX_COLUMNS)),
            {
                "kind": source.kind.value,
                "location": source.location,
                "ref": source.ref or "",
                "host": source.host,
                "created_at": to_microseconds(now),
                "confinement": _PUBLIC_HOSTS if is_confined else ANY_HOST if is_remote else None,
            }
            | _choice(source),
        ).one()
        return to_index(row)

    def update_source(self, index_id: int, source: Source) -> None:
        self._connection.execute(
            update(INDEXES)
            .where(INDEXES.c.id == index_id)
            .values(_choice(source) | {"commit_id": None})
        )

    def update_credentials(self, index_id: int, credentials: str | None) -> None:
        self._connection.execute(
            update(INDEXES).where(INDEXES.c.id == index_id).values(credentials=credentials)
        )

    def update_sync_every(self, index_id: int, seconds: int | None) -> None:
        self._connection.execute(
            update(INDEXES).where(INDEXES.c.id == index_id).values(sync_every=seconds)
        )

    def release(self, index_id: int) -> None:
        self._connection.execute(
            update(INDEXES).where(INDEXES.c.id == index_id).values(confinement=None)
        )

    def mark_deleted(self, index_id: int, now: datetime) -> None:
        self._connection.execute(
            update(INDEXES).where(INDEXES.c.id == index_id).values(deleted_at=to_microseconds(now))
        )

    def deleted(self) -> list[Index]:
        query = select(*(INDEXES.c[name] for name in INDEX_COLUMNS))
        rows = self._connection.execute(query.where(INDEXES.c.deleted_at != 0, ~INDEXES.c.is_store))
        return [to_index(row) for row in rows]

    def is_detached(self, index_id: int) -> bool:
        return is_detached(self._connection, index_id)

    def detach_some(self, index_id: int, limit: int) -> bool:
        return detach_some(self._connection, index_id, limit)

    def keep_store(self, index_id: int) -> bool:
        if not SqlVersionRepository(self._connection).keep_store(index_id):
            return False
        self._connection.execute(
            update(INDEXES)
            .where(INDEXES.c.id == index_id)
            .values(is_store=True, credentials=None, updated_at=None)
        )
        return True

    def remove_some(self, index_id: int, limit: int) -> bool:
        return remove_some(self._connection, index_id, limit)

    def remember_deletion(self, folder: Source, now: datetime) -> None:
        self._forget_deletion(folder)
        place = {"location": folder.location, "host": folder.host}
        self._connection.execute(
            insert(DELETED_FOLDERS), place | {"deleted_at": to_microseconds(now)}
        )

    def _forget_deletion(self, folder: Source) -> None:
        self._connection.execute(
            delete(DELETED_FOLDERS).where(
                DELETED_FOLDERS.c.location == folder.location,
                DELETED_FOLDERS.c.host == folder.host,
            )
        )

    # Working copies

    def files_by_path(self, index_id: int, paths: Sequence[str]) -> dict[str, IndexedFile]:
        rows = FILES_BY_PATH.run(self._driver, paths, {"of_index": index_id})
        return {file.path: file for file in map(_to_file, rows)}

    def add_files(self, index_id: int, files: Sequence[IndexedFile]) -> None:
        ADD_FILE.run_many(
            self._driver,
            (
                {"index_id": index_id, "path": file.path, "stale": True} | _file_state(file)
                for file in files
            ),
        )

    def update_files(self, files: Sequence[IndexedFile]) -> None:
        UPDATE_FILE.run_many(
            self._driver,
            (
                {
                    "file": file.id,
                    "outdated": _is_stale(file),
                    "is_gone": file.status is FileProcessingStatus.DELETED,
                }
                | _file_state(file)
                for file in files
            ),
        )

    def forget_files(self, file_ids: Sequence[int]) -> None:
        for some in in_chunks(file_ids):
            mine = FILES.c.id.in_(some)
            remembered = exists().where(SNIPPETS.c.version_id == FILES.c.version_id)
            self._connection.execute(
                update(FILES)
                .where(mine, remembered)
                .values(status=_DELETED, stale=False, author=None)
            )
            gone = delete(FILES).where(mine, ~remembered).returning(FILES.c.version_id)
            lost = self._connection.execute(gone).scalars()
            SqlVersionRepository(self._connection).release({one for one in lost if one})

    def finish_scan(self, index_id: int, working_copy: WorkingCopy) -> None:
        found = {
            "of_index": index_id,
            "commit": working_copy.commit,
            "history": working_copy.history_commit,
            "scanned_at": working_copy.scanned_at_ns,
            "left_out": json.dumps(working_copy.skipped, sort_keys=True),
        }
        FINISH_SCAN.run(self._driver, found)

    def files_without_history(self, index_id: int, limit: int) -> list[str]:
        rows = FILES_WITHOUT_HISTORY.run(self._driver, {"of_index": index_id, "most": limit})
        return [row[0] for row in rows]

    def record_history(self, index_id: int, history: SourceHistory) -> None:
        record_history(self._connection, index_id, history)

    def extractions(self, index_id: int) -> list[Extraction]:
        rows = EXTRACTIONS.run(self._driver, {"of_index": index_id})
        return [Extraction(row[0], row[1] or "") for row in rows]

    def extracted_by(self, index_id: int, extractions: Sequence[Extraction]) -> list[int]:
        if not extractions:
            return []
        by_these = or_(
            *(
                and_(FILES.c.language == one.language, FILES.c.extractor_version == one.version)
                for one in extractions
            )
        )
        query = select(FILES.c.id).where(FILES.c.index_id == index_id, ~FILES.c.stale, by_these)
        return list(self._connection.execute(query).scalars())

    def mark_stale(self, file_ids: Sequence[int]) -> None:
        for some in in_chunks(file_ids):
            self._connection.execute(update(FILES).where(FILES.c.id.in_(some)).values(stale=True))

    def stale_files(self, index_id: int, limit: int) -> list[IndexedFile]:
        rows = STALE_FILES.run(self._driver, {"of_index": index_id, "most": limit})
        return [_to_file(row) for row in rows]

    def count_stale_files(self, index_id: int) -> int:
        [(count,)] = COUNT_STALE_FILES.run(self._driver, {"of_index": index_id})
        return int(count)

    def finish(self, index_id: int, now: datetime) -> bool:
        limit = MOST_PER_TRANSACTION.rows
        rows = UNCLEAN_FILES.run(self._driver, {"of_index": index_id, "most": limit + 1})
        ids = [row[0] for row in rows]
        gone = FORGET_DELETED_FILES.run(self._driver, ids[:limit])
        DROP_EMPTY_VERSIONS.run(self._driver, sorted({row[0] for row in gone if row[0]}))
        CLEAN_FILES.run(self._driver, ids[:limit])
        if len(ids) > limit:
            return False
        FINISH.run(self._driver, {"of_index": index_id, "now": to_microseconds(now)})
        return True


def _choice(source: Source) -> dict[str, str | bool]:
    """The settings that select files of a source."""
    return {
        "include": json.dumps(source.include),
        "exclude": json.dumps(source.exclude),
        "submodules": source.submodules,
    }


def _to_file(row: Row) -> IndexedFile:
    """A row of `FILE_COLUMNS`."""
    file_id, path, content_hash, status, extracted_hash, extractor_version, problem = row[:7]
    return IndexedFile(
        id=file_id,
        path=path,
        content_hash=content_hash,
        status=FileProcessingStatus(status),
        extracted_hash=extracted_hash,
        extractor_version=extractor_version,
        problem=problem,
        stamp=FileStamp(*row[7:]),
    )


def _file_state(file: IndexedFile) -> dict[str, Any]:
    stamp = file.stamp or FileStamp(0)
    return {
        "content_hash": file.content_hash,
        "status": file.status.value,
        "size": stamp.size,
        "mtime_ns": stamp.mtime_ns,
        "ctime_ns": stamp.ctime_ns,
        "inode": stamp.inode,
    }


def _is_stale(file: IndexedFile) -> bool:
    if file.status is FileProcessingStatus.DELETED:
        return file.extracted_hash is not None
    return file.extracted_hash != file.content_hash
