"""Reads for a search: filters resolved to ids, and the snippets found."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from kodit.domain.entities import StoredSnippet
from kodit.domain.errors import InvalidQueryError, no_such_index
from kodit.domain.search import FoundSnippet
from kodit.domain.value_objects import Scope, SearchFilter, Symbol
from kodit.infrastructure.mappers.moments import to_microseconds
from kodit.infrastructure.mappers.symbols import text_to_placed, to_symbol
from kodit.infrastructure.sql.statements import (
    Cursors,
    Parameters,
    Statement,
    StatementForMany,
    containing,
    lowered,
)
from kodit.infrastructure.sql.stored_snippets import (
    CONTENT_ID,
    SELECT_STORED,
    to_source_text,
    to_stored,
)

if TYPE_CHECKING:
    from kodit.domain.descriptions.kinds import DescriptionKind
    from kodit.domain.descriptions.stored import FoundDescription

_EVERY_INDEX = Statement("SELECT indexes.id FROM indexes WHERE indexes.deleted_at = 0")
_DELETED_FILES = StatementForMany(
    "SELECT files.version_id FROM files WHERE files.index_id IN :ids "
    "AND files.status = 'deleted' AND status <> 'clean' AND files.version_id IS NOT NULL"
)
_FORMER = StatementForMany(
    "SELECT former_versions.version_id, files.version_id FROM former_versions "
    "JOIN files ON files.id = former_versions.file_id WHERE former_versions.index_id IN :ids"
)
_SUCCESSORS = StatementForMany(
    "SELECT former_versions.version_id, files.version_id FROM former_versions "
    "JOIN files ON files.id = former_versions.file_id WHERE former_versions.version_id IN :ids"
)
_FORMER_OF = StatementForMany(
    "SELECT former_versions.version_id FROM files "
    "JOIN former_versions ON former_versions.index_id = files.index_id "
    "AND former_versions.file_id = files.id WHERE files.version_id IN :ids"
)
_ANY_FORMER = Statement("SELECT 1 FROM former_versions LIMIT 1")
_STORED = StatementForMany(f"{SELECT_STORED} WHERE snippets.id IN :ids")
_TEXTS = StatementForMany(
    "SELECT snippets.id, snippets.text FROM snippets WHERE snippets.id IN :ids"
)
_FOUND = StatementForMany(
    "SELECT snippets.id, snippets.index_id, snippets.version_id, versions.path, "
    "snippets.start_line, "
    "snippets.end_line, snippets.language, snippets.symbol, snippets.kind, snippets.scope, "
    "snippets.also_defines, snippets.content_hash "
    "FROM snippets JOIN versions ON versions.id = snippets.version_id WHERE snippets.id IN :ids"
)
_SOURCES = StatementForMany(
    "SELECT indexes.id, indexes.location, indexes.ref FROM indexes WHERE indexes.id IN :ids"
)
_SUPERSEDED = StatementForMany(
    "SELECT snippets.id FROM files "
    "JOIN former_versions ON former_versions.index_id = files.index_id "
    "AND former_versions.file_id = files.id "
    "JOIN snippets ON snippets.version_id = former_versions.version_id "
    "WHERE files.version_id IN :ids AND snippets.state = 'superseded'"
)
_FOLLOWING = StatementForMany(
    "SELECT this.id, (SELECT snippets.id FROM snippets WHERE snippets.version_id = this.version_id "
    "AND snippets.state = this.state AND snippets.start_line > this.end_line "
    "ORDER BY snippets.start_line LIMIT 1) FROM snippets AS this WHERE this.id IN :ids"
)
_NAMED = StatementForMany(
    f"SELECT {CONTENT_ID}, indexes.location, files.path FROM files "
    "JOIN indexes ON indexes.id = files.index_id WHERE files.index_id IN :ids "
    "AND files.status <> 'deleted' AND (files.path = :name OR files.path LIKE :ending ESCAPE '/')"
)
_LINES = StatementForMany(
    "SELECT snippets.id, snippets.version_id, snippets.start_line, snippets.end_line FROM snippets "
    "WHERE snippets.version_id IN :ids AND snippets.state = 'live'"
)
_ORIGIN = Statement(
    "SELECT NULL",
    # A restored server was started since, and a table that was restored alone has another file.
    postgresql="SELECT pg_postmaster_start_time()::text, pg_relation_filenode('snippets')",
)
_LANGUAGES = StatementForMany(
    "SELECT DISTINCT files.language FROM files "
    "WHERE files.index_id IN :ids AND files.language IS NOT NULL"
)


class SearchReads:
    """Reads for a search over one connection."""

    def __init__(self, driver: Cursors, file: Hashable) -> None:
        """`file` identifies the file that was opened; None for a server."""
        self._driver = driver
        self._file = file

    @property
    def origin(self) -> Hashable:
        """Identifies the database, which may be replaced by an older copy of itself."""
        if self._file is None and self._driver.names_with_percent:
            self._file = tuple(_ORIGIN.run(self._driver)[0])
        return self._file

    def described(
        self, index_ids: Collection[int], kinds: Sequence[DescriptionKind], terms: Sequence[str]
    ) -> list[tuple[FoundDescription, Sequence[str]]]:
        from kodit.infrastructure.sql.described import find_described  # noqa: PLC0415 - rarely

        return find_described(self._driver, index_ids, kinds, terms)

    def resolve(self, search_filter: SearchFilter) -> Scope:
        every = {row[0] for row in _EVERY_INDEX.run(self._driver)}
        wanted = set(search_filter.index_ids) or every
        for index_id in wanted - every:
            raise no_such_index(index_id)
        former: dict[int, int] = {}
        if self._has_former:
            former = dict(map(tuple, _FORMER.run(self._driver, sorted(wanted))))
        hidden = {row[0] for row in _DELETED_FILES.run(self._driver, sorted(wanted))}
        file_ids = self._files(wanted, search_filter)
        return Scope(
            index_ids=frozenset(wanted),
            file_ids=None if file_ids is None else _with_former(file_ids, former),
            hidden_file_ids=frozenset(_with_former(hidden, former)),
            kinds=search_filter.kinds,
        )

    def _files(self, index_ids: set[int], search_filter: SearchFilter) -> frozenset[int] | None:
        if not search_filter.chooses_files:
            return None
        from kodit.domain.files import from_root  # noqa: PLC0415 - see above
        from kodit.infrastructure.sql.globs import (  # noqa: PLC0415 - most searches have none
            path_matcher,
            patterns,
        )

        globs = [from_root(glob) for glob in search_filter.paths]
        matches = path_matcher(globs) if globs else None
        if not index_ids:
            return frozenset()
        statement, parameters = _select_files(index_ids, search_filter, patterns(globs))
        files = statement.run(self._driver, parameters.values)
        if not files:
            self._check_languages(index_ids, search_filter.languages)
        return frozenset(row[0] for row in files if matches is None or matches(row[1]))

    def _check_languages(self, index_ids: set[int], languages: Sequence[str]) -> None:
        """Raises InvalidQueryError for a language that no file has: most often it is misspelled."""
        if not languages:
            return
        known = {row[0] for row in _LANGUAGES.run(self._driver, sorted(index_ids))}
        for language in languages:
            if known and language not in known:
                raise InvalidQueryError(
                    f"no indexed file is in {language!r}; the indexed languages are "
                    f"{', '.join(sorted(known))}",
                    code="language_unknown",
                    value=language,
                    choices=", ".join(sorted(known)),
                )

    def find_many(self, snippet_ids: Sequence[int]) -> list[FoundSnippet]:
        return [
            FoundSnippet._make([*row[:7], to_symbol(*row[7:10]), _symbols_of(row[10]), row[11]])
            for row in _FOUND.run(self._driver, snippet_ids)
        ]

    def get_many(self, snippet_ids: Sequence[int]) -> list[StoredSnippet]:
        found = [to_stored(row) for row in _STORED.run(self._driver, snippet_ids)]
        newer = self.successors({one.file_id for one in found})
        return (
            [replace(one, file_id=newer.get(one.file_id, one.file_id)) for one in found]
            if newer
            else found
        )

    def texts(self, snippet_ids: Sequence[int]) -> dict[int, str]:
        return dict(map(tuple, _TEXTS.run(self._driver, snippet_ids)))

    @cached_property
    def _has_former(self) -> bool:
        """Whether there are former versions at all, which is so only while stages are at work."""
        return bool(_ANY_FORMER.run(self._driver))

    def successors(self, file_ids: Collection[int]) -> dict[int, int]:
        if not self._has_former:
            return {}
        return dict(map(tuple, _SUCCESSORS.run(self._driver, sorted(file_ids))))

    def with_former(self, file_ids: Sequence[int]) -> list[int]:
        if not self._has_former:
            return list(file_ids)
        former = _FORMER_OF.run(self._driver, file_ids)
        return [*file_ids, *(row[0] for row in former)]

    def sources(self, index_ids: Collection[int]) -> dict[int, str]:
        rows = _SOURCES.run(self._driver, list(index_ids))
        return {row[0]: to_source_text(row[1], row[2]) for row in rows}

    def files_named(self, index_ids: Collection[int], file_name: str) -> dict[int, tuple[str, str]]:
        ending = f"%{containing(f'/{file_name}')}"
        rows = _NAMED.run(self._driver, sorted(index_ids), {"name": file_name, "ending": ending})
        return {row[0]: (row[1], row[2]) for row in rows}

    def nearest_lines(self, line_of_file: Mapping[int, int], most_away: int) -> dict[int, int]:
        nearest: dict[int, tuple[int, int, int]] = {}
        for snippet_id, file_id, start, end in _LINES.run(self._driver, sorted(line_of_file)):
            line = line_of_file[file_id]
            # Of two at the same distance, the one that begins later is the inner one.
            place = (max(start - line, line - end, 0), -start, snippet_id)
            nearest[file_id] = min(place, nearest.get(file_id, place))
        return {
            file_id: snippet_id
            for file_id, (away, _start, snippet_id) in nearest.items()
            if away <= most_away
        }

    def superseded(self, file_ids: Sequence[int]) -> set[int]:
        if not self._has_former:
            return set()
        return {row[0] for row in _SUPERSEDED.run(self._driver, file_ids)}

    def following(self, snippet_ids: Sequence[int]) -> dict[int, int]:
        rows = _FOLLOWING.run(self._driver, snippet_ids)
        return {row[0]: row[1] for row in rows if row[1] is not None}


def _select_files(
    index_ids: set[int], search_filter: SearchFilter, patterns: Sequence[str]
) -> tuple[Statement, Parameters]:
    """The files that pass a filter, and possibly some that its globs do not match."""
    values = Parameters()
    conditions = [f"files.index_id IN {values.of_all(sorted(index_ids))}"]
    if search_filter.languages:
        conditions.append(f"files.language IN {values.of_all(search_filter.languages)}")
    if search_filter.authors:
        form = "lower(files.author) LIKE '%' || {} || '%' ESCAPE '/'"
        alike = [
            form.format(values.of(containing(lowered(name)))) for name in search_filter.authors
        ]
        conditions.append(f"({' OR '.join(alike)})")
    for comparison, moment in (
        (">=", search_filter.created_after),
        ("<", search_filter.created_before),
    ):
        if moment is not None:
            conditions.append(f"files.created_at {comparison} {values.of(to_microseconds(moment))}")
    conditions += _within(search_filter.within, values)
    if patterns:
        alike = [f"files.path LIKE {values.of(pattern)} ESCAPE '~'" for pattern in patterns]
        conditions.append(f"({' OR '.join(alike)})")
    sql = f"SELECT {CONTENT_ID}, files.path FROM files WHERE {' AND '.join(conditions)}"
    return Statement(sql), values


def _with_former(file_ids: Collection[int], former: Mapping[int, int]) -> frozenset[int]:
    """Adds the former versions, given with their successors."""
    return frozenset(file_ids).union(old for old, new in former.items() if new in file_ids)


def _within(within: Sequence[tuple[int, str]], values: Parameters) -> list[str]:
    """A condition that a file is one of the listed files, or in one of the folders, of its
    index.
    """
    folders: dict[int, list[str]] = {}
    for index_id, folder in within:
        folders.setdefault(index_id, []).append(folder)
    return [
        f"(files.index_id <> {values.of(index_id)} OR "
        f"{' OR '.join(is_within(some, values) for some in of_index)})"
        for index_id, of_index in folders.items()
    ]


def is_within(part: str, values: Parameters) -> str:
    """The condition that a file is in a folder, by its relative path, or is that file."""
    # Text sorts by code points: `a/` before everything in `a`, and `a0` after it.
    return (
        f"files.path = {values.of(part)} OR "
        f"files.path > {values.of(f'{part}/')} AND files.path < {values.of(f'{part}0')}"
    )


def _symbols_of(also_defines: str | None) -> tuple[Symbol, ...]:
    return tuple(placed.symbol for placed in text_to_placed(also_defines))
