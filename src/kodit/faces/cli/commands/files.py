"""`kodit ls`, `read`, `symbols` and `related`: browsing indexed files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kodit.faces.cli.commands.options import (
    EXIT_CODES_OF_GREP,
    Everywhere,
    IndexNames,
    Json,
    JsonLines,
    Kinds,
    Languages,
    Lines,
    OnlyFiles,
    Paths,
    Sources,
    leave,
    opened_to_read,
    opened_to_search,
)

if TYPE_CHECKING:
    from kodit.application.views.search import RelatedView
    from kodit.domain.questions import Where

app = typer.Typer()
_LINES = re.compile(r"[Ll]?\d+(?:(?:-|,|:|\.\.)(?:[Ll]?\d+)?)?", re.ASCII)


@app.command(epilog=EXIT_CODES_OF_GREP)
def ls(
    context: typer.Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SOURCE|ID|GLOB",
            help="List only this index, or this folder or file in one. Words that follow, or "
            "that contain *, are globs that the files must match.",
            show_default=False,
        ),
    ] = None,
    path: Paths = None,
    language: Languages = None,
    left_out: Annotated[
        bool,
        typer.Option(
            "--left-out",
            help="List what is not indexed instead: files and folders, how many files they hold, "
            "the reason, and the rule that applies.",
        ),
    ] = False,
    files: OnlyFiles = False,
    sources: Sources = None,
    everywhere: Everywhere = False,
    as_json: Json = False,
) -> None:
    """List indexed files: lines, bytes, snippets, language, path.

    An argument that exists as a folder or file is a source. With --source or --all, every argument
    is a glob.
    """
    from kodit.domain.questions import FilesQuestion, LeftOutQuestion

    named, globs = list(sources or ()), list(path or ())
    for position, word in enumerate(words or ()):
        is_source = not (sources or everywhere or _is_glob(word)) and (
            position == 0 or Path(word).exists()
        )
        (named if is_source else globs).append(word)
    where = where_of(tuple(named), language, globs, everywhere=everywhere)
    with opened_to_search(context) as session:
        if left_out:
            if files:
                raise typer.BadParameter("lists indexed files alone", param_hint="--files")
            if language:
                raise typer.BadParameter("applies to indexed files alone", param_hint="--language")
            from kodit.faces.cli.terminal.left_out import list_left_out

            found = list_left_out(session, LeftOutQuestion(where), as_json=as_json)
            leave(found)
        else:
            from kodit.faces.cli.terminal.files import list_and_show

            answer = list_and_show(session, FilesQuestion(where), only_paths=files, as_json=as_json)
            leave(bool(answer.files), answer.problems)


@app.command(epilog=EXIT_CODES_OF_GREP)
def read(
    context: typer.Context,
    place: Annotated[
        list[str],
        typer.Argument(
            metavar="[SOURCE|ID] PATH[:START-END]",
            help="PATH, PATH:10, PATH:10-20 or PATH:10- (to the end), also PATH:10:5 (a line and a "
            "column), PATH:10,20 and PATH#L10-L20; relative to the current folder or to the root "
            "of the index, absolute, or the address of its web page. Without a source, the index "
            "that contains the current folder is used, or else the one that has the file.",
        ),
    ],
    sources: Sources = None,
    everywhere: Everywhere = False,
    as_json: Json = False,
) -> None:
    """Print an indexed file, or some lines of it.

    A folder's file is read as it is now, never through a symbolic link; a git source's as it was
    in the indexed commit.
    """
    from kodit.domain.questions import ReadQuestion
    from kodit.faces.cli.terminal.files import read_and_show
    from kodit.faces.cli.terminal.word_order import in_either_order

    with opened_to_search(context) as session:

        def show(source: str | None, path: str) -> None:
            where = where_of(named_sources(source, sources), None, None, everywhere=everywhere)
            read_and_show(session, ReadQuestion(path, where), as_json=as_json)

        in_either_order(show, *source_and_place(place), "path")


@app.command()
def explain(
    context: typer.Context,
    place: Annotated[
        list[str],
        typer.Argument(
            metavar="[SOURCE|ID] PATH", help="A file or folder in a source, written as for `read`."
        ),
    ],
    sources: Sources = None,
    everywhere: Everywhere = False,
    as_json: Json = False,
) -> None:
    """Explain why a file is indexed or left out, and which stages its snippets have passed.

    Shows the rule that leaves it out and where that is written, or its snippets with their stages,
    its last author, and when it was first and last changed.
    """
    from kodit.domain.questions import ExplainQuestion
    from kodit.faces.cli.terminal.left_out import explain_and_show
    from kodit.faces.cli.terminal.word_order import in_either_order

    with opened_to_read(context) as session:

        def show(source: str | None, path: str) -> None:
            where = where_of(named_sources(source, sources), None, None, everywhere=everywhere)
            explain_and_show(session, ExplainQuestion(path, where), as_json=as_json)

        in_either_order(show, *source_and_place(place), "path")


@app.command(epilog=EXIT_CODES_OF_GREP)
def symbols(
    context: typer.Context,
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="NAME, Scope.NAME or Scope::NAME; in 'Sess*' or '*.url_for' a star matches any "
            "letters.",
        ),
    ],
    words: IndexNames = None,
    kind: Kinds = None,
    path: Paths = None,
    language: Languages = None,
    limit: Annotated[
        int,
        typer.Option(
            "--limit",
            "-n",
            metavar="NUMBER",
            min=1,
            max=1000,
            help="At most this many definitions and this many references.",
        ),
    ] = 50,
    callers: Annotated[bool, typer.Option("--callers", help="Only what calls it.")] = False,
    callees: Annotated[bool, typer.Option("--callees", help="Only what it calls itself.")] = False,
    implementations: Annotated[
        bool, typer.Option("--implementations", help="Only types that inherit or implement it.")
    ] = False,
    imports: Annotated[bool, typer.Option("--imports", help="Only what imports it.")] = False,
    sources: Sources = None,
    everywhere: Everywhere = False,
    as_json: Json = False,
) -> None:
    """Show where a name is defined, and where it is used.

    Definitions with the exact spelling come first, then those in another case. Uses follow by kind:
    calls, imports, types that inherit it, types, writes, reads, and last the word in comments and
    documents. A use is marked as likely if its file leaves open which definition is meant; uses
    that certainly mean another definition of the same name are left out. Tests, examples and
    generated code come last. A member that a type inherits is shown where its base defines it.
    """
    from kodit.domain.errors import UserError
    from kodit.domain.questions import SymbolsQuestion
    from kodit.faces.cli.terminal.files import symbols_and_show
    from kodit.faces.cli.terminal.word_order import raise_with_order

    uses = _chosen_uses(
        callers=callers, callees=callees, implementations=implementations, imports=imports
    )
    where = where_of((*(words or ()), *(sources or ())), language, path, everywhere=everywhere)
    question = SymbolsQuestion(name, where, tuple(kind or ()), limit, uses)
    with opened_to_search(context) as session:
        try:
            answer = symbols_and_show(session, question, as_json=as_json)
        except UserError as error:
            raise_with_order(session, error, name, where.sources, "name")
    leave(bool(answer.definitions or answer.references), answer.problems)


@app.command(epilog=EXIT_CODES_OF_GREP)
def related(
    context: typer.Context,
    place: Annotated[
        list[str],
        typer.Argument(
            metavar="[SOURCE|ID] PATH:LINE",
            help="A line of the snippet to compare with, written as for `read`.",
        ),
    ],
    sources: Sources = None,
    everywhere: Annotated[
        bool,
        typer.Option("--all", "--everywhere", help="Search every index, not only this one."),
    ] = False,
    path: Paths = None,
    language: Languages = None,
    limit: Annotated[
        int, typer.Option("--limit", "-n", metavar="NUMBER", min=1, max=1000, help="Results.")
    ] = 10,
    lines: Lines = None,
    files: OnlyFiles = False,
    as_json: Json = False,
    as_json_lines: JsonLines = False,
) -> None:
    """Find snippets whose code is similar to the code at a place.

    The most similar come first, at most two from one file, and never the snippet itself.
    """
    from kodit.domain.questions import RelatedQuestion
    from kodit.faces.cli.terminal.files import related_and_show
    from kodit.faces.cli.terminal.searching import Shown
    from kodit.faces.cli.terminal.word_order import in_either_order

    shown = Shown(lines, only_files=files, as_json=as_json, as_json_lines=as_json_lines)
    with opened_to_search(context) as session:

        def show(source: str | None, path_and_line: str) -> RelatedView:
            where = where_of(named_sources(source, sources), language, path)
            question = RelatedQuestion(path_and_line, where, in_all=everywhere, limit=limit)
            return related_and_show(session, question, shown)

        answer = in_either_order(show, *source_and_place(place), "path")
    leave(bool(answer.results))


def _chosen_uses(**chosen: bool) -> str:
    """The one kind of uses that was asked for, "" for all."""
    names = [name for name, is_chosen in chosen.items() if is_chosen]
    if len(names) > 1:
        both = " and ".join(f"--{name}" for name in names[:2])
        raise typer.BadParameter(f"{both} exclude each other; ask one after the other")
    return names[0] if names else ""


def source_and_place(words: list[str]) -> tuple[str | None, str]:
    """`SOURCE PATH`, or `PATH` alone, each with an optional line range as a word of its own."""
    words = _with_lines(words)
    if len(words) > 2:
        raise typer.BadParameter(
            f"takes a source and a path, or only a path, not {len(words)} of them",
            param_hint="PATH",
        )
    return (None, words[0]) if len(words) == 1 else (words[0], words[1])


def _with_lines(words: list[str]) -> list[str]:
    """`PATH 10-20` and `PATH 10 20` as `PATH:10-20`, unless PATH is an identifier or a folder: then
    it is a source, and the number is the name of a file."""
    last = words[-1]
    if len(words) > 2 and all(word.isdecimal() for word in words[-2:]):
        words, last = words[:-1], f"{words[-2]}-{last}"
    path = words[-2] if len(words) > 1 else ""
    is_source = path.isdecimal() or Path(path).is_dir() or "://" in path
    if not path or is_source or not _LINES.fullmatch(last) or Path(last).exists():
        return words
    return [*words[:-2], f"{path}:{last}"]


def _is_glob(word: str) -> bool:
    """Whether a word contains a star; no git URL does, and an existing folder is not a glob."""
    return "*" in word and not Path(word).exists()


def named_sources(source: str | None, sources: list[str] | None) -> tuple[str, ...]:
    """The sources of the argument and of the options."""
    return (*(() if source is None else (source,)), *(sources or ()))


def where_of(
    sources: tuple[str, ...],
    languages: list[str] | None,
    paths: list[str] | None,
    *,
    everywhere: bool = False,
) -> Where:
    """The selected files, by the options that several commands share."""
    from kodit.domain.questions import Where

    return Where(
        sources,
        everywhere=everywhere,
        languages=tuple(languages or ()),
        paths=tuple(paths or ()),
    )
