"""Names in code: how they are asked for, where they are declared, where they are used."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache

from kodit.domain.prototypes import without_declarations
from kodit.domain.ranking.terms import identifier_terms, terms
from kodit.domain.search import EVERYTHING, SearchFilter, StoredSnippet
from kodit.domain.snippet import Extent, MinorSymbol, SymbolKind

_SEPARATOR = re.compile(r"\.|::|#|->|/")
_SUFFIXES = re.compile(r"\.[^/]*$")
_ENTRANCE = re.compile("/(?:__init__|index|mod|lib)$")
"""Files that are named by their folder."""

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
"""Characters of the part of a type that names its bases."""

MEMBERS = frozenset({"method", "constant", "property", "field", "event", "variable"})
"""Kinds that are members of what they lie in, and named through it."""

GAP_LINES = 2
"""Lines that may lie between two pieces of one definition: blank ones belong to no snippet."""

_WITH_CLAUSES = frozenset({"elixir", "erlang", "haskell"})
"""Languages that write one function in several equations, blank lines between them or not."""

_KEYWORDS = (
    "def|defp|fn|fun|func|function|sub|procedure|class|object|actor|interface|protocol|enum"
    "|struct|record|union|trait|module|namespace|defmodule|package|type|typealias|newtype|const"
    r"|let|var|val|static|\#\s*define|macro_rules!|defmacro|defmacrop"
)
"""The words by which languages declare a name that follows them."""

_MODIFIERS = (
    "export|default|public|private|protected|internal|static|final|abstract|async|pub|unsafe"
    "|override|open|sealed|data|inline|virtual|extern|declare|local|partial|readonly|lateinit"
    "|suspend|mut"
)

_NAME = r"[^\W\d][\w$]*(?:(?:\.|::|\#|->|/)[^\W\d][\w$]*)*[!?]?"
_DECLARED = re.compile(
    # Go writes the receiver between `func` and the name.
    rf"(?:(?:{_MODIFIERS})\s+)*(?:{_KEYWORDS}|defs|abstract|data|sealed|enum\s+class|impl)\s+"
    rf"(?:\([^()]*\)\s*)?({_NAME}(?:\s*\(.*)?)"
    r"(?:\s*(?:[:{<(=\[].*|(?:extends|implements|struct|interface)\b.*))?;?$",
    re.DOTALL,
)
"""What declares a name by a word of the language before it."""
_LONGEST_LINE = 300
_CALLED = re.compile(rf"(?:[\w<>\[\],:]+[\s*&]+)*({_NAME})\(.*$", re.DOTALL)
"""A name with a bracket behind it, perhaps with the type of its result before it."""


class AskedUses(StrEnum):
    """Which uses of a name are asked for, where not all are."""

    CALLERS = "callers"
    CALLEES = "callees"
    """What the definition itself calls."""
    IMPLEMENTATIONS = "implementations"
    """Types that inherit from it or implement it."""
    IMPORTS = "imports"


@dataclass(frozen=True, slots=True)
class SymbolRequest:
    """A name, plain or qualified (`Scope.name`, also `Scope::name` and `Scope#name`), in which a
    star matches any letters where nothing is called exactly that; the files and kinds to look at;
    and how many definitions and references are wanted of each, after the first `offset`. `uses` is
    one of `AskedUses`; without it all uses are told."""

    name: str
    filter: SearchFilter = EVERYTHING
    kinds: tuple[str, ...] = ()
    limit: int = 50
    offset: int = 0
    uses: str = ""


@dataclass(frozen=True, slots=True)
class Definition:
    """What defines a name, as a snippet of its first and last line, and the line of the name:
    before that may stand a comment or a decorator."""

    snippet: StoredSnippet
    line: int


@dataclass(frozen=True, slots=True)
class FileOutline:
    """What a file of an index defines, from its first line to its last; `lines` is the last line
    that holds anything."""

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
    """A line on which a name is used, as a word of its own. `snippet` is where it stands, `within`
    the qualified name of the definition around it. It is likely where the file does not say for
    certain which definition of that name is meant. `name` is what is used where that is another
    name than was asked for, and `target` its definition, if one is indexed."""

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
    """Where a name is defined, best first, and where it is used, by place. Complete when neither
    list was cut short; `has_more` says that another page follows. `near` are names that were
    probably meant where nothing has been found."""

    definitions: tuple[Definition, ...]
    references: tuple[Reference, ...]
    is_complete: bool
    has_more: bool = False
    near: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AskedName:
    """A name as asked for: `whole`, and the plain name with the scopes before it. If `is_loose`,
    other scopes may lie between these and before the name, as where `pool.QueuePool` stands in
    `pool/impl.py`."""

    whole: str
    plain: str
    scopes: tuple[str, ...]
    is_loose: bool = False

    @property
    def plain_names(self) -> tuple[str, ...]:
        """The plain name as languages write it: an operator with the word `operator` before it or
        without."""
        sign = self.plain.removeprefix(_OPERATOR_WORD)
        if sign not in ("", self.plain) and not _IDENTIFIER.match(sign.lstrip(" 0123456789")):
            return self.plain, sign
        if sign.strip("*") and _SIGN.fullmatch(sign):
            return sign, _OPERATOR_WORD + sign
        return (self.plain,)

    @property
    def names(self) -> tuple[str, ...]:
        """All that a definition may be called that is meant."""
        return tuple(dict.fromkeys((self.whole, *self.plain_names)))

    def is_defined_by(self, snippet: StoredSnippet) -> bool:
        """Whether a snippet defines the name, in any case."""
        symbol = (snippet.symbol or "").lower()
        if symbol == self.whole.lower():
            return True
        if self.is_loose and snippet.kind == SymbolKind.SECTION:
            return False  # a document speaks of much that it does not hold
        if symbol not in map(str.lower, self.plain_names):
            return False
        return self.is_within(snippet.scope, snippet.path, snippet.source)

    def is_within(self, scope: str, path: str, source: str = "") -> bool:
        """Whether what a definition lies in ends with the scopes asked for, in any case: types and
        namespaces, and before them its file and folders, which some languages name modules by;
        loosely, the name of its source as well."""
        module = _ENTRANCE.sub("", _SUFFIXES.sub("", path.lower()))
        around = [part for part in _SEPARATOR.split(f"{module}.{scope.lower()}") if part]
        asked = [part.lower() for part in self.scopes]
        if self.is_loose:
            holding = re.split(r"[/:@]", source.rstrip("/").lower().removesuffix(".git"))
            left = iter([*holding, *around])
            return all(any(_matches(part, one) for one in left) for part in asked)
        ends = around[-len(asked) :]
        return not asked or (len(ends) == len(asked) and all(map(_matches, asked, ends)))

    @property
    def is_pattern(self) -> bool:
        """Whether a star in it may match any letters; it may also be that of an operator."""
        return "*" in self.whole

    def matches(self, symbol: str) -> bool:
        """Whether a symbol is the name in any case, each star matching any letters."""
        symbol = symbol.lower()
        return any(_matches(one.lower(), symbol) for one in self.names)

    def is_spelled_by(self, snippet: StoredSnippet) -> bool:
        """Whether the snippet's symbol is exactly the name."""
        return snippet.symbol in self.names


def _matches(asked: str, name: str) -> bool:
    if "*" not in asked:
        return asked == name
    return re.fullmatch(".*".join(map(re.escape, asked.split("*"))), name) is not None


def bases_named(symbol: str, text: str) -> set[str]:
    """What the text of a type names behind its own name and before its body, in lower case: its
    bases are among that, beside parameters and words of the language, in whichever language."""
    match = _word(symbol).search(text)
    if match is None:
        return set()
    head, depth = [], 0
    for character in text[match.end() : match.end() + LONGEST_HEAD]:
        depth += (character in "([") - (character in ")]")
        if character in "{;" or (character == "\n" and depth <= 0):
            break
        head.append(character)
    return {name.lower() for name in _IDENTIFIER.findall("".join(head))}


def parse_name(text: str) -> AskedName:
    """`name`, `Scope.name`, `Scope::name`, `Scope#name`, each also as it stands in code: with
    `()`, `(` or parameters behind, and after `class`, `def` and the like. An operator is named by
    its sign, with `operator` before it or without."""
    if operator := _OPERATOR.fullmatch(text.strip()):
        scopes = [part for part in _SEPARATOR.split(operator["scope"] or "") if part]
        sign = operator["bare"] or _OPERATOR_WORD + operator["sign"]
        return AskedName(text.strip(), sign, tuple(scopes))
    whole = text.strip().removesuffix("()")
    name = _name_in_code(whole)
    parts = [part for part in _SEPARATOR.split(name) if part] or [name]
    return AskedName(whole, parts[-1], tuple(parts[:-1]))


def _name_in_code(text: str) -> str:
    """The name in a line of code that defines or calls it. A text that is none stays as it is, as
    titles of sections have spaces too."""
    if len(text) > _LONGEST_LINE:
        return text
    declared = _DECLARED.match(text)
    text = declared[1] if declared else text
    called = _CALLED.match(text)
    text = called[1] if called else text
    return text.removeprefix("self.") if declared or called else text


def rarest_terms(name: str) -> list[str]:
    """The search terms that every text with this name has: of an identifier the most telling."""
    found = identifier_terms(name) if name.isidentifier() else tuple(terms(name))
    return list(found[-1:])


def merge_pieces(snippets: Iterable[StoredSnippet]) -> list[StoredSnippet]:
    """Each definition once, however many snippets it was cut into, with the text of the first of
    them; the clauses of a function are one definition."""
    groups: dict[tuple[object, ...], list[StoredSnippet]] = {}
    for snippet in snippets:
        key = snippet.file_id, snippet.scope, snippet.symbol, snippet.kind, snippet.is_minor
        groups.setdefault(key, []).append(snippet)
    merged: list[StoredSnippet] = []
    for group in groups.values():
        # Without extents it goes on with what others define, or was cut by an older extractor.
        placed = [one for snippet in group for one in _at_its_extents(snippet)]
        merged += _adjacent_ones(placed or group)
    return sorted(merged, key=lambda one: (one.file_id, one.start_line))


def _at_its_extents(snippet: StoredSnippet) -> Iterator[StoredSnippet]:
    """A snippet's own symbol, as a snippet for each place where it is defined."""
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
    """What a snippet defines beside its own symbol, each as a snippet of its own."""
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
    """All that the snippets of a file define, in the order of lines, what holds others before
    these."""
    defining = [one for snippet in snippets for one in (snippet, *parts_of(snippet)) if one.symbol]
    whole = without_declarations(merge_pieces(defining))
    whole.sort(key=lambda one: (one.start_line, -one.end_line))
    return tuple(Definition(one, naming_line(one)) for one in whole)


def uses(name: str, text: str) -> Iterator[tuple[int, str]]:
    """Lines of a text in which a name stands as a whole word: how many lines before, and the
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
    """The line on which a definition names itself. Where an older extractor did not tell, it is
    the one that declares the name, or else the first that has it, or else the first."""
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
    """All lines on which a definition names itself, those of its further clauses included."""
    return {one.line for one in snippet.extents} or {naming_line(snippet)}


@lru_cache(maxsize=256)
def _word(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(name)}(?!\w)")


@lru_cache(maxsize=256)
def _declaration(name: str) -> re.Pattern[str]:
    # Go writes the receiver between `func` and the name, Rust the visibility in brackets.
    modifiers = rf"(?:(?:{_MODIFIERS})(?:\([^()]*\))?\s+)*+"
    return re.compile(rf"\s*{modifiers}(?:{_KEYWORDS})\s+(?:\([^()]*\)\s*)?{re.escape(name)}(?!\w)")
