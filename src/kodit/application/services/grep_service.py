"""Searches indexed files by regular expression."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, nullcontext
from typing import TYPE_CHECKING

from kodit.application.services.threads import in_thread, is_alone, time_limit
from kodit.domain.entities import Index
from kodit.domain.errors import InvalidQueryError, SourceError, TransientError
from kodit.domain.files import IndexedFiles
from kodit.domain.grep import FoundLine, GrepAnswer, GrepMatch, GrepRequest
from kodit.domain.this_host import ON_ANOTHER_HOST
from kodit.domain.value_objects import SearchFilter, SourceKind

# Imported where used, so that a command loads only what it needs.
if TYPE_CHECKING:
    import asyncio

    from kodit.domain.ports.catalogue import Catalogue
    from kodit.domain.ports.grep import FolderLister, LineSearcher

TIME_LIMIT_SECONDS = 60.0
"""The time limit of one request."""


class GrepService:
    """Reads the files themselves, so that an index need not be complete: its files must be
    known."""

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        searcher: LineSearcher,
        lister: FolderLister,
        time_limit_seconds: float = TIME_LIMIT_SECONDS,
    ) -> None:
        self._catalogue = catalogue
        self._searcher = searcher
        self._lister = lister
        self._time_limit_seconds = time_limit_seconds
        self._turns: asyncio.Semaphore | None = None

    async def grep(self, request: GrepRequest) -> GrepAnswer:
        """Matching lines by index, path and line. Raises InvalidQueryError for an expression that
        is invalid or takes too long, NotFoundError for an unknown index, and the source's error if
        only one index was to be searched."""
        self._searcher.check(request.expression)
        problems: list[str] = []
        try:
            async with time_limit(self._time_limit_seconds), self._turn():
                by_index, unknown = await in_thread(lambda: self._files(request.filter))
                for index in unknown:
                    try:
                        files = await self._lister.files(index, request.filter)
                    except SourceError as error:
                        if error.code != ON_ANOTHER_HOST or len(by_index) + len(unknown) == 1:
                            raise
                        problems.append(str(error))
                    else:
                        by_index.append(IndexedFiles(index, files))
                return await self._look(request, by_index, problems)
        except TimeoutError:
            raise InvalidQueryError(
                f"the search took more than {self._time_limit_seconds:.0f} s",
                code="grep_too_slow",
            ) from None

    def _turn(self) -> AbstractAsyncContextManager[None]:
        """Each request holds the list of all files, so no more are made at once than progress."""
        if is_alone():
            return nullcontext()
        import asyncio  # noqa: PLC0415 - not needed by a command that asks one question

        if self._turns is None:
            self._turns = asyncio.Semaphore(self._searcher.at_once)
        return self._turns

    def _files(self, search_filter: SearchFilter) -> tuple[list[IndexedFiles], list[Index]]:
        """The files to search, and folders without any known file yet."""
        with self._catalogue.open() as catalogue:
            by_index = catalogue.files(search_filter, with_unread=True)
            known = {one.index.id for one in by_index}
            unknown = [
                index
                for index in catalogue.transaction.indexes.select(search_filter.index_ids)
                if index.updated_at is None
                and index.source.kind is SourceKind.FOLDER
                and index.id not in known
            ]
        return by_index, [] if search_filter.languages else unknown

    async def _look(
        self, request: GrepRequest, by_index: list[IndexedFiles], problems: list[str]
    ) -> GrepAnswer:
        matches: list[GrepMatch] = []
        for one in by_index:
            # One more than wanted shows whether the answer is complete.
            wanted = request.offset + request.limit + 1 - len(matches)
            if wanted <= 0:
                break
            try:
                found = await self._searcher.search(
                    one.index,
                    one.files,
                    request.expression,
                    shape=request.shape,
                    limit=wanted,
                )
            except (SourceError, TransientError) as error:
                if len(by_index) == 1:
                    raise
                problems.append(str(error))
                continue
            matches += [_match(one, position, line) for position, line in found]
        return GrepAnswer(
            tuple(matches[request.offset : request.offset + request.limit]),
            sum(len(one.files) for one in by_index),
            len(matches) <= request.offset + request.limit,
            tuple(problems),
        )


def _match(files: IndexedFiles, position: int, line: FoundLine) -> GrepMatch:
    file = files.files[position]
    return GrepMatch(file.index_id, str(files.index.source), file.path, file.language, line)
