"""Jupyter notebooks: their cells, without the output.

A notebook is JSON. Usually each line of a cell is a string on its own line of the file, so the
lines of a snippet are file lines, and an editor that opens the file as text jumps to the source. If
a cell is a single string, all of it is on that line.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from json.decoder import scanstring  # type: ignore[attr-defined] # exists also in its C form
from typing import Any

from kodit.domain.entities import Snippet
from kodit.domain.languages import language_named
from kodit.domain.mentions import decode_mentions, mention_row
from kodit.domain.snippet import Extent

EXTENSION = ".ipynb"

_PROSE = "markdown"
_USUAL = "python"
_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder(strict=False)
_MAGIC = re.compile(r"^([ \t]*)[%!?](?=\S)|^([ \t]*)(?=\w[\w.]*\?{1,2}\s*$)", re.MULTILINE)
"""Commands to the notebook, not code: `%matplotlib inline`, `!pip`, `name?`."""
_CELL_MAGIC = re.compile(r"%%([\w!]+)[^\n]*")
_SAME_LANGUAGE = frozenset(
    "time timeit capture prun memit mprun debug px writefile cython heat snakeviz".split()
)
"""Cell magics after which the cell is still in the kernel's language."""
_OTHER_LANGUAGES = {
    "sh": "bash",
    "script": "bash",
    "!": "bash",
    "js": "javascript",
    "latex": "text",
}


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell that is not empty: its language, its lines, and the row of the file (from 0) of each
    line. `code` is the same text with magics commented out for the grammar.
    """

    language: str
    lines: list[str]
    rows: list[int]
    code: str


@dataclass(frozen=True, slots=True)
class Notebook:
    """`language` is that of the kernel."""

    language: str
    cells: list[Cell]


def read_notebook(text: str) -> Notebook | None:
    """The notebook in a file's text, with `\\n` as line ends, or None if it is not a notebook."""
    try:
        return _Reader(text).read()
    except (ValueError, KeyError, IndexError, TypeError, RecursionError):
        return None


def placed(snippet: Snippet, cell: Cell) -> Snippet:
    """A snippet of a cell with its line numbers changed from those of the cell to those of the
    file.
    """

    def line_of(line: int) -> int:
        return cell.rows[min(line, len(cell.rows)) - 1] + 1

    start = line_of(snippet.start_line)
    mentions = (
        mention_row(one.kind, line_of(one.line) - start, one.name, one.qualifier, one.alias)
        for one in decode_mentions(snippet.mentions, snippet.start_line)
    )
    return replace(
        snippet,
        start_line=start,
        end_line=line_of(snippet.end_line),
        also_defines=tuple(
            one.__class__(one.symbol, *map(line_of, one[1:])) for one in snippet.also_defines
        ),
        extents=tuple(Extent(*map(line_of, one)) for one in snippet.extents),
        mentions="\n".join(mentions),
    )


@dataclass(slots=True)
class _RawCell:
    kind: str = ""
    language: str | None = None
    source: tuple[tuple[int, str], ...] = ()
    """Strings, each with its offset in the file."""


class _Reader:
    """Descends to the cells; everything else is decoded as a whole or skipped."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._line_ends = [match.start() for match in re.finditer("\n", text)]
        self._metadata: dict[str, Any] = {}
        self._raw: list[_RawCell] = []

    def read(self) -> Notebook | None:
        self._skip_space()
        has_cells = False
        for key in self._keys():
            if key == "metadata":
                found = self._value()
                self._metadata = found if isinstance(found, dict) else {}
            elif key == "cells":
                has_cells = True
                self._read_cells()
            elif key == "worksheets":  # format versions before 4
                has_cells = True
                for _ in self._elements():
                    for inner in self._keys():
                        self._read_cells() if inner == "cells" else self._value()
            else:
                self._value()
        if not has_cells:
            return None
        language = self._kernel_language()
        return Notebook(language, [*self._cells(language)])

    def _read_cells(self) -> None:
        for _ in self._elements():
            cell = _RawCell()
            for key in self._keys():
                match key:
                    case "source" | "input":
                        cell.source = tuple(self._texts())
                    case "cell_type":
                        cell.kind = str(self._value())
                    case "metadata":
                        cell.language = _language_of_cell(self._value())
                    case _:
                        self._value()
            self._raw.append(cell)

    def _cells(self, kernel: str) -> Iterator[Cell]:
        for raw in self._raw:
            lines: list[str] = []
            rows: list[int] = []
            goes_on = False
            for place, part in raw.source:
                row = bisect_right(self._line_ends, place - 1)
                for number, line in enumerate(part.split("\n")):
                    if number == 0 and goes_on:
                        lines[-1] += line
                    else:
                        lines.append(line)
                        rows.append(row)
                # Each element but the last usually ends with a newline, and the next begins another
                # line.
                goes_on = True
                if part.endswith("\n"):
                    lines.pop()
                    rows.pop()
                    goes_on = False
            if any(line.strip() for line in lines):
                yield _cell(raw, lines, rows, kernel)

    def _kernel_language(self) -> str:
        for name, key in (("kernelspec", "language"), ("language_info", "name")):
            about = self._metadata.get(name)
            found = about.get(key) if isinstance(about, dict) else None
            if isinstance(found, str) and found.strip():
                return language_named(found)
        return _USUAL

    def _skip_space(self) -> None:
        match = _SPACE.match(self._text, self._at)
        self._at = match.end() if match else self._at

    def _take(self, character: str) -> None:
        if self._text[self._at] != character:
            raise ValueError(f"{character} expected")
        self._at += 1
        self._skip_space()

    def _string(self) -> str:
        self._take_quote()
        value, self._at = scanstring(self._text, self._at, False)
        self._skip_space()
        return str(value)

    def _take_quote(self) -> None:
        if self._text[self._at] != '"':
            raise ValueError("a text expected")
        self._at += 1

    def _value(self) -> Any:
        value, self._at = _DECODER.raw_decode(self._text, self._at)
        self._skip_space()
        return value

    def _keys(self) -> Iterator[str]:
        """The keys of an object; the caller must consume the value of each."""
        self._take("{")
        while self._text[self._at] != "}":
            key = self._string()
            self._take(":")
            yield key
            if self._text[self._at] != "}":
                self._take(",")
        self._take("}")

    def _elements(self) -> Iterator[None]:
        """Yields once for each element of an array; the caller must consume it."""
        self._take("[")
        while self._text[self._at] != "]":
            yield
            if self._text[self._at] != "]":
                self._take(",")
        self._take("]")

    def _texts(self) -> Iterator[tuple[int, str]]:
        if self._text[self._at] == "[":
            for _ in self._elements():
                yield self._at, self._string()
        else:
            yield self._at, self._string()


def _cell(raw: _RawCell, lines: list[str], rows: list[int], kernel: str) -> Cell:
    text = "\n".join(lines)
    if raw.kind != "code":
        language = _PROSE if raw.kind in ("markdown", "heading") else "text"
        return Cell(language, lines, rows, text)
    language = raw.language or kernel
    magic = _CELL_MAGIC.match(text)
    if magic is not None:
        name = magic[1].lower()
        if name not in _SAME_LANGUAGE:
            language = language_named(_OTHER_LANGUAGES.get(name, name))
        text = " " * len(magic[0]) + text[magic.end() :]
    if language == _USUAL:
        text = _MAGIC.sub(_commented, text)
    return Cell(language, lines, rows, text)


def _commented(match: re.Match[str]) -> str:
    return f"{match[1] or match[2] or ''}#"


def _language_of_cell(metadata: Any) -> str | None:
    about = metadata.get("vscode") if isinstance(metadata, dict) else None
    found = about.get("languageId") if isinstance(about, dict) else None
    return language_named(found) if isinstance(found, str) and found.strip() else None
