"""Indexes and their working copies in SQL."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, delete, insert, or_, select, update

from kodit.domain.batches import MOST_PER_TRANSACTION
from kodit.domain.entities import Index, IndexedFile, WorkingCopy
from kodit.domain.ports.index_files import Extraction
from kodit.domain.source import SourceHistory, StoredStamp
from kodit.domain.value_objects import FileProcessingStatus, Source, SourceKind
from kodit.infrastructure.mappers.moments import to_microseconds
from kodit.infrastructure.mappers.statuses import DELETED, status_to_text, text_to_status
from kodit.infrastructure.sql.indexes import ANY_HOST, INDEX_COLUMNS, IndexReads, to_index
from kodit.infrastructure.sqlalchemy.entities import (
    DELETED_FOLDERS,
    FILES,
    INDEXES,
    VERSIONS,
)
from kodit.infrastructure.sqlalchemy.file_history import record_history
from kodit.infrastructure.sqlalchemy.file_statements import (
    ADD_FILE,
    ADD_STALE_FILE,
    CLEAN_FILES,
    COUNT_STALE_FILES,
    DELETE_FILES,
    EXTRACTIONS,
    FILES_BY_PATH,
    FILES_WITHOUT_HISTORY,
    FINISH,
    FINISH_SCAN,
    IS_STALE,
    MARK_STALE,
    REMEMBER_FILES,
    SETTLE_FILES,
    STALE,
    UNCLEAN_FILES,
    UPDATE_FILE,
)
from kodit.infrastructure.sqlalchemy.paths import add_paths, forget_unused
from kodit.infrastructure.sqlalchemy.prepared import Driver, Row
from kodit.infrastructure.sqlalchemy.removal import detach_some, is_detached, remove_some
from kodit.infrastructure.sqlalchemy.version_statements import DROP_EMPTY_VERSIONS
from kodit.infrastructure.sqlalchemy.versions import SqlVersionRepository

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
        numbers = add_paths(self._driver, [file.path for file in files])
        ADD_FILE.run_many(
            self._driver,
            (
                {"index_id": index_id, "path_id": numbers[file.path]} | _file_state(file)
                for file in files
            ),
        )
        self._add_stale(index_id, ((numbers[file.path], file) for file in files))

    def update_files(self, index_id: int, files: Sequence[IndexedFile]) -> None:
        UPDATE_FILE.run_many(
            self._driver,
            (
                {
                    "of_index": index_id,
                    "at": file.id,
                    "is_gone": file.status is FileProcessingStatus.DELETED,
                }
                | _file_state(file)
                for file in files
            ),
        )
        SETTLE_FILES.run(self._driver, [file.id for file in files], {"of_index": index_id})
        self._add_stale(index_id, ((file.id, file) for file in files if _is_stale(file)))

    def _add_stale(self, index_id: int, files: Iterable[tuple[int, IndexedFile]]) -> None:
        ADD_STALE_FILE.run_many(
            self._driver,
            (
                {"index_id": index_id, "path_id": path_id, "content_hash": file.content_hash}
                for path_id, file in files
            ),
        )

    def forget_files(self, index_id: int, file_ids: Sequence[int]) -> None:
        of_index = {"of_index": index_id}
        remembered = {row[0] for row in REMEMBER_FILES.run(self._driver, file_ids, of_index)}
        SETTLE_FILES.run(self._driver, file_ids, of_index)
        lost = self._delete_files(index_id, [one for one in file_ids if one not in remembered])
        SqlVersionRepository(self._connection).release(lost)
        forget_unused(self._driver, file_ids)

    def _delete_files(self, index_id: int, file_ids: Sequence[int]) -> list[int]:
        """Returns the versions that they had."""
        gone = DELETE_FILES.run(self._driver, file_ids, {"of_index": index_id})
        return sorted({row[0] for row in gone if row[0] is not None})

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
                and_(
                    VERSIONS.c.language == one.language,
                    VERSIONS.c.extractor_version == one.version,
                )
                for one in extractions
            )
        )
        query = (
            select(FILES.c.path_id)
            .join(VERSIONS, VERSIONS.c.id == FILES.c.version_id)
            .where(FILES.c.index_id == index_id, ~IS_STALE, by_these)
        )
        return list(self._connection.execute(query).scalars())

    def mark_stale(self, index_id: int, file_ids: Sequence[int]) -> None:
        MARK_STALE.run(self._driver, file_ids, {"of_index": index_id})

    def stale_files(self, index_id: int, limit: int) -> list[IndexedFile]:
        rows = STALE.run(self._driver, {"of_index": index_id, "most": limit})
        return [_to_file(row) for row in rows]

    def count_stale_files(self, index_id: int) -> int:
        [(count,)] = COUNT_STALE_FILES.run(self._driver, {"of_index": index_id})
        return int(count)

    def finish(self, index_id: int, now: datetime) -> bool:
        limit = MOST_PER_TRANSACTION.rows
        of_index = {"of_index": index_id}
        rows = UNCLEAN_FILES.run(self._driver, of_index | {"most": limit + 1})
        gone = [path_id for path_id, status in rows[:limit] if status == DELETED]
        DROP_EMPTY_VERSIONS.run(self._driver, self._delete_files(index_id, gone))
        forget_unused(self._driver, gone)
        CLEAN_FILES.run(self._driver, [row[0] for row in rows[:limit]], of_index)
        if len(rows) > limit:
            return False
        FINISH.run(self._driver, of_index | {"now": to_microseconds(now)})
        return True


def _choice(source: Source) -> dict[str, str | bool]:
    """The settings that select files of a source."""
    return {
        "include": json.dumps(source.include),
        "exclude": json.dumps(source.exclude),
        "submodules": source.submodules,
    }


def _to_file(row: Row) -> IndexedFile:
    file_id, path, content_hash, status, extracted_hash, extractor_version, problem = row[:7]
    return IndexedFile(
        id=file_id,
        path=path,
        content_hash=content_hash,
        status=text_to_status(status),
        extracted_hash=extracted_hash,
        extractor_version=extractor_version,
        problem=problem,
        stamp=StoredStamp(*row[7:]),
    )


def _file_state(file: IndexedFile) -> dict[str, Any]:
    stamp = file.stamp or StoredStamp(0)
    return {"status": status_to_text(file.status), "size": stamp.size, "stamp": stamp.mark}


def _is_stale(file: IndexedFile) -> bool:
    if file.status is FileProcessingStatus.DELETED:
        return file.extracted_hash is not None
    return file.extracted_hash != file.content_hash
