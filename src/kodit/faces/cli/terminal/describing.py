"""The output of `kodit describe`."""

from __future__ import annotations

from collections.abc import Iterator

from kodit.application.views.description import DescriptionsView
from kodit.application.views.description_text import lines_of_view
from kodit.domain.descriptions.description import DescriptionLine
from kodit.domain.questions import DescribeQuestion
from kodit.faces.cli.session import Session
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

_INDENTATIONS = {"text": 1, "item": 1, "rest": 1, "note": 3, "code": 3}


@paged
def describe_and_show(
    session: Session, question: DescribeQuestion, *, as_json: bool
) -> DescriptionsView:
    """Print each description as text."""
    view = session.ask(question, DescriptionsView)
    say_where(question.where, view.standing, ALL)
    say_if_outside(session, question.where, view.standing)
    say_changes(session, view.standing)
    if as_json:
        print_json(view)
        say_problems(view.problems)
        return view
    places = Places(session.folder, several=len(view.standing) > 1)
    for number, one in enumerate(view.descriptions):
        if number:
            print_as_it_is("")
        for line in lines_of_view(one):
            for text in _printed(line, places, one.source, one.index_id):
                print_as_it_is(text)
    say_problems(view.problems)
    if not view.standing:
        say(NOTHING_INDEXED)
    elif not view.descriptions:
        say(f"Nothing to describe: no {_NOTHING[question.kind.value]}.")
    return view


_NOTHING = {
    "overview": "file is indexed",
    "interface": "indexed file has public definitions",
    "schema": "indexed file defines a table",
    "commit": "commit is known",
    "usage": "use is indexed",
}


def _printed(line: DescriptionLine, places: Places, source: str, index_id: int) -> Iterator[str]:
    """A line as it appears on a terminal."""
    text = printable(line.text)
    place = ""
    if line.path and line.path != line.text:
        lines = f":{line.line}" if line.line else ""
        place = f"  {paint(places.of(source, line.path, index_id), PATH)}{paint(lines, LINE)}"
    elif line.line and line.role == "item":
        place = f"  {paint(f':{line.line}', LINE)}"
    if line.role == "title":
        yield paint(text, NAME)
    elif line.role == "part":
        yield ""
        if line.path == line.text:
            yield paint(places.of(source, line.path, index_id), PATH)
        else:
            yield f"{paint(text, NAME)}{place}"
    else:
        yield f"{'  ' * (_INDENTATIONS[line.role] + line.depth)}{text}{place}".rstrip()
