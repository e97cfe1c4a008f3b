"""From a call to its answer: parses the arguments, calls the tool, and turns errors into
sentences."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from kodit.application.services.threads import in_thread
from kodit.domain.caller import Caller
from kodit.domain.errors import KoditError
from kodit.domain.search import CHARACTERS_PER_TOKEN
from kodit.faces.mcp.advice import sentence_of
from kodit.faces.mcp.arguments import understand
from kodit.faces.mcp.calls import Answer, Call, Handler, ReportProgress
from kodit.faces.mcp.definitions import DEFAULT_BUDGET, Tool
from kodit.faces.mcp.text.sheet import shortened
from kodit.faces.mcp.tools import finding, indexing, reading

if TYPE_CHECKING:
    from kodit.composition import Application

T = TypeVar("T")

log = logging.getLogger(__name__)

SECONDS_OF_A_CALL = 47.0
"""The time limit of every call. A listener's own limit for requests is a little longer."""

SECONDS_TO_FINISH = 5.0

_HANDLERS: Mapping[str, Handler] = {
    "search": finding.search,
    "grep": finding.grep,
    "symbols": finding.symbols,
    "read": reading.read,
    "files": reading.files,
    "related": finding.related,
    "indexes": indexing.indexes,
    "index": indexing.index,
}


class Dispatcher:
    """Answers calls over one application, on one event loop."""

    def __init__(
        self, application: Application, *, seconds_of_a_call: float = SECONDS_OF_A_CALL
    ) -> None:
        self._application = application
        self._seconds_of_a_call = seconds_of_a_call
        self._beside: set[asyncio.Task[Any]] = set()
        """Background tasks: counting answers, and work that has not stopped in time."""

    async def answer(
        self,
        caller: Caller,
        tool: Tool,
        arguments: Mapping[str, Any],
        report_progress: ReportProgress,
    ) -> Answer:
        """The answer to a call, whatever happens: an error is an answer too."""
        try:
            call = Call(
                self._application, caller, tool, understand(tool, arguments), report_progress
            )
            text = await self._in_time(call)
        except KoditError as error:
            return _failed(sentence_of(error))
        except TimeoutError:
            log.warning("a call took too long", extra={"tool": tool.name})
            return _failed(
                f"The call to {tool.name} was stopped after {self._seconds_of_a_call:g} seconds. "
                "Narrow it down with paths, languages or one source."
            )
        except Exception as error:
            log.exception("a call failed", extra={"tool": tool.name})
            return _failed(
                f"The call to {tool.name} failed because of an error in Kodit "
                f"({type(error).__name__}). The log has the details; other tools may still work."
            )
        if call.named:
            self._keep(_count(call, text))
        return Answer(text)

    async def finish(self) -> None:
        """Wait a moment until every answer is counted and all work has stopped."""
        if self._beside:
            await asyncio.wait(set(self._beside), timeout=SECONDS_TO_FINISH)

    async def _in_time(self, call: Call) -> str:
        """The tool's answer. Work that does not stop when cancelled is not waited for. Raises
        TimeoutError and what the tool raises."""
        work = self._keep(_HANDLERS[call.tool.name](call))
        try:
            done, _ = await asyncio.wait({work}, timeout=self._seconds_of_a_call)
        except asyncio.CancelledError:
            work.cancel()
            raise
        if not done:
            work.cancel()
            raise TimeoutError
        return work.result()

    def _keep(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.ensure_future(work)
        self._beside.add(task)
        task.add_done_callback(self._forget)
        return task

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._beside.discard(task)
        if not task.cancelled():
            task.exception()  # the caller has the error; it need not be reported again


async def _count(call: Call, text: str) -> None:
    try:
        await in_thread(
            lambda: call.application.savings.count(call.tool.name, len(text), call.named)
        )
    except Exception as error:  # noqa: BLE001 - an answer was given, counted or not
        log.debug("an answer was not counted", extra={"error": str(error)})


def _failed(sentence: str) -> Answer:
    return Answer(shortened(sentence, DEFAULT_BUDGET * CHARACTERS_PER_TOKEN), is_error=True)
