"""`kodit index`: queue, work, and show how it goes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from kodit.application.services.index_service import IndexStatus
from kodit.composition import Application
from kodit.domain.run import IndexRun, RunState
from kodit.indexing import IndexRequest, index_sources, queue_sources
from kodit.shapes import status_shape
from kodit.terminal.output import is_interactive, print_json, say
from kodit.terminal.tables import errors_of, show_statuses


def index_and_show(
    application: Application,
    request: IndexRequest,
    *,
    wait: bool,
    as_json: bool,
) -> bool:
    """Index the sources, or only queue them, and print their indexes. Returns whether every run
    succeeded."""

    async def work() -> tuple[list[IndexRun], list[IndexStatus]]:
        if wait:
            runs = await run_and_watch(application, request)
        else:
            runs = await queue_sources(application, request)
        index_ids = [run.index_id for run in runs if run.index_id is not None]
        return runs, await application.indexes.status(index_ids)

    runs, statuses = asyncio.run(work())
    if as_json:
        print_json({"indexes": [status_shape(status) for status in statuses]})
    else:
        show_statuses(statuses)
    if not wait:
        say("Queued; `kodit index` without --no-wait, or any worker, does the work.")
        return True
    return report_failures(runs)


async def run_and_watch(application: Application, request: IndexRequest) -> list[IndexRun]:
    """Index while the caller waits, with live progress where somebody looks."""
    if not is_interactive():
        return await index_sources(application, request)
    from kodit.terminal.live import LiveProgress  # noqa: PLC0415 - for terminals only

    with LiveProgress() as live:
        return await index_sources(
            application,
            request,
            show=live.show,
            show_operation=live.show_operation,
        )


def report_failures(runs: Sequence[IndexRun]) -> bool:
    """Say what did not succeed; returns whether all did."""
    succeeded = True
    for run in runs:
        if run.state is not RunState.SUCCEEDED:
            succeeded = False
            say(f"run {run.id} {run.state}")
            for line in errors_of(run):
                say(f"  {line}")
    return succeeded
