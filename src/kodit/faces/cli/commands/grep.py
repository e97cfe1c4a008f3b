"""`kodit grep`: searching lines of indexed files."""

from __future__ import annotations

import re
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

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
_DEFAULT_OPTIONS = ("--line-number", "--extended-regexp", "--with-filename")
_FLAGS = re.compile(r"-[iFwvocrRnEH]*[nEH][iFwvocrRnEH]*")
_TAKES_VALUE = re.compile(
    r"-[iFwvocrR]*[eplsABC]"
    r"|--(regexp|path|language|source|limit|context|after-context|before-context)"
)


class GrepCommand(TyperCommand):
    """Accepts options that users of grep add by habit, and that are always on here."""

    without_value = ("-n",)
    """Options that may have no value."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the command line without `-E`, `-H`, and a `-n` that no number follows."""
        return super().parse_args(ctx, without_default_options(args))


def without_default_options(arguments: list[str]) -> list[str]:
    """Remove options that are always on (line numbers, file names, extended expressions): `-rn x`
    becomes `-r x`. A number after `-n` is a limit; option values and everything after `--` stay."""
    kept: list[str] = []
    for position, argument in enumerate(arguments):
        if argument == "--":
            return [*kept, *arguments[position:]]
        before = arguments[position - 1] if position else ""
        following = arguments[position + 1] if position + 1 < len(arguments) else ""
        if _TAKES_VALUE.fullmatch(before):
            kept.append(argument)
        elif _FLAGS.fullmatch(argument):
            is_limit = argument.endswith("n") and following.lstrip("-").isdigit()
            flags = argument[1:-1] if is_limit else argument[1:]
            flags = re.sub("[nEH]", "", flags) + ("n" if is_limit else "")
            kept += [f"-{flags}"] if flags else []
        elif argument not in _DEFAULT_OPTIONS:
            kept.append(argument)
    return kept


@app.command(cls=GrepCommand, epilog=EXIT_CODES_OF_GREP)
def grep(
    context: typer.Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PATTERN [SOURCE|ID]",
            help="A regular expression in RE2 syntax; omit it if --regexp is given. Then where "
            "to search: folders or files in an index, git URLs, index identifiers, or the "
            "last part of a source's name; by default the index that contains the current "
            "folder, or else all indexes.",
            show_default=False,
        ),
    ] = None,
    regexp: Annotated[
        list[str] | None,
        typer.Option(
            "--regexp",
            "-e",
            metavar="PATTERN",
            help="A pattern; a line may match any of them. Repeatable.",
        ),
    ] = None,
    ignore_case: Annotated[bool, typer.Option("--ignore-case", "-i", help="Ignore case.")] = False,
    fixed_strings: Annotated[
        bool, typer.Option("--fixed-strings", "-F", help="Treat PATTERN as literal text.")
    ] = False,
    whole_words: Annotated[
        bool, typer.Option("--word-regexp", "-w", help="Match only whole words.")
    ] = False,
    invert: Annotated[
        bool, typer.Option("--invert-match", "-v", help="Show the lines that do not match.")
    ] = False,
    only_matching: Annotated[
        bool, typer.Option("--only-matching", "-o", help="Show only the parts of lines that match.")
    ] = False,
    count: Annotated[
        bool, typer.Option("--count", "-c", help="Show only how many lines match in each file.")
    ] = False,
    only_files: Annotated[
        bool,
        typer.Option("--files", help="Show only the paths of files that match; -l is --language."),
    ] = False,
    after: Annotated[
        int | None,
        typer.Option(
            "--after-context",
            "-A",
            metavar="NUMBER",
            min=0,
            max=100,
            help="Lines to show after each match.",
        ),
    ] = None,
    before: Annotated[
        int | None,
        typer.Option(
            "--before-context",
            "-B",
            metavar="NUMBER",
            min=0,
            max=100,
            help="Lines to show before each match.",
        ),
    ] = None,
    lines: Annotated[
        int,
        typer.Option(
            "--context",
            "-C",
            metavar="NUMBER",
            min=0,
            max=100,
            help="Lines to show before and after each match.",
        ),
    ] = 0,
    path: Paths = None,
    language: Annotated[
        list[str] | None,
        typer.Option(
            "--language",
            "-l",
            metavar="LANGUAGE",
            help="Only this language, such as python or py; for file names, use --files. "
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
            help="At most this many lines, or files with --files: 100 unless given, or all with "
            "--count. Line numbers are always shown.",
        ),
    ] = None,
    sources: Sources = None,
    everywhere: Everywhere = False,
    _recursive: Annotated[
        bool,
        typer.Option(
            "--recursive", "-r", "-R", help="Does nothing: folders are always searched recursively."
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Find lines in indexed files with a regular expression.

    Searches the files of the index, under the same ignore rules: folders as they are now, git
    sources at the indexed commit. Lines are ordered by index, path and number. RE2 takes time
    proportional to the text for any PATTERN; it has no back-references and no look-around, and
    its classes (\\w, \\d, \\s, \\b) are ASCII. If ripgrep is installed, folders are
    searched faster, with the same results.
    """
    from kodit.domain.errors import InvalidQueryError, UserError
    from kodit.domain.questions import GrepQuestion
    from kodit.faces.cli.advice import nearest_choice
    from kodit.faces.cli.terminal.grepping import GrepMode, grep_and_show
    from kodit.faces.cli.terminal.word_order import raise_with_order

    patterns, places = list(regexp or ()), list(words or ())
    if not patterns:
        if not places:
            also = "; -l is --language, and --files shows file names" if language else ""
            raise typer.BadParameter(
                f"is missing: a regular expression in RE2 syntax{also}", param_hint="PATTERN"
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
        try:
            answer = grep_and_show(session, question, mode, as_json=as_json)
        except UserError as error:
            if error.code == "language_unknown" and nearest_choice(error) is None:
                told = f"{error}; -l is --language, and --files shows the names of files"
                raise InvalidQueryError(told) from None
            subject = "" if regexp else patterns[0]
            raise_with_order(session, error, subject, question.where.sources, "pattern")
    leave(bool(answer.matches), answer.problems)
