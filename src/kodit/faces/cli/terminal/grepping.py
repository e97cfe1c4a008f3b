"""`kodit grep`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from enum import Enum
from itertools import groupby
from operator import attrgetter

from kodit.application.views.files import GrepView, MatchView
from kodit.domain.questions import GrepQuestion
from kodit.faces.cli.session import Session
from kodit.faces.cli.terminal import screen
from kodit.faces.cli.terminal.files import shown
from kodit.faces.cli.terminal.notices import (
    ALL,
    no_files_of,
    say_if_outside,
    say_left_out,
    say_problems,
    say_where,
)
from kodit.faces.cli.terminal.output import print_as_it_is, print_json, print_line, say
from kodit.faces.cli.terminal.pager import paged
from kodit.faces.cli.terminal.paint import LINE, PATH, Find, matches_of, nothing, paint, painted
from kodit.faces.cli.terminal.places import Places
from kodit.faces.cli.terminal.runs import counted

_TAB = 4


class GrepMode(Enum):
    """What is printed of the matching lines."""

    LINES = "line"
    COUNT = "counted line"
    FILES = "file"


@paged
def grep_and_show(
    session: Session, question: GrepQuestion, mode: GrepMode, *, as_json: bool
) -> GrepView:
    """Print matching lines as `path:line:text`, and lines of context as `path-line-text`; or
    `path:count`, or the paths alone."""
    answer = session.ask(question, GrepView)
    say_where(question.where, answer.standing, ALL, with_age=True)
    say_if_outside(session, question.where, answer.standing)
    places = Places(session.folder, several=len(answer.standing) > 1)
    if as_json:
        print_json(answer)
    elif mode is not GrepMode.LINES:
        _show_files(answer.matches, places, with_count=mode is GrepMode.COUNT)
    elif question.only_matching:
        for match in answer.matches:
            path = places.of(match.source, match.path, match.index_id)
            room = screen.room_beside(f"{path}:{match.line}:")
            text = screen.cut(shown(match.text), room)
            print_as_it_is(f"{paint(path, PATH)}:{paint(str(match.line), LINE)}:{text}")
    else:
        with_context = bool(question.context or question.before or question.after)
        find = nothing if question.inverted else _find_of(question)
        _show_matches(answer.matches, places, find, with_context=with_context)
    say_problems(answer.problems)
    if not answer.files:
        say(no_files_of(question.where, answer.standing))
    elif not answer.matches:
        say(f"Nothing found in {counted(answer.files, 'file')}.")
        say_left_out(question.where, answer.standing)
    elif not answer.complete:
        say(f"Only the first {_shown(question.limit, mode.value)} shown; --limit shows more.")
    return answer


def _shown(limit: int, what: str) -> str:
    return f"{what} is" if limit == 1 else f"{counted(limit, what)} are"


def _show_files(matches: Sequence[MatchView], places: Places, *, with_count: bool) -> None:
    counts = Counter((match.source, match.path, match.index_id) for match in matches)
    for (source, path, index_id), count in counts.items():
        place = paint(places.of(source, path, index_id), PATH)
        print_as_it_is(f"{place}:{count}" if with_count else place)


def _find_of(question: GrepQuestion) -> Find:
    """Finds the matches of a question, if they are highlighted or lines are cut around them."""
    if not (screen.has_color() or screen.is_terminal()):
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
        plain = places.of(source, path, index_id)
        place = paint(plain, PATH)
        last = None
        for number, (mark, text) in sorted(_numbered(of_file).items()):
            if with_context and shown_before and (last is None or number > last + 1):
                print_line("--")
            room = screen.room_beside(f"{plain}{mark}{number}{mark}")
            whole = shown(text) if room is None else shown(text).expandtabs(_TAB)
            found = find if mark == ":" else nothing
            (line,) = painted([whole], [0], find=found, width=room, around=True)
            print_as_it_is(f"{place}{mark}{paint(str(number), LINE)}{mark}{line}")
            shown_before, last = True, number


def _numbered(matches: Iterable[MatchView]) -> dict[int, tuple[str, str]]:
    """The lines of one file by number: matching lines with a colon, context with a dash."""
    lines: dict[int, tuple[str, str]] = {}
    for match in matches:
        before = match.before or ()
        for number, text in enumerate(before, match.line - len(before)):
            lines.setdefault(number, ("-", text))
        lines[match.line] = (":", match.text)
        for number, text in enumerate(match.after or (), match.line + 1):
            lines.setdefault(number, ("-", text))
    return lines
