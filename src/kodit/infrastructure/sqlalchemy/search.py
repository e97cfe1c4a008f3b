"""What a search reads: filters resolved to identifiers, and the snippets found."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence
from typing import cast

from sqlalchemy import ColumnElement, Connection, and_, bindparam, or_, select

from kodit.domain.entities import StoredSnippet
from kodit.domain.errors import InvalidQueryError, no_such_index
from kodit.domain.search import FoundSnippet
from kodit.domain.value_objects import FileProcessingStatus, Scope, SearchFilter, Symbol
from kodit.infrastructure.mappers.moments import to_microseconds
from kodit.infrastructure.mappers.symbols import text_to_placed, to_symbol
from kodit.infrastructure.sqlalchemy.connecting import ORIGIN
from kodit.infrastructure.sqlalchemy.entities import (
    FILES,
    INDEXES,
    SNIPPETS,
    UNCLEAN,
)
from kodit.infrastructure.sqlalchemy.globs import from_root, may_match, path_matcher
from kodit.infrastructure.sqlalchemy.parts import is_within
from kodit.infrastructure.sqlalchemy.prepared import Driver, PreparedForMany, constant
from kodit.infrastructure.sqlalchemy.stored_snippets import select_stored, to_source_text, to_stored

# Statements are made once: to put one together costs more than to run it.

_EVERY_INDEX = select(INDEXES.c.id).where(INDEXES.c.deleted_at == 0)
_DELETED_FILES = select(FILES.c.id).where(
    FILES.c.index_id.in_(bindparam("ids", expanding=True)),
    FILES.c.status == FileProcessingStatus.DELETED.value,
    UNCLEAN,
)
_STORED = PreparedForMany(lambda ids: select_stored().where(SNIPPETS.c.id.in_(ids)))
_FOUND = PreparedForMany(
    lambda ids: (
        select(
            SNIPPETS.c.id,
            SNIPPETS.c.index_id,
            SNIPPETS.c.file_id,
            FILES.c.path,
            SNIPPETS.c.start_line,
            SNIPPETS.c.end_line,
            SNIPPETS.c.language,
            SNIPPETS.c.symbol,
            SNIPPETS.c.kind,
            SNIPPETS.c.scope,
            SNIPPETS.c.also_defines,
        )
        .join(FILES, FILES.c.id == SNIPPETS.c.file_id)
        .where(SNIPPETS.c.id.in_(ids))
    )
)

_SOURCES = PreparedForMany(
    lambda ids: select(INDEXES.c.id, INDEXES.c.location, INDEXES.c.ref).where(INDEXES.c.id.in_(ids))
)
_SUPERSEDED = PreparedForMany(
    lambda ids: select(SNIPPETS.c.id).where(
        SNIPPETS.c.file_id.in_(ids), SNIPPETS.c.state == constant("superseded")
    )
)
_this, _next = SNIPPETS.alias(), SNIPPETS.alias()
_FOLLOWING = PreparedForMany(
    lambda ids: select(
        _this.c.id,
        select(_next.c.id)
        .where(
            _next.c.file_id == _this.c.file_id,
            _next.c.state == _this.c.state,
            _next.c.start_line > _this.c.end_line,
        )
        .order_by(_next.c.start_line)
        .limit(1)
        .scalar_subquery(),
    ).where(_this.c.id.in_(ids))
)


class SqlSearchRepository:
    """Search over one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def origin(self) -> Hashable:
        return cast(Hashable, self._connection.info.get(ORIGIN))

    def resolve(self, search_filter: SearchFilter) -> Scope:
        every = set(self._connection.execute(_EVERY_INDEX).scalars())
        wanted = set(search_filter.index_ids) or every
        for index_id in wanted - every:
            raise no_such_index(index_id)
        hidden = self._connection.execute(_DELETED_FILES, {"ids": list(wanted)}).scalars()
        return Scope(
            index_ids=frozenset(wanted),
            file_ids=self._files(wanted, search_filter),
            hidden_file_ids=frozenset(hidden),
            kinds=search_filter.kinds,
        )

    def _files(self, index_ids: set[int], search_filter: SearchFilter) -> frozenset[int] | None:
        if not search_filter.chooses_files:
            return None
        query = select(FILES.c.id, FILES.c.path).where(FILES.c.index_id.in_(index_ids))
        if search_filter.languages:
            query = query.where(FILES.c.language.in_(search_filter.languages))
        if search_filter.authors:
            query = query.where(
                or_(*(FILES.c.author.icontains(a, autoescape=True) for a in search_filter.authors))
            )
        if search_filter.created_after is not None:
            query = query.where(FILES.c.created_at >= to_microseconds(search_filter.created_after))
        if search_filter.created_before is not None:
            query = query.where(FILES.c.created_at < to_microseconds(search_filter.created_before))
        if search_filter.within:
            query = query.where(_is_within(search_filter.within))
        globs = [from_root(glob) for glob in search_filter.paths]
        matches = path_matcher(globs) if globs else None
        if matches is not None:
            query = query.where(may_match(FILES.c.path, globs))
        files = self._connection.execute(query).all()
        if not files:
            self._check_languages(index_ids, search_filter.languages)
        return frozenset(row[0] for row in files if matches is None or matches(row[1]))

    def _check_languages(self, index_ids: set[int], languages: Sequence[str]) -> None:
        """Nothing at all in a language is most often a language spelled in another way."""
        known = {
            language
            for language in self._connection.execute(
                select(FILES.c.language).where(FILES.c.index_id.in_(index_ids)).distinct()
            ).scalars()
            if language is not None
        }
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
            FoundSnippet._make([*row[:7], to_symbol(*row[7:10]), _symbols_of(row[10])])
            for row in _FOUND.run(Driver(self._connection), snippet_ids)
        ]

    def get_many(self, snippet_ids: Sequence[int]) -> list[StoredSnippet]:
        return [to_stored(row) for row in _STORED.run(Driver(self._connection), snippet_ids)]

    def sources(self, index_ids: Collection[int]) -> dict[int, str]:
        rows = _SOURCES.run(Driver(self._connection), list(index_ids))
        return {row[0]: to_source_text(row[1], row[2]) for row in rows}

    def superseded(self, file_ids: Sequence[int]) -> set[int]:
        return {row[0] for row in _SUPERSEDED.run(Driver(self._connection), file_ids)}

    def following(self, snippet_ids: Sequence[int]) -> dict[int, int]:
        rows = _FOLLOWING.run(Driver(self._connection), snippet_ids)
        return {row[0]: row[1] for row in rows if row[1] is not None}


def _is_within(within: Sequence[tuple[int, str]]) -> ColumnElement[bool]:
    """A file lies in one of the folders of its index, or is one of its files, if only a part of
    that is meant."""
    folders: dict[int, list[str]] = {}
    for index_id, folder in within:
        folders.setdefault(index_id, []).append(folder)
    return and_(
        *(
            or_(
                FILES.c.index_id != index_id,
                *map(is_within, some),
            )
            for index_id, some in folders.items()
        )
    )


def _symbols_of(also_defines: str | None) -> tuple[Symbol, ...]:
    return tuple(placed.symbol for placed in text_to_placed(also_defines))
