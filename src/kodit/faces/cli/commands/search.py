"""`kodit search`: the snippets that answer a question."""

from __future__ import annotations

from typing import Annotated

import typer

from kodit.faces.cli.commands.options import (
    EXIT_CODES_OF_GREP,
    Everywhere,
    Json,
    JsonLines,
    Kinds,
    Languages,
    Lines,
    OnlyFiles,
    Paths,
    Sources,
    leave,
    opened_to_search,
)

app = typer.Typer()


@app.command(epilog=EXIT_CODES_OF_GREP)
def search(
    context: typer.Context,
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="QUERY [SOURCE|ID]",
            help="A question in words, or a name. If a source, a folder or a file follows, only "
            "that is searched, after it has been indexed or updated.",
        ),
    ],
    source: Sources = None,
    everywhere: Everywhere = False,
    mode: Annotated[
        str,
        typer.Option("--mode", "-m", metavar="MODE", help="hybrid, keyword, code or text."),
    ] = "hybrid",
    limit: Annotated[
        int,
        typer.Option(
            "--limit",
            "-n",
            metavar="NUMBER",
            min=1,
            max=1000,
            help="At most this many results.",
        ),
    ] = 10,
    offset: Annotated[
        int, typer.Option(metavar="NUMBER", min=0, max=10_000, help="Skip the first N results.")
    ] = 0,
    language: Languages = None,
    path_glob: Paths = None,
    kind: Kinds = None,
    author: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="Only files last changed by an author with this name. Repeatable."
        ),
    ] = None,
    created_after: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="Only files first committed on or after this date."),
    ] = None,
    created_before: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="Only files first committed before this date."),
    ] = None,
    budget: Annotated[
        int | None,
        typer.Option(metavar="TOKENS", min=1, help="Limit the answer to about this many tokens."),
    ] = None,
    lines: Lines = None,
    context_lines: Annotated[
        int | None,
        typer.Option(
            "--context",
            "-C",
            metavar="LINES",
            min=0,
            max=100,
            help="Show the best line of each result, with this many lines before and after it.",
        ),
    ] = None,
    files: OnlyFiles = False,
    explain: Annotated[
        bool, typer.Option(help="Explain how each result's score is made up.")
    ] = False,
    as_json: Json = False,
    as_json_lines: JsonLines = False,
) -> None:
    """Find the snippets that answer a question."""
    from kodit.faces.cli.terminal.searching import (
        SearchOptions,
        Shown,
        search_and_show,
    )

    with opened_to_search(context) as session:
        answer = search_and_show(
            session,
            SearchOptions(
                words=words,
                sources=source or (),
                everywhere=everywhere,
                mode=mode,
                limit=limit,
                offset=offset,
                languages=language or (),
                paths=path_glob or (),
                authors=author or (),
                created_after=created_after,
                created_before=created_before,
                kinds=kind or (),
                budget=budget,
            ),
            Shown(lines, context_lines, files, as_json, as_json_lines),
            explain=explain,
        )
    leave(bool(answer.results or answer.descriptions), answer.problems)
