"""One row of the language table."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from kodit.domain.value_objects import SymbolKind


@dataclass(frozen=True, slots=True)
class Language:
    """One language.

    `wheel` is the distribution of its grammar, `module` and `function` where the grammar is, and
    `query` the query file if it is that of another language. Files are recognised by extension
    (without the dot, lower case), whole name, or the program of a `#!` line.

    A line that begins with one of `leading` belongs to the definition right below it, and so do the
    lines between a pair of `enclosing` marks. `keywords` give the kind that a word defines where
    definitions look like calls; None makes it a scope without a symbol, and `SORT WORD` is for
    words captured as `keyword.SORT`. `no_names` are never names, even in the place of one.
    `imports_by_value` means that a value of the same name (`Map = std.Map`) is the usual way to
    import a name.

    The groups of `hidden`, matched on UTF-8 bytes, are hidden from the parser by as many bytes of
    `stand_in`, whose last byte is repeated: syntax that the grammar does not support would
    otherwise mislead it. `second_stand_in` replaces the second group, where it needs another.
    `line_pattern` matches the beginning of a line with a definition that the
    grammar may miss; its groups are `name` and `kind`, a word that `keywords` has as `line WORD`.
    If code is embedded in another format, only the text between a match of `embedded` and its
    closing mark is parsed; if `literate` is found, only the lines that begin with `>` are.

    `sigils` are signs before names that are not part of them. `data` marks formats whose large
    files hold rows rather than structure. Raise `version` with every change of the row or of its
    query that changes the snippets of a file.
    """

    name: str
    wheel: str
    module: str
    extensions: tuple[str, ...]
    version: int = 1
    function: str = "language"
    query: str = ""
    file_names: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    leading: tuple[str, ...] = ()
    enclosing: tuple[tuple[str, str], ...] = ()
    keywords: Mapping[str, SymbolKind | None] = field(default_factory=dict)
    hidden: re.Pattern[bytes] | None = None
    stand_in: bytes = b" "
    second_stand_in: bytes = b""
    line_pattern: re.Pattern[str] | None = None
    no_names: frozenset[str] = frozenset()
    imports_by_value: bool = False
    embedded: tuple[re.Pattern[bytes], bytes] | None = None
    literate: re.Pattern[bytes] | None = None
    sigils: str = ""
    data: bool = False

    @property
    def query_file(self) -> str:
        """The name of the query file, in the folder `queries` of this package."""
        return f"{self.query or self.name}.scm"
