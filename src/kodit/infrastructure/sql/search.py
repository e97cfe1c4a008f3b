"""Reads for a search: filters resolved to ids, and the snippets found."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence, Set
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from kodit.domain.entities import StoredSnippet
from kodit.domain.errors import InvalidQueryError, no_such_index
from kodit.domain.search import NONE_LAGS, FoundSnippet, SnippetLines
from kodit.domain.value_objects import Scope, SearchFilter
from kodit.infrastructure.mappers.symbols import text_to_symbols, to_symbol
from kodit.infrastructure.sql.chosen_files import select_files
from kodit.infrastructure.sql.membership import (
    STILL_THERE,
    Indexes,
    had_by,
    held_once,
    lagging,
    membership_of,
    read_indexes,
)
from kodit.infrastructure.sql.shared_texts import SharedTexts
from kodit.infrastructure.sql.state_cache import Caches
from kodit.infrastructure.sql.statements import (
    Cursors,
    Statement,
    StatementForMany,
    containing,
)
from kodit.infrastructure.sql.stored_snippets import (
    CONTENT_ID,
    JOIN_TEXT,
    SELECT_STORED,
    TEXT,
    to_source_text,
    to_stored,
)

if TYPE_CHECKING:
    from kodit.domain.descriptions.kinds import DescriptionKind
    from kodit.domain.descriptions.stored import FoundDescription

_JOIN_FILES = (
    "JOIN files ON files.index_id = former_versions.index_id "
    "AND files.path_id = former_versions.path_id"
)
_DELETED_FILES = StatementForMany(
    "SELECT files.version_id, files.index_id FROM files WHERE files.index_id IN :ids "
    "AND files.status = 'd' AND status <> '' AND files.version_id IS NOT NULL"
)
_UNUSED_VERSIONS = StatementForMany(
    "SELECT versions.id FROM versions WHERE versions.index_id IN :ids AND unused_since IS NOT NULL"
)
_FORMER = StatementForMany(
    "SELECT former_versions.version_id, files.version_id, files.index_id FROM former_versions "
    f"{_JOIN_FILES} WHERE former_versions.index_id IN :ids"
)
_SUCCESSORS = StatementForMany(
    "SELECT former_versions.version_id, files.version_id, former_versions.index_id "
    f"FROM former_versions {_JOIN_FILES} WHERE former_versions.version_id IN :ids"
)
_FORMER_OF = StatementForMany(
    "SELECT former_versions.version_id, former_versions.index_id FROM files "
    "JOIN former_versions ON former_versions.index_id = files.index_id "
    "AND former_versions.path_id = files.path_id WHERE files.version_id IN :ids"
)
_ANY_FORMER = Statement("SELECT 1 FROM former_versions LIMIT 1")
_SHARED = SharedTexts()
_STORED = StatementForMany(f"{SELECT_STORED} WHERE snippets.id IN :ids")
_TEXTS = StatementForMany(
    f"SELECT snippets.id, {TEXT} FROM snippets {JOIN_TEXT} WHERE snippets.id IN :ids"
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
    "SELECT snippets.id, former_versions.index_id, former_versions.version_id FROM files "
    "JOIN former_versions ON former_versions.index_id = files.index_id "
    "AND former_versions.path_id = files.path_id "
    "JOIN snippets ON snippets.version_id = former_versions.version_id "
    "WHERE files.version_id IN :ids AND snippets.state <> 'removed'"
)
_FOLLOWING = StatementForMany(
    "SELECT this.id, (SELECT snippets.id FROM snippets WHERE snippets.version_id = this.version_id "
    "AND snippets.state = this.state AND snippets.start_line > this.end_line "
    "ORDER BY snippets.start_line LIMIT 1) FROM snippets AS this WHERE this.id IN :ids"
)
_NAMED = StatementForMany(
    f"SELECT {CONTENT_ID}, indexes.location, paths.path FROM files "
    "JOIN indexes ON indexes.id = files.index_id JOIN paths ON paths.id = files.path_id "
    "WHERE files.index_id IN :ids AND files.status <> 'd' "
    "AND (paths.path = :name OR paths.path LIKE :ending ESCAPE '/')"
)
_LINES = StatementForMany(
    "SELECT snippets.version_id, snippets.id, snippets.start_line, snippets.end_line, "
    "snippets.symbol, snippets.scope, snippets.also_defines FROM snippets "
    "WHERE snippets.version_id IN :ids AND snippets.state = 'live'"
)
_ORIGIN = Statement(
    "SELECT NULL",
    # A restored server was started since, and a table that was restored alone has another file.
    postgresql="SELECT pg_postmaster_start_time()::text, pg_relation_filenode('snippets')",
)
_LANGUAGES = StatementForMany(
    "SELECT DISTINCT versions.language FROM files JOIN versions ON versions.id = files.version_id "
    "WHERE files.index_id IN :ids AND versions.language IS NOT NULL"
)


class _Resolved(NamedTuple):
    """All files of some indexes, what is known about all indexes, whether there are former versions
    at all, and those of these indexes, each with its successor and its index."""

    indexes: Indexes
    has_former: bool
    former: Sequence[Sequence[Any]]
    scope: Scope


class SearchReads:
    """Reads for a search over one connection."""

    def __init__(self, driver: Cursors, file: Hashable, caches: Caches) -> None:
        """`file` identifies the file that was opened; None for a server."""
        self._driver = driver
        self._file = file
        self._caches = caches
        self._asked: frozenset[int] = frozenset()
        self._passing: Set[tuple[int, int]] | None = None  # versions by index; None for all

    @property
    def origin(self) -> Hashable:
        """Identifies the database, which may be replaced by an older copy of itself."""
        if self._file is None and self._driver.names_with_percent:
            state = self._caches.state
            self._file = state.get(_ORIGIN, lambda: tuple(_ORIGIN.run(self._driver)[0]))
        return self._file

    @cached_property
    def _indexes(self) -> Indexes:
        return read_indexes(self._driver)

    def described(
        self, index_ids: Collection[int], kinds: Sequence[DescriptionKind], terms: Sequence[str]
    ) -> list[tuple[FoundDescription, Sequence[str]]]:
        from kodit.infrastructure.sql.described import find_described  # noqa: PLC0415 - rarely

        return find_described(self._driver, index_ids, kinds, terms)

    def resolve(self, search_filter: SearchFilter) -> Scope:
        index_ids = search_filter.index_ids
        known = self._caches.state.get((__name__, index_ids), lambda: self._resolve(index_ids))
        self._indexes, self._has_former, former, scope = known
        self._asked = scope.index_ids
        self._passing = None
        passing = self._files(set(scope.index_ids), search_filter)
        if passing is None:
            return replace(scope, kinds=search_filter.kinds) if search_filter.kinds else scope
        if former or self._indexes.sharing:
            passing = self._passing = _with_former({*passing}, former)
        return replace(
            scope,
            file_ids=frozenset(file_id for file_id, _ in passing),
            kinds=search_filter.kinds,
        )

    def _resolve(self, index_ids: Sequence[int]) -> _Resolved:
        """All files of some indexes, of every index if there are none."""
        indexes = self._indexes = read_indexes(self._driver)
        wanted = frozenset(index_ids) or frozenset(indexes.every)
        for index_id in wanted - indexes.every:
            raise no_such_index(index_id)
        former = _FORMER.run(self._driver, sorted(wanted)) if self._has_former else []
        deleted = {(*row,) for row in _DELETED_FILES.run(self._driver, sorted(wanted))}
        hidden = {version_id for version_id, _ in _with_former(deleted, former)}
        if hidden and indexes.sharing:
            hidden -= had_by(self._driver, hidden, wanted, None).keys()
        scope = Scope(
            index_ids=wanted,
            hidden_file_ids=frozenset(hidden),
            lagging=lagging(self._driver, wanted) if former else NONE_LAGS,
        )
        if not wanted & indexes.sharing:
            unused = _UNUSED_VERSIONS.run(self._driver, sorted(wanted))
            hidden_too = scope.hidden_file_ids.union(row[0] for row in unused)
            scope = replace(scope, hidden_file_ids=held_once(hidden_too))
            return _Resolved(indexes, self._has_former, former, scope)
        membership = membership_of(self._driver, self._caches.info, wanted, indexes)
        scope = replace(
            scope,
            hidden_file_ids=held_once(scope.hidden_file_ids | membership.absent),
            stores=membership.whole,
            listed_stores=membership.listed_stores,
            listed=membership.listed,
        )
        return _Resolved(indexes, self._has_former, former, scope)

    def ask(self, index_ids: Collection[int]) -> None:
        """What is read from now on is that of these indexes, as after `resolve`."""
        self._asked = frozenset(index_ids)
        self._passing = None

    def owners(self, stores: Mapping[int, int]) -> dict[int, list[int]]:
        """By version, those of the asked indexes that have it, the oldest first, for which it is
        shown. `stores` are those of the versions."""
        indexes = self._indexes
        if not indexes.sharing and indexes.every >= set(stores.values()):
            return {version_id: [store_id] for version_id, store_id in stores.items()}
        asked = self._asked or frozenset(indexes.every)
        if len(asked) == 1:
            return {version_id: list(asked) for version_id in stores}
        return had_by(self._driver, stores, asked, self._passing)

    def in_asked(self, snippets: Sequence[StoredSnippet]) -> list[StoredSnippet]:
        """The snippets as those of the asked indexes."""
        moved = self._moved({one.file_id: one.index_id for one in snippets})
        return [
            replace(one, index_id=moved[one.file_id][0], source=moved[one.file_id][1])
            if one.file_id in moved
            else one
            for one in snippets
        ]

    def _moved(self, stores: Mapping[int, int]) -> dict[int, tuple[int, str]]:
        """By version, the first of the asked indexes that has it, with its source, if that is not
        its store."""
        first = {
            version_id: some[0]
            for version_id, some in self.owners(stores).items()
            if some[0] != stores[version_id]
        }
        if not first:
            return {}
        sources = self.sources(set(first.values()))
        return {version_id: (index_id, sources[index_id]) for version_id, index_id in first.items()}

    def _files(
        self, index_ids: set[int], search_filter: SearchFilter
    ) -> Collection[tuple[int, int]] | None:
        """Versions and indexes of the files that are chosen, None for all."""
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
            return ()
        statement, parameters = select_files(index_ids, search_filter, patterns(globs))
        files = statement.run(self._driver, parameters.values)
        if not files:
            self._check_languages(index_ids, search_filter.languages)
        return [(row[0], row[1]) for row in files if matches is None or matches(row[2])]

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
        # Paths and languages are those of many snippets, which are kept between searches.
        share = _SHARED.share
        return [
            FoundSnippet(
                snippet_id,
                index_id,
                file_id,
                share(path, path),
                start_line,
                end_line,
                share(language, language),
                to_symbol(name, kind, share(scope, scope)),
                text_to_symbols(also_defines),
                content_hash,
            )
            for (
                snippet_id,
                index_id,
                file_id,
                path,
                start_line,
                end_line,
                language,
                name,
                kind,
                scope,
                also_defines,
                content_hash,
            ) in _FOUND.run(self._driver, snippet_ids)
        ]

    def get_many(self, snippet_ids: Sequence[int]) -> list[StoredSnippet]:
        rows = _STORED.run(self._driver, snippet_ids)
        moved = self._moved({row[2]: row[1] for row in rows})
        found = [to_stored(row, *moved.get(row[2], ())) for row in rows]
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
        rows = _SUCCESSORS.run(self._driver, sorted(file_ids))
        found = {row[0]: row[1] for row in rows if self._is_asked(row[2])}
        if found and self._indexes.sharing:
            # Another one of the indexes may have as its current version what is a former one here.
            current = STILL_THERE.run(self._driver, sorted(found))
            for version_id, index_id in current:
                if self._is_asked(index_id):
                    found.pop(version_id, None)
        return found

    def with_former(self, file_ids: Sequence[int]) -> list[int]:
        if not self._has_former:
            return list(file_ids)
        former = [
            row[0] for row in _FORMER_OF.run(self._driver, file_ids) if self._is_asked(row[1])
        ]
        return list(dict.fromkeys([*file_ids, *former]))

    def _is_asked(self, index_id: int) -> bool:
        return not self._asked or index_id in self._asked

    def sources(self, index_ids: Collection[int]) -> dict[int, str]:
        key = _SOURCES, frozenset(index_ids)
        rows = self._caches.state.get(key, lambda: _SOURCES.run(self._driver, list(index_ids)))
        return {row[0]: to_source_text(row[1], row[2]) for row in rows}

    def files_named(self, index_ids: Collection[int], file_name: str) -> dict[int, tuple[str, str]]:
        ending = f"%{containing(f'/{file_name}')}"
        rows = _NAMED.run(self._driver, sorted(index_ids), {"name": file_name, "ending": ending})
        return {row[0]: (row[1], row[2]) for row in rows}

    def lines(self, file_ids: Collection[int]) -> dict[int, list[SnippetLines]]:
        found: dict[int, list[SnippetLines]] = {}
        for row in _LINES.run(self._driver, sorted(file_ids)):
            file_id, snippet_id, start, end, symbol, scope, others = row
            names = [other.name for other in text_to_symbols(others)]
            names += [symbol] if symbol else []
            lines = SnippetLines(snippet_id, start, end, names, scope)
            found.setdefault(file_id, []).append(lines)
        return found

    def superseded(self, file_ids: Sequence[int]) -> set[int]:
        if not self._has_former:
            return set()
        rows = [row for row in _SUPERSEDED.run(self._driver, file_ids) if self._is_asked(row[1])]
        former = self.successors({row[2] for row in rows}) if rows else {}
        return {row[0] for row in rows if row[2] in former}

    def following(self, snippet_ids: Sequence[int]) -> dict[int, int]:
        rows = _FOLLOWING.run(self._driver, snippet_ids)
        return {row[0]: row[1] for row in rows if row[1] is not None}


def _with_former(
    files: Set[tuple[int, int]], former: Iterable[Sequence[Any]]
) -> Set[tuple[int, int]]:
    """Adds the former versions to versions of indexes, given with their successors and indexes."""
    if not former:
        return files
    return files | {(old, index_id) for old, new, index_id in former if (new, index_id) in files}
