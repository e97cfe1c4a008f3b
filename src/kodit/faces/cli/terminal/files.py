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
from kodit.faces.cli.terminal import screen
from kodit.faces.cli.terminal.notices import (
    ALL,
    NOTHING_INDEXED,
    no_files_of,
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
    """Print one file per line: lines, bytes, snippets, language, path; or the path alone."""
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
        say(no_files_of(question.where, answer.standing))
    return answer


@paged
def read_and_show(session: Session, question: ReadQuestion, *, as_json: bool) -> None:
    """Print the lines of a file unchanged."""
    text = session.ask(question, TextView)
    say_where(question.where, text.standing, ALL if session.is_inside(text.source) else None)
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
_NO_USES = {
    "callers": "No call of {} was found.",
    "callees": "No call in {} was found.",
    "implementations": "Nothing that inherits from or implements {} was found.",
    "imports": "No import of {} was found.",
}


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
    elif question.uses and not answer.references and not answer.is_of_pattern:
        say(_NO_USES[question.uses].format(printable(question.name)))
    elif not answer.complete:
        say("There may be more; --limit shows more, and --path or --language narrow it down.")
    if answer.is_of_pattern:
        say("A name with a star finds definitions alone; ask for one of them to see its uses.")
    if not answer.definitions and not (question.uses and answer.references):
        say_left_out(question.where, answer.standing)
    return answer


def _show_symbols(answer: SymbolsView, places: Places) -> None:
    if answer.definitions:
        print_line("definitions:")
    for definition in answer.definitions:
        path = places.of(definition.source, definition.path, definition.index_id)
        kind, name = _kind_and_name(definition)
        only = " (declaration)" if definition.declaration else ""
        lines = f", lines {definition.start_line}-{definition.end_line}"
        room = screen.room_beside(f"  {path}:{definition.line}: {kind} ", only)
        if room is not None and len(name) + len(lines) > room:
            lines = ""
        shown_name = paint(screen.cut(name, room), NAME)
        print_as_it_is(f"  {_place(path, definition.line)}: {kind} {shown_name}{only}{lines}")
    titles = _CALLEES if any(one.name for one in answer.references) else _TITLES
    for use, references in groupby(answer.references, attrgetter("use")):
        print_line(f"{titles[use]}:")
        for reference in references:
            path = places.of(reference.source, reference.path, reference.index_id)
            room = screen.room_beside(f"  {path}:{reference.line}: ")
            print_as_it_is(f"  {_place(path, reference.line)}: {_used(reference, room)}")


def _used(reference: ReferenceView, room: int | None) -> str:
    """The line, after the definition around it."""
    if reference.name:
        target = f"defined at {reference.target}" if reference.target else "not indexed"
        likely = "likely " if reference.target and reference.likely else ""
        name = screen.cut(printable(reference.name), room)
        left = None if room is None else max(0, room - len(name))
        about = f", {likely}{printable(target)}"
        return f"{paint(name, NAME)}{screen.cut(about, left) if left != 0 else ''}"
    within = f"in {printable(reference.within)}: " if reference.within else ""
    likely = "likely, " if reference.likely and reference.use != "text" else ""
    text = shown(reference.text)
    if room is not None:
        text = text.strip().expandtabs(4)
        # The line itself says more than the definition around it.
        if len(f"{likely}{within}{text}") > room and len(f"{likely}{text}") <= room:
            within = ""
    return screen.cut(f"{likely}{within}{text}", room)


@paged
def related_and_show(session: Session, question: RelatedQuestion, shown: Shown) -> RelatedView:
    """Print the snippets similar to the one at a place."""
    from kodit.application.views.search import RelatedView  # noqa: PLC0415 - only for related
    from kodit.faces.cli.terminal.searching import print_results  # noqa: PLC0415 - likewise

    answer = session.ask(question, RelatedView)
    if not question.in_all:
        say_where(question.where, answer.standing, ALL)
    say_changes(session, answer.standing)
    print_results(session, answer, shown)
    if not answer.results and not shown.as_json:
        say("Nothing found.")
    return answer


def _kind_and_name(definition: DefinitionView) -> tuple[str, str]:
    parts: Iterable[str | None] = (definition.scope, definition.symbol)
    name = printable(".".join(part for part in parts if part))
    return printable(definition.kind or ""), name


def _place(path: str, line: int) -> str:
    """A path made printable, and a line."""
    return f"{paint(path, PATH)}:{paint(str(line), LINE)}"


def shown(line: str) -> str:
    return printable(line, keep="\t")
