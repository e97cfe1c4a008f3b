"""`kodit keys`: who may use the server over the network."""

from __future__ import annotations

from typing import Annotated

import typer

from kodit.faces.cli.commands.group import ListByDefault
from kodit.faces.cli.commands.options import Json, loaded

app = typer.Typer(
    cls=ListByDefault,
    help="Manage the keys that others need to use `kodit serve` over the network; without a "
    "command, list them.",
)
KeyName = Annotated[
    str, typer.Argument(metavar="NAME", help="The name of the key, such as who uses it.")
]


@app.command()
def add(
    context: typer.Context,
    name: KeyName,
    scope: Annotated[
        str,
        typer.Option(
            "--scope", metavar="SCOPE", help="read: only ask; write: also change indexes."
        ),
    ] = "read",
) -> None:
    """Create a key and print it; it is not stored, and will not be shown again."""
    from kodit.faces.cli.terminal.keys import add_key

    add_key(loaded(context), name, scope)


@app.command("list")
def list_keys(context: typer.Context, as_json: Json = False) -> None:
    """Show the names and scopes of all keys."""
    from kodit.faces.cli.terminal.keys import show_keys

    show_keys(loaded(context), as_json=as_json)


@app.command()
def remove(context: typer.Context, name: KeyName) -> None:
    """Remove a key; a running server refuses it from now on."""
    from kodit.faces.cli.terminal.keys import remove_key

    remove_key(loaded(context), name)
