"""Results of searches as text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kodit.application.views.search import ResultView
from kodit.faces.cli.terminal import screen
from kodit.faces.cli.terminal.output import print_as_it_is, printable
from kodit.faces.cli.terminal.paint import (
    FAINT,
    LINE,
    NAME,
    PATH,
    Find,
    nothing,
    paint,
    painted,
)
from kodit.faces.cli.terminal.places import Places
from kodit.faces.cli.terminal.runs import counted

LINES = 6
"""Lines of text of a result, unless the user says otherwise."""
_ROWS_FOR_OTHERS = 3
"""For the next prompt, and what is said beside the results."""
_TAB = 4
_MOST_OTHERS = 5
"""Names of further definitions that are told of a result."""

_LEAST_ROOM = 4
"""Characters; a name that would have less is left out."""


Read = Callable[[ResultView, int, int], Sequence[str]]
"""The lines of the file of a result from one number to another; none where it cannot be read."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How results are shown: the first `lines` of text of each, None for those that answer best, as
    many as suit the screen; or with `context` the line that answers best, with so many lines of
    its file around it, which `read` gives. `find` finds in a line what was asked for."""

    places: Places
    lines: int | None = None
    context: int | None = None
    find: Find = nothing
    read: Read | None = None


def show_results(results: Sequence[ResultView], layout: Layout) -> None:
    """Place and symbol of each result, some lines of its text, and what its score is made of where
    that was asked for. On a terminal all of it fits the screen, if it is large enough for a line of
    each: the best results have most of it."""
    texts = [result.text.splitlines() for result in results]
    by_itself = screen.is_terminal() and layout.lines is None and layout.context is None
    wanted = LINES if layout.lines is None else layout.lines
    heads = [_head(number, result, layout.places) for number, result in enumerate(results, 1)]
    shown = _fitting(heads, texts) if by_itself else [wanted] * len(results)
    for head, result, text, most in zip(heads, results, texts, shown, strict=True):
        print_as_it_is(head)
        if result.explanation:
            parts = (f"{part.signal} {part.points:+.2f}" for part in result.explanation)
            print_as_it_is(f"    = {printable(', '.join(parts))}")
        if layout.context is not None:
            first, around = around_best(result, text, layout)
            _show_numbered(result, around, range(len(around)), first, layout)
        elif by_itself:
            window = best_window(text, most, layout.find)
            _show_numbered(result, text, window, result.start_line, layout)
        elif layout.lines is None:
            _show_some(result, text, best_window(text, most, layout.find), layout)
        else:
            _show_some(result, text, range(min(most, len(text))), layout)
        if result.cut and not by_itself:
            print_as_it_is("    … cut by --budget")
        if most and not by_itself:
            print_as_it_is("")


def _fitting(heads: Sequence[str], texts: Sequence[Sequence[str]]) -> list[int]:
    columns, rows = screen.size()
    beyond = sum(screen.rows_of(head, columns) - 1 for head in heads)
    return lines_that_fit([len(text) for text in texts], rows - _ROWS_FOR_OTHERS - beyond)


def lines_that_fit(lengths: Sequence[int], rows: int) -> list[int]:
    """How many lines of each text are shown in so many rows, each below a head of one row: of the
    best as many as LINES, then one of each other, and then what is left, from the second on."""
    left = rows - len(lengths)
    shown = [0] * len(lengths)
    wishes = [(place, LINES if place == 0 else 1) for place in range(len(lengths))]
    wishes += [(place, LINES) for place in range(1, len(lengths))]
    for place, wish in wishes:
        more = max(0, min(wish, lengths[place]) - shown[place])
        shown[place] += min(more, max(0, left))
        left -= more
    return shown


def best_window(text: Sequence[str], size: int, find: Find) -> range:
    """So many lines in a row that hold most of what was asked for; the first of such."""
    if size >= len(text):
        return range(len(text))
    found = [_words_in(line, find) for line in text]
    last = len(text) - size
    start = max(
        range(last + 1), key=lambda start: (len(set().union(*found[start : start + size])), -start)
    )
    return range(start, start + size)


def around_best(
    result: ResultView, text: Sequence[str], layout: Layout
) -> tuple[int, Sequence[str]]:
    """The line that holds most of what was asked for, with its context, and the number of the
    first of these lines. Where the file cannot be read, there are those of the result."""
    context = layout.context or 0
    best = best_window(text, 1, layout.find).start
    number = result.start_line + best
    first = max(1, number - context)
    lines = () if layout.read is None else layout.read(result, first, number + context)
    if lines:
        return first, lines
    start = max(0, best - context)
    return result.start_line + start, text[start : best + context + 1]


def _words_in(line: str, find: Find) -> set[str]:
    return {line[start:end].lower() for start, end in find(line)}


def _head(number: int, result: ResultView, places: Places) -> str:
    """On a terminal no longer than one row, unless the path alone is, and without the score,
    which says something beside others or with what it is made of."""
    place = places.of(result.source, result.path)
    lines = f"{result.start_line}-{result.end_line}"
    start = f"{number:>2}. {paint(place, PATH)}:{paint(lines, LINE)}"
    whole = f"{result.scope}.{result.symbol}" if result.scope else result.symbol or ""
    name = printable(whole) if result.symbol else ""
    kind = f"{printable(result.kind or '')} " if result.symbol else ""
    others = [printable(one) for one in result.also_defines or ()]
    more = ["…"] if len(others) > _MOST_OTHERS else []
    all_names = ", ".join([*filter(None, (name,)), *others[:_MOST_OTHERS], *more])
    score = f"  {paint(f'({result.score:.4f})', FAINT)}"
    if screen.is_terminal():
        room = screen.size()[0] - len(f"{number:>2}. {place}:{lines}  {kind}")
        if len(all_names) <= room:
            name = all_names
        elif others and len(name) + 3 <= room:
            name = f"{name}, …" if name else ""
        if len(name) > room:
            name = printable(result.symbol or "")
        name = name if len(name) <= room else f"{name[: room - 1]}…"
        kind, name = (kind, name) if room > _LEAST_ROOM else ("", "")
        score = score if result.explanation else ""
    else:
        name = all_names
    symbol = f"  {kind}{paint(name, NAME)}" if name else ""
    return f"{start}{symbol}{score}"


def _show_some(result: ResultView, text: Sequence[str], chosen: range, layout: Layout) -> None:
    """Lines as they are, with a word of how many others there are."""
    lines = [printable(line, keep="\t") for line in text]
    if chosen.start:
        print_as_it_is(paint(f"    … {counted(chosen.start, 'line')} before", FAINT))
    for line in painted(
        lines, chosen, language=result.language, path=result.path, find=layout.find
    ):
        print_as_it_is(f"    {line}")
    if chosen and len(text) > chosen.stop:
        print_as_it_is(paint(f"    … {counted(len(text) - chosen.stop, 'more line')}", FAINT))


def _show_numbered(
    result: ResultView, text: Sequence[str], chosen: range, first: int, layout: Layout
) -> None:
    """Lines with their numbers, of a text whose first line has this one; on a terminal none is
    longer than it is wide."""
    lines = [printable(line, keep="\t").expandtabs(_TAB) for line in text]
    columns, _rows = screen.size()
    digits = len(str(first + len(text)))
    width = columns - digits - 6 if screen.is_terminal() else None
    shown = painted(
        lines, chosen, language=result.language, path=result.path, find=layout.find, width=width
    )
    for number, line in zip(chosen, shown, strict=True):
        print_as_it_is(f"    {paint(f'{first + number:>{digits}}', LINE)}  {line}")
