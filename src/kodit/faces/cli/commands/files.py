"""`kodit grep`, `ls`, `read`, `symbols` and `related`: looking at what is indexed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kodit.faces.cli.commands.options import (
    Everywhere,
    Json,
    JsonLines,
    Languages,
    Lines,
    OneIndex,
    OnlyFiles,
    Paths,
    Sources,
    opened,
)

if TYPE_CHECKING:
    from kodit.domain.questions import Where

app = typer.Typer()


@app.command()
def grep(
    context: typer.Context,
    pattern: Annotated[
        str, typer.Argument(metavar="PATTERN", help="A regular expression, in RE2's syntax.")
    ],
    source: OneIndex = None,
    ignore_case: Annotated[
        bool, typer.Option("--ignore-case", "-i", help="Capitals and small letters are the same.")
    ] = False,
    fixed_strings: Annotated[
        bool, typer.Option("--fixed-strings", "-F", help="PATTERN is the text itself.")
    ] = False,
    path: Paths = None,
    language: Languages = None,
    lines: Annotated[
        int, typer.Option("--context", "-C", min=0, max=100, help="Lines before and after.")
    ] = 0,
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=1, max=100_000, help="Matching lines.")
    ] = 100,
    sources: Sources = None,
    everywhere: Everywhere = False,
    as_json: Json = False,
) -> None:
    """Find lines in indexed files with a regular expression.

    Looks at the files that are in the index, under the same ignore rules: folders as they are
    now, git sources at the commit that was indexed. Lines come by index, path and number. RE2
    takes time in proportion to the text for any PATTERN; it has no back-references and no
    look-around, and its classes (\\w, \\d, \\s, \\b) are ASCII. ripgrep, where it is
    installed, makes folders faster and changes no result.
    """
    from kodit.domain.questions import GrepQuestion
    from kodit.faces.cli.terminal.files import grep_and_show

    question = GrepQuestion(
        pattern,
        _where(_named(source, sources), language, path, everywhere=everywhere),
        ignore_case=ignore_case,
        fixed_strings=fixed_strings,
        context=lines,
        limit=limit,
    )
    with opened(context) as session:
        grep_and_show(session, question, as_json=as_json)


@app.command()
def ls(
    context: typer.Context,
    source: OneIndex = None,
    glob: Annotated[
        list[str] | None,
        typer.Argument(metavar="GLOB", help="Only files that match one of these globs."),
    ] = None,
    language: Languages = None,
    left_out: Annotated[
        bool,
        typer.Option(
            "--left-out",
            help="List what is not indexed instead: files and folders, how many files they hold, "
            "the reason, and the rule that says so.",
        ),
    ] = False,
    sources: Sources = None,
    everywhere: Everywhere = False,
    as_json: Json = False,
) -> None:
    """List indexed files: lines, bytes, snippets, language, path.

    A first argument with a * in it is a GLOB; with --source or --all, every argument is.
    """
    from kodit.domain.questions import FilesQuestion, LeftOutQuestion
    from kodit.faces.cli.terminal.files import list_and_show
    from kodit.faces.cli.terminal.left_out import list_left_out

    globs = glob or []
    if source is not None and (sources or everywhere or _is_glob(source)):
        globs = [source, *globs]
        source = None
    named = _named(source, sources)
    where = _where(named, language, globs, everywhere=everywhere)
    with opened(context) as session:
        if left_out:
            list_left_out(session, LeftOutQuestion(where), as_json=as_json)
        else:
            list_and_show(session, FilesQuestion(where), as_json=as_json)


@app.command()
def read(
    context: typer.Context,
    place: Annotated[
        list[str],
        typer.Argument(
            metavar="[SOURCE|ID] PATH[:START-END]",
            help="PATH, PATH:10, PATH:10-20 or PATH:10- (to the end), from the top of the index or "
            "from where you are. Without a source, the index that holds the current folder is "
            "meant, or else the one that has the file.",
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

    source, path = _source_and_place(place)
    where = _where(_named(source, sources), None, None, everywhere=everywhere)
    with opened(context) as session:
        read_and_show(session, ReadQuestion(path, where), as_json=as_json)


@app.command()
def explain(
    context: typer.Context,
    place: Annotated[
        list[str],
        typer.Argument(
            metavar="[SOURCE|ID] PATH", help="A file or folder of a source; as for `read`."
        ),
    ],
    sources: Sources = None,
    everywhere: Everywhere = False,
    as_json: Json = False,
) -> None:
    """Say why a file is indexed or left out, and how far its snippets are.

    Shows the rule that leaves it out and where that is written; or its snippets and the stages
    that they have passed, its last author, and when it was first and last changed.
    """
    from kodit.domain.questions import ExplainQuestion
    from kodit.faces.cli.terminal.left_out import explain_and_show

    source, path = _source_and_place(place)
    where = _where(_named(source, sources), None, None, everywhere=everywhere)
    with opened(context) as session:
        explain_and_show(session, ExplainQuestion(path, where), as_json=as_json)


@app.command()
def symbols(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="NAME, Scope.NAME or Scope::NAME.")],
    source: OneIndex = None,
    kind: Annotated[
        list[str] | None,
        typer.Option("--kind", "-k", help="Only definitions of this kind. Repeatable."),
    ] = None,
    path: Paths = None,
    language: Languages = None,
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=1, max=1000, help="Definitions, and references.")
    ] = 50,
    sources: Sources = None,
    everywhere: Everywhere = False,
    as_json: Json = False,
) -> None:
    """Show where a name is defined, and where it is used.

    Definitions that are spelled as asked come first, then those in other case; references are
    lines with the name as a whole word. Tests, examples and generated code come last. Kinds:
    function, method, class, interface, enum, struct, trait, module, type, constant, macro,
    section.
    """
    from kodit.domain.questions import SymbolsQuestion
    from kodit.faces.cli.terminal.files import symbols_and_show

    where = _where(_named(source, sources), language, path, everywhere=everywhere)
    with opened(context) as session:
        symbols_and_show(
            session, SymbolsQuestion(name, where, tuple(kind or ()), limit), as_json=as_json
        )


@app.command()
def related(
    context: typer.Context,
    place: Annotated[
        list[str],
        typer.Argument(
            metavar="[SOURCE|ID] PATH:LINE",
            help="A line of the snippet to compare with; as for `read`.",
        ),
    ],
    sources: Sources = None,
    everywhere: Annotated[
        bool,
        typer.Option("--all", "--everywhere", help="Look in every index, not only in this one."),
    ] = False,
    path: Paths = None,
    language: Languages = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="Results.")] = 10,
    lines: Lines = None,
    files: OnlyFiles = False,
    as_json: Json = False,
    as_json_lines: JsonLines = False,
) -> None:
    """Find snippets whose code is like the one at a place.

    The most similar come first, at most two of one file, and never the snippet itself.
    """
    from kodit.domain.questions import RelatedQuestion
    from kodit.faces.cli.terminal.files import related_and_show
    from kodit.faces.cli.terminal.searching import Shown

    source, path_and_line = _source_and_place(place)
    where = _where(_named(source, sources), language, path)
    question = RelatedQuestion(path_and_line, where, in_all=everywhere, limit=limit)
    with opened(context) as session:
        related_and_show(
            session,
            question,
            Shown(lines, only_files=files, as_json=as_json, as_json_lines=as_json_lines),
        )


def _source_and_place(words: list[str]) -> tuple[str | None, str]:
    """`SOURCE PATH`, or `PATH` alone."""
    if len(words) > 2:
        raise typer.BadParameter(
            f"takes a source and a path, or a path alone, not {len(words)} of them",
            param_hint="PATH",
        )
    return (None, words[0]) if len(words) == 1 else (words[0], words[1])


def _is_glob(word: str) -> bool:
    """No git URL has a star in it, and a folder whose name has one is there."""
    return "*" in word and not Path(word).exists()


def _named(source: str | None, sources: list[str] | None) -> tuple[str, ...]:
    """The sources of the argument and of the options."""
    return (*(() if source is None else (source,)), *(sources or ()))


def _where(
    sources: tuple[str, ...],
    languages: list[str] | None,
    paths: list[str] | None,
    *,
    everywhere: bool = False,
) -> Where:
    from kodit.domain.questions import Where

    return Where(
        sources,
        everywhere=everywhere,
        languages=tuple(languages or ()),
        paths=tuple(paths or ()),
    )
