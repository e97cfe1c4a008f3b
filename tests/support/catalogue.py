"""A catalogue of source texts that are really extracted and held in memory, for tests of its
readers: indexing them takes a second, and this some milliseconds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast

from kodit.application.services.symbol_service import SymbolService
from kodit.domain.entities import Index, StoredSnippet, WorkingCopy
from kodit.domain.files import IndexedFiles, IndexedText
from kodit.domain.mentions import MentioningSnippet
from kodit.domain.ports.catalogue import Catalogue, OpenCatalogue
from kodit.domain.ports.database import Database
from kodit.domain.ports.engines import KeywordIndex, KeywordReader
from kodit.domain.snippet import MinorSymbol
from kodit.domain.symbols import parts_of
from kodit.domain.value_objects import Hit, Scope, SearchFilter, Source, SourceKind, SymbolKind
from kodit.infrastructure.slicing.slicer import slice_file

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class CodeInMemory:
    """The files of one index or several, each with its text by its path."""

    def __init__(self, *indexes: Mapping[str, str]) -> None:
        self.stored: list[StoredSnippet] = []
        self._mentions: dict[int, str] = {}
        self._files: list[IndexedFiles] = []
        self.reads: list[list[int]] = []
        """The files of each read of mentions."""
        self.old: set[int] = set()
        """Snippets of an earlier version of a file."""
        self.names = Names(self.stored)
        file_id = 0
        for index_id, texts in enumerate(indexes, start=1):
            source = Source(SourceKind.FOLDER, f"/code/{index_id}")
            index = Index(index_id, source, WorkingCopy(), NOW)
            files = []
            for path in texts:  # identifiers are in the order in which files were added
                file_id += 1
                sliced = slice_file(path, texts[path].encode())
                files.append(IndexedText(file_id, index_id, path, sliced.language, "", 1))
                for one in sliced.snippets:
                    self._store(index, file_id, one)
            by_path = sorted(files, key=lambda one: one.path)
            self._files.append(IndexedFiles(index, tuple(by_path)))

    def _store(self, index: Index, file_id: int, one: Any) -> None:
        key = len(self.stored) + 1
        self._mentions[key] = one.mentions
        self.stored.append(
            StoredSnippet(
                key,
                index.id,
                file_id,
                str(index.source),
                one.path,
                one.start_line,
                one.end_line,
                one.language,
                one.symbol and one.symbol.name,
                one.symbol and one.symbol.kind.value,
                one.symbol.scope if one.symbol else "",
                one.text,
                one.also_defines,
                one.extents,
            )
        )

    @property
    def indexed(self) -> list[IndexedFiles]:
        return self._files

    def as_catalogue(self) -> Catalogue:
        return cast("Catalogue", self)

    def as_open(self) -> OpenCatalogue:
        return cast("OpenCatalogue", self)

    def as_keyword_reader(self) -> KeywordReader:
        return cast("KeywordReader", self.names)

    @contextmanager
    def open(self) -> Iterator[CodeInMemory]:
        yield self

    def files(self, _filter: SearchFilter) -> list[IndexedFiles]:
        return self._files

    def snippets(self, ids: Sequence[int]) -> list[StoredSnippet]:
        return [one for one in self.stored if one.id in ids]

    def find_file(self, index_id: int, path: str) -> tuple[Index, IndexedText | None]:
        one = self._files[index_id - 1]
        return one.index, next((file for file in one.files if file.path == path), None)

    def named(self, index_id: int, name: str, limit: int) -> list[str]:
        paths = self.paths(index_id)
        return [path for path in paths if path.rpartition("/")[2] == name][:limit]

    def paths(self, index_id: int) -> list[str]:
        return [file.path for file in self._files[index_id - 1].files]

    def reason_left_out(self, _index_id: int, _path: str) -> str | None:
        return None

    def hinting(self, file_ids: Collection[int], parts: Sequence[str]) -> set[int]:
        return {
            one.file_id
            for one in self.stored
            if one.file_id in file_ids and any(part in self._mentions[one.id] for part in parts)
        }

    def having(self, file_ids: Collection[int], text: str) -> set[int]:
        return {one.file_id for one in self.stored if one.file_id in file_ids and text in one.text}

    def routes(self, file_ids: Collection[int]) -> dict[int, int]:
        found = Counter(
            one.file_id
            for one in self.stored
            for placed in one.also_defines
            if isinstance(placed, MinorSymbol) and placed.symbol.kind is SymbolKind.ROUTE
        )
        return {file_id: count for file_id, count in found.items() if file_id in file_ids}

    def snippets_of_file(self, file_id: int) -> list[StoredSnippet]:
        return [one for one in self.stored if one.file_id == file_id]

    def mentioning(self, file_ids: Collection[int]) -> list[MentioningSnippet]:
        self.reads.append(sorted(file_ids))
        return [
            MentioningSnippet(
                one.id,
                one.file_id,
                one.start_line,
                one.end_line,
                one.symbol,
                one.scope,
                tuple(part for part in one.also_defines if not isinstance(part, MinorSymbol)),
                self._mentions[one.id],
            )
            for one in self.stored
            if one.file_id in file_ids
        ]

    def defining(self, name: str) -> list[StoredSnippet]:
        """The definitions of a plain name or `Scope.name`."""
        scope, _, plain = name.rpartition(".")
        return [
            one
            for snippet in self.stored
            for one in (snippet, *parts_of(snippet))
            if one.symbol == plain and (not scope or one.scope == scope)
        ]

    # The rest of what a lookup of a symbol reads: one transaction over the same snippets.

    def lookup(self) -> SymbolService:
        return SymbolService(
            database=cast("Database", self),
            catalogue=self.as_catalogue(),
            keyword_index=cast("KeywordIndex", self),
        )

    @contextmanager
    def read(self) -> Iterator[CodeInMemory]:
        yield self

    def within(self, _transaction: object) -> CodeInMemory:
        return self

    @property
    def transaction(self) -> CodeInMemory:
        return self

    search = keyword_log = transaction

    def resolve(self, search_filter: SearchFilter) -> Scope:
        return Scope(frozenset(one.index.id for one in self._files), None, frozenset())

    def superseded(self, file_ids: Sequence[int]) -> set[int]:
        return {one.id for one in self.stored if one.id in self.old and one.file_id in file_ids}

    def untrusted(self, _positions: object) -> set[int]:
        return set()

    def reader(self) -> Names:
        return self.names

    def definitions(
        self, names: Collection[str], _scope: Scope, kinds: Collection[str]
    ) -> list[StoredSnippet]:
        lower = {name.lower() for name in names}
        return [
            replace(one, text="")
            for one in self.stored
            if one.id not in self.old
            and (one.symbol or "").lower() in lower
            and (not kinds or one.kind in kinds)
        ]

    def named_snippets(self, _scope: Scope) -> Iterator[tuple[int, Sequence[str]]]:
        for one in self.stored:
            if names := [part.symbol for part in (one, *parts_of(one)) if part.symbol]:
                yield one.id, names


class Names:
    """Finds definitions by their names, and words in texts."""

    def __init__(self, stored: Sequence[StoredSnippet]) -> None:
        self._stored = stored
        self.leaves_out: frozenset[int] = frozenset()

    def over(self, _scope: Scope) -> Names:
        return self

    def positions(self, _index_ids: object) -> dict[int, None]:
        return {}

    def search(self, terms: Sequence[str], _scope: Scope, limit: int) -> list[Hit]:
        found = [one for one in self._stored if any(term in one.text.lower() for term in terms)]
        return [Hit(one.id, 1.0) for one in found[:limit]]

    def candidates(self, terms: Sequence[str], scope: Scope, limit: int) -> set[int]:
        return {hit.snippet_id for hit in self.search(terms, scope, limit)}

    def definitions(
        self, name: str, _terms: object, _scope: Scope, limit: int, *, minor: bool = False
    ) -> set[int]:
        found: list[int] = []
        for one in self._stored:
            parts = [part for part in one.also_defines if isinstance(part, MinorSymbol) is minor]
            names = [part.symbol.name for part in parts] + ([] if minor else [one.symbol or ""])
            if name.lower() in map(str.lower, names):
                found.append(one.id)
        return set(found[:limit])
