"""The signature of a definition, and the first sentence of its documentation."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from kodit.domain.symbols import Definition

LONGEST_SIGNATURE = 240
LONGEST_SENTENCE = 160
MOST_LINES = 400
"""The lines of a definition that its signature may take, with documented parameters."""
LONGEST_PARAGRAPH = 30
"""The lines that are read of a docstring."""

_WITH_COLON = frozenset({"python", "starlark", "gdscript", "nim"})
"""Languages whose signatures end with a colon."""
_WITH_ARROWS = frozenset({"javascript", "typescript", "tsx"})
"""Languages where a function is often a value that is assigned to its name."""
_WITH_STRINGS = _WITH_COLON | _WITH_ARROWS | {"php", "ruby"}
"""Languages where an apostrophe starts a string."""
_WITHOUT_BRACES = frozenset({"elixir", "lua"})
"""Languages where a brace starts no body, but a value or a type."""
_VALUES = frozenset({"constant", "variable", "field"})
_CALLABLE = frozenset({"function", "method"})
_OPENING, _CLOSING = "([{", ")]}"
_COMMENT = re.compile(r"\s*(?:#(?!\[)|//[/!]?|/\*+!?|\*(?!/)|--+|;+|%+|\"\"\")\s?(.*?)\s*(?:\*/)?$")
_END_OF_BLOCK = re.compile(r"\s*\*/$")
_DOCSTRING = re.compile(r"\s*[rRuU]?(\"\"\"|'''|\"|')")
_TAG = re.compile(r"</?[A-Za-z][^<>]*>|\{@\w+\s+([^{}]*)\}")
_NO_PROSE = re.compile(
    r"(?:noqa|type:|pylint|pragma|eslint|@ts-|prettier|nolint|go:|clippy|istanbul|region|endregion"
    r"|-\*-|!|\+|=|-|\*|~|copyright|spdx|licen[sc]e)",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"(?<=[.!?])(?:\s|$)")
_ABBREVIATION = re.compile(r"(?:\b(?:e\.g|i\.e|etc|vs|cf|approx|no)|\b[A-Z])\.$")
_LONG_STRING = re.compile(
    r"(\"\"\"|\'\'\')(?:(?!\1).)*(?:\1|$)|\"[^\"\n]{24,}\"|\'[^\'\n]{24,}\'", re.DOTALL
)
"""A text within a signature, such as the documentation of a parameter."""
_DO = re.compile(r"\s+do$")
_FUNCTION_VALUE = re.compile(r"=\s*(?:async\b\s*)?(?:\(|<|function\b|[\w$]+\s*=>)")
_ARROW = re.compile(r"\s*=>$")


def signature_of(definition: Definition, lines: Mapping[int, str], language: str) -> str:
    """A definition from the line of its name to where its body starts, on one line."""
    return _tidy(_head(definition, lines, language)[0])


def _head(definition: Definition, lines: Mapping[int, str], language: str) -> tuple[str, int]:
    """The text of the signature, and the line where it ends."""
    kind = definition.snippet.kind or ""
    text: list[str] = []
    depth, quote = 0, ""
    is_assigned = False
    last = max(definition.line, definition.snippet.end_line)
    for number in range(definition.line, min(last, definition.line + MOST_LINES) + 1):
        line = lines.get(number, "").strip()
        text.append("")
        before = ""
        for place, character in enumerate(line):
            following = line[place + 1 : place + 2]
            if quote:
                if line.startswith(quote, place) and before != "\\":
                    quote = ""
            elif line.startswith(('"""', "'''"), place) and before != character:
                quote = line[place : place + 3]
            elif character == '"' or (character == "'" and language in _WITH_STRINGS):
                quote = character
            elif (
                depth == 0
                and language in _WITH_ARROWS
                and not is_assigned
                and _FUNCTION_VALUE.match(line, place)
            ):
                is_assigned = True
            elif depth == 0 and (
                (is_assigned and line.startswith("=>", place))
                or _ends(character, before, following, language, kind)
            ):
                return "".join([*text[:-1], " ", line[:place]]), number
            elif (character == "#" and language in _WITH_COLON) or (
                character == "/" and following == "/" and language not in _WITH_COLON
            ):
                line = line[:place]
                break
            elif character in _OPENING:
                depth += 1
            elif character in _CLOSING:
                depth -= 1
            before = character
        text[-1] = f" {line}"
        if depth <= 0 and not quote and not _continues(line, language):
            break
    return "".join(text), number


def _ends(character: str, before: str, following: str, language: str, kind: str) -> bool:
    """Whether a signature ends before a character outside all brackets."""
    if language in _WITH_COLON:
        return character == ":" and kind not in _VALUES
    if character in "{;":
        return character != "{" or language not in _WITHOUT_BRACES
    is_assignment = character == "=" and following not in {"=", ">"} and before not in "=!<>:"
    return is_assignment and kind in _CALLABLE and before == " "


def _continues(line: str, language: str) -> bool:
    """Whether a signature goes on after a line outside all brackets."""
    return line.endswith((",", "->", "where")) or (
        language in {"java", "csharp", "rust", "cpp", "c", "kotlin", "scala", "swift"}
        and not line.endswith((";", "}", ")"))
        and bool(line)
    )


def _tidy(text: str) -> str:
    text = _DO.sub("", " ".join(_LONG_STRING.sub('"…"', text).split()))
    text = _ARROW.sub("", text)
    text = re.sub(r"([(\[]) ", r"\1", re.sub(r",? ([)\]])", r"\1", text))
    if len(text) > LONGEST_SIGNATURE:
        return f"{text[: LONGEST_SIGNATURE - 1]}…"
    return text


def sentence_about(definition: Definition, lines: Mapping[int, str], language: str) -> str:
    """The first sentence of a definition's documentation: of its docstring, or of the comment above
    it; empty if it has none."""
    return (
        (first_sentence(_docstring(definition, lines, language)) if language in _WITH_COLON else "")
        or first_sentence(_comment_above(definition, lines))
        or ""
    )


def _docstring(definition: Definition, lines: Mapping[int, str], language: str) -> str:
    """The text of the string that is the first statement."""
    number = _head(definition, lines, language)[1] + 1
    end = definition.snippet.end_line
    while number <= end and not lines.get(number, "").strip():
        number += 1
    return docstring_at(lines, number)


def docstring_at(lines: Mapping[int, str], number: int) -> str:
    """The first paragraph of the string that starts on a line; empty if none does."""
    first = lines.get(number, "")
    quote = _DOCSTRING.match(first)
    if quote is None:
        return ""
    mark = quote[1]
    text = first[quote.end() :]
    found = []
    for offset in range(1, LONGEST_PARAGRAPH):
        inside, closed, _ = text.partition(mark)
        found.append(inside.strip())
        if closed or len(mark) == 1 or (not found[-1] and any(found)):
            break
        text = lines.get(number + offset, "")
    return " ".join(found)


def _comment_above(definition: Definition, lines: Mapping[int, str]) -> str:
    """The first paragraph of the comment that leads to a definition."""
    first = definition.snippet.start_line
    found: list[str] = []
    is_in_block = False
    for number in range(first, definition.line):
        line = lines.get(number, "")
        comment = _COMMENT.match(line)
        is_in_block = is_in_block or "/*" in line
        if comment is not None and not _END_OF_BLOCK.match(line):
            text = comment[1].strip()
        elif is_in_block and not _END_OF_BLOCK.match(line):
            text = line.strip()
        else:
            text = ""
        if "*/" in line:
            is_in_block = False
        if text.startswith("@") and line.lstrip().startswith("--"):
            continue  # an annotation of types in Lua
        if text.startswith("@") and found:
            break
        if not text and any(found):
            break
        if text and not _NO_PROSE.match(text):
            found.append(text)
    return " ".join(found)


def first_sentence(text: str) -> str:
    """The first sentence, without markup, in at most `LONGEST_SENTENCE` characters."""
    text = " ".join(_TAG.sub(lambda tag: tag[1] or "", text).split())
    start = 0
    while (end := _SENTENCE_END.search(text, start)) is not None:
        if not _ABBREVIATION.search(text[: end.start()]):
            text = text[: end.start()]
            break
        start = end.end()
        if start >= len(text):
            break
    return text if len(text) <= LONGEST_SENTENCE else f"{text[: LONGEST_SENTENCE - 1].rstrip()}…"


def numbered(texts: Sequence[tuple[int, str]]) -> dict[int, str]:
    """The lines of a file by number, from pieces with their first lines."""
    return {
        number: line for first, text in texts for number, line in enumerate(text.split("\n"), first)
    }
