"""Definitions and uses of a name."""

from __future__ import annotations

from itertools import groupby
from operator import attrgetter

from kodit.application.views.files import ReferenceView, SymbolsView
from kodit.faces.mcp.text.results import head, most_informative_line
from kodit.faces.mcp.text.sheet import (
    TITLE_OF_CALLEES,
    TITLES_OF_USES,
    Sheet,
    code_line,
    code_lines,
    fenced,
    kept_apart,
    shortened,
    shown_path,
)

LONGEST_LINE_OF_USE = 160


def show_symbols(sheet: Sheet, view: SymbolsView, *, several: bool) -> int:
    """Add as many definitions and as many uses as fit, the same number of each, and the code of
    definitions in the remaining space; returns how many of each were added."""
    most = max(len(view.definitions), len(view.references))
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        if sheet.fits(*_listing(view, middle, several=several, whole=set())):
            low = middle
        else:
            high = middle - 1
    whole: set[int] = set()
    for number in range(min(low, len(view.definitions))):
        if sheet.fits(*_listing(view, low, several=several, whole={*whole, number})):
            whole.add(number)
    sheet.add(*_listing(view, low, several=several, whole=whole))
    return low


def _listing(view: SymbolsView, count: int, *, several: bool, whole: set[int]) -> list[str]:
    lines: list[str] = []
    for number, definition in enumerate(view.definitions[:count]):
        only = " (declaration)" if definition.declaration else ""
        lines.append(f"{head(definition, several=several)}{only}")
        code = code_lines(definition.text)
        lines += (
            fenced(code) if number in whole else kept_apart(most_informative_line(definition, code))
        )
        if number in whole:
            lines.append("")
    for use, some in groupby(view.references[:count], attrgetter("use")):
        references = tuple(some)
        title = TITLE_OF_CALLEES if references[0].name else TITLES_OF_USES[use]
        lines += [title, *_uses(references, several=several)]
    return lines


def _uses(references: tuple[ReferenceView, ...], *, several: bool) -> list[str]:
    """Lines below the paths of their files."""
    lines: list[str] = []
    file: tuple[int, str] | None = None
    for one in references:
        if (one.index_id, one.path) != file:
            file = (one.index_id, one.path)
            lines.append((f"[{one.index_id}] " if several else "") + shown_path(one.path))
        text = shortened(code_line(one.text), LONGEST_LINE_OF_USE)
        lines.append(f"{one.line}:{_about(one)}{text}")
    return lines


def _about(one: ReferenceView) -> str:
    """The definition around a use, or the target of a call; and whether that is certain."""
    if one.name:
        likely = "likely " if one.target and one.likely else ""
        path, _, line = (one.target or "").rpartition(":")
        return f"[{likely}{shown_path(path)}:{line}] " if one.target else "[not indexed] "
    likely = "likely, " if one.likely and one.use != "text" else ""
    within = f"in {shown_path(one.within)}" if one.within else ""
    about = f"{likely}{within}".removesuffix(", ")
    return f"[{about}] " if about else ""
