"""`kodit queue`: looking at runs, cancelling and retrying them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kodit.application.views.runs import ListedRunView, QueueView, RunsView, RunView
from kodit.domain.questions import QueueQuestion, RunQuestion
from kodit.domain.value_objects import RunState
from kodit.faces.cli.session import Session
from kodit.faces.cli.terminal.output import print_json, print_line, printable, say
from kodit.faces.cli.terminal.runs import queue_line, run_line, run_lines, telling_lines

if TYPE_CHECKING:
    from kodit.composition import Application
    from kodit.domain.entities import IndexRun


def list_runs(session: Session, *, everything: bool, limit: int, as_json: bool) -> None:
    """What runs, what waits in its order, what has failed; or all runs, newest first."""
    view = session.ask(QueueQuestion(everything=everything, limit=limit), RunsView)
    if as_json:
        print_json(view)
        return
    runs = view.runs or ()
    print_line(queue_line(view.queue))
    for run in runs:
        print_line(run_line(run))
        if run.index_id is not None:
            print_line(f"    {printable(run.source or 'a deleted index')}")
        for line in telling_lines(run):
            print_line(f"    {line}")
    if not runs:
        say("Nothing waits, runs or has failed.")
    if not view.complete:
        say("There are more; `--limit` says how many are listed.")


def show_one_run(session: Session, run_id: int, *, as_json: bool) -> None:
    """A run with its tasks, and every attempt of each."""
    run = session.ask(RunQuestion(run_id), ListedRunView)
    if as_json:
        print_json(run)
        return
    source = run.source
    if source is None and run.index_id is not None:
        source = "being deleted"
    for line in run_lines(run, source):
        print_line(line)


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
        print_json(await application.run_answers.show(run.id))
        return
    queue = await application.queue.overview(application.registry, [run])
    view = RunView.of(run, queue)
    say(run_line(view))
    for line in telling_lines(view):
        say(f"    {line}")


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
    queue = QueueView.of(await application.queue.overview(application.registry))
    if as_json:
        print_json(RunsView(queue))
    else:
        say(queue_line(queue))
