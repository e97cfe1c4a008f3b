"""Answers questions about indexed code for one caller: selects the indexes, finds the results, and
reports the standing of the answer."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import replace
from functools import wraps
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from kodit.application.services.scope_service import ScopeService
from kodit.application.services.threads import Lane, in_thread, is_alone
from kodit.domain.caller import Caller
from kodit.domain.entities import SearchResult
from kodit.domain.questions import (
    FilesQuestion,
    GrepQuestion,
    MapQuestion,
    OutlineQuestion,
    ReadQuestion,
    RelatedQuestion,
    SearchQuestion,
    SymbolsQuestion,
    cursor_at,
    start_of,
)
from kodit.domain.search import within_budget
from kodit.domain.value_objects import SearchFilter, SearchMode, SearchRequest

# Imported where used, so that a command loads only what it needs.
if TYPE_CHECKING:
    from kodit.application.services.browse_service import BrowseService
    from kodit.application.services.description_search import DescriptionSearch
    from kodit.application.services.folder_comparisons import FolderComparisons
    from kodit.application.services.grep_service import GrepService
    from kodit.application.services.map_service import MapService
    from kodit.application.services.related_service import RelatedService
    from kodit.application.services.search_service import SearchService
    from kodit.application.services.standing_service import StandingService
    from kodit.application.services.symbol_service import SymbolService
    from kodit.application.views.files import (
        FilesView,
        GrepView,
        OutlineView,
        SymbolsView,
        TextView,
    )
    from kodit.application.views.map import MapView
    from kodit.application.views.search import RelatedView, SearchView
    from kodit.application.views.standing import StandingView
    from kodit.domain.descriptions.stored import FoundDescription
    from kodit.domain.entities import StoredSnippet
    from kodit.domain.files import FilePlace
    from kodit.domain.repository_map import MappedFile, RepositoryMap
    from kodit.domain.symbols import FileOutline

T = TypeVar("T")


class AnsweringServices(Protocol):
    """The services that answer; each may be created when it is first needed."""

    @property
    def search(self) -> SearchService: ...

    @property
    def grep(self) -> GrepService: ...

    @property
    def symbols(self) -> SymbolService: ...

    @property
    def browse(self) -> BrowseService: ...

    @property
    def related(self) -> RelatedService: ...

    @property
    def maps(self) -> MapService: ...

    @property
    def described(self) -> DescriptionSearch: ...


Settle = Callable[[Sequence[int], float], Awaitable[bool]]
"""Waits at most this many seconds until the known changes of these indexes (of all if empty) are
indexed; returns whether there were any."""


async def _no_wait(_index_ids: Sequence[int], _seconds: float) -> bool:
    """For a process that does not watch the sources: changes are not known."""
    return False


Observe = Callable[[str, float], None]
"""Receives the method name of every question, and how many seconds its answer took."""

Q = TypeVar("Q")
Ask = Callable[["AnswerService", Caller, Q], Coroutine[Any, Any, T]]


def _measured(ask: Ask[Q, T]) -> Ask[Q, T]:
    """Report to observers how long an answer took, even if it was refused."""

    @wraps(ask)
    async def measured(self: AnswerService, caller: Caller, question: Q) -> T:
        began = time.perf_counter()
        try:
            return await ask(self, caller, question)
        finally:
            self.report(ask.__name__, time.perf_counter() - began)

    return measured


class AnswerService:
    """Each answer raises what selecting its indexes raises (NotFoundError, SourceError,
    RefusedByPolicyError), InvalidQueryError for an invalid query, and what its service raises."""

    def __init__(
        self,
        *,
        asked: AnsweringServices,
        scope: ScopeService,
        standing: StandingService,
        comparisons: FolderComparisons,
        settle: Settle = _no_wait,
    ) -> None:
        self._asked = asked
        self._scope = scope
        self._standing = standing
        self._comparisons = comparisons
        self._settle = settle
        self._observers: list[Observe] = []

    def subscribe(self, observer: Observe) -> None:
        """Report every answer to a listener from now on."""
        self._observers.append(observer)

    def report(self, question: str, seconds: float) -> None:
        """Report that an answer was given or refused."""
        for observer in self._observers:
            observer(question, seconds)

    @_measured
    async def search(self, caller: Caller, question: SearchQuestion) -> SearchView:
        """The snippets that match a query best, best first."""
        from kodit.application.views.search import SearchView  # noqa: PLC0415 - see above

        start = start_of(question)
        chosen = await _read(lambda: self._scope.choose(caller, question.where))
        search_filter = replace(chosen.filter, kinds=question.kinds)
        # One more than wanted shows whether another page follows.
        request = SearchRequest(
            question.query, question.mode, search_filter, question.limit + 1, start
        )

        def find() -> SearchView:
            problems: list[str] = []
            results = self._asked.search.search(request, problems)
            wanted = results[: question.limit]
            page = there = self._comparisons.existing_results(wanted)
            if question.budget is not None:
                page = within_budget(there, question.budget)
            passed = max(1, len(wanted) if len(page) == len(there) else len(page))
            return SearchView.of(
                question.query,
                page,
                self._standing_of(search_filter, chosen.is_implied, with_keyword_index=True),
                # Skip a result that exceeds any budget, so that paging comes to an end.
                following=cursor_at(question, start + passed) if len(results) > passed else None,
                problems=(*chosen.problems, *problems),
                explain=question.explain,
                with_file=caller.is_local,
                described=self._described(question, search_filter, start),
            )

        if question.wait <= 0 or is_alone():  # where the sources are not watched
            return await _compute(find)
        import asyncio  # noqa: PLC0415 - no command waits

        # Usually nothing has changed, and finding that out takes as long as a search.
        view, has_changed = await asyncio.gather(
            _compute(find), self._settle(chosen.index_ids, question.wait)
        )
        return await _compute(find) if has_changed else view

    @_measured
    async def grep(self, caller: Caller, question: GrepQuestion) -> GrepView:
        """Matching lines, by index, path and line."""
        from kodit.application.services.answers.grep_requests import (  # noqa: PLC0415 - see above
            expression_of,
            shape_of,
        )
        from kodit.application.views.files import GrepView  # noqa: PLC0415 - see above
        from kodit.domain.grep import GrepRequest  # noqa: PLC0415 - see above

        start = start_of(question)
        chosen = await _read(lambda: self._scope.choose(caller, question.where))
        answer = await self._asked.grep.grep(
            GrepRequest(
                expression_of(question), chosen.filter, shape_of(question), question.limit, start
            )
        )
        standing = await _read(lambda: self._standing_of(chosen.filter, chosen.is_implied))
        following = None if answer.is_complete else cursor_at(question, start + question.limit)
        return GrepView.of(
            question.pattern,
            answer,
            standing,
            following,
            chosen.problems,
            with_file=caller.is_local,
        )

    @_measured
    async def symbols(self, caller: Caller, question: SymbolsQuestion) -> SymbolsView:
        """Where a name is defined, and where it is used."""
        from kodit.application.views.files import SymbolsView  # noqa: PLC0415 - see above
        from kodit.domain.symbols import SymbolRequest  # noqa: PLC0415 - see above

        start = start_of(question)

        def find() -> SymbolsView:
            chosen = self._scope.choose(caller, question.where)
            answer = self._asked.symbols.find(
                SymbolRequest(
                    question.name,
                    chosen.filter,
                    question.kinds,
                    question.limit,
                    start,
                    question.uses,
                )
            )
            there = replace(
                answer,
                definitions=tuple(self._comparisons.existing(answer.definitions, _place)),
                references=tuple(self._comparisons.existing(answer.references, _place)),
            )
            return SymbolsView.of(
                question.name,
                there,
                self._standing_of(chosen.filter, chosen.is_implied, with_keyword_index=True),
                cursor_at(question, start + question.limit) if answer.has_more else None,
                chosen.problems,
                with_file=caller.is_local,
            )

        return await in_thread(find, Lane.LOOKUPS)

    @_measured
    async def files(self, caller: Caller, question: FilesQuestion) -> FilesView:
        """The indexed files, by index and path."""
        from kodit.application.views.files import FilesView  # noqa: PLC0415 - see above

        start = start_of(question)

        def find() -> FilesView:
            chosen = self._scope.choose(caller, question.where)
            # One more than wanted shows whether another page follows.
            end = None if question.limit is None else start + question.limit
            page = slice(start, None if end is None else end + 1)
            files = self._asked.browse.list_files(chosen.filter, page)
            wanted = files[: question.limit]
            return FilesView.of(
                self._comparisons.existing(wanted, lambda one: (one.index_id, one.path)),
                self._standing_of(chosen.filter, chosen.is_implied),
                None if end is None or len(files) == len(wanted) else cursor_at(question, end),
                chosen.problems,
                with_file=caller.is_local,
            )

        return await _read(find)

    @_measured
    async def read(self, caller: Caller, question: ReadQuestion) -> TextView:
        """Lines of an indexed file."""
        from kodit.application.views.files import TextView  # noqa: PLC0415 - see above

        def find() -> TextView:
            look = self._asked.browse.read_file
            text, index, is_implied = self._scope.look_at(
                caller, question.where, question.place, look
            )
            standing = self._standing_of(SearchFilter((index.id,)), is_implied)
            return TextView.of(text, standing, with_file=caller.is_local)

        return await _read(find)

    @_measured
    async def outline(self, caller: Caller, question: OutlineQuestion) -> OutlineView:
        """The definitions in an indexed file."""
        from kodit.application.views.files import OutlineView  # noqa: PLC0415 - see above

        def find() -> OutlineView:
            def look(index_id: int, place: str | FilePlace) -> FileOutline:
                self._comparisons.check_place(index_id, place)
                return self._asked.browse.outline(index_id, str(place))

            outline, index, is_implied = self._scope.look_at(
                caller, question.where, question.path, look
            )
            standing = self._standing_of(SearchFilter((index.id,)), is_implied)
            return OutlineView.of(outline, standing, with_file=caller.is_local)

        return await _read(find)

    @_measured
    async def map(self, caller: Caller, question: MapQuestion) -> MapView:
        """The most important definitions of the selected indexes."""
        from kodit.application.views.map import MapView  # noqa: PLC0415 - the others do without

        def find() -> MapView:
            chosen = self._scope.choose(caller, question.where)
            maps = self._asked.maps.draw(chosen.filter, question.budget)
            return MapView.of(
                question.budget,
                [replace(one, files=self._existing_files_of(one)) for one in maps],
                self._standing_of(chosen.filter, chosen.is_implied),
                chosen.problems,
                with_file=caller.is_local,
            )

        return await _compute(find)

    @_measured
    async def related(self, caller: Caller, question: RelatedQuestion) -> RelatedView:
        """Snippets whose code is similar to that at a place."""
        from kodit.application.views.search import RelatedView  # noqa: PLC0415 - see above

        def where(index_id: int) -> SearchFilter:
            return SearchFilter(
                index_ids=() if question.in_all else (index_id,),
                languages=question.where.languages,
                paths=question.where.paths,
            )

        def find() -> RelatedView:
            def look(index_id: int, place: str | FilePlace) -> list[SearchResult]:
                self._comparisons.check_place(index_id, place)
                return self._asked.related.find(index_id, place, where(index_id), question.limit)

            results, index, is_implied = self._scope.look_at(
                caller, question.where, question.place, look
            )
            return RelatedView.of(
                str(question.place),
                self._comparisons.existing_results(results),
                self._standing_of(where(index.id), is_implied),
                with_file=caller.is_local,
            )

        return await _compute(find)

    def _described(
        self, question: SearchQuestion, search_filter: SearchFilter, start: int
    ) -> Sequence[FoundDescription]:
        """Descriptions with words that no snippet has, beside the first results."""
        if start or question.mode is not SearchMode.HYBRID:
            return ()
        return self._asked.described.find(question.query, search_filter)

    def _standing_of(
        self, meant: SearchFilter, is_implied: bool, *, with_keyword_index: bool = False
    ) -> tuple[StandingView, ...]:
        return self._comparisons.with_changes(
            self._standing.of(meant, with_keyword_index=with_keyword_index, is_implied=is_implied)
        )

    def _existing_files_of(self, of_index: RepositoryMap) -> tuple[MappedFile, ...]:
        index_id = of_index.index_id
        return tuple(self._comparisons.existing(of_index.files, lambda one: (index_id, one.path)))


class _InSnippet(Protocol):
    """Has a snippet."""

    @property
    def snippet(self) -> StoredSnippet: ...


def _place(found: _InSnippet) -> tuple[int, str]:
    return found.snippet.index_id, found.snippet.path


async def _read(work: Callable[[], T]) -> T:
    return await in_thread(work, Lane.READS)


async def _compute(work: Callable[[], T]) -> T:
    return await in_thread(work, Lane.SEARCHES)
