"""Descriptions that a search has found beside its results."""

from __future__ import annotations

import shlex

from kodit.application.views.search import SearchView
from kodit.faces.cli.session import Session
from kodit.faces.cli.terminal.output import print_as_it_is, printable, say
from kodit.faces.cli.terminal.paint import LINE, PATH, paint
from kodit.faces.cli.terminal.places import Places


def show_descriptions(session: Session, answer: SearchView) -> None:
    """Print a line for each, and say how to see the first one."""
    if not answer.descriptions:
        return
    places = Places(session.folder, several=len(answer.standing) > 1)
    for one in answer.descriptions:
        place = ""
        if one.path:
            place = f"  {paint(places.of(one.source, one.path, one.index_id), PATH)}"
            place += paint(f":{one.line}", LINE)
        print_as_it_is(f"{printable(one.title)}{place}")
    first = answer.descriptions[0]
    subject = first.subject[:12] if first.kind == "commit" else first.subject
    command = f"kodit describe {first.kind} {shlex.quote(subject)} -s {first.index_id}"
    say(f"`{printable(command)}` shows it; no snippet has all words of the query.")
