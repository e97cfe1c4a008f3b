"""The part of the index repository that the queue and its tests need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from kodit.domain.entities import Index, IndexedFile, WorkingCopy
from kodit.domain.errors import no_such_index
from kodit.domain.source import KnownFile
from kodit.domain.value_objects import Source
from kodit.infrastructure.memory.tables import Tables


class MemoryIndexes:
    """Stores indexes and their files; the methods follow the port."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def add(
        self,
        source: Source,
        now: datetime,
        *,
        is_confined: bool = False,
        is_remote: bool = False,
    ) -> Index:
        index = Index(
            self._tables.new_id("indexes"),
            source,
            WorkingCopy(),
            now,
            is_confined=is_confined,
            is_remote=is_remote or is_confined,
        )
        self._tables.indexes[index.id] = index
        self._tables.deleted_folders.discard((source.location, source.host))
        return index

    def hosts(self) -> dict[int, str]:
        there = self._tables.indexes.keys() - self._tables.deleted_indexes
        found = {index_id: self._tables.indexes[index_id].source.host for index_id in there}
        return {index_id: host for index_id, host in found.items() if host}

    def get(self, index_id: int) -> Index:
        if index_id not in self._tables.indexes or index_id in self._tables.deleted_indexes:
            raise no_such_index(index_id)
        return self._tables.indexes[index_id]

    def remember_deletion(self, folder: Source, now: datetime) -> None:
        self._tables.deleted_folders.add((folder.location, folder.host))

    def was_deleted(self, folder: str, host: str = "") -> bool:
        return (folder, host) in self._tables.deleted_folders

    def mark_deleted(self, index_id: int, now: datetime) -> None:
        self._tables.deleted_indexes.add(index_id)

    def add_files(self, index_id: int, files: Sequence[IndexedFile]) -> None:
        for file in files:
            file_id = self._tables.new_id("files")
            self._tables.files[file_id] = (index_id, replace(file, id=file_id))

    def has_files(self, index_id: int, part: str = "") -> bool:
        return any(
            not part or path == part or path.startswith(f"{part}/")
            for path in self.known_files(index_id)
        )

    def count_files(self, index_id: int, most: int) -> int:
        return min(most, len(self.known_files(index_id)))

    def known_files(self, index_id: int) -> dict[str, KnownFile]:
        return {
            file.path: KnownFile(file.content_hash, *(file.stamp or ()))
            for owner, file in self._tables.files.values()
            if owner == index_id
        }
