"""Snippets, and the symbols that they define."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from enum import StrEnum
from operator import attrgetter
from typing import Any, NamedTuple

from kodit.domain.pickling import pickled_by_fields


class SymbolKind(StrEnum):
    """What a snippet defines."""

    FUNCTION = "function"
    METHOD = "method"
    CLASS = "class"
    INTERFACE = "interface"
    ENUM = "enum"
    STRUCT = "struct"
    TRAIT = "trait"
    MODULE = "module"
    TYPE = "type"
    CONSTANT = "constant"
    MACRO = "macro"
    SECTION = "section"
    """A heading of a document with the text below it."""
    PROPERTY = "property"
    FIELD = "field"
    EVENT = "event"
    VARIABLE = "variable"
    ROUTE = "route"
    """A URL path that a program serves."""
    TARGET = "target"
    TASK = "task"
    TABLE = "table"
    VIEW = "view"
    PROCEDURE = "procedure"
    TRIGGER = "trigger"
    INDEX = "index"
    """A database index."""


@dataclass(frozen=True, slots=True)
class Symbol:
    """The definition in a snippet: `name` in `scope` (`Outer.Inner`, empty at the top)."""

    name: str
    kind: SymbolKind
    scope: str = ""

    def __reduce__(self) -> tuple[Any, ...]:
        """Tens of thousands travel between processes, at a third of the cost of the default."""
        return Symbol, (self.name, self.kind, self.scope)

    @property
    def qualified_name(self) -> str:
        return f"{self.scope}.{self.name}" if self.scope else self.name


class Extent(NamedTuple):
    """Where a definition is in its file: the line of its name, and its first and last line,
    including its leading comment."""

    line: int
    start_line: int
    end_line: int


class PlacedSymbol(NamedTuple):
    """A symbol, the lines of its file that define it, both inclusive, and the line of its name, 0
    if an older extractor did not record it."""

    symbol: Symbol
    start_line: int
    end_line: int
    line: int = 0


class MinorSymbol(PlacedSymbol):
    """A symbol that can be looked up by name but is not used in the ranking of searches: a field, a
    value, a function inside another one."""

    __slots__ = ()


def hash_text(text: str) -> str:
    """128-bit BLAKE2b of `text`, hexadecimal."""
    import hashlib  # noqa: PLC0415 - it loads OpenSSL, and a process that only reads hashes nothing

    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class Snippet:
    """A piece of one file.

    `path` is relative to the source, with `/`; lines count from 1 and both ends are included;
    `symbol` is None for module-level code and line chunks; `also_defines` are its other
    definitions: small neighbours, the members of a small type, and minor symbols. `mentions` are
    the names that it uses, as `domain.mentions` encodes them. `extents` are the places of
    `symbol`'s own definition, which may be several and extend beyond the snippet; none if the
    snippet only continues it.
    """

    path: str
    start_line: int
    end_line: int
    language: str
    symbol: Symbol | None
    text: str
    content_hash: str = field(default="")
    also_defines: tuple[PlacedSymbol, ...] = ()
    mentions: str = ""
    extents: tuple[Extent, ...] = ()

    def __reduce__(self) -> tuple[Any, ...]:
        """As for a symbol."""
        return Snippet, _FIELDS(self)

    def __post_init__(self) -> None:
        if not self.content_hash:
            object.__setattr__(self, "content_hash", hash_text(self.text))


_FIELDS = attrgetter(*(field.name for field in fields(Snippet)))


@pickled_by_fields
@dataclass(frozen=True, slots=True)
class SlicedFile:
    """All snippets of one file, in line order.

    `problem` says in a few words why the file was not read ("binary") or was split by lines
    ("parser ran out of time"), and is None if there was no problem.
    """

    path: str
    language: str
    snippets: tuple[Snippet, ...]
    problem: str | None = None
