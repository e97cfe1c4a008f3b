"""The Python face: indexing and searching in a few calls."""

from __future__ import annotations

import logging
import os
import threading
import weakref
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeVar

from kodit.application.services.index_locator import as_typed
from kodit.application.services.index_service import IndexStatus
from kodit.application.services.queue_overview import QueueOverview
from kodit.application.services.refresh_service import failure_of
from kodit.application.services.source_service import IndexRequest
from kodit.composition import Application
from kodit.domain.diagnosis import Diagnosis
from kodit.domain.entities import IndexRun, SearchResult, TaskAttempt
from kodit.domain.errors import IndexingError
from kodit.domain.grep import Expression, GrepAnswer, GrepRequest, LineShape
from kodit.domain.intervals import parse_sync_every
from kodit.domain.search import choose
from kodit.domain.value_objects import (
    RunState,
    SearchMode,
    SearchRequest,
    SymbolKind,
)
from kodit.faces.python.background_loop import BackgroundLoop
from kodit.faces.python.browsing import Browsing
from kodit.settings import Settings

T = TypeVar("T")

# A program that uses Kodit decides where its log lines go; by default they go nowhere.
logging.getLogger("kodit").addHandler(logging.NullHandler())


class _Opened(NamedTuple):
    application: Application
    loop: BackgroundLoop
    process: int


class Kodit(Browsing):
    """All of Kodit over one data directory.

    >>> from kodit import Kodit
    >>> with Kodit("data") as kodit:
    ...     kodit.index("path/to/code")
    ...     for result in kodit.search("where are tasks claimed"):
    ...         print(result.snippet.path, result.snippet.start_line)

    Calls are synchronous, may be made where an event loop is running, as in a notebook, and by any
    number of threads at once: they share one application, which opens everything once. In a
    coroutine, `await asyncio.to_thread(kodit.search, "…")` keeps the event loop free. A process
    that is forked meanwhile cannot use it. An object that is dropped without `close` is closed
    soon after.
    """

    def __init__(self, data_dir: str | Path | None = None) -> None:
        """`data_dir` defaults to the setting with that name."""
        self._settings = Settings.load(data_dir=data_dir)
        self._opened: _Opened | None = None
        self._opening = threading.Lock()
        self._when_dropped: weakref.finalize[[Callable[[], object]], Kodit] | None = None

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
        """Close the database and end running work. The next call opens it again."""
        with self._opening:
            opened, self._opened = self._opened, None
            if self._when_dropped is not None:
                self._when_dropped.detach()
        # A forked process closes nothing: everything belongs to its parent.
        if opened is not None and opened.process == os.getpid():
            opened.loop.close()
            opened.application.close()

    def index(
        self,
        *sources: str | Path | int,
        include: Sequence[str] | None = None,
        exclude: Sequence[str] | None = None,
        submodules: bool | None = None,
        credentials: str | None = None,
        sync_every: int | str | None = None,
        wait: bool = True,
    ) -> list[IndexStatus]:
        """Add or refresh sources (git URLs, optionally `URL@ref`, folders, or index identifiers)
        and wait until they are indexed; with `wait` off, only queue the work for a worker.
        `include` and `exclude` are globs over their paths: None keeps the previous ones, an empty
        sequence clears them. `submodules` indexes the submodules of a repository with it, and the
        repositories within a folder; None leaves that as it was. `credentials` (`env:NAME`) names
        the variable that holds `user:password` or a token, if the URL has none. `sync_every` is how
        often a server updates the index by itself: seconds, 0 or "never", "10m", or "default" for
        the server's own interval; None keeps the previous one.

        Raises SourceError for a source that is refused, and IndexingError when a run fails.
        """
        request = IndexRequest(
            [as_typed(source) for source in sources],
            None if include is None else tuple(include),
            None if exclude is None else tuple(exclude),
            credentials,
            submodules=submodules,
            sync_every=parse_sync_every(sync_every) if isinstance(sync_every, str) else sync_every,
        )

        async def work(application: Application) -> list[IndexStatus]:
            if wait:
                runs = await application.source_indexing.index(request)
                _check_ended(runs, len(sources))
            else:
                runs = await application.sources.add(request)
            return await application.indexes.status(
                [run.index_id for run in runs if run.index_id is not None]
            )

        return self._call(work)

    def search(
        self,
        query: str,
        source: str | Path | int | None = None,
        *,
        refresh: bool = False,
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
        """The best snippets for a question or a name, best first: of one index, by its source or
        identifier, of those in `index_ids`, or of all. `SearchFilter` explains the filters, and
        `SearchRequest` the budget.

        With `refresh`, the index of the source is created if there is none, or brought up to date
        first; without a source, that of every index that is searched. If that fails, the error is
        raised; without `refresh`, the search uses what was indexed before.

        Raises SourceError or NotFoundError for a source that is not indexed, and InvalidQueryError
        for an invalid query.
        """
        if refresh:
            named: Sequence[str | Path | int] = index_ids if source is None else (source,)
            for one in named or [index.id for index in self._application.locator.all()]:
                self._refresh(one)
        chosen = self._filter(source, languages, paths)
        chosen = replace(
            chosen,
            index_ids=(*index_ids, *chosen.index_ids),
            authors=tuple(authors),
            created_after=created_after,
            created_before=created_before,
            kinds=tuple(choose(SymbolKind, "kind", kind) for kind in kinds),
        )
        return self._application.search.search(
            SearchRequest(query, choose(SearchMode, "mode", mode), chosen, limit, offset, budget)
        )

    def grep(
        self,
        pattern: str,
        source: str | Path | int | None = None,
        *,
        ignore_case: bool = False,
        fixed_strings: bool = False,
        whole_words: bool = False,
        languages: Sequence[str] = (),
        paths: Sequence[str] = (),
        context: int = 0,
        limit: int = 100,
    ) -> GrepAnswer:
        """Lines of indexed files that match a regular expression (RE2), in one index, by its source
        or identifier, or in all, ordered by index, path and line. Raises InvalidQueryError for an
        expression that is invalid or takes too long."""
        chosen = self._filter(source, languages, paths)
        expression = Expression(
            pattern, is_fixed=fixed_strings, ignore_case=ignore_case, whole_words=whole_words
        )
        request = GrepRequest(expression, chosen, LineShape(context, context), limit)
        return self._call(lambda application: application.grep.grep(request))

    def status(self) -> list[IndexStatus]:
        """Every index with its size and its latest run."""
        return self._call(lambda application: application.indexes.status())

    def delete(self, source: str | Path | int) -> None:
        """Remove an index, by its source or identifier, and everything derived from it. The
        source itself is never touched."""
        index_id = self._application.locator.locate_whole(source).id

        async def work(application: Application) -> None:
            await application.indexes.delete(index_id)
            await application.space.release_space()

        self._call(work)

    def runs(self, states: Sequence[RunState | str] = (), *, limit: int = 100) -> list[IndexRun]:
        """Runs in these states, or all, newest first."""
        wanted = [choose(RunState, "state", state) for state in states]
        return self._call(lambda application: application.queue.list_runs(wanted, limit))

    def run(self, run_id: int) -> IndexRun:
        """One run with its tasks. Raises NotFoundError."""
        run, _attempts = self._call(lambda application: application.queue.describe(run_id))
        return run

    def attempts(self, run_id: int) -> list[TaskAttempt]:
        """Every attempt of a run's tasks: its worker, its times, and how it ended; the tasks in
        their order, the attempts of each from the first on. Raises NotFoundError."""
        run, by_task = self._call(lambda application: application.queue.describe(run_id))
        return [attempt for task in run.tasks for attempt in by_task.get(task.id, [])]

    def queue(self) -> QueueOverview:
        """The current queue: whether it is paused, which workers are alive, what runs, and what
        waits, in order. Its method `why(task, run)` explains why a task is in its state."""

        async def work(application: Application) -> QueueOverview:
            runs = await application.queue.list_runs()
            return await application.queue.overview(application.registry, runs)

        return self._call(work)

    def pause(self) -> bool:
        """Stop workers from starting tasks; running ones finish first. Returns whether anything
        changed."""
        return self._call(lambda application: application.queue.pause())

    def resume(self) -> bool:
        """Let workers start tasks again. Returns whether anything changed."""
        return self._call(lambda application: application.queue.resume())

    def cancel(self, run_id: int) -> IndexRun:
        """Cancel a run: waiting tasks at once, running ones at their next heartbeat or commit.
        Raises NotFoundError, and UserError for a run that has ended."""
        return self._call(lambda application: application.queue.cancel(run_id))

    def retry(self, run_id: int) -> IndexRun:
        """Retry the failed or cancelled stages of a run, and the later stages. Raises
        NotFoundError, and UserError for a run with nothing to retry."""
        return self._call(lambda application: application.queue.retry(run_id))

    def check(self, *, repair: bool = False) -> Diagnosis:
        """Check that all stored data is consistent, and with `repair` repair what can be
        repaired."""
        unopened = Application(self._settings).examination.before_opening()
        if unopened is not None:
            return unopened
        return self._call(lambda application: application.examination.check(repair=repair))

    def _refresh(self, source: str | Path | int) -> None:
        """Bring the index of a source up to date."""
        name = as_typed(source)
        refreshed = self._call(lambda application: application.refreshing.refresh(name))
        if refreshed.reason is not None:
            raise refreshed.reason

    @property
    def _application(self) -> Application:
        return self._open().application

    def _call(self, work: Callable[[Application], Coroutine[Any, Any, T]]) -> T:
        """Run a coroutine over the application, on its event loop."""
        opened = self._open()
        return opened.loop.call(lambda: work(opened.application))

    def _open(self) -> _Opened:
        with self._opening:
            if self._opened is not None and self._opened.process != os.getpid():
                self._opened.application.database.refuse_inherited()
                self._opened = None
            if self._opened is None:
                application = Application(self._settings)
                try:
                    application.open()
                    loop = BackgroundLoop()
                except BaseException:
                    application.close()
                    raise
                self._opened = _Opened(application, loop, os.getpid())
                # A forked process has no such thread, and closes nothing.
                self._when_dropped = weakref.finalize(self, loop.abandon, application.close)
                # The end of the process ends all of it, without waiting.
                self._when_dropped.atexit = False
            return self._opened


def _check_ended(runs: Sequence[IndexRun], wanted: int) -> None:
    """Raises IndexingError unless this many runs have succeeded."""
    for run in runs:
        failure = failure_of(run)
        if failure is not None:
            raise failure
    if len(runs) < wanted:
        raise IndexingError("an index was deleted while it was being indexed", code="index_deleted")
