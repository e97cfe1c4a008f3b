"""The output of `kodit outline` and `kodit map`."""

from __future__ import annotations

from collections.abc import Set

from kodit.application.views.files import OutlineView
from kodit.application.views.map import MapView
from kodit.domain.questions import MapQuestion, OutlineQuestion
from kodit.faces.cli.session import Session
from kodit.faces.cli.terminal import screen
from kodit.faces.cli.terminal.notices import (
    ALL,
    NOTHING_INDEXED,
    say_changes,
    say_if_outside,
    say_problems,
    say_where,
)
from kodit.faces.cli.terminal.output import print_as_it_is, print_json, printable, say
from kodit.faces.cli.terminal.pager import paged
from kodit.faces.cli.terminal.paint import LINE, NAME, PATH, paint
from kodit.faces.cli.terminal.places import Places


@paged
def outline_and_show(session: Session, question: OutlineQuestion, *, as_json: bool) -> OutlineView:
    """Print a line for each symbol, indented by its scope."""
    view = session.ask(question, OutlineView)
    say_where(question.where, view.standing, ALL if session.is_inside(view.source) else None)
    say_changes(session, view.standing)
    if as_json:
        print_json(view)
        return view
    places = Places(session.folder, several=False)
    print_as_it_is(paint(places.of(view.source, view.path, view.index_id), PATH))
    names = {f"{one.scope}.{one.symbol}" if one.scope else one.symbol for one in view.symbols}
    for one in view.symbols:
        kind = f"{'  ' * (1 + _depth(one.scope, names))}{printable(one.kind)} "
        lines = f"{one.line}-{one.end_line}"
        only = " (declaration)" if one.declaration else ""
        room = screen.room_beside(kind, only, ", lines ", lines)
        name = paint(screen.cut(printable(one.symbol), room), NAME)
        print_as_it_is(f"{kind}{name}{only}, lines {paint(lines, LINE)}")
    if not view.symbols:
        say(f"{printable(view.path)} defines no symbols.")
    return view


def _depth(scope: str, names: Set[str]) -> int:
    """How many of the shown symbols enclose a scope; parts of a scope that are not symbols, such as
    those of a module's name, do not count."""
    parts = scope.split(".")
    return sum(".".join(parts[:end]) in names for end in range(1, len(parts) + 1))


@paged
def map_and_show(session: Session, question: MapQuestion, *, as_json: bool) -> MapView:
    """Print the path of each file, and below it the lines of its most important definitions."""
    view = session.ask(question, MapView)
    say_where(question.where, view.standing, ALL)
    say_if_outside(session, question.where, view.standing)
    say_changes(session, view.standing)
    if as_json:
        print_json(view)
        say_problems(view.problems)
        return view
    places = Places(session.folder, several=len(view.standing) > 1)
    for file in view.files:
        print_as_it_is(paint(places.of(file.source, file.path, file.index_id), PATH))
        for one in file.definitions:
            number = f"{one.line:>6}"
            text = screen.cut(printable(one.text), screen.room_beside(number, "  "))
            print_as_it_is(f"{paint(number, LINE)}  {text}")
    say_problems(view.problems)
    if not view.standing:
        say(NOTHING_INDEXED)
    elif not view.files:
        say("Nothing to show: no indexed file of code matches.")
    else:
        say(f"{len(view.files)} of {view.total} files; --budget shows more or fewer.")
    return view
