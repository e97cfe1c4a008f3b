"""Colours, from the terminal's own palette, so that they suit its background."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from kodit.faces.cli.terminal import screen

if TYPE_CHECKING:
    from pygments.lexer import Lexer

PATH = "36"
LINE = "32"
NAME = "1"
FAINT = "2"
MATCH = "1;31"

LARGEST_TEXT = 300_000
"""Characters; in a longer text only the matches are highlighted, since parsing it takes seconds."""

Find = Callable[[str], Iterable[tuple[int, int]]]
"""Returns the matches in a line, as start and end offsets."""


def paint(text: str, style: str) -> str:
    """Printable text in a style, if colours are on."""
    return f"\x1b[{style}m{text}\x1b[m" if text and screen.has_color() else text


def nothing(_line: str) -> Iterable[tuple[int, int]]:
    """Finds nothing."""
    return ()


def words_of(query: str) -> Find:
    """Finds the words of a query, in any form and as parts of names."""
    from kodit.domain.ranking.query import understand  # noqa: PLC0415 - for terminals only
    from kodit.domain.ranking.terms import identifier_terms, places_of  # noqa: PLC0415 - as above

    terms = frozenset(understand(query).terms)

    def find(line: str) -> Iterable[tuple[int, int]]:
        if not line.isascii():
            yield from places_of(terms, line)
            return
        for run in _NAME.finditer(line):
            of_run = identifier_terms(run[0])
            if len(of_run) > 1 and of_run[-1] in terms:
                yield run.span()
            elif not terms.isdisjoint(of_run):
                for word in _WORD.finditer(run[0]):
                    if not terms.isdisjoint(identifier_terms(word[0])):
                        yield run.start() + word.start(), run.start() + word.end()

    return find


def matches_of(pattern: str, *, fixed: bool, ignore_case: bool) -> Find:
    """Finds the matches of grep."""
    from kodit.domain.grep import Expression  # noqa: PLC0415 - for terminals only
    from kodit.infrastructure.grep.matching import compile_expression  # noqa: PLC0415 - as above

    compiled = compile_expression(Expression(pattern, is_fixed=fixed, ignore_case=ignore_case))

    def find(line: str) -> Iterable[tuple[int, int]]:
        return [match.span() for match in compiled.finditer(line)]

    return find


def painted(
    lines: Sequence[str],
    chosen: Iterable[int],
    *,
    language: str = "",
    path: str = "",
    find: Find = nothing,
    width: int | None = None,
    around: bool = False,
) -> list[str]:
    """The chosen lines of a printable text, with syntax colours, highlighted matches, and at most
    `width` columns: a longer line is cut at its end or, with `around`, around its first match."""
    chosen = list(chosen)
    found = {number: list(find(lines[number])) for number in chosen}
    if not screen.has_color():
        return [_cut(lines[number], width, found[number] if around else ())[0] for number in chosen]
    styles = _styles(lines, _lexer(language, path))
    painted = []
    for number in chosen:
        for start, end in found[number]:
            styles[number][start:end] = [MATCH] * (end - start)
        line, skipped = _cut(lines[number], width, found[number] if around else ())
        painted.append(_in_styles(line, styles[number][skipped:]))
    return painted


def _styles(lines: Sequence[str], lexer: Lexer | None) -> list[list[str]]:
    """The style of each character of each line."""
    text = "\n".join(lines)
    styles = [""] * len(text)
    if lexer is not None and len(text) <= LARGEST_TEXT:
        for start, kind, value in lexer.get_tokens_unprocessed(text):
            style = _style_of(kind)
            if style:
                styles[start : start + len(value)] = [style] * len(value)
    by_line, start = [], 0
    for line in lines:
        by_line.append(styles[start : start + len(line)])
        start += len(line) + 1
    return by_line


def _in_styles(line: str, styles: Sequence[str]) -> str:
    parts, current = [], ""
    for character, style in zip(line, [*styles, ""], strict=False):
        if style != current:
            parts.append("\x1b[m" if current else "")
            parts.append(f"\x1b[{style}m" if style else "")
            current = style
        parts.append(character)
    if current:
        parts.append("\x1b[m")
    return "".join(parts)


def _cut(line: str, width: int | None, found: Sequence[tuple[int, int]]) -> tuple[str, int]:
    """The shown part of a line, and the number of characters before it."""
    if width is None or len(line) <= width:
        return line, 0
    start, end = found[0] if found else (0, 0)
    if end < width:
        return f"{line[: width - 1]}…", 0
    first = min(max(0, start - width // 3), len(line) - width)
    shown = line[first : first + width]
    last = "" if first + width == len(line) else "…"
    return f"…{shown[1 : width - len(last)]}{last}", first


def _style_of(kind: object) -> str:
    """The style of a token or of its nearest parent token."""
    name = str(kind)
    return next((style for prefix, style in _OF_TOKENS if name.startswith(prefix)), "")


_OF_TOKENS = (
    ("Token.Comment", FAINT),
    ("Token.Literal.String.Doc", FAINT),
    ("Token.Literal.String", "33"),
    ("Token.Literal.Number", "34"),
    ("Token.Keyword", "35"),
    ("Token.Name.Function", "1"),
    ("Token.Name.Class", "1"),
    ("Token.Name.Decorator", "35"),
    ("Token.Name.Tag", "35"),
    ("Token.Generic.Heading", "1"),
    ("Token.Generic.Subheading", "1"),
)
_NAME = re.compile(r"[^\W\d]\w*|\d+")
_WORD = re.compile(r"[A-Z]+(?![a-z])\d*|[A-Z]?[^\W\dA-Z_]+\d*|\d+")
_OTHER_NAMES = {"tsx": "typescript", "text": "", "": ""}


def _lexer(language: str, path: str) -> Lexer | None:
    """The lexer of a language, by its name or, failing that, by the name of the file."""
    from pygments.lexers import get_lexer_by_name, get_lexer_for_filename  # noqa: PLC0415 - heavy
    from pygments.util import ClassNotFound  # noqa: PLC0415 - as above

    name = _OTHER_NAMES.get(language, language)
    try:
        return get_lexer_by_name(name) if name else get_lexer_for_filename(path)
    except ClassNotFound:
        return None
