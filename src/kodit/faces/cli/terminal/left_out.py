"""`kodit ls --left-out` and `kodit explain`."""

from __future__ import annotations

from collections.abc import Sequence

from kodit.application.views.left_out import (
    ExplainedSnippetView,
    ExplanationView,
    LeftOutsView,
    LeftOutView,
)
from kodit.domain.questions import ExplainQuestion, LeftOutQuestion
from kodit.faces.cli.session import Session
from kodit.faces.cli.terminal.left_out_lines import files_of, left_out_line
from kodit.faces.cli.terminal.notices import ALL, say_if_outside, say_where
from kodit.faces.cli.terminal.output import print_as_it_is, print_json, printable, say
from kodit.faces.cli.terminal.pager import paged
from kodit.faces.cli.terminal.paint import FAINT, LINE, NAME, PATH, paint
from kodit.faces.cli.terminal.places import Places
from kodit.faces.cli.terminal.runs import counted
from kodit.infrastructure.folder.builtin import is_version_control

_STATES = {
    "indexed": "is indexed",
    "changed": "is indexed, but has changed since; the next run updates it",
    "left_out": "is left out",
    "new": "is not indexed yet; the next run adds it",
    "removed": "no longer exists; the next run removes it from the index",
    "folder": "is a folder whose files are indexed",
}


@paged
def list_left_out(session: Session, question: LeftOutQuestion, *, as_json: bool) -> bool:
    """Print one file or folder per line: how many files, the reason, the path, the rule. Returns
    whether there is any."""
    answer = session.ask(question, LeftOutsView)
    say_where(question.where, answer.standing, ALL)
    say_if_outside(session, question.where, answer.standing)
    if as_json:
        print_json(answer)
    else:
        places = Places(session.folder, several=len(answer.standing) > 1)
        for one in sorted(answer.left_out, key=_order):
            path = paint(places.of(one.source, one.path, one.index_id), PATH)
            print_as_it_is(left_out_line(one, path, paint(printable(one.rule), FAINT)))
    for problem in answer.problems:
        say(f"kodit: {problem}")
    if not answer.left_out and not answer.problems:
        say("Nothing is left out.")
    return bool(answer.left_out)


def _order(one: LeftOutView) -> tuple[int, bool]:
    """In each index in the given order, with what is left out as a matter of course last."""
    return one.index_id, is_version_control(one.path.rstrip("/").rpartition("/")[2])


@paged
def explain_and_show(session: Session, question: ExplainQuestion, *, as_json: bool) -> None:
    """Print why a file is in its index or not."""
    answer = session.ask(question, ExplanationView)
    say_where(question.where, answer.standing)
    if as_json:
        print_json(answer)
        return
    places = Places(session.folder, several=True)
    path = paint(places.of(answer.source, answer.path, answer.index_id), PATH)
    print_as_it_is(f"{path} {_STATES.get(answer.state, printable(answer.state))}")
    for line in (*_why(answer), *_about(answer), *_snippets(answer.snippets)):
        print_as_it_is(f"    {line}")


def _why(answer: ExplanationView) -> list[str]:
    one = answer.left_out
    if one is None:
        problem = answer.problem
        return [f"split by lines: {printable(problem)}"] if problem else []
    lines = [f"{printable(one.reason)}, by {paint(printable(one.rule), NAME)}"]
    if one.path.rstrip("/") != answer.path:
        files = f"{files_of(one)} file{'' if one.files == 1 else 's'}"
        lines.append(f"with all of {printable(one.path)}, {files}")
    return lines


def _about(answer: ExplanationView) -> list[str]:
    lines = []
    if answer.language:
        size = "" if answer.size is None else f", {answer.size:,} bytes"
        lines.append(f"{printable(answer.language)}{size}")
    if answer.author:
        lines.append(f"last changed by {printable(answer.author)}, {_day(answer.changed_at)}")
    if answer.created_at:
        lines.append(f"first committed {_day(answer.created_at)}")
    return lines


def _day(moment: str | None) -> str:
    return "at an unknown time" if moment is None else printable(moment[:10])


def _snippets(snippets: Sequence[ExplainedSnippetView]) -> list[str]:
    if not snippets:
        return []
    lines = [counted(len(snippets), "snippet")]
    for one in snippets:
        name = f"{one.scope}.{one.symbol}" if one.scope else one.symbol
        symbol = (
            f"  {printable(one.kind or '')} {paint(printable(name or ''), NAME)}"
            if one.symbol
            else ""
        )
        missing = [stage for stage, passed in one.stages.items() if not passed]
        waits = f"  waiting for {printable(', '.join(missing))}" if missing else ""
        place = paint(f"{one.start_line}-{one.end_line}", LINE)
        lines.append(f"  {place}{symbol}{waits}")
    if all(all(one.stages.values()) for one in snippets):
        lines.append("all of them have passed every stage")
    return lines
