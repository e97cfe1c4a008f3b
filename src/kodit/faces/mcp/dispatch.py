"""From a call to its answer: arguments understood, the tool called, errors put into sentences."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

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

log = logging.getLogger(__name__)

SECONDS_OF_A_CALL = 47.0
"""Within which every call is answered. A listener ends requests a little later."""

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

_overdue: set[asyncio.Task[Any]] = set()
"""Calls that were answered without them, and have not noticed yet that they are to stop."""


async def answer_of(
    application: Application,
    caller: Caller,
    tool: Tool,
    arguments: Mapping[str, Any],
    report_progress: ReportProgress,
) -> Answer:
    """The answer to a call, whatever happens: an error is one as well."""
    try:
        call = Call(application, caller, tool, understand(tool, arguments), report_progress)
        return Answer(await _in_time(call))
    except KoditError as error:
        return _failed(sentence_of(error))
    except TimeoutError:
        log.warning("a call took too long", extra={"tool": tool.name})
        return _failed(
            f"{tool.name} was stopped after {SECONDS_OF_A_CALL:.0f} seconds; ask again for less: "
            "give paths, languages or one source."
        )
    except Exception as error:
        log.exception("a call failed", extra={"tool": tool.name})
        return _failed(
            f"{tool.name} failed because of an error in Kodit ({type(error).__name__}); its log "
            "says more. Other tools may still answer."
        )


async def _in_time(call: Call) -> str:
    """What the tool answers. Work that does not stop when it should is not waited for. Raises
    TimeoutError and what the tool raises."""
    work = asyncio.ensure_future(_HANDLERS[call.tool.name](call))
    try:
        done, _ = await asyncio.wait({work}, timeout=SECONDS_OF_A_CALL)
    except asyncio.CancelledError:
        _leave(work)
        raise
    if not done:
        _leave(work)
        raise TimeoutError
    return work.result()


def _leave(work: asyncio.Task[str]) -> None:
    _overdue.add(work)
    work.add_done_callback(_forget)
    work.cancel()


def _forget(work: asyncio.Task[str]) -> None:
    _overdue.discard(work)
    if not work.cancelled():
        work.exception()


def _failed(sentence: str) -> Answer:
    return Answer(shortened(sentence, DEFAULT_BUDGET * CHARACTERS_PER_TOKEN), is_error=True)
