"""Finding lines with RE2: a match takes time in proportion to the text, whatever the expression.

Expressions have RE2's syntax. With its option `never_nl` nothing but `\\C` matches a line end, so
that searching the whole text finds what searching each line would; `^` and `$` are the ends of a
line, `\\A` and `\\z` those of the file.
"""

from __future__ import annotations

from typing import Any

import re2  # type: ignore[import-untyped]

from kodit.domain.errors import InvalidQueryError
from kodit.domain.grep import Expression, FoundLine
from kodit.domain.text import cut_line, is_text

LONGEST_PATTERN = 5_000
"""Characters of an expression; a longer one is a text, not a question."""

Compiled = Any
"""A compiled expression; the library has no types."""


def compile_expression(expression: Expression) -> Compiled:
    """Ready to search with. Raises InvalidQueryError, with RE2's own words, for what is no
    expression or takes too much memory."""
    pattern = expression.pattern
    if not pattern:
        raise InvalidQueryError("the expression is empty; say what a line must contain")
    if len(pattern) > LONGEST_PATTERN:
        raise InvalidQueryError(
            f"the expression has {len(pattern)} characters; at most {LONGEST_PATTERN} are read"
        )
    if "\n" in pattern:
        raise InvalidQueryError("the expression holds a line break; grep looks at single lines")
    if not is_text(pattern):
        raise InvalidQueryError(f"the expression {pattern!r} is not valid text")
    options = re2.Options()
    options.never_nl = True
    options.log_errors = False
    options.case_sensitive = not expression.ignore_case
    source = re2.escape(pattern) if expression.is_fixed else f"(?m){pattern}"
    try:
        return re2.compile(source, options)
    except re2.error as error:
        raise InvalidQueryError(
            f"{pattern!r} is not a regular expression: {_reason(error)}",
            code="expression_invalid",
            pattern=pattern,
        ) from None


def _reason(error: Exception) -> str:
    """What RE2 says is wrong, without the prefix that was put before the pattern."""
    said = error.args[0] if error.args else ""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    if "pattern too large" in text:
        return "it is too large"
    return text.replace("(?m)", "", 1)


def find_lines(text: str, compiled: Compiled, *, context: int, limit: int) -> list[FoundLine]:
    """The first `limit` lines of a text that match, each once, with the column of its first
    match."""
    data = text.encode("utf-8", "surrogatepass")
    lines: list[str] | None = None
    found: list[FoundLine] = []
    position, line, counted = 0, 1, 0
    end_of_last = len(data) - data.endswith(b"\n")
    while position <= end_of_last and data and len(found) < limit:
        match = compiled.search(data, position)
        if match is None or match.start() > end_of_last:
            break
        start = data.rfind(b"\n", 0, match.start()) + 1
        end = data.find(b"\n", match.start())
        end = len(data) if end < 0 else end
        line += data.count(b"\n", counted, start)
        counted, position = start, end + 1
        column = len(data[start : match.start()].decode("utf-8", "replace")) + 1
        shown = cut_line(data[start:end].decode("utf-8", "replace"), column)
        if not context:
            found.append(FoundLine(line, column, shown))
            continue
        if lines is None:
            lines = text.removesuffix("\n").split("\n")
        found.append(
            FoundLine(
                line,
                column,
                shown,
                tuple(cut_line(near) for near in lines[max(0, line - 1 - context) : line - 1]),
                tuple(cut_line(near) for near in lines[line : line + context]),
            )
        )
    return found
