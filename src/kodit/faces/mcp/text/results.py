"""Found snippets: first the places of all of them, then the code of the best."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from kodit.application.views.search import CopyView, ResultView
from kodit.faces.mcp.text.sheet import (
    Sheet,
    code_lines,
    fenced,
    kept_apart,
    one_line,
    shortened,
    shown_path,
)

LONGEST_TELLING_LINE = 100
SMALL_SNIPPET_LINES = 3
"""A snippet with at most this many lines is shown in the list."""
MOST_LINES_OF_A_DECLARATION = 4
_GOES_ON = ("(", "[", ",")
_ASIDE = ("#", "//", "/*", "*", "--", "@", ";", "%", '"""')
"""The starts of comments and decorations; also of Markdown headings, which are handled before."""
FEW = 2
"""Up to this many results need no list of places before their code."""
MOST_OTHERS = 3
"""The maximum number of further definitions named for a result."""
MOST_COPIES = 3
"""The maximum number of copies named for a result."""
LEAST_LINES_OF_A_PART = 3
"""Fewer lines of a snippet's start are not worth their head line."""


class Placed(Protocol):
    """Code with its place: a result of a search, or a definition."""

    @property
    def index_id(self) -> int: ...
    @property
    def path(self) -> str: ...
    @property
    def start_line(self) -> int: ...
    @property
    def end_line(self) -> int: ...
    @property
    def symbol(self) -> str | None: ...
    @property
    def kind(self) -> str | None: ...
    @property
    def scope(self) -> str: ...
    @property
    def text(self) -> str: ...


def show_results(sheet: Sheet, results: Sequence[Placed], *, several: bool) -> int:
    """List all results that fit, then the code of the best ones that fits. Returns how many
    results, from the first, need not be shown again. `several` says whether a path alone is
    ambiguous."""
    whole: set[int] = set()
    listed = 0 if len(results) > FEW else len(results)
    for number, result in enumerate(results[listed:]):
        lines = code_lines(result.text)
        telling = (
            lines if len(lines) <= SMALL_SNIPPET_LINES else most_informative_line(result, lines)
        )
        if not sheet.add(head(result, several=several), *kept_apart(telling)):
            break
        listed += 1
        if len(telling) == len(lines):
            whole.add(number)
    done = 0
    for number, result in enumerate(results[:listed]):
        if number not in whole and not _show_code(sheet, result, several=several):
            break
        done = number + 1
    return done


def head(result: Placed, *, several: bool) -> str:
    """`path:lines kind name`, with the number of the index if there are several, followed by the
    names of the result's other definitions and by its copies."""
    place = _place(result, several=several)
    names = list((result.also_defines if isinstance(result, ResultView) else None) or ())
    if len(names) > MOST_OTHERS:
        names[MOST_OTHERS:] = ["…"]
    if result.symbol:
        name = f"{result.scope}.{result.symbol}" if result.scope else result.symbol
        place, names = f"{place} {result.kind}", [name, *names]
    title = f"{place} {', '.join(map(one_line, names))}" if names else place
    copies = (result.also_in if isinstance(result, ResultView) else None) or ()
    if not copies:
        return title
    others = [_place(one, several=several) for one in copies[:MOST_COPIES]]
    others += [f"{len(copies) - MOST_COPIES} more"] if len(copies) > MOST_COPIES else []
    return f"{title} (also in {', '.join(others)})"


def _place(result: Placed | CopyView, *, several: bool) -> str:
    place = f"{shown_path(result.path)}:{result.start_line}-{result.end_line}"
    return f"[{result.index_id}] {place}" if several else place


def most_informative_line(result: Placed, lines: Sequence[str]) -> list[str]:
    """The most informative line of code: its declaration, or else the first one with words. A
    declaration over several lines is joined."""
    telling = [n for n, line in enumerate(lines) if not line.lstrip().startswith(_ASIDE)]
    found = next((n for n in telling if result.symbol and result.symbol in lines[n]), None)
    if found is None:
        numbers = telling or range(len(lines))
        found = next((n for n in numbers if any(map(str.isalnum, lines[n]))), None)
    if found is None:
        return []
    line = lines[found]
    for following in lines[found + 1 : found + 1 + MOST_LINES_OF_A_DECLARATION]:
        if len(line) > LONGEST_TELLING_LINE or not line.endswith(_GOES_ON):
            break
        line += ("" if line.endswith(("(", "[", "{")) else " ") + following.strip()
    return [shortened(line, LONGEST_TELLING_LINE)]


def _show_code(sheet: Sheet, result: Placed, *, several: bool) -> bool:
    """Add a snippet's code, or as much of its start as fits; returns whether something was
    added."""
    lines = code_lines(result.text)
    title = head(result, several=several)
    gap = [""] if sheet.has_lines else []
    if sheet.add(*gap, title, *fenced(lines)):
        return True
    rest = f"… to line {result.end_line}: read {shown_path(result.path)}"
    room = sheet.left - len(title) - len(rest) - 2 * len(fenced(lines)[0]) - 5
    shown: list[str] = []
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            break
        shown.append(line)
    if len(shown) < LEAST_LINES_OF_A_PART:
        return False
    return sheet.add(*gap, title, *fenced(shown), rest)
