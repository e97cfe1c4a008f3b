"""`kodit worker`: a process that serves the queue."""

from __future__ import annotations

from typing import Annotated

import typer

from kodit.faces.cli.commands.options import opened

app = typer.Typer()


@app.command()
def worker(
    context: typer.Context,
    sync_every: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            min=1,
            help="Bring every index up to date that often. [env: KODIT_SYNC_EVERY_SECONDS]",
        ),
    ] = None,
) -> None:
    """Serve the queue until SIGTERM or Ctrl-C; start as many as are wanted.

    What is held when the signal comes is given back; a second signal ends the process at once,
    and the next worker takes its tasks back. What happens is logged to standard error.
    """
    from kodit.faces.cli.terminal.worker import work_until_stopped

    with opened(context, log_level="info", sync_every_seconds=sync_every) as session:
        work_until_stopped(session)
