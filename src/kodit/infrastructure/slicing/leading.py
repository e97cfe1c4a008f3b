"""The comments, decorators and attributes right above a definition."""

from __future__ import annotations

from collections.abc import Sequence

from kodit.infrastructure.slicing.languages import Language


def with_leading_lines(row: int, floor: int, lines: Sequence[str], language: Language) -> int:
    """The first row, `floor` or later, of the comments and attributes directly above the definition
    at `row`, with no blank line between them.
    """
    while row > floor:
        line = lines[row - 1].strip()
        if not line:
            break
        if language.leading and line.startswith(language.leading):
            row -= 1
            continue
        opened = _opening_row(row - 1, floor, line, lines, language)
        if opened is None:
            break
        row = opened
    return row


def _opening_row(
    row: int, floor: int, line: str, lines: Sequence[str], language: Language
) -> int | None:
    """The row on which the comment that ends on `row` begins, or None if no comment ends there."""
    for opening, closing in language.enclosing:
        if line.endswith(closing):
            for candidate in range(row, floor - 1, -1):
                if lines[candidate].lstrip().startswith(opening):
                    return candidate
    return None
