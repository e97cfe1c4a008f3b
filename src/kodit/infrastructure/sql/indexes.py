"""Reading indexes and their numbers of files and snippets.

Each count uses a database index of the rows that it counts.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any

from kodit.domain.addresses import same_repository
from kodit.domain.entities import Index, IndexSummary, RefusedSnippets, WorkingCopy
from kodit.domain.errors import PermanentError, no_such_index
from kodit.domain.source import KnownFile
from kodit.domain.value_objects import Source, SourceKind
from kodit.infrastructure.mappers.moments import to_moment, to_optional_moment
from kodit.infrastructure.sql.statements import (
    Cursors,
    Row,
    Statement,
    StatementForMany,
    columns,
)

INDEX_COLUMNS = (
    "id",
    "kind",
    "location",
    "ref",
    "host",
    "include",
    "exclude",
    "submodules",
    "credentials",
    "confinement",
    "sync_every",
    "commit_id",
    "history_commit_id",
    "scanned_at_ns",
    "skipped",
    "created_at",
    "updated_at",
)
"""The columns that `to_index` reads."""

ANY_HOST = "any host"
"""The confinement of a source added by a remote caller when the operator allows any host."""

_SELECT = f"SELECT {columns('indexes', INDEX_COLUMNS)} FROM indexes "
_GET = Statement(f"{_SELECT} WHERE indexes.id = :id AND indexes.deleted_at = 0")
_ALL = Statement(f"{_SELECT} WHERE indexes.deleted_at = 0 ORDER BY indexes.id")
_SOME = StatementForMany(
    f"{_SELECT} WHERE indexes.id IN :ids AND indexes.deleted_at = 0 ORDER BY indexes.id"
)
_AT_LOCATIONS = StatementForMany(
    # Both kinds, so that the unique index of sources is used.
    f"{_SELECT} WHERE indexes.kind IN ('folder', 'git') AND indexes.location IN :ids "
    "AND indexes.deleted_at = 0"
)
_TWO = Statement("SELECT indexes.id FROM indexes WHERE indexes.deleted_at = 0 LIMIT 2")
_OF_KIND = f"{_SELECT} WHERE indexes.kind = :kind AND indexes.ref = :ref AND indexes.deleted_at = 0"
_AT_LOCATION = Statement(
    f"{_OF_KIND} AND indexes.location = :location AND indexes.host IN ('', :host) "
    "ORDER BY indexes.host DESC"
)
_ALL_OF_KIND = Statement(f"{_OF_KIND} ORDER BY indexes.id")
_STORES = Statement(
    "SELECT indexes.id, indexes.updated_at, indexes.deleted_at <> 0 AND NOT indexes.is_store "
    "FROM indexes"
)
_UPDATED = Statement(
    "SELECT indexes.id, indexes.updated_at FROM indexes WHERE indexes.deleted_at = 0"
)
_HOSTS = Statement(
    "SELECT indexes.id, indexes.host FROM indexes "
    "WHERE indexes.host <> '' AND indexes.deleted_at = 0"
)
_WAS_DELETED = Statement(
    "SELECT 1 FROM deleted_folders WHERE deleted_folders.location = :location "
    "AND deleted_folders.host = :host"
)
_A_FILE = "SELECT 1 FROM files WHERE files.index_id = :index_id AND files.status <> 'd' {} LIMIT 1"
_ANY_FILE = Statement(_A_FILE.format(""))
_FILE_WITHIN = Statement(
    # Text sorts by code points: `a/` before everything in `a`, and `a0` after it.
    _A_FILE.format(
        "AND files.path_id IN (SELECT paths.id FROM paths "
        "WHERE paths.path = :part OR paths.path > :part || '/' AND paths.path < :part || '0')"
    )
)
_THERE = "FROM files WHERE files.index_id = :index_id AND files.status <> 'd'"
_KNOWN_FILES = Statement(
    "SELECT paths.path, coalesce(versions.content_hash, ''), files.size, files.stamp FROM files "
    "JOIN paths ON paths.id = files.path_id "
    "LEFT JOIN versions ON versions.id = files.version_id "
    "WHERE files.index_id = :index_id AND files.status <> 'd'"
)
_SCANNED = Statement(
    "SELECT paths.path, stale_files.content_hash, files.size, files.stamp FROM stale_files "
    "JOIN files ON files.index_id = stale_files.index_id AND files.path_id = stale_files.path_id "
    "JOIN paths ON paths.id = files.path_id "
    "WHERE stale_files.index_id = :index_id AND files.status <> 'd'"
)
"""Those of them whose content has not been extracted."""
_COUNT_FILES = Statement(f"SELECT count(*) FROM (SELECT 1 {_THERE} LIMIT :most) AS counted")

# Conditions of partial indexes are spelled exactly as in the table definitions.
_FILES = StatementForMany(
    "SELECT files.index_id, count(*) FROM files WHERE files.index_id IN :ids "
    "GROUP BY files.index_id"
)
_DELETED_FILES = StatementForMany(
    "SELECT files.index_id, count(*) FROM files WHERE files.index_id IN :ids "
    "AND status <> '' AND files.status = 'd' GROUP BY files.index_id"
)
_PROBLEMS = StatementForMany(
    "SELECT files.index_id, files.problem, count(*), count(versions.language) FROM files "
    "LEFT JOIN versions ON versions.id = files.version_id "
    "WHERE files.index_id IN :ids AND files.problem IS NOT NULL AND files.status <> 'd' "
    "GROUP BY files.index_id, files.problem"
)
_LEFT_OUT = StatementForMany(
    "SELECT files.index_id, files.problem, count(*) FROM files "
    "LEFT JOIN versions ON versions.id = files.version_id "
    "WHERE files.index_id IN :ids AND files.problem IS NOT NULL AND versions.language IS NULL "
    "AND files.status <> 'd' GROUP BY files.index_id, files.problem"
)
_SHARING = StatementForMany(
    "SELECT indexes.id FROM indexes WHERE indexes.id IN :ids AND (indexes.shares "
    "OR EXISTS (SELECT 1 FROM versions WHERE versions.index_id = indexes.id "
    "AND unused_since IS NOT NULL) "
    "OR EXISTS (SELECT 1 FROM former_versions WHERE former_versions.index_id = indexes.id))"
)
# The versions of other indexes are all those of their stores, which are counted faster.
_SNIPPETS = StatementForMany(
    "SELECT snippets.index_id, count(*) FROM snippets "
    "WHERE snippets.index_id IN :ids AND snippets.state = 'live' GROUP BY snippets.index_id"
)
_SNIPPETS_OF_FILES = StatementForMany(
    "SELECT files.index_id, count(*) FROM files "
    "JOIN snippets ON snippets.version_id = files.version_id "
    "WHERE files.index_id IN :ids AND snippets.state = 'live' GROUP BY files.index_id"
)

_REFUSED = StatementForMany(
    "SELECT refused_snippets.index_id, count(*) FROM refused_snippets "
    "WHERE refused_snippets.index_id IN :ids GROUP BY refused_snippets.index_id"
)
_ANY_REFUSED = Statement("SELECT 1 FROM refused_snippets LIMIT 1")
_REFUSED_OF_FILES = StatementForMany(
    "SELECT files.index_id, count(*) FROM refused_snippets "
    "JOIN snippets ON snippets.id = refused_snippets.snippet_id "
    "JOIN files ON files.version_id = snippets.version_id "
    "WHERE files.index_id IN :ids GROUP BY files.index_id"
)
_FIRST_REFUSED = Statement(
    "SELECT refused_snippets.reason, paths.path, snippets.start_line FROM refused_snippets "
    "JOIN snippets ON snippets.id = refused_snippets.snippet_id "
    "JOIN files ON files.version_id = snippets.version_id "
    "JOIN paths ON paths.id = files.path_id WHERE files.index_id = :id "
    "ORDER BY refused_snippets.snippet_id LIMIT 3"
)


class IndexReads:
    """Reads indexes over one connection."""

    def __init__(self, driver: Cursors) -> None:
        self._driver = driver

    def get(self, index_id: int) -> Index:
        rows = _GET.run(self._driver, {"id": index_id})
        if not rows:
            raise no_such_index(index_id)
        return to_index(rows[0])

    def find(self, source: Source) -> Index | None:
        of_kind = {"kind": source.kind.value, "ref": source.ref or ""}
        rows = _AT_LOCATION.run(
            self._driver, {**of_kind, "location": source.location, "host": source.host}
        )
        if not rows and source.kind is SourceKind.GIT:
            # An address may be written in several ways, of which the first is kept.
            indexes = map(to_index, _ALL_OF_KIND.run(self._driver, of_kind))
            alike = (
                one for one in indexes if same_repository(one.source.location, source.location)
            )
            return next(alike, None)
        return to_index(rows[0]) if rows else None

    def list_all(self) -> list[Index]:
        return [to_index(row) for row in _ALL.run(self._driver)]

    def select(self, index_ids: Collection[int]) -> list[Index]:
        if not index_ids:
            return self.list_all()
        return [to_index(row) for row in _SOME.run(self._driver, sorted(set(index_ids)))]

    def at_locations(self, locations: Collection[str]) -> list[Index]:
        rows = _AT_LOCATIONS.run(self._driver, sorted(set(locations)))
        return sorted(map(to_index, rows), key=attrgetter("id"))

    def are_several(self) -> bool:
        return len(_TWO.run(self._driver)) > 1

    def updated(self) -> dict[int, datetime | None]:
        return {row[0]: to_optional_moment(row[1]) for row in _UPDATED.run(self._driver)}

    def stores(self) -> dict[int, datetime | None]:
        return {
            row[0]: to_optional_moment(row[1]) for row in _STORES.run(self._driver) if not row[2]
        }

    def ids(self) -> set[int]:
        return {row[0] for row in _STORES.run(self._driver)}

    def hosts(self) -> dict[int, str]:
        return {row[0]: row[1] for row in _HOSTS.run(self._driver)}

    def was_deleted(self, folder: str, host: str = "") -> bool:
        return bool(_WAS_DELETED.run(self._driver, {"location": folder, "host": host}))

    def known_files(self, index_id: int) -> dict[str, KnownFile]:
        of_index = {"index_id": index_id}
        return {
            row[0]: KnownFile._make(row[1:])
            for statement in (_KNOWN_FILES, _SCANNED)
            for row in statement.run(self._driver, of_index)
        }

    def count_files(self, index_id: int, most: int) -> int:
        count: int = _COUNT_FILES.run(self._driver, {"index_id": index_id, "most": most})[0][0]
        return count

    def has_files(self, index_id: int, part: str = "") -> bool:
        of_index: dict[str, Any] = {"index_id": index_id}
        if part:
            return bool(_FILE_WITHIN.run(self._driver, of_index | {"part": part}))
        return bool(_ANY_FILE.run(self._driver, of_index))

    def summarise(self, indexes: Sequence[Index]) -> list[IndexSummary]:
        ids = [index.id for index in indexes]
        files: dict[int, int] = {row[0]: row[1] for row in _FILES.run(self._driver, ids)}
        for index_id, count in _DELETED_FILES.run(self._driver, ids):
            files[index_id] -= count
        problems: dict[int, dict[str, int]] = {}
        left_out: dict[int, dict[str, int]] = {}
        for index_id, problem, count, read in _PROBLEMS.run(self._driver, ids):
            # A file with a problem that still has a language was split by lines.
            if read:
                problems.setdefault(index_id, {})[problem] = read
            if count > read:
                left_out.setdefault(index_id, {})[problem] = count - read
                files[index_id] -= count - read
        sharing = [row[0] for row in _SHARING.run(self._driver, ids)]
        alone = [index_id for index_id in ids if index_id not in sharing]
        snippets: dict[int, int] = {
            row[0]: row[1]
            for statement, some in ((_SNIPPETS, alone), (_SNIPPETS_OF_FILES, sharing))
            for row in statement.run(self._driver, some)
        }
        counts = list(_REFUSED.run(self._driver, alone))
        if sharing and _ANY_REFUSED.run(self._driver):
            counts += _REFUSED_OF_FILES.run(self._driver, sharing)
        refused: dict[int, RefusedSnippets] = {}
        for index_id, count in counts:
            first = _FIRST_REFUSED.run(self._driver, {"id": index_id})
            if first:
                places = tuple(f"{path}:{line}" for _reason, path, line in first)
                refused[index_id] = RefusedSnippets(count, first[0][0], places)
        return [
            IndexSummary(
                index=index,
                files=files.get(index.id, 0),
                snippets=snippets.get(index.id, 0),
                problems=problems.get(index.id, {}),
                left_out=left_out.get(index.id, {}),
                refused=refused.get(index.id),
            )
            for index in indexes
        ]

    def left_out(self, index_ids: Sequence[int]) -> dict[int, dict[str, int]]:
        found: dict[int, dict[str, int]] = {}
        for index_id, problem, count in _LEFT_OUT.run(self._driver, index_ids):
            found.setdefault(index_id, {})[str(problem)] = count
        return found


def to_index(row: Row) -> Index:
    """`row` has `INDEX_COLUMNS`. Raises PermanentError for a row that no version of Kodit could
    have written.
    """
    try:
        return _read_index(row)
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise PermanentError(
            f"the database is damaged, or is not a Kodit database: index {row[0]} cannot be "
            "read; restore a backup, or choose another data directory"
        ) from error


def _read_index(row: Row) -> Index:
    (
        index_id,
        kind,
        location,
        ref,
        host,
        include,
        exclude,
        submodules,
        credentials,
        confinement,
        sync_every,
        commit,
        history_commit,
        scanned_at_ns,
        skipped,
        created_at,
        updated_at,
    ) = row
    return Index(
        id=index_id,
        source=Source(
            kind=SourceKind(kind),
            location=location,
            ref=ref or None,
            include=_globs(include),
            exclude=_globs(exclude),
            submodules=bool(submodules),
            host=host,
        ),
        working_copy=WorkingCopy(
            commit=commit,
            history_commit=history_commit,
            scanned_at_ns=scanned_at_ns,
            skipped=json.loads(skipped) if skipped != "{}" else {},
        ),
        created_at=to_moment(created_at),
        updated_at=to_optional_moment(updated_at),
        credentials=credentials,
        is_confined=confinement not in (None, ANY_HOST),
        is_remote=confinement is not None,
        sync_every=sync_every,
    )


def _globs(text: str) -> tuple[str, ...]:
    # Most indexes have none, and the answers about thousands of indexes read each of them.
    return tuple(json.loads(text)) if text != "[]" else ()
