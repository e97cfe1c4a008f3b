"""`kodit connect`, `stdio` and `savings`: Kodit for coding assistants."""

from __future__ import annotations

from typing import Annotated

import typer

from kodit.faces.cli.commands.options import Json, loaded, opened_here

app = typer.Typer()


@app.command()
def connect(
    context: typer.Context,
    client: Annotated[
        str,
        typer.Argument(metavar="CLIENT", help="claude, codex, cursor, vscode, gemini or zed."),
    ],
    project: Annotated[
        bool,
        typer.Option("--project", help="Write the current project's file, not the user's."),
    ] = False,
    only_print: Annotated[
        bool, typer.Option("--print", help="Show what would be written without writing it.")
    ] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Undo the change.")] = False,
) -> None:
    """Add Kodit to the settings of a coding assistant.

    Shows the change and makes it. Comments, order and everything else in the file stay as they
    are; a file that cannot be parsed is not touched. Give --data-dir to connect another data
    directory than the usual one.
    """
    from kodit.faces.cli.terminal.clients import connect_and_show

    connect_and_show(
        loaded(context),
        client,
        is_project=project,
        only_print=only_print,
        undo=undo,
    )


@app.command(add_help_option=False)
def stdio(
    folder: Annotated[
        str | None,
        typer.Option(
            "--folder",
            metavar="FOLDER",
            help="The client's working folder; the current folder unless given.",
        ),
    ] = None,
) -> None:
    """Serve the Model Context Protocol on standard input and output.

    For clients that start a program; `kodit connect` sets them up. It joins the resident server of
    the data directory, and starts one if there is none.
    """
    # The program runs the front instead before the command line is loaded.
    from kodit.domain.errors import UserError

    raise UserError(f"stdio takes --data-dir and --folder{f', not {folder}' if folder else ''}")


@app.command()
def savings(context: typer.Context, as_json: Json = False) -> None:
    """Show what answers to assistants cost, compared with reading the files they name.

    Counted on this machine, in the data directory: only numbers, nothing about the questions. A
    token is four characters.
    """
    from kodit.faces.cli.terminal.clients import show_savings

    with opened_here(context) as session:
        show_savings(session, as_json=as_json)
