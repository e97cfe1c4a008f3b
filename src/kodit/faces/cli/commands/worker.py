"""`kodit worker`: a process that serves the queue."""

from __future__ import annotations

from typing import Annotated

import typer

from kodit.faces.cli.commands.options import opened_here

app = typer.Typer()


@app.command()
def worker(
    context: typer.Context,
    sync_every: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            min=1,
            help="Update every index this often. [env: KODIT_SYNC_EVERY_SECONDS]",
        ),
    ] = None,
) -> None:
    """Serve the queue until SIGTERM or Ctrl-C; run as many workers as you like.

    On the signal, a worker releases its tasks and stops. A second signal ends the process at once,
    and another worker reclaims its tasks. The log goes to standard error.
    """
    from kodit.faces.cli.terminal.worker import work_until_stopped

    with opened_here(context, log_level="info", sync_every_seconds=sync_every) as session:
        work_until_stopped(session)
