"""Searches lines in child processes, one per core, so that a search can be aborted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from kodit.application.services.threads import in_thread, need_loop
from kodit.domain.entities import Index
from kodit.domain.errors import InvalidQueryError, StalledError
from kodit.domain.files import IndexedText
from kodit.domain.grep import Expression, FoundLine, LineShape
from kodit.domain.report import ignore_report
from kodit.infrastructure.grep.child_functions import LineSearch, search_lines
from kodit.infrastructure.grep.matching import compile_expression
from kodit.infrastructure.sources.places import SourcePlaces
from kodit.infrastructure.sources.text_reader import FileToRead

# Child processes are started when they are first needed.
if TYPE_CHECKING:
    from kodit.infrastructure.processes.pool import ProcessPool

FIRST_FILES = 128
"""If the first files have enough matches, the others are never read."""
MOST_FILES = 4096
STALL_SECONDS = 10.0
"""How long an expression may take on one file."""


class PooledLineSearcher:
    """Folders are read in place, git sources from their clones."""

    def __init__(
        self,
        places: SourcePlaces,
        pool: ProcessPool,
        *,
        ripgrep: str | None,
        stall_seconds: float = STALL_SECONDS,
        starts_here: bool = False,
    ) -> None:
        """With `starts_here` the first files are searched in this process: starting a child process
        takes longer, and a command that exits after its answer has no further use for it.
        """
        self._places = places
        self._pool = pool
        self._ripgrep = ripgrep
        self._stall_seconds = stall_seconds
        self._starts_here = starts_here

    @property
    def at_once(self) -> int:
        return self._pool.size + 1  # while one child is handed its next share

    def check(self, expression: Expression) -> None:
        compile_expression(expression)

    async def search(
        self,
        index: Index,
        files: Sequence[IndexedText],
        expression: Expression,
        *,
        shape: LineShape,
        limit: int,
    ) -> list[tuple[int, FoundLine]]:
        location = await self._places.present(index)

        def part(start: int, end: int) -> LineSearch:
            wanted = [FileToRead(file.path, file.content_hash) for file in files[start:end]]
            return LineSearch(location, wanted, expression, shape, limit, self._ripgrep)

        shares = _shares(len(files))
        found: list[tuple[int, FoundLine]] = []
        if self._starts_here and shares:
            first = part(*shares.pop(0))
            found += await in_thread(lambda: search_lines(first, report=ignore_report))
        if shares and len(found) < limit:
            found += await self._search_in_children(expression, part, shares, limit - len(found))
        return found[:limit]

    async def _search_in_children(
        self,
        expression: Expression,
        part: Callable[[int, int], LineSearch],
        waiting: list[tuple[int, int]],
        limit: int,
    ) -> list[tuple[int, FoundLine]]:
        """At least the first `limit` lines of the waiting shares, if there are as many."""
        need_loop()
        import asyncio  # noqa: PLC0415 - not needed if this process finds enough

        async def call(start: int, end: int) -> list[tuple[int, FoundLine]]:
            lines: list[tuple[int, FoundLine]] = await self._pool.call(
                "kodit.infrastructure.grep.child_functions:search_lines",
                part(start, end),
                stall_seconds=self._stall_seconds,
            )
            return [(start + position, line) for position, line in lines]

        found: list[tuple[int, FoundLine]] = []
        running: list[asyncio.Task[list[tuple[int, FoundLine]]]] = []
        at_once = 1  # the first share alone: often it is all that is needed
        try:
            while (waiting or running) and len(found) < limit:
                while waiting and len(running) < at_once:
                    running.append(asyncio.create_task(call(*waiting.pop(0))))
                found += await running[0]
                running.pop(0)
                at_once = self._pool.size
        except StalledError:
            raise InvalidQueryError(
                f"the expression {expression.pattern!r} takes too long", code="grep_too_slow"
            ) from None
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
        return found


def _shares(files: int) -> list[tuple[int, int]]:
    """Consecutive shares of growing size, as (start, end)."""
    shares = []
    start, size = 0, FIRST_FILES
    while start < files:
        shares.append((start, min(start + size, files)))
        start += size
        size = min(size * 4, MOST_FILES)
    return shares
