"""Finds the definitions of a name, and reads their files on demand."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from kodit.domain.file_facts import MentioningFile
from kodit.domain.inference import Declared, Target
from kodit.domain.symbols import MEMBERS, parts_of
from kodit.domain.value_objects import SymbolKind

if TYPE_CHECKING:
    from kodit.domain.entities import StoredSnippet
    from kodit.domain.ports.catalogue import OpenCatalogue
    from kodit.domain.ports.engines import KeywordReader
    from kodit.domain.value_objects import Scope

MOST_NAMES = 64
"""How many names one lookup asks for; further ones are treated as unknown."""
MOST_FILES = 48
"""How many files it reads beside those that use the name."""
MOST_DEFINITIONS = 24
"""How many definitions of one name it uses: a name with more says little."""

_ENDING = re.compile(r"(?:\.git)?(?:@[^/]*)?/?$")
"""What may follow the name of a source."""

_TYPES = frozenset(
    {
        SymbolKind.CLASS,
        SymbolKind.INTERFACE,
        SymbolKind.STRUCT,
        SymbolKind.TRAIT,
        SymbolKind.ENUM,
        SymbolKind.TYPE,
    }
)


class KnownFiles:
    """Definitions within one state of the database and of the keyword index."""

    def __init__(self, catalogue: OpenCatalogue, keyword: KeywordReader, scope: Scope) -> None:
        self._catalogue = catalogue
        self._keyword = keyword
        self._scope = scope
        self._declared: dict[str, Sequence[Declared]] = {}
        self._files: dict[int, MentioningFile] = {}

    def declared(self, name: str) -> Sequence[Declared]:
        """The definitions of a name, with their files."""
        found = self._declared.get(name)
        if found is None:
            found = self._declared[name] = (
                self._find(name) if name and len(self._declared) < MOST_NAMES else ()
            )
        return found

    def _find(self, name: str) -> Sequence[Declared]:
        defining = self._keyword.definitions(name, (), self._scope, MOST_DEFINITIONS)
        some = list(self._defining(defining, name))
        self._read({one.file_id: one for one in some})
        return [
            Declared(target_of(one), self._files[one.file_id])
            for one in some
            if one.file_id in self._files
        ]

    def _defining(self, ids: Collection[int], name: str) -> Iterator[StoredSnippet]:
        for snippet in self._catalogue.snippets(sorted(ids)):
            for one in (snippet, *parts_of(snippet)):
                if one.symbol == name:
                    yield one

    def _read(self, defining: Mapping[int, StoredSnippet]) -> None:
        left = max(0, MOST_FILES - len(self._files))
        wanted = sorted(defining.keys() - self._files.keys())[:left]
        for file_id in wanted:
            one = defining[file_id]
            self._files[file_id] = MentioningFile(one.index_id, one.path, one.language)
        for piece in self._catalogue.mentioning(wanted) if wanted else ():
            self._files[piece.file_id].read(piece)


def target_of(snippet: StoredSnippet) -> Target:
    """A stored definition, as the rules of resolution need it."""
    is_ruby = snippet.language == "ruby"  # where modules are included like base types
    return Target(
        snippet.index_id,
        snippet.path,
        snippet.language,
        snippet.symbol or "",
        snippet.scope,
        is_member=bool(snippet.scope)
        and (snippet.kind in MEMBERS or (is_ruby and snippet.kind == SymbolKind.FUNCTION)),
        is_type=snippet.kind in _TYPES or (is_ruby and snippet.kind == SymbolKind.MODULE),
        root=_ENDING.sub("", snippet.source).rpartition("/")[2],
    )
