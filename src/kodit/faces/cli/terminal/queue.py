"""`kodit queue`: showing runs, cancelling and retrying them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kodit.application.views.runs import ListedRunView, RunsView
from kodit.domain.questions import QueueQuestion, RunQuestion
from kodit.domain.value_objects import RunState
from kodit.faces.cli.session import Session
from kodit.faces.cli.terminal.output import print_json, print_line, printable, say
from kodit.faces.cli.terminal.runs import noteworthy_lines, queue_line, run_line, run_lines

if TYPE_CHECKING:
    from kodit.composition import Application


def list_runs(session: Session, *, everything: bool, limit: int, as_json: bool) -> None:
    """Print running, waiting (in order) and failed runs; or all runs, newest first."""
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
        for line in noteworthy_lines(run):
            print_line(f"    {line}")
    if not runs:
        say("The queue is empty, and no run has failed.")
    if not view.complete:
        say("There are more; `--limit` shows more.")


def show_one_run(session: Session, run_id: int, *, as_json: bool) -> None:
    """Print a run with its tasks, and every attempt of each."""
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
    """Retry a run. Raises UserError for a run that cannot be retried."""
    if session.remote is not None:
        run = session.remote.steer(run_id, "retry")
    else:
        run = session.run(session.application.run_answers.retry(run_id))
    if run.id != run_id and not as_json:
        say(f"Run {run_id} is out of date; run {run.id} has replaced it.")
    _tell_run(run, as_json=as_json)


def cancel_run(session: Session, run_id: int, *, as_json: bool) -> None:
    """Cancel a run. Raises UserError for a run that cannot be cancelled."""
    others: list[int] = []
    if session.remote is not None:
        run = session.remote.steer(run_id, "cancel")
    else:
        run, others = session.run(_cancel(session.application, run_id))
    _tell_run(run, as_json=as_json)
    if as_json:
        return
    if run.state == RunState.CANCELLED:
        say(f"`kodit queue retry {run.id}` starts it again.")
    for other in others:
        say(f"Run {other} was also requested and was not cancelled.")


async def _cancel(application: Application, run_id: int) -> tuple[ListedRunView, list[int]]:
    """The run, and the other unfinished runs of its index."""
    run = await application.queue.cancel(run_id)
    others = await application.queue.other_unfinished_runs(run)
    return await application.run_answers.show(run.id), [other.id for other in others]


def _tell_run(run: ListedRunView, *, as_json: bool) -> None:
    """Print the state of a run after a change, and what happens next."""
    if as_json:
        print_json(run)
        return
    say(run_line(run))
    for line in noteworthy_lines(run):
        say(f"    {line}")


def pause_queue(session: Session, *, as_json: bool) -> None:
    """Stop workers from starting tasks."""
    is_news, view = _set_queue(session, "pause")
    if not as_json:
        say("Paused; running tasks finish first." if is_news else "The queue was already paused.")
    _tell_queue(view, as_json=as_json)


def resume_queue(session: Session, *, as_json: bool) -> None:
    """Let workers start tasks again."""
    is_news, view = _set_queue(session, "resume")
    if not as_json:
        say("Resumed." if is_news else "The queue was not paused.")
    _tell_queue(view, as_json=as_json)


def _set_queue(session: Session, action: str) -> tuple[bool, RunsView]:
    """Whether anything changed, and the queue."""

    async def work() -> tuple[bool, RunsView]:
        queue, answers = session.application.queue, session.application.run_answers
        was_paused = await queue.paused_since() is not None
        view = await (answers.pause() if action == "pause" else answers.resume())
        return was_paused is not (action == "pause"), view

    return session.run(work()) if session.remote is None else session.remote.set_queue(action)


def _tell_queue(view: RunsView, *, as_json: bool) -> None:
    if as_json:
        print_json(view)
    else:
        say(queue_line(view.queue))
