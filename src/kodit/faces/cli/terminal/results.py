"""Results of searches as text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kodit.application.views.search import CopyView, ResultView
from kodit.domain.ranking.places import QueryPlace
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
"""Lines of text per result, by default."""
_ROWS_FOR_OTHERS = 3
"""Rows for the next prompt and the notices."""
_TAB = 4
_MOST_OTHERS = 5
"""The maximum number of further definitions named for a result."""
_MOST_COPIES = 3
"""The maximum number of copies named for a result."""

_LEAST_ROOM = 4
"""Characters; a name with less space is left out."""


Read = Callable[[ResultView, int, int], Sequence[str]]
"""Returns a range of lines of a result's file; empty if it cannot be read."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How results are shown: the first `lines` of each text, or, if None, of the best results, as
    many as suit the screen; or with `context` the best line, with this many lines of its file
    around it, which `read` returns. `find` finds the matches in a line. `asked` are places that
    the query names: of a result that holds one, its lines are shown."""

    places: Places
    lines: int | None = None
    context: int | None = None
    find: Find = nothing
    read: Read | None = None
    asked: Sequence[QueryPlace] = ()

    def window(self, result: ResultView, text: Sequence[str], size: int) -> range:
        """The lines of a result's text to show: around the one that the query names, or else those
        with the most matches."""
        lines = [
            place.line - result.start_line
            for place in self.asked
            if result.start_line <= place.line < result.start_line + len(text)
            and place.likeness(result.source, result.path)
        ]
        if not lines or size >= len(text):
            return best_window(text, size, self.find)
        start = max(0, min(lines[0] - (size - 1) // 2, len(text) - size))
        return range(start, start + size)


def show_results(results: Sequence[ResultView], layout: Layout) -> None:
    """Print place and symbol of each result, some lines of its text, and on request the parts of
    its score. On a terminal all of it fits the screen, if it has a row for each result: the best
    results get the most lines."""
    texts = [_lines_of(result.text) for result in results]
    by_itself = screen.is_terminal() and layout.lines is None and layout.context is None
    wanted = LINES if layout.lines is None else layout.lines
    heads = [_head(number, result, layout.places) for number, result in enumerate(results, 1)]
    others = sum(1 for result in results if result.also_in)
    shown = _fitting(heads, texts, others) if by_itself else [wanted] * len(results)
    for head, result, text, most in zip(heads, results, texts, shown, strict=True):
        print_as_it_is(head)
        if result.also_in:
            print_as_it_is(paint(f"    {_also_in(result.also_in, layout.places)}", FAINT))
        if result.explanation:
            parts = (f"{part.signal} {part.points:+.2f}" for part in result.explanation)
            print_as_it_is(f"    = {printable(', '.join(parts))}")
        if layout.context is not None:
            first, around = around_best(result, text, layout)
            _show_numbered(result, around, range(len(around)), first, layout)
        elif by_itself:
            window = layout.window(result, text, most)
            _show_numbered(result, text, window, result.start_line, layout)
        elif layout.lines is None:
            _show_some(result, text, layout.window(result, text, most), layout)
        else:
            _show_some(result, text, range(min(most, len(text))), layout)
        if result.cut and not by_itself:
            print_as_it_is("    … cut by --budget")
        if most and not by_itself:
            print_as_it_is("")


def _lines_of(text: str) -> list[str]:
    """The lines of a text as they are numbered: at newlines alone, not at form feeds."""
    return text.removesuffix("\n").split("\n") if text else []


def _fitting(heads: Sequence[str], texts: Sequence[Sequence[str]], others: int) -> list[int]:
    columns, rows = screen.size()
    beyond = sum(screen.rows_of(head, columns) - 1 for head in heads) + others
    return lines_that_fit([len(text) for text in texts], rows - _ROWS_FOR_OTHERS - beyond)


def lines_that_fit(lengths: Sequence[int], rows: int) -> list[int]:
    """How many lines of each text are shown in the given rows, each below a head of one row: of the
    best one up to LINES, then one of each other, and then the rest, from the second on."""
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
    """The window of `size` lines with the most matches; the first one if several are equal."""
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
    """The line with the most matches, with its context, and the number of the first of these lines.
    If the file cannot be read, the lines come from the result itself."""
    context = layout.context or 0
    best = layout.window(result, text, 1).start
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
    """The head of a result: on a terminal at most one row, unless the path alone is longer, and
    without the score, which means something only beside others or with its explanation."""
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


def _also_in(copies: Sequence[CopyView], places: Places) -> str:
    """The copies of a result in one line, cut to the width of a terminal."""
    named = [
        f"{places.of(one.source, one.path)}:{one.start_line}-{one.end_line}"
        for one in copies[:_MOST_COPIES]
    ]
    more = f" and {counted(len(copies) - len(named), 'more place')}" if copies[len(named) :] else ""
    line = f"also in {', '.join(named)}{more}"
    room = screen.size()[0] - 4
    return f"{line[: room - 1]}…" if screen.is_terminal() and len(line) > room else line


def _show_some(result: ResultView, text: Sequence[str], chosen: range, layout: Layout) -> None:
    """Print lines unchanged, with a note on how many others there are."""
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
    """Print lines with their numbers, from a text that starts at line `first`; on a terminal no
    line exceeds its width."""
    lines = [printable(line, keep="\t").expandtabs(_TAB) for line in text]
    columns, _rows = screen.size()
    digits = len(str(first + len(text)))
    width = columns - digits - 6 if screen.is_terminal() else None
    shown = painted(
        lines, chosen, language=result.language, path=result.path, find=layout.find, width=width
    )
    for number, line in zip(chosen, shown, strict=True):
        print_as_it_is(f"    {paint(f'{first + number:>{digits}}', LINE)}  {line}")
