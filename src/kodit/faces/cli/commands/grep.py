"""`kodit grep`: lines of indexed files."""

from __future__ import annotations

from typing import Annotated

import typer

from kodit.faces.cli.commands.files import where_of
from kodit.faces.cli.commands.options import (
    EXIT_CODES_OF_GREP,
    Everywhere,
    Json,
    Paths,
    Sources,
    leave,
    opened_to_search,
)

app = typer.Typer()
MOST_LINES = 100_000


@app.command(epilog=EXIT_CODES_OF_GREP)
def grep(
    context: typer.Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PATTERN [SOURCE|ID]",
            help="A regular expression, in RE2's syntax; with --regexp there is none here. Behind "
            "it, where to look: folders or files of an index, git URLs, identifiers, or the last "
            "part of a source's name. Without any, the index that holds the current folder, or "
            "else all.",
            show_default=False,
        ),
    ] = None,
    regexp: Annotated[
        list[str] | None,
        typer.Option(
            "--regexp", "-e", metavar="PATTERN", help="A pattern; lines match any. Repeatable."
        ),
    ] = None,
    ignore_case: Annotated[bool, typer.Option("--ignore-case", "-i", help="Ignore case.")] = False,
    fixed_strings: Annotated[
        bool, typer.Option("--fixed-strings", "-F", help="PATTERN is the text itself.")
    ] = False,
    whole_words: Annotated[
        bool, typer.Option("--word-regexp", "-w", help="Only whole words.")
    ] = False,
    invert: Annotated[
        bool, typer.Option("--invert-match", "-v", help="Lines that do not match.")
    ] = False,
    only_matching: Annotated[
        bool, typer.Option("--only-matching", "-o", help="Only the parts that match.")
    ] = False,
    count: Annotated[
        bool, typer.Option("--count", "-c", help="How many lines match, by file.")
    ] = False,
    only_files: Annotated[
        bool,
        typer.Option("--files", help="Only the files in which a line matches; -l is --language."),
    ] = False,
    after: Annotated[
        int | None,
        typer.Option(
            "--after-context", "-A", metavar="NUMBER", min=0, max=100, help="Lines after."
        ),
    ] = None,
    before: Annotated[
        int | None,
        typer.Option(
            "--before-context", "-B", metavar="NUMBER", min=0, max=100, help="Lines before."
        ),
    ] = None,
    lines: Annotated[
        int,
        typer.Option(
            "--context", "-C", metavar="NUMBER", min=0, max=100, help="Lines before and after."
        ),
    ] = 0,
    path: Paths = None,
    language: Annotated[
        list[str] | None,
        typer.Option(
            "--language",
            "-l",
            metavar="LANGUAGE",
            help="Only this language, such as python or py; for the names of files, --files. "
            "Repeatable.",
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit",
            "-n",
            metavar="NUMBER",
            min=1,
            max=MOST_LINES,
            help="At most this many lines, or files with --files: 100, or all with --count. "
            "Numbers of lines are always shown.",
        ),
    ] = None,
    sources: Sources = None,
    everywhere: Everywhere = False,
    _recursive: Annotated[
        bool, typer.Option("--recursive", "-r", "-R", help="Folders are always looked through.")
    ] = False,
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
    from kodit.faces.cli.terminal.grepping import GrepMode, grep_and_show

    patterns, places = list(regexp or ()), list(words or ())
    if not patterns:
        if not places:
            also = "; -l is --language, and --files shows the names of files" if language else ""
            raise typer.BadParameter(
                f"is missing: a regular expression, in RE2's syntax{also}", param_hint="PATTERN"
            )
        patterns = [places.pop(0)]
    mode = GrepMode.COUNT if count else GrepMode.FILES if only_files else GrepMode.LINES
    question = GrepQuestion(
        patterns[0],
        where_of((*places, *(sources or ())), language, path, everywhere=everywhere),
        ignore_case=ignore_case,
        fixed_strings=fixed_strings,
        whole_words=whole_words,
        inverted=invert,
        more_patterns=tuple(patterns[1:]),
        context=lines if mode is GrepMode.LINES else 0,
        before=before if mode is GrepMode.LINES else None,
        after=after if mode is GrepMode.LINES else None,
        only_matching=only_matching and mode is GrepMode.LINES,
        one_per_file=mode is GrepMode.FILES,
        limit=limit or (MOST_LINES if mode is GrepMode.COUNT else 100),
    )
    with opened_to_search(context) as session:
        answer = grep_and_show(session, question, mode, as_json=as_json)
    leave(bool(answer.matches), answer.problems)
