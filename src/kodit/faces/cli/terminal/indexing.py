"""`kodit index`: queue the work, do it, and show its progress."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from kodit.application.services.index_service import IndexStatus
from kodit.application.services.queue_overview import QueueOverview
from kodit.application.services.refresh_service import failure_of
from kodit.application.services.source_service import IndexRequest
from kodit.application.services.worker_host import LOOK_SECONDS, RunObserver
from kodit.application.views.indexes import AcceptedView, IndexesView, IndexView
from kodit.application.views.runs import RunView
from kodit.composition import Application
from kodit.domain.entities import IndexRun
from kodit.domain.errors import IndexingError, UserError
from kodit.domain.run import BUDGET_SPENT
from kodit.domain.value_objects import RunState
from kodit.faces.cli.advice import with_advice
from kodit.faces.cli.session import Session
from kodit.faces.cli.signals import on_signals
from kodit.faces.cli.terminal.output import (
    complain,
    is_interactive,
    print_json,
    print_line,
    printable,
    say,
)
from kodit.faces.cli.terminal.pace import lasting, seconds_of
from kodit.faces.cli.terminal.progress_lines import ProgressLines
from kodit.faces.cli.terminal.runs import counted
from kodit.faces.cli.terminal.tables import index_lines, show_indexes
from kodit.infrastructure.processes.allocator import BRIEF_BYTES, configure_allocator

# Few commands have a server on another machine.
if TYPE_CHECKING:
    from kodit.faces.cli.remote import RemoteServer

UNSEEN_SECONDS = 1.5
"""How long a scan that finds nothing to do may take before it is shown."""


def index_and_show(
    session: Session,
    request: IndexRequest,
    *,
    wait: bool | None,
    as_json: bool,
) -> bool:
    """Index the sources, or only queue them, and print their indexes. Returns whether every run
    succeeded and no source was refused. If `wait` is None, a run that waits for a budget has not
    succeeded. Raises UserError if no source is left."""
    waits_for_budget, wait = bool(wait), wait is not False
    if session.remote is not None:
        return _index_remotely(
            session.remote, request, wait=wait, waits_for_budget=waits_for_budget, as_json=as_json
        )
    if wait:
        configure_allocator(BRIEF_BYTES)
    application = session.application
    request = _confirmed(application, request)
    names = [str(source) for source in application.sources.sources(request)]
    refused: list[UserError] = []

    async def work() -> tuple[list[IndexRun], list[IndexStatus], QueueOverview]:
        if wait:
            runs = await run_and_watch(
                application, request, names, refused, waits_for_budget=waits_for_budget
            )
        else:
            runs = await application.sources.add_each(request, refused)
        index_ids = [run.index_id for run in runs if run.index_id is not None]
        statuses = await application.indexes.status(index_ids) if index_ids else []
        return runs, statuses, await application.queue.overview(application.registry)

    runs, statuses, queue = session.run(work())
    view = IndexesView.of(statuses, queue, with_queue=False)
    if as_json:
        print_json(view)
    elif wait:
        show_indexed(view.indexes)
    else:
        show_indexes(view.indexes)
    for wrong in refused:
        complain(with_advice(wrong))
    _say_parts(application, request)
    if not wait:
        say("Queued; a worker, or `kodit index` without --no-wait, will do the work.")
        return not refused
    failed = {run.index_id for run in runs if run.state is RunState.FAILED}
    for status in statuses:
        index = status.summary.index
        is_empty = not status.summary.files and index.updated_at is not None
        if wait and is_empty and index.id not in failed:
            say(f"{printable(str(index.source))} has no files to index.")
    there = {status.summary.index.id: str(status.summary.index.source) for status in statuses}
    gone = [] if refused else [name for name in dict.fromkeys(names) if name not in there.values()]
    # The folder of an indexed `file://` repository is that index by another name.
    gone = [name for name in gone if application.locator.find_part(name) is None]
    for name in gone:
        say(f"{printable(name)} was deleted while it was being indexed.")
    return report_failures([run for run in runs if run.index_id in there]) and not (gone or refused)


def _say_parts(application: Application, request: IndexRequest) -> None:
    """Report the sources that were parts of an index, which was brought up to date as a whole."""
    for source in request.sources:
        part = application.locator.find_part(source)
        if part is not None and part.path:
            say(f"{printable(part.path)} is part of {printable(str(part.index.source))}.")


def _confirmed(application: Application, request: IndexRequest) -> IndexRequest:
    """Ask the user to confirm very large folders, on a terminal. Elsewhere they are refused."""
    if request.even_if_broad or not (sys.stdin.isatty() and is_interactive()):
        return request
    for source in application.sources.sources(request):
        if application.sources.is_broad(source):
            say(f"{printable(str(source))} holds much more than code; indexing it may take hours.")
            say("Index it anyway? [y/N]")
            if sys.stdin.readline().strip().lower() not in ("y", "yes"):
                return request
    return replace(request, even_if_broad=True)


def _index_remotely(
    server: RemoteServer,
    request: IndexRequest,
    *,
    wait: bool,
    waits_for_budget: bool,
    as_json: bool,
) -> bool:
    """The same on a server, which continues if the user does not wait."""
    options = {
        "include": request.include,
        "exclude": request.exclude,
        "submodules": request.submodules,
        "credentials": request.credentials,
        "sync_every": request.sync_every,
    }
    is_plain = all(value is None for value in options.values())
    accepted, refused = list[AcceptedView](), list[UserError]()
    for source in dict.fromkeys(request.sources):
        try:
            accepted.append(
                server.add_or_sync(source) if is_plain else server.add(source, **options)
            )
        except UserError as error:
            refused.append(error)
    if not accepted:
        raise refused[0]
    runs = [
        server.wait_for(one.run.id, waits_for_budget=waits_for_budget) if wait else one.run
        for one in accepted
    ]
    indexes = tuple(server.find(str(one.index.id)) for one in accepted)
    if as_json:
        print_json(IndexesView(indexes))
    elif wait:
        show_indexed(indexes)
    else:
        show_indexes(indexes)
    for wrong in refused:
        complain(with_advice(wrong))
    if not wait:
        say(f"Queued; the workers of {server.url} will do the work.")
        return not refused
    failures = [failure for run in runs if (failure := failure_of_view(run)) is not None]
    for failure in failures:
        say(printable(with_advice(failure)))
    return not (failures or refused)


def show_indexed(indexes: Sequence[IndexView]) -> None:
    """Print the result of indexing: a line for each source, and below it what the user should know,
    without the errors, which are reported separately."""
    for index in indexes:
        first, second, *others = index_lines(index, with_errors=False)
        run = index.run
        seconds = None
        if run is not None and run.state == RunState.SUCCEEDED:
            seconds = seconds_of(_read(run.started_at), _read(run.finished_at))
        if seconds is None:
            print_line(first)
            print_line(second)
        else:
            files, snippets = counted(index.files, "file"), counted(index.snippets, "snippet")
            print_line(f"{first}: {files}, {snippets} in {lasting(seconds)}")
        for line in others:
            print_line(line)


def _read(moment: str | None) -> datetime | None:
    return None if moment is None else datetime.fromisoformat(moment)


def failure_of_view(run: RunView) -> IndexingError | None:
    """The error of a run that ended without success, or that waits for a budget; None for any
    other."""
    if run.state == RunState.SUCCEEDED:
        return None
    if (task := run.waits_for_budget) is not None:
        return IndexingError(
            f"run {run.id} {task.type} {task.error}", code=BUDGET_SPENT, run=run.id
        )
    errors = [f"{task.type}: {task.error}" for task in run.tasks if task.error]
    return IndexingError(": ".join([f"run {run.id} {run.state}", *errors]), run=run.id)


async def run_and_watch(
    application: Application,
    request: IndexRequest,
    names: Sequence[str],
    refused: list[UserError],
    *,
    waits_for_budget: bool = False,
) -> list[IndexRun]:
    """Index while the caller waits, with live progress on a terminal, where `names` are shown until
    there are runs."""
    if await application.queue.paused_since() is not None:
        say("The queue is paused; nothing starts until `kodit queue resume`.")
        say("Ctrl-C leaves your request in the queue.")
    with watching(names, says_all=True) as observer:
        return await application.source_indexing.index(
            request,
            observer=observer,
            stopped_by=on_signals(signal.SIGTERM),
            refused=refused,
            waits_for_budget=waits_for_budget,
        )


@contextmanager
def watching(names: Sequence[str], *, says_all: bool = False) -> Iterator[RunObserver]:
    """Shows progress on standard error: live on a terminal, where it names the sources until there
    are runs, and as lines elsewhere. With `says_all`, this starts at once, and lines report starts
    and ends as well; without it, nothing is shown for a folder without changes."""
    if not is_interactive():
        lines = ProgressLines(only_long=not says_all)
        yield RunObserver(lines.show, lines.pace.update, LOOK_SECONDS)
        return
    from kodit.faces.cli.terminal.live import LiveProgress  # noqa: PLC0415 - for terminals only

    with LiveProgress(0.0 if says_all else UNSEEN_SECONDS) as live:
        far = [name for name in names if says_all or not Path(name).exists()]
        if far:
            live.show_sources(far)
        yield RunObserver(live.show, live.show_operation)


def report_failures(runs: Sequence[IndexRun]) -> bool:
    """Report what did not succeed; returns whether all did."""
    failures = [failure for run in runs if (failure := failure_of(run)) is not None]
    for failure in failures:
        say(printable(with_advice(failure)))
    return not failures
