"""`kodit queue`: looking at runs, cancelling and retrying them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, groupby, islice

from kodit.application.services.queue_overview import QueueOverview
from kodit.application.views.runs import ListedRunView, QueueView, RunsView
from kodit.composition import Application
from kodit.domain.entities import IndexRun, TaskAttempt
from kodit.domain.errors import NotFoundError
from kodit.domain.value_objects import RunState, Source
from kodit.faces.cli.session import Session
from kodit.faces.cli.terminal.output import print_json, print_line, printable, say
from kodit.faces.cli.terminal.runs import queue_line, run_line, run_lines, telling_lines


def list_runs(session: Session, *, everything: bool, limit: int, as_json: bool) -> None:
    """What runs, what waits in its order, what has failed; or all runs, newest first."""

    application = session.application

    async def work() -> None:
        if everything:
            found = await application.queue.list_runs(limit=limit + 1)
            runs = found[:limit]
        else:
            found = await application.queue.needing_attention(application.registry, limit + 1)
            runs = list(chain.from_iterable(_by_state(found, limit)))
        queue = await application.queue.overview(application.registry, runs)
        sources = await application.indexes.sources()
        if as_json:
            listed = (
                ListedRunView.of(run, queue).with_source(_name_of(sources, run)) for run in runs
            )
            print_json(RunsView(QueueView.of(queue), tuple(listed)))
            return
        print_line(queue_line(queue))
        for run in runs:
            print_line(run_line(run))
            if run.index_id is not None:
                print_line(f"    {printable(str(sources.get(run.index_id, 'a deleted index')))}")
            for line in telling_lines(run, queue):
                print_line(f"    {line}")
        if not runs:
            say("Nothing waits, runs or has failed.")
        if len(found) > len(runs):
            say("There are more; `--limit` says how many are listed.")

    session.run(work())


def _by_state(runs: Iterable[IndexRun], limit: int) -> Iterator[list[IndexRun]]:
    """The first of each state: a queue that is long hides no failure."""
    for _state, alike in groupby(runs, key=lambda run: run.state):
        yield list(islice(alike, limit))


def show_one_run(session: Session, run_id: int, *, as_json: bool) -> None:
    """A run with its tasks, and every attempt of each."""

    application = session.application

    async def work() -> None:
        run, attempts = await application.queue.describe(run_id)
        queue = await application.queue.overview(application.registry, [run])
        source = await _source(application, run)
        if as_json:
            print_json(_whole(run, source, attempts, queue))
            return
        if source is None and run.index_id is not None:
            source = "being deleted"
        for line in run_lines(run, source, attempts, queue):
            print_line(line)

    session.run(work())


def retry_run(session: Session, run_id: int, *, as_json: bool) -> None:
    application = session.application

    async def work() -> None:
        run = await application.queue.retry(run_id)
        if run.id != run_id and not as_json:
            say(f"Run {run_id} is out of date; run {run.id} has replaced it.")
        await _tell_run(application, run, as_json=as_json)

    session.run(work())


def cancel_run(session: Session, run_id: int, *, as_json: bool) -> None:
    application = session.application

    async def work() -> None:
        run = await application.queue.cancel(run_id)
        await _tell_run(application, run, as_json=as_json)
        if as_json:
            return
        if run.state is RunState.CANCELLED:
            say(f"`kodit queue retry {run.id}` runs it after all.")
        for other in await application.queue.left_beside(run):
            say(f"Run {other.id} was requested too and is not cancelled.")

    session.run(work())


async def _tell_run(application: Application, run: IndexRun, *, as_json: bool) -> None:
    """How a run stands that was just steered, and what happens next."""
    if as_json:
        run, attempts = await application.queue.describe(run.id)
        queue = await application.queue.overview(application.registry, [run])
        print_json(_whole(run, await _source(application, run), attempts, queue))
        return
    queue = await application.queue.overview(application.registry, [run])
    say(run_line(run))
    for line in telling_lines(run, queue):
        say(f"    {line}")


async def _source(application: Application, run: IndexRun) -> str | None:
    """Of what index a run is; None for a single task, or where the index is being deleted."""
    if run.index_id is None:
        return None
    try:
        return str((await application.indexes.get(run.index_id)).source)
    except NotFoundError:
        return None


def _name_of(sources: Mapping[int, Source], run: IndexRun) -> str | None:
    source = None if run.index_id is None else sources.get(run.index_id)
    return None if source is None else str(source)


def _whole(
    run: IndexRun,
    source: str | None,
    attempts: Mapping[int, Sequence[TaskAttempt]],
    queue: QueueOverview,
) -> ListedRunView:
    """A run with the history of each of its tasks, and its source as in the list."""
    return ListedRunView.of(run, queue, attempts).with_source(source)


def pause_queue(session: Session, *, as_json: bool) -> None:
    application = session.application

    async def work() -> None:
        news = await application.queue.pause()
        if not as_json:
            say("Paused; running tasks finish first." if news else "It was paused already.")
        await _tell_queue(application, as_json=as_json)

    session.run(work())


def resume_queue(session: Session, *, as_json: bool) -> None:
    application = session.application

    async def work() -> None:
        news = await application.queue.resume()
        if not as_json:
            say("Resumed." if news else "It was not paused.")
        await _tell_queue(application, as_json=as_json)

    session.run(work())


async def _tell_queue(application: Application, *, as_json: bool) -> None:
    queue = await application.queue.overview(application.registry)
    if as_json:
        print_json(RunsView(QueueView.of(queue)))
    else:
        say(queue_line(queue))
