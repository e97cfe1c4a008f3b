"""`kodit queue list|show|retry|cancel|pause|resume`: showing and controlling indexing runs."""

from __future__ import annotations

from typing import Annotated

import typer

from kodit.faces.cli.commands.group import ListByDefault
from kodit.faces.cli.commands.options import Json, opened, opened_to_read

app = typer.Typer(
    cls=ListByDefault,
    help="Show and control the queue of indexing runs; without a command, list it.",
)

RunId = Annotated[
    int,
    typer.Argument(metavar="RUN", max=2**62, help="A run's number, from `kodit queue list`."),
]


@app.command("list")
def list_(
    context: typer.Context,
    everything: Annotated[
        bool,
        typer.Option("--all", help="List every run, newest first, including those that succeeded."),
    ] = False,
    limit: Annotated[
        int,
        typer.Option(
            "--limit", "-n", metavar="NUMBER", min=1, help="At most this many runs in each state."
        ),
    ] = 50,
    as_json: Json = False,
) -> None:
    """List what is running, waiting (in order) and failed, and say why."""
    from kodit.faces.cli.terminal.queue import list_runs

    with opened_to_read(context) as session:
        list_runs(session, everything=everything, limit=limit, as_json=as_json)


@app.command()
def show(context: typer.Context, run_id: RunId, as_json: Json = False) -> None:
    """Show one run: its tasks, what each did, and every attempt."""
    from kodit.faces.cli.terminal.queue import show_one_run

    with opened_to_read(context) as session:
        show_one_run(session, run_id, as_json=as_json)


@app.command()
def retry(context: typer.Context, run_id: RunId, as_json: Json = False) -> None:
    """Retry the failed or cancelled stages of a run, and the later stages."""
    from kodit.faces.cli.terminal.queue import retry_run

    with opened(context) as session:
        retry_run(session, run_id, as_json=as_json)


@app.command()
def cancel(context: typer.Context, run_id: RunId, as_json: Json = False) -> None:
    """Cancel a run: waiting tasks at once, running ones at their next heartbeat."""
    from kodit.faces.cli.terminal.queue import cancel_run

    with opened(context) as session:
        cancel_run(session, run_id, as_json=as_json)


@app.command()
def pause(context: typer.Context, as_json: Json = False) -> None:
    """Stop workers from starting tasks; running tasks finish first."""
    from kodit.faces.cli.terminal.queue import pause_queue

    with opened(context) as session:
        pause_queue(session, as_json=as_json)


@app.command()
def resume(context: typer.Context, as_json: Json = False) -> None:
    """Let workers start tasks again."""
    from kodit.faces.cli.terminal.queue import resume_queue

    with opened(context) as session:
        resume_queue(session, as_json=as_json)
