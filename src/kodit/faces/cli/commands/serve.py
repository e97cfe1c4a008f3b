"""`kodit serve`: the resident server."""

from __future__ import annotations

from typing import Annotated

import typer

from kodit.faces.cli.commands.options import given, loaded

app = typer.Typer()


@app.command()
def serve(
    context: typer.Context,
    host: Annotated[
        str,
        typer.Option(
            "--host",
            metavar="HOST",
            help="The host to listen on; addresses beyond this machine require keys.",
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int,
        typer.Option(
            "--port",
            metavar="PORT",
            min=0,
            max=65535,
            help="The port to listen on; 0 picks a free one.",
        ),
    ] = 8321,
    workers: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=0,
            max=64,
            help="How many indexing processes to run; by default 1 or 2, depending on the cores.",
        ),
    ] = None,
    no_worker: Annotated[
        bool, typer.Option("--no-worker", help="Do not index here: workers run elsewhere.")
    ] = False,
    no_tcp: Annotated[
        bool, typer.Option("--no-tcp", help="Listen only on the socket of the data directory.")
    ] = False,
    idle_minutes: Annotated[
        float | None, typer.Option("--idle-minutes", min=0.001, hidden=True, help="Exit when idle.")
    ] = None,
) -> None:
    """Answer assistants, programs and commands, and keep every index up to date.

    It runs until SIGTERM or Ctrl-C: then it finishes its answers, its workers release their tasks,
    and it stops. A second signal ends it at once. The log goes to standard error.
    """
    run = given(context).serve
    if run is None:
        raise RuntimeError("the command line was started without a function that serves")
    from kodit.faces.cli.terminal.other_database import report_other_database

    settings = loaded(context, log_level="info")
    report_other_database(settings)
    run(
        settings,
        host=None if no_tcp else host,
        port=port,
        workers=0 if no_worker else workers,
        idle_minutes=idle_minutes,
    )
