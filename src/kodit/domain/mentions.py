"""Where a file uses names, as its grammar sees it: without a word on what they mean.

What a name means is a question to the whole index, and is answered when it is asked. So mentions
are stored with the snippet on whose lines they stand, and live and die with it.
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


_LETTERS = {
    MentionKind.CALL: "c",
    MentionKind.IMPORT: "i",
    MentionKind.INHERITS: "h",
    MentionKind.TYPE: "t",
    MentionKind.WRITE: "w",
    MentionKind.READ: "r",
}
_KINDS = {letter: kind for kind, letter in _LETTERS.items()}


class Mention(NamedTuple):
    """A name on a line of its file, from 1.

    `qualifier` is what stands before the name (`self.pool` in `self.pool.get()`), of an import the
    module it comes from; `?` stands for an expression that is no chain of names. `alias` is the
    name by which the file goes on: that of an import (`as`), of the variable, parameter or field
    that has the type, or to which a call's result is assigned. Both are empty where there is none.
    """

    kind: MentionKind
    name: str
    line: int
    qualifier: str = ""
    alias: str = ""


def mention_row(kind: MentionKind, line: int, name: str, qualifier: str, alias: str) -> str:
    """A mention as a line of text; its own line counts from the first of its snippet, from 0. Tens
    of thousands travel between processes, and rest in a column."""
    if alias:
        return f"{_LETTERS[kind]}{line}\t{name}\t{qualifier}\t{alias}"
    return (
        f"{_LETTERS[kind]}{line}\t{name}\t{qualifier}"
        if qualifier
        else f"{_LETTERS[kind]}{line}\t{name}"
    )


def encode_mentions(mentions: Iterable[Mention], first_line: int) -> str:
    """Mentions as one text, their lines counted from `first_line`."""
    return "\n".join(
        mention_row(kind, line - first_line, name, qualifier, alias)
        for kind, name, line, qualifier, alias in mentions
    )


def decode_mentions(text: str, first_line: int) -> Iterator[Mention]:
    """What `mention_row` wrote, a row on each line."""
    for row in text.split("\n") if text else ():
        place, name, *rest = row.split(_SEPARATOR)
        yield Mention(_KINDS[place[0]], name, first_line + int(place[1:]), *rest)


_FIELD = r"[^\t\n]*"
_OF_ORIGINS = re.compile(r"^[ih].*$", re.MULTILINE)
_WITH_ALIAS = re.compile(rf"^([^ih\n]{_FIELD})\t({_FIELD})\t({_FIELD})\t(.+)$", re.MULTILINE)


@lru_cache(maxsize=64)
def _named(names: tuple[str, ...]) -> re.Pattern[str]:
    either = "|".join(map(re.escape, names))
    return re.compile(rf"^{_FIELD}\t(?:{either})(?:\t.*)?$", re.MULTILINE)


class MentioningSnippet(NamedTuple):
    """What a stored snippet mentions, and what it defines: `symbol` in `scope`, and others."""

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
        """The mentions of these names."""
        return decode_mentions("\n".join(_named(names).findall(self.encoded)), self.start_line)

    @property
    def origins(self) -> Iterator[Mention]:
        """The mentions that tell where names come from: imports and bases."""
        rows = "\n".join(_OF_ORIGINS.findall(self.encoded))
        return decode_mentions(rows, self.start_line)

    @property
    def sayings(self) -> list[tuple[str, str, str, str]]:
        """The other mentions with an alias, as they are written; see `heard`."""
        return _WITH_ALIAS.findall(self.encoded)

    def heard(self, saying: tuple[str, str, str, str]) -> Mention:
        """A saying as a mention."""
        place, name, qualifier, alias = saying
        line = self.start_line + int(place[1:])
        return Mention(_KINDS[place[0]], name, line, qualifier, alias)

    def around(self, line: int) -> str:
        """The qualified name of the innermost definition on a line, "" at the top of a file."""
        inner = min(
            (one for one in self.also_defines if one.start_line <= line <= one.end_line),
            key=lambda one: one.end_line - one.start_line,
            default=None,
        )
        if inner is not None:
            return inner.symbol.qualified_name
        return ".".join(filter(None, (self.scope, self.symbol))) if self.symbol else ""
