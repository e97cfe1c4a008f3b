"""`kodit grep`, `ls`, `read`, `symbols` and `related`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import attrgetter

from kodit.application.views.files import (
    DefinitionView,
    FilesView,
    GrepView,
    MatchView,
    ReferenceView,
    SymbolsView,
    TextView,
)
from kodit.application.views.search import RelatedView
from kodit.domain.questions import (
    FilesQuestion,
    GrepQuestion,
    ReadQuestion,
    RelatedQuestion,
    SymbolsQuestion,
)
from kodit.faces.cli.session import Session
from kodit.faces.cli.terminal import screen
from kodit.faces.cli.terminal.notices import ALL, say_where, warn_of_missing_keywords
from kodit.faces.cli.terminal.output import print_as_it_is, print_json, print_line, printable, say
from kodit.faces.cli.terminal.pager import paged
from kodit.faces.cli.terminal.paint import (
    LINE,
    NAME,
    PATH,
    Find,
    matches_of,
    nothing,
    paint,
    painted,
)
from kodit.faces.cli.terminal.places import Places
from kodit.faces.cli.terminal.runs import counted
from kodit.faces.cli.terminal.searching import Shown, print_results


@paged
def grep_and_show(session: Session, question: GrepQuestion, *, as_json: bool) -> None:
    """Print matching lines as `path:line:text`, and lines of context as `path-line-text`."""
    answer = session.ask(question, GrepView)
    say_where(question.where, answer.standing, ALL)
    if as_json:
        print_json(answer)
    else:
        places = Places(session.folder, several=len(answer.standing) > 1)
        find = _find_of(question)
        _show_matches(answer.matches, places, find, with_context=question.context > 0)
    for problem in answer.problems:
        say(f"kodit: {problem}")
    if not answer.files:
        say("No indexed file passes these filters.")
    elif not answer.matches:
        say(f"Nothing found in {counted(answer.files, 'file')}.")
    elif not answer.complete:
        say(f"There are more than these {question.limit} lines; --limit shows more.")


def _find_of(question: GrepQuestion) -> Find:
    """What marks the matches of a question, where they are marked."""
    if not screen.has_color():
        return nothing
    return matches_of(
        question.pattern, fixed=question.fixed_strings, ignore_case=question.ignore_case
    )


def _show_matches(
    matches: Sequence[MatchView], places: Places, find: Find, *, with_context: bool
) -> None:
    shown_before = False
    key = attrgetter("index_id", "source", "path")
    for (index_id, source, path), of_file in groupby(matches, key=key):
        place = paint(places.of(source, path, index_id), PATH)
        last = None
        for number, (mark, text) in sorted(_numbered(of_file).items()):
            if with_context and shown_before and (last is None or number > last + 1):
                print_line("--")
            (line,) = painted([_shown(text)], [0], find=find if mark == ":" else nothing)
            print_as_it_is(f"{place}{mark}{paint(str(number), LINE)}{mark}{line}")
            shown_before, last = True, number


def _numbered(matches: Iterable[MatchView]) -> dict[int, tuple[str, str]]:
    """The lines of one file by number: those that match with a colon, context with a dash."""
    lines: dict[int, tuple[str, str]] = {}
    for match in matches:
        before = match.before or ()
        for number, text in enumerate(before, match.line - len(before)):
            lines.setdefault(number, ("-", text))
        lines[match.line] = (":", match.text)
        for number, text in enumerate(match.after or (), match.line + 1):
            lines.setdefault(number, ("-", text))
    return lines


@paged
def list_and_show(session: Session, question: FilesQuestion, *, as_json: bool) -> None:
    """Print one file a line: lines, bytes, snippets, language, path."""
    answer = session.ask(question, FilesView)
    say_where(question.where, answer.standing, ALL)
    if as_json:
        print_json(answer)
        return
    places = Places(session.folder, several=len(answer.standing) > 1)
    for file in answer.files:
        place = paint(places.of(file.source, file.path, file.index_id), PATH)
        print_as_it_is(
            f"{file.lines:>6} {file.size:>8} {file.snippets:>5}  "
            f"{printable(file.language):<12} {place}"
        )
    if not answer.files:
        say("No indexed file passes these filters.")


@paged
def read_and_show(session: Session, question: ReadQuestion, *, as_json: bool) -> None:
    """Print the lines of a file as they are."""
    text = session.ask(question, TextView)
    say_where(question.where, text.standing, ALL if session.stands_in(text.source) else None)
    if as_json:
        print_json(text)
    elif text.start_line <= text.end_line:
        lines = [_shown(line) for line in text.text.split("\n")]
        for line in painted(lines, range(len(lines)), language=text.language, path=text.path):
            print_as_it_is(line)


@paged
def symbols_and_show(session: Session, question: SymbolsQuestion, *, as_json: bool) -> None:
    """Print definitions, then references."""
    answer = session.ask(question, SymbolsView)
    say_where(question.where, answer.standing, ALL)
    warn_of_missing_keywords(answer.standing)
    if as_json:
        print_json(answer)
    else:
        _show_symbols(answer, Places(session.folder, several=len(answer.standing) > 1))
    if not answer.definitions and not answer.references:
        say("Nothing found.")
    elif not answer.complete:
        say("There may be more; --limit shows more, and --path or --language narrow it down.")


def _show_symbols(answer: SymbolsView, places: Places) -> None:
    if answer.definitions:
        print_line("definitions:")
    for definition in answer.definitions:
        place = _place(places, definition)
        lines = f"lines {definition.start_line}-{definition.end_line}"
        print_as_it_is(f"  {place}: {_name(definition)}, {lines}")
    if answer.references:
        print_line("references:")
    for reference in answer.references:
        print_as_it_is(f"  {_place(places, reference)}: {_shown(reference.text)}")


@paged
def related_and_show(session: Session, question: RelatedQuestion, shown: Shown) -> None:
    """Print the snippets like the one at a place."""
    answer = session.ask(question, RelatedView)
    if not question.in_all:
        say_where(question.where, answer.standing, "--all looks in every index")
    print_results(session, answer, shown)
    if not answer.results and not shown.as_json:
        say("Nothing found.")


def _name(definition: DefinitionView) -> str:
    parts: Iterable[str | None] = (definition.scope, definition.symbol)
    name = printable(".".join(part for part in parts if part))
    return f"{printable(definition.kind or '')} {paint(name, NAME)}"


def _place(places: Places, found: DefinitionView | ReferenceView) -> str:
    """A path and a line, after its index where there are several."""
    path = paint(places.of(found.source, found.path, found.index_id), PATH)
    return f"{path}:{paint(str(found.line), LINE)}"


def _shown(line: str) -> str:
    return printable(line, keep="\t")
