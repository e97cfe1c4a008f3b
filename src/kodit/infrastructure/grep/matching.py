"""Searching lines with RE2: the time is linear in the text, whatever the expression.

Expressions have RE2's syntax. With its option `never_nl` only `\\C` matches a line end, so that
searching the whole text gives the same result as searching each line; `^` and `$` are the ends of a
line, `\\A` and `\\z` those of the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

import re2  # type: ignore[import-untyped]

from kodit.domain.errors import InvalidQueryError
from kodit.domain.grep import Expression, FoundLine, LineShape
from kodit.domain.text import cut_line, is_text

LONGEST_PATTERN = 5_000
"""Characters of an expression; anything longer is text rather than an expression."""

Compiled = Any
"""A compiled expression; the library has no type hints."""


def compile_expression(expression: Expression) -> Compiled:
    """The compiled expression. Raises InvalidQueryError, with RE2's own message, if it is invalid
    or takes too much memory.
    """
    for pattern in (expression.pattern, *expression.more):
        _check(pattern)
    options = re2.Options()
    options.never_nl = True
    options.log_errors = False
    options.case_sensitive = not expression.ignore_case
    try:
        return re2.compile(_source_of(expression), options)
    except re2.error as error:
        raise InvalidQueryError(
            f"'{expression.pattern}' is not a regular expression: {_reason(error)}",
            code="expression_invalid",
            pattern=expression.pattern,
        ) from None
    finally:
        # The library would keep the last 128 expressions, each with up to 8 MB of states.
        re2.purge()


def _source_of(expression: Expression) -> str:
    parts = [
        re2.escape(pattern) if expression.is_fixed else pattern
        for pattern in (expression.pattern, *expression.more)
    ]
    whole = "|".join(f"(?:{part})" for part in parts) if len(parts) > 1 else parts[0]
    if expression.whole_words:
        whole = rf"\b(?:{whole})\b"
    return whole if expression.is_fixed and len(parts) == 1 else f"(?m){whole}"


def _check(pattern: str) -> None:
    if not pattern:
        raise InvalidQueryError("the expression is empty; enter what a line must contain")
    if len(pattern) > LONGEST_PATTERN:
        raise InvalidQueryError(
            f"the expression has {len(pattern)} characters; at most {LONGEST_PATTERN} are allowed"
        )
    if "\n" in pattern:
        raise InvalidQueryError("the expression holds a line break; grep looks at single lines")
    if not is_text(pattern):
        raise InvalidQueryError(f"the expression {pattern!r} is not valid text")


def _reason(error: Exception) -> str:
    """RE2's message, without the prefix that was added to the pattern."""
    said = error.args[0] if error.args else ""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    if "pattern too large" in text:
        return "it is too large"
    return text.replace("(?m)", "", 1)


def find_lines(text: str, compiled: Compiled, *, context: int, limit: int) -> list[FoundLine]:
    """The first `limit` matching lines of a text, each once, with the column of its first match,
    and `context` lines around it.
    """
    return lines_of_shape(text, compiled, LineShape(context, context), limit)


def other_lines(text: str, compiled: Compiled, shape: LineShape, limit: int) -> list[FoundLine]:
    """The first `limit` lines that do not match, always whole."""
    lines = text.removesuffix("\n").split("\n") if text else []
    matching = {line.line for line in lines_of_shape(text, compiled, LineShape(), len(lines))}
    others = (number for number in range(1, len(lines) + 1) if number not in matching)
    return [
        _with_context(FoundLine(number, 1, cut_line(lines[number - 1])), lines, shape)
        for number in islice(others, limit)
    ]


def lines_of_shape(text: str, compiled: Compiled, shape: LineShape, limit: int) -> list[FoundLine]:
    """The first `limit` matching lines, or only their matching parts, according to `shape`."""
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
        if shape.only_matching:
            parts = _parts(data, compiled, match, start, end)
            found += [FoundLine(line, *part) for part in islice(parts, limit - len(found))]
            continue
        column = len(data[start : match.start()].decode("utf-8", "replace")) + 1
        shown = FoundLine(
            line, column, cut_line(data[start:end].decode("utf-8", "replace"), column)
        )
        if shape.before or shape.after:
            lines = lines or text.removesuffix("\n").split("\n")
            shown = _with_context(shown, lines, shape)
        found.append(shown)
    return found


def _parts(
    data: bytes, compiled: Compiled, match: Any, start: int, end: int
) -> Iterator[tuple[int, str]]:
    """The column and text of each match in the line from `start` to `end`, without empty ones."""
    while match is not None and match.start() <= end:
        first, behind = match.start(), min(match.end(), end)
        if behind > first:
            column = len(data[start:first].decode("utf-8", "replace")) + 1
            yield column, cut_line(data[first:behind].decode("utf-8", "replace"))
        match = compiled.search(data, max(behind, first + 1))


def _with_context(found: FoundLine, lines: list[str], shape: LineShape) -> FoundLine:
    before, line, after = shape.before, found.line, shape.after
    return replace(
        found,
        before=tuple(cut_line(near) for near in lines[max(0, line - 1 - before) : line - 1]),
        after=tuple(cut_line(near) for near in lines[line : line + after]),
    )
