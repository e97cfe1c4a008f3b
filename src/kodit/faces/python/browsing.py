"""Browsing indexed code from Python."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

from kodit.application.services.index_locator import as_typed
from kodit.composition import Application
from kodit.domain.caller import LOCAL_CALLER
from kodit.domain.descriptions.description import Description
from kodit.domain.descriptions.kinds import DEFAULT_BUDGET as DESCRIPTION_BUDGET
from kodit.domain.descriptions.kinds import DescriptionKind
from kodit.domain.entities import SearchResult
from kodit.domain.files import FilePlace, FileText, ListedFile
from kodit.domain.left_out import Explanation, LeftOut, LeftOutRequest
from kodit.domain.questions import Where
from kodit.domain.repository_map import DEFAULT_BUDGET, RepositoryMap
from kodit.domain.search import choose
from kodit.domain.symbols import FileOutline, SymbolAnswer, SymbolRequest
from kodit.domain.value_objects import SearchFilter

T = TypeVar("T")


class Browsing(ABC):
    """The methods of `Kodit` that read files, names and the structure of a repository."""

    @property
    @abstractmethod
    def _application(self) -> Application: ...

    @abstractmethod
    def _call(self, work: Callable[[Application], Coroutine[Any, Any, T]]) -> T: ...

    def list_files(
        self,
        source: str | Path | int | None = None,
        *,
        languages: Sequence[str] = (),
        paths: Sequence[str] = (),
    ) -> list[ListedFile]:
        """The indexed files of one index or of all, by index and path."""
        return self._application.browse.list_files(self._filter(source, languages, paths))

    def read(self, source: str | Path | int, place: str) -> FileText:
        """The lines of an indexed file at `PATH`, `PATH:LINE`, `PATH:START-END` or `PATH:START-`,
        relative to the root of the index, or to the folder in it that `source` names. Raises
        NotFoundError for a file that is not in the index."""
        where, look = Where((as_typed(source),)), self._application.browse.read_file
        return self._application.scoping.look_at(LOCAL_CALLER, where, place, look)[0]

    def left_out(self, source: str | Path | int, *, paths: Sequence[str] = ()) -> list[LeftOut]:
        """The files and folders of a source that are not indexed, by path, and the rule that leaves
        each out; only those that match one of the globs, if any are given."""
        index = self._application.locator.locate(source)
        request = LeftOutRequest(globs=tuple(paths))
        return self._call(
            lambda application: application.left_out_answers.service.find(index, request)
        )

    def explain(self, source: str | Path | int, path: str) -> Explanation:
        """Why a file or folder of a source is indexed or not, and which stages its snippets have
        passed. Raises NotFoundError if the source has nothing at this path."""
        index = self._application.locator.locate(source)
        return self._call(
            lambda application: application.left_out_answers.service.explain(index, path)
        )

    def symbols(
        self,
        name: str,
        source: str | Path | int | None = None,
        *,
        kinds: Sequence[str] = (),
        languages: Sequence[str] = (),
        paths: Sequence[str] = (),
        uses: str = "",
        limit: int = 50,
    ) -> SymbolAnswer:
        """Where a name (`name`, `Scope.name`) is defined, and where it is used: at most `limit` of
        each. `uses` is one of `callers`, `callees`, `implementations`, `imports`; without it all
        uses are returned."""
        chosen = self._filter(source, languages, paths)
        request = SymbolRequest(name, chosen, tuple(kinds), limit, uses=uses)
        return self._application.symbols.find(request)

    def outline(self, source: str | Path | int, path: str) -> FileOutline:
        """The definitions in an indexed file. Raises NotFoundError for a file that is not in the
        index."""
        where, look = Where((as_typed(source),)), self._application.browse.outline

        def outline(index_id: int, place: str | FilePlace) -> FileOutline:
            return look(index_id, str(place))

        return self._application.scoping.look_at(LOCAL_CALLER, where, path, outline)[0]

    def map(
        self,
        source: str | Path | int | None = None,
        *,
        budget: int = DEFAULT_BUDGET,
        languages: Sequence[str] = (),
        paths: Sequence[str] = (),
    ) -> list[RepositoryMap]:
        """The most important files and definitions of one index or of each, within `budget` tokens
        of four characters for all of them."""
        return self._application.maps.draw(self._filter(source, languages, paths), budget)

    def describe(
        self,
        kind: DescriptionKind | str,
        source: str | Path | int | None = None,
        *,
        subject: str = "",
        budget: int = DESCRIPTION_BUDGET,
        languages: Sequence[str] = (),
        paths: Sequence[str] = (),
    ) -> list[Description]:
        """A description of one index or of each, within `budget` tokens of four characters for all
        of them. `kind` is `overview`, `interface` (the subject is a file, a folder or a module; by
        default all), `schema` (a table, a model or a folder; by default all), `commit` (a commit,
        or words of its message; by default the latest one) or `usage` (the name of a definition).
        `str` of a description is its text."""
        chosen = self._filter(source, languages, paths)
        wanted = choose(DescriptionKind, "kind", kind)
        return self._call(
            lambda application: application.description_answers.service.describe(
                wanted, chosen, subject, budget
            )
        )

    def related(
        self,
        source: str | Path | int,
        place: str,
        *,
        everywhere: bool = False,
        languages: Sequence[str] = (),
        paths: Sequence[str] = (),
        limit: int = 10,
    ) -> list[SearchResult]:
        """Snippets whose code is similar to the code at `PATH:LINE`, in the same index or in all,
        the most similar first."""
        application = self._application
        chosen = self._filter(None if everywhere else source, languages, paths)

        def look(index_id: int, at: str | FilePlace) -> list[SearchResult]:
            return application.related.find(index_id, at, chosen, limit)

        where = Where((as_typed(source),))
        return application.scoping.look_at(LOCAL_CALLER, where, place, look)[0]

    def _filter(
        self, source: str | Path | int | None, languages: Sequence[str], paths: Sequence[str]
    ) -> SearchFilter:
        sources = () if source is None else (as_typed(source),)
        where = Where(sources, languages=tuple(languages), paths=tuple(paths))
        return self._application.scoping.choose(LOCAL_CALLER, where).filter
