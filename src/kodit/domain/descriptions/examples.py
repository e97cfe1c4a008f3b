"""Statements as examples: where one starts and ends, and what two of them have in common."""

from __future__ import annotations

import re
from collections.abc import Mapping

from kodit.domain.search import StoredSnippet

_FENCES = ("```", "~~~", "----")
MOST_LINES = 12
"""The lines of an example, after which it is cut."""
_OPENING, _CLOSING = "([{", ")]}"
_QUOTED = re.compile(r"([\"'`])(?:\\.|(?!\1).)*\1")
_NUMBER = re.compile(r"\b\d[\w.]*")
_NAME_OF_VALUE = re.compile(r"\b[\w.]+(?=\s*[,)\]}=]|\s*$)")


def statement_at(lines: Mapping[int, str], line: int) -> tuple[int, int]:
    """The first and last line of the statement on a line, as brackets tell; for a statement with a
    block, also the first line of the block."""
    first = line
    depth = 0
    while first - 1 in lines and line - first < MOST_LINES // 2:  # inside an open bracket above
        depth += _balance(lines[first - 1])
        if depth > 0:
            first -= 1
            break
        if (
            not lines[first - 1].strip()
            or _indentation(lines[first - 1]) < _indentation(lines[line]) - 8
        ):
            break
        first -= 1
    else:
        first = line
    if depth <= 0:
        first = line
    last, depth = first, 0
    while True:
        depth += _balance(lines.get(last, ""))
        if depth <= 0 and last >= line:
            break
        if last + 1 not in lines or last - first + 1 >= MOST_LINES:
            break
        last += 1
    is_block = lines.get(last, "").rstrip().endswith((":", "{", "->", " do"))
    following = lines.get(last + 1, "")
    if (
        is_block
        and _indentation(following) > _indentation(lines[first])
        and not _balance(following)
    ):
        last += 1
    return first, max(last, line)


def is_code_in_document(snippet: StoredSnippet, line: int) -> bool:
    """Whether a line of a document is in a block of code: between fences, or indented as in
    reStructuredText."""
    lines = snippet.text.split("\n")
    before = lines[: line - snippet.start_line]
    text = lines[line - snippet.start_line] if line - snippet.start_line < len(lines) else ""
    if sum(one.lstrip().startswith(_FENCES) for one in before) % 2:
        return True
    is_indented = text.startswith(("   ", "\t")) and snippet.language in {"rst", "asciidoc", "text"}
    return is_indented or text.lstrip().startswith(">>> ")


def _balance(line: str) -> int:
    code = _QUOTED.sub("", line).split("//", 1)[0].split(" #", 1)[0]
    return sum(map(code.count, _OPENING)) - sum(map(code.count, _CLOSING))


def _indentation(line: str) -> int:
    return len(line) - len(line.lstrip())


def without_values(code: str) -> str:
    """What a statement has in common with others of its shape: without the values of literals, the
    names of arguments' values, results and blanks."""
    text = _NUMBER.sub("x", _QUOTED.sub("x", code))
    text = re.sub(r"^\s*[\w., *:\[\]]+?\s*:?=\s(?!=)", "", text)  # what the result is called
    text = _NAME_OF_VALUE.sub("x", text)
    return re.sub(r"[\s,]+", "", text)
