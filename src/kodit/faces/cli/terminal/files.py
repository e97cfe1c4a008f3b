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
from kodit.faces.cli.terminal.notices import ALL, say_where, warn_of_missing_keywords
from kodit.faces.cli.terminal.output import print_json, print_line, printable, say
from kodit.faces.cli.terminal.runs import counted
from kodit.faces.cli.terminal.tables import show_results


def grep_and_show(session: Session, question: GrepQuestion, *, as_json: bool) -> None:
    """Print matching lines as `path:line:text`, and lines of context as `path-line-text`."""
    answer = session.ask(question, GrepView)
    say_where(question.where, answer.standing, ALL)
    if as_json:
        print_json(answer)
    else:
        several = len(answer.standing) > 1
        _show_matches(answer.matches, with_context=question.context > 0, several=several)
    for problem in answer.problems:
        say(f"kodit: {problem}")
    if not answer.files:
        say("No indexed file passes these filters.")
    elif not answer.matches:
        say(f"Nothing found in {counted(answer.files, 'file')}.")
    elif not answer.complete:
        say(f"There are more than these {question.limit} lines; --limit shows more.")


def _show_matches(matches: Sequence[MatchView], *, with_context: bool, several: bool) -> None:
    shown_before = False
    for (index_id, path), of_file in groupby(matches, key=attrgetter("index_id", "path")):
        place = _place(index_id, path, several=several)
        last = None
        for number, (mark, text) in sorted(_numbered(of_file).items()):
            if with_context and shown_before and (last is None or number > last + 1):
                print_line("--")
            print_line(f"{place}{mark}{number}{mark}{_shown(text)}")
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


def list_and_show(session: Session, question: FilesQuestion, *, as_json: bool) -> None:
    """Print one file a line: lines, bytes, snippets, language, path."""
    answer = session.ask(question, FilesView)
    say_where(question.where, answer.standing, ALL)
    if as_json:
        print_json(answer)
        return
    several = len(answer.standing) > 1
    for file in answer.files:
        place = _place(file.index_id, file.path, several=several)
        print_line(
            f"{file.lines:>6} {file.size:>8} {file.snippets:>5}  {file.language:<12} {place}"
        )
    if not answer.files:
        say("No indexed file passes these filters.")


def read_and_show(session: Session, question: ReadQuestion, *, as_json: bool) -> None:
    """Print the lines of a file as they are."""
    text = session.ask(question, TextView)
    say_where(question.where, text.standing, ALL if session.stands_in(text.source) else None)
    if as_json:
        print_json(text)
    elif text.start_line <= text.end_line:
        for line in text.text.split("\n"):
            print_line(_shown(line))


def symbols_and_show(session: Session, question: SymbolsQuestion, *, as_json: bool) -> None:
    """Print definitions, then references."""
    answer = session.ask(question, SymbolsView)
    say_where(question.where, answer.standing, ALL)
    warn_of_missing_keywords(answer.standing)
    if as_json:
        print_json(answer)
    else:
        _show_symbols(answer, several=len(answer.standing) > 1)
    if not answer.definitions and not answer.references:
        say("Nothing found.")
    elif not answer.complete:
        say("There may be more; --limit shows more, and --path or --language narrow it down.")


def _show_symbols(answer: SymbolsView, *, several: bool) -> None:
    if answer.definitions:
        print_line("definitions:")
    for definition in answer.definitions:
        place = _place(definition.index_id, definition.path, several=several)
        lines = f"lines {definition.start_line}-{definition.end_line}"
        print_line(f"  {place}:{definition.line}: {_name(definition)}, {lines}")
    if answer.references:
        print_line("references:")
    for reference in answer.references:
        place = _place(reference.index_id, reference.path, several=several)
        print_line(f"  {place}:{reference.line}: {_shown(reference.text)}")


def related_and_show(
    session: Session, question: RelatedQuestion, *, lines: int, as_json: bool
) -> None:
    """Print the snippets like the one at a place."""
    answer = session.ask(question, RelatedView)
    if not question.in_all:
        say_where(question.where, answer.standing, "--all looks in every index")
    if as_json:
        print_json(answer)
    elif answer.results:
        show_results(answer.results, lines, with_source=len(answer.standing) > 1)
    else:
        say("Nothing found.")


def _name(definition: DefinitionView) -> str:
    parts: Iterable[str | None] = (definition.scope, definition.symbol)
    return printable(f"{definition.kind} {'.'.join(part for part in parts if part)}")


def _place(index_id: int, path: str, *, several: bool) -> str:
    """A path, after its index where there are several."""
    return f"[{index_id}] {printable(path)}" if several else printable(path)


def _shown(line: str) -> str:
    return printable(line, keep="\t")
