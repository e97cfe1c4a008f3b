"""`kodit outline`, `kodit map` and `kodit describe`: the structure of a file and of a
repository, and descriptions of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from kodit.faces.cli.commands.describing import source_and_subject
from kodit.faces.cli.commands.files import named_sources, source_and_place, where_of
from kodit.faces.cli.commands.options import (
    EXIT_CODES_OF_GREP,
    Everywhere,
    IndexNames,
    Json,
    Languages,
    Paths,
    Sources,
    leave,
    opened_to_search,
)

if TYPE_CHECKING:
    from kodit.application.views.description import DescriptionsView
    from kodit.application.views.files import OutlineView

app = typer.Typer()


@app.command(epilog=EXIT_CODES_OF_GREP)
def outline(
    context: typer.Context,
    place: Annotated[
        list[str],
        typer.Argument(
            metavar="[SOURCE|ID] PATH", help="A file in an index, written as for `read`."
        ),
    ],
    sources: Sources = None,
    everywhere: Everywhere = False,
    as_json: Json = False,
) -> None:
    """Show what a file defines: its symbols as a tree, with their lines."""
    from kodit.domain.questions import OutlineQuestion
    from kodit.faces.cli.terminal.structure import outline_and_show
    from kodit.faces.cli.terminal.word_order import in_either_order

    with opened_to_search(context) as session:

        def show(source: str | None, path: str) -> OutlineView:
            where = where_of(named_sources(source, sources), None, None, everywhere=everywhere)
            return outline_and_show(session, OutlineQuestion(path, where), as_json=as_json)

        view = in_either_order(show, *source_and_place(place), "path")
    leave(bool(view.symbols))


@app.command(name="map", epilog=EXIT_CODES_OF_GREP)
def map_of(
    context: typer.Context,
    words: IndexNames = None,
    budget: Annotated[
        int,
        typer.Option(
            "--budget",
            metavar="TOKENS",
            min=100,
            max=20_000,
            help="Size of the map, in tokens of four characters.",
        ),
    ] = 1_500,
    path: Paths = None,
    language: Languages = None,
    sources: Sources = None,
    everywhere: Everywhere = False,
    as_json: Json = False,
) -> None:
    """Show the most important files and definitions of a repository.

    A file is important if important files use its definitions, judging by names. Tests and
    examples count little. The first file is the most important one.
    """
    from kodit.domain.questions import MapQuestion
    from kodit.faces.cli.terminal.structure import map_and_show

    where = where_of((*(words or ()), *(sources or ())), language, path, everywhere=everywhere)
    with opened_to_search(context) as session:
        view = map_and_show(session, MapQuestion(where, budget), as_json=as_json)
    leave(bool(view.files), view.problems)


@app.command(epilog=EXIT_CODES_OF_GREP)
def describe(
    context: typer.Context,
    kind: Annotated[
        str,
        typer.Argument(
            metavar="KIND",
            help="One of overview, interface, schema, commit and usage. overview: purpose, parts "
            "and entry points. interface: public definitions of a file, folder or module. schema: "
            "tables of a database, by models, migrations and SQL. commit: what a commit changed. "
            "usage: how a definition is used.",
        ),
    ],
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SOURCE|ID] [SUBJECT]",
            help="The subject: a folder for overview; a file, folder or module for interface; a "
            "table, model or folder for schema; a commit or words of its message for commit, by "
            "default the latest one; the name of a definition for usage. A single word that is a "
            "number, a URL, or exists as a path is a source; for commit and usage, a path must be "
            "written as one, such as ./shop. So is the name of an index, except for usage, if "
            "there is no such subject.",
            show_default=False,
        ),
    ] = None,
    budget: Annotated[
        int,
        typer.Option(
            "--budget",
            metavar="TOKENS",
            min=100,
            max=20_000,
            help="Size of the description, in tokens of four characters.",
        ),
    ] = 3_000,
    path: Paths = None,
    language: Languages = None,
    sources: Sources = None,
    everywhere: Everywhere = False,
    as_json: Json = False,
) -> None:
    """Describe a repository, its modules, its database, a commit, or the use of a definition.

    Everything is read from the indexed code; no model is asked.
    """
    from kodit.domain.descriptions.kinds import DescriptionKind
    from kodit.domain.questions import DescribeQuestion
    from kodit.domain.search import choose
    from kodit.faces.cli.terminal.describing import describe_and_show
    from kodit.faces.cli.terminal.word_order import as_subject_or_source, in_either_order

    named, about = source_and_subject(kind, words or [])
    with opened_to_search(context) as session:
        wanted = choose(DescriptionKind, "kind", kind)

        def show(source: str | None, subject: str) -> DescriptionsView:
            where = where_of(named_sources(source, sources), language, path, everywhere=everywhere)
            question = DescribeQuestion(wanted, subject, where, budget)
            return describe_and_show(session, question, as_json=as_json)

        if named is None and about and not sources and wanted is not DescriptionKind.USAGE:
            view = as_subject_or_source(show, about)
        else:
            view = in_either_order(show, named, about, "subject")
    leave(bool(view.descriptions), view.problems)
