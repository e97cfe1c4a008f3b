"""Names in code: parsing of queries for them, their declarations and their uses."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache

from kodit.domain.prototypes import without_declarations
from kodit.domain.ranking.terms import query_terms_of
from kodit.domain.search import EVERYTHING, SearchFilter, StoredSnippet
from kodit.domain.snippet import Extent, MinorSymbol, SymbolKind
from kodit.domain.spelling import fold_case

_SEPARATOR = re.compile(r"::|->|[.#/\\]")
_SUFFIXES = re.compile(r"\.[^/]*$")
_ENTRANCE = re.compile("/(?:__init__|index|mod|lib)$")
"""Files that stand for their folder."""

_OPERATOR_WORD = "operator"
_OPERATOR = re.compile(
    r"(?:(?P<scope>[\w.:#]*\w)(?:\.|::|\#))?"
    r"(?:operator\s*(?P<sign>\(\)|\[\]=?|[^\w\s()\[\]\"'`]+)"
    r"|\(?(?P<bare>\[\]=?|(?!\*+\)?$)[^\w\s()\[\]\"'`]+)\)?)"
)
"""An operator; stars alone are a pattern."""
_SIGN = re.compile(r"\[\]=?|[^\w\s()\[\]\"'`]+")

_IDENTIFIER = re.compile(r"[^\W\d]\w*")
LONGEST_HEAD = 1_000
"""How many characters of a type are read for its bases."""

MEMBERS = frozenset({"method", "constant", "property", "field", "event", "variable"})
"""Kinds that are members of their scope, and named through it."""

GAP_LINES = 2
"""Lines that may separate two pieces of one definition: blank lines belong to no snippet."""

_WITH_CLAUSES = frozenset({"elixir", "erlang", "haskell"})
"""Languages that write one function in several equations, with or without blank lines between
them."""

_KEYWORDS = (
    "def|defp|fn|fun|func|function|sub|procedure|class|object|actor|interface|protocol|enum"
    "|struct|record|union|trait|module|namespace|defmodule|package|type|typealias|newtype|const"
    r"|let|var|val|static|\#\s*define|macro_rules!|defmacro|defmacrop"
)
"""Keywords that precede a declared name."""

_MODIFIERS = (
    "export|default|public|private|protected|internal|static|final|abstract|async|pub|unsafe"
    "|override|open|sealed|data|inline|virtual|extern|declare|local|partial|readonly|lateinit"
    "|suspend|mut"
)

_NAME = r"[^\W\d][\w$]*(?:(?:\.|::|\#|->|/|\\)[^\W\d][\w$]*)*[!?]?"
_DECLARED = re.compile(
    # Go writes the receiver between `func` and the name.
    rf"(?:(?:{_MODIFIERS})\s+)*(?:{_KEYWORDS}|defs|abstract|data|sealed|enum\s+class|impl)\s+"
    rf"(?:\([^()]*\)\s*)?({_NAME}(?:\s*\(.*)?)"
    r"(?:\s*(?:[:{<(=\[].*|(?:extends|implements|struct|interface)\b.*))?;?$",
    re.DOTALL,
)
"""A declaration by a keyword of the language before the name."""
_LONGEST_LINE = 300
_CALLED = re.compile(rf"(?:[\w<>\[\],:]+[\s*&]+)*({_NAME})\(.*$", re.DOTALL)
"""A name followed by a bracket, with an optional result type before it."""


class AskedUses(StrEnum):
    """Which uses of a name are wanted, if not all."""

    CALLERS = "callers"
    CALLEES = "callees"
    """What the definition itself calls."""
    IMPLEMENTATIONS = "implementations"
    """Types that inherit from it or implement it."""
    IMPORTS = "imports"


@dataclass(frozen=True, slots=True)
class SymbolRequest:
    """A name, plain or qualified (`Scope.name`, also `Scope::name` and `Scope#name`), in which a
    star matches any letters if no definition has exactly that name; the files and kinds to search;
    and how many definitions and references to return of each, after the first `offset`. `uses` is
    one of `AskedUses`; without it all uses are returned."""

    name: str
    filter: SearchFilter = EVERYTHING
    kinds: tuple[str, ...] = ()
    limit: int = 50
    offset: int = 0
    uses: str = ""


@dataclass(frozen=True, slots=True)
class Definition:
    """A definition, as a snippet of its first and last line, and the line of the name, which a
    comment or a decorator may precede."""

    snippet: StoredSnippet
    line: int


@dataclass(frozen=True, slots=True)
class FileOutline:
    """The definitions of a file of an index, in the order of lines; `lines` is the number of its
    last non-empty line."""

    index_id: int
    source: str
    path: str
    language: str
    lines: int
    definitions: tuple[Definition, ...]


class Use(StrEnum):
    """How a line uses a name."""

    CALL = "call"
    IMPORT = "import"
    INHERITS = "inherits"
    TYPE = "type"
    WRITE = "write"
    READ = "read"
    TEXT = "text"
    """A word in a comment, a string, a document, or a language that is not parsed."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A line that uses a name as a whole word. `snippet` is where it is, `within` the qualified
    name of the definition around it. `is_likely` is set if the file does not say for certain which
    definition of that name is meant. `name` is the used name if it is not the requested one, and
    `target` its definition, if one is indexed."""

    snippet: StoredSnippet
    line: int
    text: str
    use: Use = Use.TEXT
    within: str = ""
    is_likely: bool = True
    name: str = ""
    target: StoredSnippet | None = None


@dataclass(frozen=True, slots=True)
class SymbolAnswer:
    """The definitions of a name, best first, and its uses, by place. Complete when neither list was
    cut; `has_more` says that another page follows. `near` are names that were probably meant, if
    nothing was found."""

    definitions: tuple[Definition, ...]
    references: tuple[Reference, ...]
    is_complete: bool
    has_more: bool = False
    near: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RequestedName:
    """A requested name: `whole`, and the plain name with the scopes before it. If `is_loose`, other
    scopes may lie between these and before the name, as in `pool.QueuePool` for a class of
    `pool/impl.py`."""

    whole: str
    plain: str
    scopes: tuple[str, ...]
    is_loose: bool = False

    @property
    def plain_names(self) -> tuple[str, ...]:
        """The spellings of the plain name: an operator with or without the word `operator`."""
        sign = self.plain.removeprefix(_OPERATOR_WORD)
        if sign not in ("", self.plain) and not _IDENTIFIER.match(sign.lstrip(" 0123456789")):
            return self.plain, sign
        if sign.strip("*") and _SIGN.fullmatch(sign):
            return sign, _OPERATOR_WORD + sign
        return (self.plain,)

    @property
    def names(self) -> tuple[str, ...]:
        """All names that a matching definition may have."""
        return tuple(dict.fromkeys((self.whole, *self.plain_names)))

    def is_defined_by(self, snippet: StoredSnippet) -> bool:
        """Whether a snippet defines the name, ignoring case."""
        symbol = fold_case(snippet.symbol or "")
        if symbol == fold_case(self.whole):
            return True
        if self.is_loose and snippet.kind == SymbolKind.SECTION:
            return False  # a document mentions much that it does not define
        if symbol not in map(fold_case, self.plain_names):
            return False
        return self.is_within(snippet.scope, snippet.path, snippet.source)

    def is_within(self, scope: str, path: str, source: str = "") -> bool:
        """Whether the scopes around a definition end with the requested ones, ignoring case: types
        and namespaces, and before them its file and folders, which name modules in some languages;
        if `is_loose`, the name of its source as well."""
        module = _ENTRANCE.sub("", _SUFFIXES.sub("", fold_case(path)))
        around = [part for part in _SEPARATOR.split(f"{module}.{fold_case(scope)}") if part]
        asked = list(map(fold_case, self.scopes))
        if self.is_loose:
            holding = re.split(r"[/:@]", source.rstrip("/").lower().removesuffix(".git"))
            left = iter([*holding, *around])
            return all(any(_matches(part, one) for one in left) for part in asked)
        ends = around[-len(asked) :]
        return not asked or (len(ends) == len(asked) and all(map(_matches, asked, ends)))

    @property
    def is_pattern(self) -> bool:
        """Whether a star in it may match any letters; an operator may also have a star."""
        return "*" in self.whole

    def matches(self, symbol: str) -> bool:
        """Whether a symbol matches the name, ignoring case, with each star matching any letters."""
        symbol = fold_case(symbol)
        return any(_matches(fold_case(one), symbol) for one in self.names)

    def is_spelled_by(self, snippet: StoredSnippet) -> bool:
        """Whether the snippet's symbol has exactly this name."""
        return snippet.symbol in self.names


def _matches(asked: str, name: str) -> bool:
    if "*" not in asked:
        return asked == name
    return re.fullmatch(".*".join(map(re.escape, asked.split("*"))), name) is not None


def bases_named(symbol: str, text: str) -> set[str]:
    """The words of a type's text between its name and its body, case-folded, in any language: its
    bases, besides parameters and keywords."""
    match = _word(symbol).search(text)
    if match is None:
        return set()
    head, depth = [], 0
    for character in text[match.end() : match.end() + LONGEST_HEAD]:
        depth += (character in "([") - (character in ")]")
        if character in "{;" or (character == "\n" and depth <= 0):
            break
        head.append(character)
    return {fold_case(name) for name in _IDENTIFIER.findall("".join(head))}


def parse_name(text: str) -> RequestedName:
    """Parses `name`, `Scope.name`, `Scope::name`, `Scope#name`, each also as in code: followed by
    `()`, `(` or parameters, or after `class`, `def` and the like. An operator is written as its
    sign, with or without `operator` before it."""
    if operator := _OPERATOR.fullmatch(text.strip()):
        scopes = [part for part in _SEPARATOR.split(operator["scope"] or "") if part]
        sign = operator["bare"] or _OPERATOR_WORD + operator["sign"]
        return RequestedName(text.strip(), sign, tuple(scopes))
    whole = text.strip().removesuffix("()")
    name = _name_in_code(whole)
    parts = [part for part in _SEPARATOR.split(name) if part] or [name]
    return RequestedName(whole, parts[-1], tuple(parts[:-1]))


def _name_in_code(text: str) -> str:
    """The name in a line of code that defines or calls it. Any other text is returned unchanged, as
    titles of sections contain spaces too."""
    if len(text) > _LONGEST_LINE:
        return text
    declared = _DECLARED.match(text)
    text = declared[1] if declared else text
    called = _CALLED.match(text)
    text = called[1] if called else text
    return text.removeprefix("self.") if declared or called else text


def rarest_terms(name: str) -> list[str]:
    """The search terms of every text with this name: for an identifier the most specific one."""
    return query_terms_of(name)[-1:]


def merge_pieces(snippets: Iterable[StoredSnippet]) -> list[StoredSnippet]:
    """Each definition once, however many snippets it was split into, with the text of the first of
    them; the clauses of a function are one definition."""
    groups: dict[tuple[object, ...], list[StoredSnippet]] = {}
    for snippet in snippets:
        key = snippet.file_id, snippet.scope, snippet.symbol, snippet.kind, snippet.is_minor
        groups.setdefault(key, []).append(snippet)
    merged: list[StoredSnippet] = []
    for group in groups.values():
        # Without extents, it continues with other definitions, or was split by an older extractor.
        placed = [one for snippet in group for one in _at_its_extents(snippet)]
        merged += _adjacent_ones(placed or group)
    return sorted(merged, key=lambda one: (one.file_id, one.start_line))


def _at_its_extents(snippet: StoredSnippet) -> Iterator[StoredSnippet]:
    """A snippet's own symbol, as one snippet for each place where it is defined."""
    lines = snippet.text.split("\n")
    for extent in snippet.extents:
        start = max(extent.start_line, snippet.start_line)
        first = start - snippet.start_line
        text = "\n".join(lines[first : extent.end_line - snippet.start_line + 1])
        yield replace(
            snippet, start_line=start, end_line=extent.end_line, text=text, extents=(extent,)
        )


def _adjacent_ones(snippets: Iterable[StoredSnippet]) -> list[StoredSnippet]:
    merged: list[StoredSnippet] = []
    for snippet in sorted(snippets, key=lambda one: one.start_line):
        before = merged[-1] if merged else None
        if before is None or snippet.start_line > before.end_line + _gap_after(before) + 1:
            merged.append(snippet)
            continue
        extents = tuple(dict.fromkeys((*before.extents, *snippet.extents)))
        end_line = max(before.end_line, snippet.end_line)
        merged[-1] = replace(before, end_line=end_line, extents=extents)
    return merged


def _gap_after(snippet: StoredSnippet) -> int:
    return 0 if snippet.extents and snippet.language not in _WITH_CLAUSES else GAP_LINES


def parts_of(snippet: StoredSnippet) -> Iterator[StoredSnippet]:
    """The other definitions in a snippet, each as a snippet of its own."""
    lines = snippet.text.split("\n")
    for placed in snippet.also_defines:
        symbol, start, last, line = placed
        first = max(start, snippet.start_line)
        yield replace(
            snippet,
            start_line=first,
            end_line=last,
            symbol=symbol.name,
            kind=symbol.kind.value,
            scope=symbol.scope,
            text="\n".join(lines[first - snippet.start_line : last - snippet.start_line + 1]),
            also_defines=(),
            extents=(Extent(line, first, last),) if line else (),
            is_minor=isinstance(placed, MinorSymbol),
        )


def outlined(snippets: Iterable[StoredSnippet]) -> tuple[Definition, ...]:
    """All definitions in the snippets of a file, in the order of lines, outer ones before inner
    ones."""
    defining = [one for snippet in snippets for one in (snippet, *parts_of(snippet)) if one.symbol]
    whole = without_declarations(merge_pieces(defining))
    whole.sort(key=lambda one: (one.start_line, -one.end_line))
    return tuple(Definition(one, naming_line(one)) for one in whole)


def uses(name: str, text: str) -> Iterator[tuple[int, str]]:
    """The lines of a text that have a name as a whole word: the number of lines before, and the
    line."""
    word = _word(name)
    if word.search(text):
        for number, line in enumerate(text.split("\n")):
            if word.search(line):
                yield number, line


def declares(name: str, line: str) -> bool:
    """Whether a line declares the name, by the words before it."""
    return name in line and _declaration(name).match(line) is not None


def naming_line(snippet: StoredSnippet) -> int:
    """The line with the name of a definition. If an older extractor did not record it, the line
    that declares the name, or else the first that contains it, or else the first."""
    if snippet.extents:
        return snippet.extents[0].line
    name = snippet.symbol or ""
    first: int | None = None
    for number, line in uses(name, snippet.text):
        if declares(name, line):
            return snippet.start_line + number
        first = number if first is None else first
    return snippet.start_line + (first or 0)


def naming_lines(snippet: StoredSnippet) -> set[int]:
    """All lines with the name of a definition, including those of its further clauses."""
    return {one.line for one in snippet.extents} or {naming_line(snippet)}


@lru_cache(maxsize=256)
def _word(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(name)}(?!\w)")


@lru_cache(maxsize=256)
def _declaration(name: str) -> re.Pattern[str]:
    # Go writes the receiver between `func` and the name, Rust the visibility in brackets.
    modifiers = rf"(?:(?:{_MODIFIERS})(?:\([^()]*\))?\s+)*+"
    return re.compile(rf"\s*{modifiers}(?:{_KEYWORDS})\s+(?:\([^()]*\)\s*)?{re.escape(name)}(?!\w)")
