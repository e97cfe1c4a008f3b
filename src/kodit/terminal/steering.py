"""Looking at indexes and the queue, and steering them."""

from __future__ import annotations

import asyncio

from kodit.composition import Application
from kodit.domain.errors import NotFoundError
from kodit.domain.index import Index
from kodit.domain.run import RunState
from kodit.infrastructure.sources import parse_source
from kodit.shapes import attempt_shape, run_shape, status_shape
from kodit.terminal.output import print_json, print_line, printable, say
from kodit.terminal.tables import errors_of, run_line, show_run, show_statuses

NEEDING_ATTENTION = (RunState.QUEUED, RunState.RUNNING, RunState.FAILED)


async def find_index(application: Application, name: str) -> Index:
    """The index of an identifier or of a source. Raises NotFoundError or SourceError."""
    if name.isdecimal():
        return await application.indexes.get(int(name))
    by_name = [
        status.summary.index
        for status in await application.indexes.status()
        if str(status.summary.index.source) == name
    ]
    # A folder that is gone can still be named as it was indexed.
    return by_name[0] if by_name else await application.indexes.find(parse_source(name).source)


def show_indexes(application: Application, source: str | None, *, as_json: bool) -> None:
    async def read() -> None:
        wanted = () if source is None else ((await find_index(application, source)).id,)
        statuses = await application.indexes.status(wanted)
        if as_json:
            print_json({"indexes": [status_shape(status) for status in statuses]})
        elif statuses:
            show_statuses(statuses)
        else:
            say("Nothing is indexed yet; `kodit index SOURCE` adds a git URL or a folder.")

    asyncio.run(read())


def delete_index(application: Application, name: str) -> None:
    async def work() -> None:
        index = await find_index(application, name)
        await application.indexes.delete(index.id)
        say(f"Deleted index {index.id} of {printable(str(index.source))}.")

    asyncio.run(work())


def list_runs(application: Application, *, everything: bool, limit: int, as_json: bool) -> None:
    async def work() -> None:
        runs = await application.queue.list_runs(
            () if everything else NEEDING_ATTENTION, limit=limit
        )
        if as_json:
            print_json({"runs": [run_shape(run) for run in runs]})
            return
        sources = {
            status.summary.index.id: str(status.summary.index.source)
            for status in await application.indexes.status()
        }
        for run in runs:
            print_line(run_line(run))
            if run.index_id is not None:
                print_line(f"    {printable(sources.get(run.index_id, 'a deleted index'))}")
            for line in errors_of(run):
                print_line(f"    {line}")
        if not runs:
            say("Nothing waits, runs or has failed.")

    asyncio.run(work())


def show_one_run(application: Application, run_id: int, *, as_json: bool) -> None:
    async def work() -> None:
        run, attempts = await application.queue.describe(run_id)
        if as_json:
            shape = run_shape(run)
            for task in shape["tasks"]:
                task["history"] = [attempt_shape(one) for one in attempts.get(task["id"], [])]
            print_json(shape)
            return
        source = None
        if run.index_id is not None:
            try:
                source = str((await application.indexes.get(run.index_id)).source)
            except NotFoundError:
                source = "being deleted"
        show_run(run, source, attempts)

    asyncio.run(work())


def retry_run(application: Application, run_id: int) -> None:
    async def work() -> None:
        run = await application.queue.retry(run_id)
        say(run_line(run))
        say("Queued; `kodit index`, or any worker, does the work.")

    asyncio.run(work())


def cancel_run(application: Application, run_id: int) -> None:
    async def work() -> None:
        say(run_line(await application.queue.cancel(run_id)))

    asyncio.run(work())
