"""Stored descriptions over one connection."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, delete, literal_column, select

from kodit.domain.descriptions.kinds import DescriptionKind
from kodit.domain.descriptions.stored import StoredDescription
from kodit.domain.ports.descriptions import ChangedFile
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
_PATHS = Prepared(select(DESCRIPTIONS.c.path).where(*_OF_KIND).distinct())
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


class SqlDescriptionRepository:
    """Reads and writes the table."""

    def __init__(self, connection: Connection) -> None:
        self._driver = Driver(connection)

    def stored(self, index_id: int, kind: DescriptionKind) -> dict[str, bytes]:
        rows = _STORED.run(self._driver, _of(index_id, kind))
        return {subject: bytes(key) for subject, key in rows}

    def paths(self, index_id: int, kind: DescriptionKind) -> list[str]:
        return [row[0] for row in _PATHS.run(self._driver, _of(index_id, kind))]

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
            ChangedFile(file_id, path, language or "", status == "deleted")
            for file_id, path, language, status in _CHANGED.run(
                self._driver, {"of_index": index_id}
            )
        ]


def _of(index_id: int, kind: DescriptionKind) -> dict[str, object]:
    return {"of_index": index_id, "of_kind": kind.value}
