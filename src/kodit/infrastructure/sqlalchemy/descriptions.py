"""Stored descriptions over one connection."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, delete, literal_column, select

from kodit.domain.descriptions.kinds import DescriptionKind
from kodit.domain.descriptions.stored import StoredDescription
from kodit.domain.ports.descriptions import ChangedFile, LikeIndex
from kodit.infrastructure.mappers.statuses import DELETED
from kodit.infrastructure.sql.statements import Statement
from kodit.infrastructure.sql.stored_snippets import CONTENT_ID
from kodit.infrastructure.sqlalchemy.entities import (
    DESCRIPTIONS,
    FILES,
    PATHS,
    UNCLEAN,
    VERSIONS,
)
from kodit.infrastructure.sqlalchemy.prepared import (
    Driver,
    Prepared,
    PreparedForMany,
    insert_columns,
)

_OF_KIND = (
    DESCRIPTIONS.c.index_id == bindparam("of_index"),
    DESCRIPTIONS.c.kind == bindparam("of_kind"),
)
_STORED = Prepared(select(DESCRIPTIONS.c.subject, DESCRIPTIONS.c.key).where(*_OF_KIND))
_DROP = PreparedForMany(
    lambda subjects: delete(DESCRIPTIONS).where(*_OF_KIND, DESCRIPTIONS.c.subject.in_(subjects))
)
_ADD = insert_columns(
    DESCRIPTIONS, "index_id", "kind", "subject", "key", "title", "path", "line", "words"
)
_CHANGED = Prepared(
    select(literal_column(CONTENT_ID), PATHS.c.path, VERSIONS.c.language, FILES.c.status)
    .join(PATHS, PATHS.c.id == FILES.c.path_id)
    .outerjoin(VERSIONS, VERSIONS.c.id == FILES.c.version_id)
    .where(FILES.c.index_id == bindparam("of_index"), UNCLEAN)
)
_READ = Prepared(
    select(
        DESCRIPTIONS.c.subject,
        DESCRIPTIONS.c.title,
        DESCRIPTIONS.c.words,
        DESCRIPTIONS.c.path,
        DESCRIPTIONS.c.line,
    )
    .where(*_OF_KIND)
    .order_by(DESCRIPTIONS.c.id)
)
_BROUGHT = Statement(
    "SELECT versions.index_id FROM files JOIN versions ON versions.id = files.version_id "
    "WHERE files.index_id = :of_index AND versions.index_id <> :of_index"
)
_IS_CHANGING = Statement(
    "SELECT 1 FROM files WHERE files.index_id = :of_index AND files.status <> '' LIMIT 1"
)
_BEYOND = Statement(
    f"SELECT {CONTENT_ID}, paths.path, versions.language FROM files "  # noqa: S608 - our own column
    "JOIN paths ON paths.id = files.path_id LEFT JOIN versions ON versions.id = files.version_id "
    "WHERE files.index_id = :of_index AND files.status <> 'd' "
    "AND NOT EXISTS (SELECT 1 FROM files AS same WHERE same.version_id = files.version_id "
    "AND same.index_id = :other AND same.status <> 'd')"
)
"""The files of one index whose versions another one lacks."""


class SqlDescriptionRepository:
    """Reads and writes the table."""

    def __init__(self, connection: Connection) -> None:
        self._driver = Driver(connection)

    def stored(self, index_id: int, kind: DescriptionKind) -> dict[str, bytes]:
        rows = _STORED.run(self._driver, _of(index_id, kind))
        return {subject: bytes(key) for subject, key in rows}

    def read(self, index_id: int, kind: DescriptionKind) -> list[StoredDescription]:
        return [
            StoredDescription(subject, title, tuple(words.split()), path, line)
            for subject, title, words, path, line in _READ.run(self._driver, _of(index_id, kind))
        ]

    def put(
        self, index_id: int, kind: DescriptionKind, descriptions: Sequence[StoredDescription]
    ) -> None:
        self.drop(index_id, kind, [one.subject for one in descriptions])
        _ADD.run_many(
            self._driver,
            (
                {
                    "index_id": index_id,
                    "kind": kind.value,
                    "subject": one.subject,
                    "key": one.key,
                    "title": one.title,
                    "path": one.path,
                    "line": one.line,
                    "words": f" {' '.join(one.words)} ",
                }
                for one in descriptions
            ),
        )

    def drop(self, index_id: int, kind: DescriptionKind, subjects: Sequence[str]) -> None:
        if subjects:
            _DROP.run(self._driver, subjects, _of(index_id, kind))

    def changed_files(self, index_id: int) -> list[ChangedFile]:
        return [
            ChangedFile(file_id, path, language or "", status == DELETED)
            for file_id, path, language, status in _CHANGED.run(
                self._driver, {"of_index": index_id}
            )
        ]

    def most_alike(self, index_id: int) -> LikeIndex | None:
        brought = Counter(row[0] for row in _BROUGHT.stream(self._driver, {"of_index": index_id}))
        if not brought:
            return None
        other = min(brought, key=lambda one: (-brought[one], one))
        if _IS_CHANGING.run(self._driver, {"of_index": other}):
            return None
        return LikeIndex(other, self._beyond(index_id, other), self._beyond(other, index_id))

    def _beyond(self, index_id: int, other: int) -> list[ChangedFile]:
        rows = _BEYOND.run(self._driver, {"of_index": index_id, "other": other})
        return [
            ChangedFile(file_id, path, language or "", is_deleted=False)
            for file_id, path, language in rows
        ]


def _of(index_id: int, kind: DescriptionKind) -> dict[str, object]:
    return {"of_index": index_id, "of_kind": kind.value}
