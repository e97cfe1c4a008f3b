"""The Python face: index, search and report in a handful of calls."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from kodit.application.services.index_service import IndexStatus
from kodit.checkup import check_up, fatal_problem
from kodit.composition import Application
from kodit.domain.diagnosis import Diagnosis
from kodit.domain.entities import SearchResult
from kodit.domain.errors import IndexingError
from kodit.domain.files import FileText, ListedFile
from kodit.domain.grep import Expression, GrepAnswer, GrepRequest
from kodit.domain.search import choose
from kodit.domain.symbols import SymbolAnswer, SymbolRequest
from kodit.domain.value_objects import RunState, SearchFilter, SearchMode, SearchRequest, SymbolKind
from kodit.indexing import IndexRequest, index_sources
from kodit.locating import locate, located_ids
from kodit.settings import Settings

T = TypeVar("T")


class Kodit:
    """All of Kodit over one data directory.

    >>> from kodit import Kodit
    >>> with Kodit("data") as kodit:
    ...     kodit.index("path/to/code")
    ...     for result in kodit.search("where are tasks claimed"):
    ...         print(result.snippet.path, result.snippet.start_line)

    Calls are synchronous and may be made where an event loop is running, as in a notebook.
    """

    def __init__(self, data_dir: str | Path | None = None) -> None:
        """`data_dir` defaults to the setting of that name."""
        self._settings = Settings.load(data_dir=data_dir)
        self._application: Application | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the database. The next call opens it again."""
        if self._application is not None:
            self._application.close()
            self._application = None

    def index(
        self,
        *sources: str | Path,
        include: Sequence[str] | None = None,
        exclude: Sequence[str] | None = None,
        credentials: str | None = None,
    ) -> list[IndexStatus]:
        """Add or refresh sources (git URLs, optionally `URL@ref`, or folders) and wait until they
        are indexed. `include` and `exclude` are globs over their paths: None leaves them as they
        were given before, an empty sequence clears them. `credentials` (`env:NAME`)
        names the variable that holds `user:password` or a token, where the URL has none.

        Raises SourceError for a source that cannot be, and IndexingError when a run fails.
        """

        async def work(application: Application) -> list[IndexStatus]:
            runs = await index_sources(
                application,
                IndexRequest(
                    [str(source) for source in sources],
                    None if include is None else tuple(include),
                    None if exclude is None else tuple(exclude),
                    credentials,
                ),
            )
            for run in runs:
                if run.state is not RunState.SUCCEEDED:
                    errors = [f"{task.type_name}: {task.error}" for task in run.tasks if task.error]
                    raise IndexingError(f"run {run.id} {run.state}: {'; '.join(errors)}")
            if len(runs) < len(sources):
                raise IndexingError("an index was deleted while it was being indexed")
            return await application.indexes.status(
                [run.index_id for run in runs if run.index_id is not None]
            )

        return self._run_apart(work)

    def search(
        self,
        query: str,
        *,
        mode: SearchMode | str = SearchMode.HYBRID,
        limit: int = 10,
        index_ids: Sequence[int] = (),
        languages: Sequence[str] = (),
        paths: Sequence[str] = (),
        authors: Sequence[str] = (),
        kinds: Sequence[SymbolKind | str] = (),
        created_after: datetime | None = None,
        created_before: datetime | None = None,
        offset: int = 0,
        budget: int | None = None,
    ) -> list[SearchResult]:
        """The best snippets for a question or a name, best first. What the filters mean says
        `SearchFilter`, what the budget means `SearchRequest`."""
        chosen = SearchFilter(
            index_ids=tuple(index_ids),
            languages=tuple(languages),
            paths=tuple(paths),
            authors=tuple(authors),
            created_after=created_after,
            created_before=created_before,
            kinds=tuple(choose(SymbolKind, "kind", kind) for kind in kinds),
        )
        return self._open().search.search(
            SearchRequest(query, choose(SearchMode, "mode", mode), chosen, limit, offset, budget)
        )

    def grep(
        self,
        pattern: str,
        source: str | Path | int | None = None,
        *,
        ignore_case: bool = False,
        fixed_strings: bool = False,
        languages: Sequence[str] = (),
        paths: Sequence[str] = (),
        context: int = 0,
        limit: int = 100,
    ) -> GrepAnswer:
        """Lines of indexed files that match a regular expression (RE2), in one index, by its
        source or identifier, or in all, in the order of index, path and line.

        Raises InvalidQueryError for what is no expression or takes too long.
        """
        chosen = self._filter(source, languages, paths)
        expression = Expression(pattern, is_fixed=fixed_strings, ignore_case=ignore_case)
        request = GrepRequest(expression, chosen, context, limit)
        return self._run_apart(lambda application: application.grep.grep(request))

    def list_files(
        self,
        source: str | Path | int | None = None,
        *,
        languages: Sequence[str] = (),
        paths: Sequence[str] = (),
    ) -> list[ListedFile]:
        """The indexed files of one index or of all, by index and path."""
        return self._open().browse.list_files(self._filter(source, languages, paths))

    def read(self, source: str | Path | int, place: str) -> FileText:
        """The lines of an indexed file at `PATH`, `PATH:LINE`, `PATH:START-END` or `PATH:START-`.
        Raises NotFoundError for a file that is not in the index."""
        application = self._open()
        return application.browse.read_file(locate(application, source).id, place)

    def symbols(
        self,
        name: str,
        source: str | Path | int | None = None,
        *,
        kinds: Sequence[str] = (),
        languages: Sequence[str] = (),
        paths: Sequence[str] = (),
        limit: int = 50,
    ) -> SymbolAnswer:
        """Where a name (`name`, `Scope.name`) is defined, and where it is used: at most `limit`
        of each."""
        chosen = self._filter(source, languages, paths)
        return self._open().symbols.find(SymbolRequest(name, chosen, tuple(kinds), limit))

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
        """Snippets whose code is like that at `PATH:LINE`, in the same index or in all, the most
        similar first."""
        application = self._open()
        index_id = locate(application, source).id
        chosen = self._filter(None if everywhere else index_id, languages, paths)
        return application.related.find(index_id, place, chosen, limit)

    def status(self) -> list[IndexStatus]:
        """Every index with what it holds and its latest run."""
        return self._run_apart(lambda application: application.indexes.status())

    def delete(self, source: str | Path | int) -> None:
        """Remove an index, by its source or identifier, and everything derived from it. The
        source itself is never touched."""

        async def work(application: Application) -> None:
            await application.indexes.delete(locate(application, source).id)

        self._run_apart(work)

    def check(self, *, repair: bool = False) -> Diagnosis:
        """Compare all that is stored with each other, and with `repair` put right what can be."""
        fatal = fatal_problem(self._settings)
        if fatal is not None:
            return Diagnosis((fatal,), (fatal,))
        return self._run_apart(partial(check_up, repair=repair))

    def _filter(
        self, source: str | Path | int | None, languages: Sequence[str], paths: Sequence[str]
    ) -> SearchFilter:
        return SearchFilter(located_ids(self._open(), source), tuple(languages), tuple(paths))

    def _open(self) -> Application:
        if self._application is None:
            application = Application(self._settings)
            application.open()
            self._application = application
        return self._application

    def _run_apart(self, work: Callable[[Application], Coroutine[Any, Any, T]]) -> T:
        """Run a coroutine over an application of its own, in a thread of its own, so that it does
        not matter whether the caller has an event loop."""
        outcome: list[T] = []
        errors: list[BaseException] = []
        cancel: list[Callable[[], object]] = []
        done = threading.Event()

        async def main() -> T:
            task = asyncio.current_task()
            if task is not None:
                loop = asyncio.get_running_loop()
                cancel.append(lambda: loop.call_soon_threadsafe(task.cancel))
            application = Application(self._settings)
            try:
                application.open()
                return await work(application)
            finally:
                application.close()

        def run() -> None:
            try:
                outcome.append(asyncio.run(main()))
            except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
                errors.append(error)
            finally:
                done.set()

        thread = threading.Thread(target=run, name="kodit")
        thread.start()
        try:
            done.wait()  # a join that is interrupted takes the thread for ended (Python 3.11)
        except BaseException:  # Ctrl-C: what is held is released before the caller goes on
            for stop in cancel:
                with suppress(RuntimeError):  # the loop has just closed by itself
                    stop()
            raise
        finally:
            thread.join()
        if errors:
            raise errors[0]
        return outcome[0]
