"""`kodit index`: queue, work, and show how it goes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from kodit.application.services.index_service import IndexStatus
from kodit.application.services.queue_overview import QueueOverview
from kodit.composition import Application
from kodit.domain.entities import IndexRun
from kodit.domain.value_objects import RunState
from kodit.faces.cli.terminal.output import is_interactive, print_json, printable, say
from kodit.faces.cli.terminal.runs import errors_of
from kodit.faces.cli.terminal.tables import show_statuses
from kodit.indexing import IndexRequest, index_sources, queue_sources
from kodit.infrastructure.sources.parsing import parse_source
from kodit.shapes import status_shape


def index_and_show(
    application: Application,
    request: IndexRequest,
    *,
    wait: bool,
    as_json: bool,
) -> bool:
    """Index the sources, or only queue them, and print their indexes. Returns whether every run
    succeeded."""

    names = _names(request)

    async def work() -> tuple[list[IndexRun], list[IndexStatus], QueueOverview]:
        if wait:
            runs = await run_and_watch(application, request)
        else:
            runs = await queue_sources(application, request)
        index_ids = [run.index_id for run in runs if run.index_id is not None]
        statuses = await application.indexes.status(index_ids) if index_ids else []
        return runs, statuses, await application.queue.overview(application.registry)

    runs, statuses, queue = asyncio.run(work())
    if as_json:
        print_json({"indexes": [status_shape(status, queue) for status in statuses]})
    else:
        show_statuses(statuses, queue, with_errors=not wait)
    if not wait:
        say("Queued; `kodit index` without --no-wait, or any worker, does the work.")
        return True
    for status in statuses:
        if wait and not status.summary.files and status.summary.index.updated_at is not None:
            say(f"{printable(str(status.summary.index.source))} has no files to index.")
    there = {status.summary.index.id: str(status.summary.index.source) for status in statuses}
    gone = [name for name in dict.fromkeys(names) if name not in there.values()]
    for name in gone:
        say(f"{printable(name)} was deleted while it was being indexed.")
    return report_failures([run for run in runs if run.index_id in there]) and not gone


async def run_and_watch(application: Application, request: IndexRequest) -> list[IndexRun]:
    """Index while the caller waits, with live progress where somebody looks."""
    if await application.queue.paused_since() is not None:
        say("The queue is paused; nothing starts until `kodit queue resume`.")
        say("Ctrl-C leaves what was asked for in the queue.")
    if not is_interactive():
        return await index_sources(application, request)
    from kodit.faces.cli.terminal.live import LiveProgress  # noqa: PLC0415 - for terminals only

    with LiveProgress() as live:
        live.look_for(_names(request))
        return await index_sources(
            application,
            request,
            show=live.show,
            show_operation=live.show_operation,
        )


def _names(request: IndexRequest) -> list[str]:
    """The sources without their secrets."""
    return [str(parse_source(source).source) for source in request.sources]


def report_failures(runs: Sequence[IndexRun]) -> bool:
    """Say what did not succeed; returns whether all did."""
    failures = [failure for run in runs if (failure := failure_of(run)) is not None]
    for failure in failures:
        say(failure)
    return not failures


def failure_of(run: IndexRun) -> str | None:
    """What became of a run that did not succeed, in one sentence."""
    if not run.state.is_terminal:
        return f"run {run.id} was stopped; the same command goes on where it was"
    if run.state is RunState.SUCCEEDED:
        return None
    return ": ".join([f"run {run.id} {run.state}", *errors_of(run)])
