"""What the table of languages says of one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from kodit.domain.value_objects import SymbolKind


@dataclass(frozen=True, slots=True)
class Language:
    """One language.

    `wheel` is the distribution of its grammar, `module` and `function` where the grammar is, and
    `query` the query file when it is that of another language. Files are known by extension
    (without the dot, lower case), whole name, or the program of a `#!` line. A line that begins
    with one of `leading` belongs to the definition right below it, and so do the lines between a
    pair of `enclosing` marks. `keywords` say what a word defines where definitions look like
    calls; None stands for a mere scope, and `SORT WORD` is for words captured as `keyword.SORT`.
    `no_names` name nothing, though they stand where names do. `imports_by_value` says that a value
    of the same name (`Map = std.Map`) is the usual way to take a name from elsewhere. What a group
    of `hidden` matches, on UTF-8 bytes, is hidden from the parser by as many bytes of `stand_in`,
    whose last one is repeated: what no grammar can know would lead it astray. `line_pattern`
    matches the beginning of
    a line that defines what the grammar may not know, with the groups `name` and `kind`, a word
    that `keywords` has as `line WORD`. What stands between a match of `embedded` and its mark is
    all that is parsed, where code is a part of something else; where `literate` is found, the code
    is on the lines that begin with `>`. `sigils` are signs before names that are no part of them.
    `data` marks formats whose large files hold rows rather than structure. `version` is raised with
    every change of the row or of its query that gives other snippets of the same file.
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
