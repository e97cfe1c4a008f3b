"""`kodit ls`, `read`, `symbols` and `related`."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

from kodit.application.views.files import (
    DefinitionView,
    FilesView,
    ReferenceView,
    SymbolsView,
    TextView,
)
from kodit.domain.near import did_you_mean
from kodit.domain.questions import (
    FilesQuestion,
    ReadQuestion,
    RelatedQuestion,
    SymbolsQuestion,
)
from kodit.faces.cli.session import Session
from kodit.faces.cli.terminal.notices import (
    ALL,
    NOTHING_INDEXED,
    say_changes,
    say_if_outside,
    say_left_out,
    say_problems,
    say_where,
    warn_of_missing_keywords,
)
from kodit.faces.cli.terminal.output import print_as_it_is, print_json, print_line, printable, say
from kodit.faces.cli.terminal.pager import paged
from kodit.faces.cli.terminal.paint import (
    LINE,
    NAME,
    PATH,
    paint,
    painted,
)
from kodit.faces.cli.terminal.places import Places

if TYPE_CHECKING:
    from kodit.application.views.search import RelatedView
    from kodit.faces.cli.terminal.searching import Shown


@paged
def list_and_show(
    session: Session, question: FilesQuestion, *, only_paths: bool = False, as_json: bool
) -> FilesView:
    """Print one file a line: lines, bytes, snippets, language, path; or the path alone."""
    answer = session.ask(question, FilesView)
    say_where(question.where, answer.standing, ALL)
    say_if_outside(session, question.where, answer.standing)
    say_changes(session, answer.standing)
    if as_json:
        print_json(answer)
        say_problems(answer.problems)
        return answer
    places = Places(session.folder, several=len(answer.standing) > 1)
    for file in answer.files:
        place = paint(places.of(file.source, file.path, file.index_id), PATH)
        figures = f"{file.lines:>6} {file.size:>8} {file.snippets:>5}  "
        before = "" if only_paths else f"{figures}{printable(file.language):<12} "
        print_as_it_is(f"{before}{place}")
    say_problems(answer.problems)
    if not answer.files:
        say("No indexed file matches these filters." if answer.standing else NOTHING_INDEXED)
    return answer


@paged
def read_and_show(session: Session, question: ReadQuestion, *, as_json: bool) -> None:
    """Print the lines of a file as they are."""
    text = session.ask(question, TextView)
    say_where(question.where, text.standing, ALL if session.stands_in(text.source) else None)
    say_changes(session, text.standing)
    if as_json:
        print_json(text)
    elif text.start_line <= text.end_line:
        lines = [shown(line) for line in text.text.split("\n")]
        for line in painted(lines, range(len(lines)), language=text.language, path=text.path):
            print_as_it_is(line)


_TITLES = {
    "call": "called",
    "import": "imported",
    "inherits": "inherited or implemented",
    "type": "used as a type",
    "write": "written",
    "read": "read",
    "text": "mentioned in comments, strings and documents",
}
_CALLEES = {"call": "calls"}


@paged
def symbols_and_show(session: Session, question: SymbolsQuestion, *, as_json: bool) -> SymbolsView:
    """Print definitions, then references."""
    answer = session.ask(question, SymbolsView)
    say_where(question.where, answer.standing, ALL)
    say_if_outside(session, question.where, answer.standing)
    say_changes(session, answer.standing)
    warn_of_missing_keywords(answer.standing)
    if as_json:
        print_json(answer)
    else:
        _show_symbols(answer, Places(session.folder, several=len(answer.standing) > 1))
    say_problems(answer.problems)
    if not answer.standing:
        say(NOTHING_INDEXED)
    elif not answer.definitions and not answer.references:
        say(f"Nothing found.{did_you_mean(answer.near)}")
    elif answer.near:
        say(f"No definition of {printable(question.name)} is indexed.{did_you_mean(answer.near)}")
    elif not answer.complete:
        say("There may be more; --limit shows more, and --path or --language narrow it down.")
    if not answer.definitions and not (question.uses and answer.references):
        say_left_out(question.where, answer.standing)
    return answer


def _show_symbols(answer: SymbolsView, places: Places) -> None:
    if answer.definitions:
        print_line("definitions:")
    for definition in answer.definitions:
        place = _place(places, definition)
        lines = f"lines {definition.start_line}-{definition.end_line}"
        print_as_it_is(f"  {place}: {_name(definition)}, {lines}")
    titles = _CALLEES if any(one.name for one in answer.references) else _TITLES
    for use, references in groupby(answer.references, attrgetter("use")):
        print_line(f"{titles[use]}:")
        for reference in references:
            print_as_it_is(f"  {_place(places, reference)}: {_used(reference)}")


def _used(reference: ReferenceView) -> str:
    """The line, after the definition around it."""
    if reference.name:
        target = f"defined at {reference.target}" if reference.target else "not indexed"
        likely = "likely " if reference.target and reference.likely else ""
        return f"{paint(printable(reference.name), NAME)}, {likely}{printable(target)}"
    within = f"in {printable(reference.within)}: " if reference.within else ""
    likely = "likely, " if reference.likely and reference.use != "text" else ""
    return f"{likely}{within}{shown(reference.text)}"


@paged
def related_and_show(session: Session, question: RelatedQuestion, shown: Shown) -> RelatedView:
    """Print the snippets like the one at a place."""
    from kodit.application.views.search import RelatedView  # noqa: PLC0415 - the others do without
    from kodit.faces.cli.terminal.searching import print_results  # noqa: PLC0415 - likewise

    answer = session.ask(question, RelatedView)
    if not question.in_all:
        say_where(question.where, answer.standing, "--all searches every index")
    say_changes(session, answer.standing)
    print_results(session, answer, shown)
    if not answer.results and not shown.as_json:
        say("Nothing found.")
    return answer


def _name(definition: DefinitionView) -> str:
    parts: Iterable[str | None] = (definition.scope, definition.symbol)
    name = printable(".".join(part for part in parts if part))
    only = " (declaration)" if definition.declaration else ""
    return f"{printable(definition.kind or '')} {paint(name, NAME)}{only}"


def _place(places: Places, found: DefinitionView | ReferenceView) -> str:
    """A path and a line, after its index where there are several."""
    path = paint(places.of(found.source, found.path, found.index_id), PATH)
    return f"{path}:{paint(str(found.line), LINE)}"


def shown(line: str) -> str:
    return printable(line, keep="\t")
