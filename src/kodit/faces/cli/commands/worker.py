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
    search: Annotated[
        bool | None,
        typer.Option(
            "--search/--no-search",
            show_default=False,
            help="Hold the keyword index and the packed vectors, or leave searching to other nodes "
            "of the same database. [env: KODIT_NODE_SEARCHES]",
        ),
    ] = None,
) -> None:
    """Serve the queue until SIGTERM or Ctrl-C; run as many workers as you like.

    On the signal, a worker releases its tasks and stops. A second signal ends the process at once,
    and another worker reclaims its tasks. The log goes to standard error.
    """
    from kodit.faces.cli.terminal.worker import work_until_stopped

    with opened_here(
        context, log_level="info", sync_every_seconds=sync_every, node_searches=search
    ) as session:
        work_until_stopped(session)
