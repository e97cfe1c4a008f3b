"""`kodit move`: to another database, and back."""

from __future__ import annotations

from typing import Annotated

import typer

from kodit.faces.cli.commands.options import EXIT_NOTHING_FOUND, Json, loaded

app = typer.Typer()


@app.command()
def move(
    context: typer.Context,
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="DATABASE",
            help="The address of an empty PostgreSQL database, or postgresql for that in "
            "KODIT_DATABASE_URL; sqlite moves from there back into the data directory.",
        ),
    ],
    give_up: Annotated[
        bool,
        typer.Option(
            "--give-up", help="End an unfinished move: remove the copy, and keep the original."
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Move everything that is stored from SQLite to PostgreSQL, or back.

    The original can be read but not changed meanwhile. After an interruption, the same command
    continues. The data directory stays where it is.
    """
    from kodit.faces.cli.terminal.moving import give_up_and_tell, move_and_show

    settings = loaded(context)
    if give_up:
        give_up_and_tell(settings, to)
    elif not move_and_show(settings, to, as_json=as_json):
        raise typer.Exit(EXIT_NOTHING_FOUND)
