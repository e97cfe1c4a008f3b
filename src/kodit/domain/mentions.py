"""Where a file uses names, as its grammar sees it, without resolving them.

Which definition a name refers to depends on the whole index, and is resolved at query time. So a
mention is stored with the snippet that contains its line, and is replaced with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from kodit.domain.snippet import PlacedSymbol

_SEPARATOR = "\t"


class MentionKind(StrEnum):
    """How a name is used."""

    CALL = "call"
    IMPORT = "import"
    INHERITS = "inherits"
    TYPE = "type"
    WRITE = "write"
    READ = "read"


LETTERS = {
    MentionKind.CALL: "c",
    MentionKind.IMPORT: "i",
    MentionKind.INHERITS: "h",
    MentionKind.TYPE: "t",
    MentionKind.WRITE: "w",
    MentionKind.READ: "r",
}
"""How each kind begins a row."""
_KINDS = {letter: kind for kind, letter in LETTERS.items()}


class Mention(NamedTuple):
    """A name on a line of its file, counted from 1.

    `qualifier` is the text before the name (`self.pool` in `self.pool.get()`), for an import the
    module; `?` stands for an expression that is not a chain of names. `alias` is the name that the
    file binds: of an import (`as`), of the variable, parameter or field that has the type, or of
    the variable that a call's result is assigned to. Both may be empty.
    """

    kind: MentionKind
    name: str
    line: int
    qualifier: str = ""
    alias: str = ""


def mention_row(kind: MentionKind, line: int, name: str, qualifier: str, alias: str) -> str:
    """A mention as a line of text, its own line number relative to the snippet's first line, from
    0. Text, because tens of thousands travel between processes and are stored in a column."""
    return f"{LETTERS[kind]}{line}{mention_tail(name, qualifier, alias)}"


def mention_tail(name: str, qualifier: str, alias: str = "") -> str:
    """The part of such a line after the line number."""
    if alias:
        return f"\t{name}\t{qualifier}\t{alias}"
    return f"\t{name}\t{qualifier}" if qualifier else f"\t{name}"


def encode_mentions(mentions: Iterable[Mention], first_line: int) -> str:
    """Mentions as one text, with line numbers relative to `first_line`."""
    return "\n".join(
        mention_row(kind, line - first_line, name, qualifier, alias)
        for kind, name, line, qualifier, alias in mentions
    )


def decode_mentions(text: str, first_line: int) -> Iterator[Mention]:
    """Decodes the rows that `mention_row` wrote, one per line."""
    for row in text.split("\n") if text else ():
        place, name, *rest = row.split(_SEPARATOR)
        yield Mention(_KINDS[place[0]], name, first_line + int(place[1:]), *rest)


_ORIGINS = LETTERS[MentionKind.IMPORT] + LETTERS[MentionKind.INHERITS]
_BEFORE_ALIAS = 2
"""How many separators a row has before that of the alias."""
_FIELD = r"[^\t\n]*"
_OF_ORIGINS = re.compile(r"^[ih].*$", re.MULTILINE)
_WITH_ALIAS = re.compile(rf"^[^ih\n]{_FIELD}\t{_FIELD}\t{_FIELD}\t(.+)$", re.MULTILINE)


@lru_cache(maxsize=64)
def _named(names: tuple[str, ...]) -> re.Pattern[str]:
    either = "|".join(map(re.escape, names))
    by_module = rf"(?:[^\t\n]*[^\w\t\n])?(?:{either})(?:\.\w+)?(?:\t.*)?"
    whole = rf"i\d+\t\*\t(?:{by_module}|{_FIELD}\t(?:{either}))"
    return re.compile(rf"^(?:{_FIELD}\t(?:{either})(?:\t.*)?|{whole})$", re.MULTILINE)


class MentioningSnippet(NamedTuple):
    """The mentions of a stored snippet and what it defines: `symbol` in `scope`, and others."""

    id: int
    file_id: int
    start_line: int
    end_line: int
    symbol: str | None
    scope: str
    also_defines: tuple[PlacedSymbol, ...]
    encoded: str
    kind: str | None = None

    @property
    def mentions(self) -> Iterator[Mention]:
        return decode_mentions(self.encoded, self.start_line)

    def named(self, names: tuple[str, ...]) -> Iterator[Mention]:
        """The mentions of these names, and of modules that are imported as a whole by one of them,
        or under it: their own name is a star."""
        return decode_mentions("\n".join(_named(names).findall(self.encoded)), self.start_line)

    @property
    def origins(self) -> Iterator[Mention]:
        """The mentions that say where names come from: imports and bases."""
        rows = "\n".join(_OF_ORIGINS.findall(self.encoded))
        return decode_mentions(rows, self.start_line)

    @property
    def hinted(self) -> list[str]:
        """The aliases of the other mentions, which may tell their types; see `hints`."""
        return _WITH_ALIAS.findall(self.encoded)

    def hints(self, alias: str) -> Iterator[Mention]:
        """The mentions with one of these aliases, decoded."""
        text, ending = f"{self.encoded}\n", f"{_SEPARATOR}{alias}\n"
        end = text.find(ending)
        while end >= 0:
            row = text[text.rfind("\n", 0, end) + 1 : end]
            if row.count(_SEPARATOR) == _BEFORE_ALIAS and row[0] not in _ORIGINS:
                yield from decode_mentions(f"{row}{_SEPARATOR}{alias}", self.start_line)
            end = text.find(ending, end + len(ending))

    def around(self, line: int) -> str:
        """The qualified name of the innermost definition around a line, "" at the top of a file."""
        inner = min(
            (one for one in self.also_defines if one.start_line <= line <= one.end_line),
            key=lambda one: one.end_line - one.start_line,
            default=None,
        )
        if inner is not None:
            return inner.symbol.qualified_name
        return ".".join(filter(None, (self.scope, self.symbol))) if self.symbol else ""
