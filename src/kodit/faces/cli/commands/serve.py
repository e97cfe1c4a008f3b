"""`kodit serve`: the resident process that answers."""

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
            help="Listen at the addresses of this host; beyond this machine with keys.",
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int,
        typer.Option(
            "--port",
            metavar="PORT",
            min=0,
            max=65535,
            help="Listen at this port; 0 takes a free one.",
        ),
    ] = 8321,
    workers: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=0,
            max=64,
            help="How many processes index; by default 1 or 2, by cores.",
        ),
    ] = None,
    no_worker: Annotated[
        bool, typer.Option("--no-worker", help="Index nothing here: workers run elsewhere.")
    ] = False,
    no_tcp: Annotated[
        bool, typer.Option("--no-tcp", help="Listen on the socket of the data directory alone.")
    ] = False,
    idle_minutes: Annotated[
        float | None, typer.Option("--idle-minutes", min=0.001, hidden=True, help="End when idle.")
    ] = None,
) -> None:
    """Answer assistants, programs and commands, and keep every index up to date.

    It runs until SIGTERM or Ctrl-C: then it finishes its answers, its workers release their tasks,
    and it stops. A second signal ends it at once. The log goes to standard error.
    """
    run = given(context).serve
    if run is None:
        raise RuntimeError("whoever runs the command line has not said how to serve")
    from kodit.faces.cli.terminal.another import say_what_another_has

    settings = loaded(context, log_level="info")
    say_what_another_has(settings)
    run(
        settings,
        host=None if no_tcp else host,
        port=port,
        workers=0 if no_worker else workers,
        idle_minutes=idle_minutes,
    )
