"""`indexes` and `index`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial

from kodit.application.services.source_service import IndexRequest
from kodit.application.services.standing_service import percent_of
from kodit.application.services.threads import Lane, in_thread
from kodit.application.views.standing import StandingView
from kodit.domain.entities import IndexRun
from kodit.domain.errors import KoditError, UserError
from kodit.domain.value_objects import QueuePriority, SearchFilter
from kodit.faces.mcp.advice import sentence_of
from kodit.faces.mcp.calls import Call
from kodit.faces.mcp.text.sheet import one_line
from kodit.faces.mcp.text.standing import index_lines, missing_in

SECONDS_BETWEEN_LOOKS = 0.25
PERCENT = 100


async def indexes(call: Call) -> str:
    """Every index, or the named ones."""
    application = call.application

    def look() -> SearchFilter:
        if not call.sources:
            return SearchFilter()
        return application.scoping.choose(call.caller, call.where).filter

    chosen = await in_thread(look, Lane.READS)
    standing, files = await _look_at(call, chosen)
    page = call.page()
    if not standing:
        page.note("Nothing is indexed yet. Call index with a folder or git URL as its source.")
    for number, one in enumerate(standing):
        if not page.sheet.add(*index_lines(one, files.get(one.index_id, 0), call.now)):
            page.sheet.release()
            page.note(f"… {len(standing) - number} more indexes; name a source to see one.")
            break
    return page.finish()


async def _look_at(
    call: Call, chosen: SearchFilter
) -> tuple[tuple[StandingView, ...], Mapping[int, int]]:
    """The standing of indexes, and the number of files in each."""
    application = call.application
    standing = await in_thread(
        partial(application.standing.of, chosen, with_keyword_index=True), Lane.READS
    )
    if not standing:
        return (), {}
    statuses = await application.indexes.status([one.index_id for one in standing])
    return standing, {status.id: status.files for status in statuses}


async def index(call: Call) -> str:
    """Add or refresh an index, stop its run, or delete it."""
    if not call.caller.may_write:
        raise UserError("this key can only read", code="read_only_key")
    action = call.arguments.get("action", "sync")
    return await {"sync": _sync, "cancel": _cancel, "delete": _delete}[action](call)


async def _sync(call: Call) -> str:
    run = await _requested(call)
    deadline = asyncio.get_running_loop().time() + call.wait
    told = -1
    while True:
        [*found] = await call.application.queue.get_runs([run.id])
        if not found:
            return "The index was deleted while its run was in progress."
        run = found[0]
        percent = percent_of(run) or 0
        if percent > told:
            told = percent
            await call.report_progress(percent, PERCENT, _stage(run))
        left = deadline - asyncio.get_running_loop().time()
        if run.state.is_terminal or left <= 0:
            return await _status_text(call, run)
        await asyncio.sleep(min(SECONDS_BETWEEN_LOOKS, left))


async def _requested(call: Call) -> IndexRun:
    """A run for the named source: an identifier, or a source that need not be known yet."""
    application = call.application
    name: str = call.arguments["source"]
    if name.isdecimal():
        found = await in_thread(lambda: application.locator.locate(name, call.caller), Lane.READS)
        return await application.indexes.request_run(found.id, QueuePriority.USER_INITIATED)
    [run] = await application.sources.add(IndexRequest([name]), call.caller)
    return run


async def _status_text(call: Call, run: IndexRun) -> str:
    page = call.page()
    standing, files = await _look_at(call, SearchFilter((run.index_id or 0,)))
    for one in standing:
        for line in index_lines(one, files.get(one.index_id, 0), call.now):
            page.note(line)
        if missing_in(one) is None:
            page.note("It is up to date.")
    for task in run.tasks:
        if task.error:
            code = None if task.error_about is None else task.error_about.code
            page.note(f"{task.type_name}: {sentence_of(KoditError(task.error, code=code))}")
    if not run.state.is_terminal:
        page.note(
            f"Run {run.id} continues in the background; search and grep work in the meantime. Call "
            "indexes, or index again with wait, to see its progress."
        )
    return page.finish()


async def _cancel(call: Call) -> str:
    application = call.application
    found = await in_thread(
        lambda: application.locator.locate(call.arguments["source"], call.caller), Lane.READS
    )
    [status] = await application.indexes.status([found.id])
    if status.run is None or status.run.state.is_terminal:
        return f"No run of {one_line(str(found.source))} is in progress."
    await application.queue.cancel(status.run.id)
    return f"Run {status.run.id} was cancelled. What it has indexed stays; call index to resume."


async def _delete(call: Call) -> str:
    application = call.application
    found = await in_thread(
        lambda: application.locator.locate_whole(call.arguments["source"], call.caller), Lane.READS
    )
    await application.indexes.delete(found.id)
    return (
        f"The index of {one_line(str(found.source))} was deleted. The source itself is untouched "
        "and is not indexed again until it is named or index is called."
    )


def _stage(run: IndexRun) -> str:
    for task in run.tasks:
        if not task.state.is_terminal:
            return task.type_name.lower().replace("_", " ")
    return run.state.value
