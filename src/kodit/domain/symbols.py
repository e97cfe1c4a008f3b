"""Names in code: how they are asked for, where they are declared, where they are used."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from kodit.domain.ranking.terms import identifier_terms, terms
from kodit.domain.search import StoredSnippet
from kodit.domain.snippet import SymbolKind

_SEPARATOR = re.compile(r"\.|::|#|->|/")
_SUFFIXES = re.compile(r"\.[^/]*$")
_ENTRANCE = re.compile("/(?:__init__|index|mod|lib)$")
"""Files that are named by their folder."""
_PROSE = frozenset({"markdown", "restructuredtext", "text"})
"""What stands in documents is an example, not a definition."""

GAP_LINES = 2
"""Lines that may lie between two pieces of one definition: blank ones belong to no snippet."""

_KEYWORDS = {
    SymbolKind.FUNCTION: "def|defp|fn|fun|func|function|sub|procedure",
    SymbolKind.CLASS: "class|object|actor",
    SymbolKind.INTERFACE: "interface|protocol",
    SymbolKind.ENUM: "enum",
    SymbolKind.STRUCT: "struct|record|union",
    SymbolKind.TRAIT: "trait",
    SymbolKind.MODULE: "module|namespace|defmodule|package",
    SymbolKind.TYPE: "type|typealias|newtype",
    SymbolKind.CONSTANT: "const|let|var|val|static",
    SymbolKind.MACRO: r"\#\s*define|macro_rules!|defmacro|defmacrop",
}
"""The words by which languages declare a name that follows them."""

_MODIFIERS = (
    "export|default|public|private|protected|internal|static|final|abstract|async|pub|unsafe"
    "|override|open|sealed|data|inline|virtual|extern|declare|local|partial|readonly|lateinit"
    "|suspend|mut"
)


@dataclass(frozen=True, slots=True)
class AskedName:
    """A name as asked for: `whole`, and the plain name with the scopes before it."""

    whole: str
    plain: str
    scopes: tuple[str, ...]

    def is_defined_by(self, snippet: StoredSnippet) -> bool:
        """Whether a snippet defines the name, in any case."""
        symbol = (snippet.symbol or "").lower()
        if symbol == self.whole.lower():
            return True
        return symbol == self.plain.lower() and self.is_within(snippet.scope, snippet.path)

    def is_within(self, scope: str, path: str) -> bool:
        """Whether what a definition lies in ends with the scopes asked for, in any case: types and
        namespaces, and before them its file and folders, which some languages name modules by."""
        module = _ENTRANCE.sub("", _SUFFIXES.sub("", path.lower()))
        around = [part for part in _SEPARATOR.split(f"{module}.{scope.lower()}") if part]
        asked = [part.lower() for part in self.scopes]
        return not asked or around[-len(asked) :] == asked

    def is_spelled_by(self, snippet: StoredSnippet) -> bool:
        """Whether the snippet's symbol is the name to the letter."""
        return snippet.symbol in (self.whole, self.plain)


def parse_name(text: str) -> AskedName:
    """`name`, `Scope.name`, `Scope::name`, `Scope#name`, each also with `()` behind."""
    whole = text.strip().removesuffix("()")
    parts = [part for part in _SEPARATOR.split(whole) if part] or [whole]
    return AskedName(whole, parts[-1], tuple(parts[:-1]))


def rarest_terms(name: str) -> list[str]:
    """The search terms that every text with this name has: of an identifier the most telling."""
    found = identifier_terms(name) if name.isidentifier() else tuple(terms(name))
    return list(found[-1:])


def merge_pieces(snippets: Iterable[StoredSnippet]) -> list[StoredSnippet]:
    """A definition that was split into several snippets as one, with the text of the first."""
    merged: list[StoredSnippet] = []
    for snippet in sorted(snippets, key=lambda one: (one.file_id, one.start_line)):
        before = merged[-1] if merged else None
        if (
            before is not None
            and _same_symbol(before, snippet)
            and snippet.start_line <= before.end_line + GAP_LINES + 1
        ):
            merged[-1] = replace(before, end_line=max(before.end_line, snippet.end_line))
        else:
            merged.append(snippet)
    return merged


def _same_symbol(one: StoredSnippet, other: StoredSnippet) -> bool:
    return (one.file_id, one.scope, one.symbol, one.kind) == (
        other.file_id,
        other.scope,
        other.symbol,
        other.kind,
    )


def uses(name: str, text: str) -> Iterator[tuple[int, str]]:
    """Lines of a text in which a name stands as a whole word: how many lines before, and the
    line."""
    word = _word(name)
    if word.search(text):
        for number, line in enumerate(text.split("\n")):
            if word.search(line):
                yield number, line


def declared_kind(name: str, line: str, language: str) -> SymbolKind | None:
    """What a line declares the name as, by the words before it; None for most lines.

    Small definitions share a snippet, which has the symbol of the first: this finds the others.
    """
    if language in _PROSE or name not in line:
        return None
    match = _declaration(name).match(line)
    if match is None or (match.lastgroup in _FORWARD and line.rstrip().endswith(";")):
        return None
    return SymbolKind[match.lastgroup] if match.lastgroup else None


def block_end(lines: Sequence[str], start: int) -> int:
    """The last line of what the line `start` begins, by indentation: lines that lie deeper, and
    those that only close what was opened. A guess that needs no grammar."""
    margin, end = _indentation(lines[start]), start
    for number in range(start + 1, len(lines)):
        line = lines[number].strip()
        if not line:
            continue
        if _indentation(lines[number]) <= margin and not _CLOSING.match(line):
            break
        end = number
    return end


def _indentation(line: str) -> int:
    return len(line) - len(line.lstrip())


_CLOSING = re.compile(r"[)\]}]|end\b")


def naming_line(snippet: StoredSnippet) -> int:
    """The line on which a definition names itself: the one that declares the name, or else the
    first that has it, or else the first."""
    name = snippet.symbol or ""
    first: int | None = None
    for number, line in uses(name, snippet.text):
        if declared_kind(name, line, snippet.language):
            return snippet.start_line + number
        first = number if first is None else first
    return snippet.start_line + (first or 0)


_FORWARD = frozenset({"CLASS", "STRUCT", "ENUM"})
"""`class Name;` says that there is one, elsewhere."""


@lru_cache(maxsize=256)
def _word(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(name)}(?!\w)")


@lru_cache(maxsize=256)
def _declaration(name: str) -> re.Pattern[str]:
    escaped = re.escape(name)
    # Go writes the receiver between `func` and the name, Rust the visibility in brackets.
    declared = "|".join(
        rf"(?P<{kind.name}>(?:{words})\s+(?:\([^()]*\)\s*)?{escaped}(?!\w))"
        for kind, words in _KEYWORDS.items()
    )
    return re.compile(rf"\s*(?:(?:{_MODIFIERS})(?:\([^()]*\))?\s+)*+(?:{declared})")
