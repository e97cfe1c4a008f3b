"""The patterns of ignore files, prepared for matching many names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from copy import copy
from enum import IntEnum
from posixpath import relpath
from typing import NamedTuple

from kodit.infrastructure.folder.patterns import Pattern, as_text, parse_patterns
from kodit.infrastructure.folder.wildmatch import compiled, expression_for


class LayerKind(IntEnum):
    """Where patterns come from."""

    GITIGNORE = 0
    NOINDEX = 1
    EXCLUDE = 2
    INCLUDE = 3
    USER = 4
    """The user's own `core.excludesFile`, which applies to untracked files."""


class Layer:
    """The patterns of one file; `base` is its folder ("" or ending in `/`, byte text), and `file`
    its name relative to that.
    """

    __slots__ = ("base", "file", "kind", "path_globs", "path_literals", "patterns")

    def __init__(self, kind: LayerKind, base: str, content: bytes, file: str = "") -> None:
        self.kind = kind
        self.base = base
        self.file = file
        self.patterns: tuple[Pattern, ...] = parse_patterns(content)
        self.path_literals: dict[str, list[str]] = {}
        """Patterns that are plain paths: by folder below the base, the names in it."""
        self.path_globs: list[tuple[str, re.Pattern[str]]] = []
        """Other patterns with a slash, each with the folder that contains all its matches."""
        for pattern in self.patterns:
            if not pattern.whole_path:
                continue
            prefix = pattern.literal_prefix
            folder = prefix[: prefix.rfind("/") + 1]
            if pattern.is_literal:
                self.path_literals.setdefault(folder, []).append(prefix[len(folder) :])
                continue
            expression = compiled(pattern.text, True)
            if expression is not None:
                self.path_globs.append((folder, expression))

    @property
    def is_of_git(self) -> bool:
        """Whether the file belongs to a repository, and applies only to it."""
        return self.kind is LayerKind.GITIGNORE

    def at(self, base: str) -> Layer:
        """The same layer at the root of a repository: the user's patterns are relative to each of
        them.
        """
        if self.kind is not LayerKind.USER:
            return self
        layer = copy(self)
        layer.base = base
        return layer


Deciding = tuple[Layer, Pattern]
"""The deciding pattern and its layer."""


def said(deciding: Iterable[Deciding | None]) -> list[bool | None]:
    """The results of patterns: True for a match, False for a negated one, None if none matches."""
    return [None if found is None else not found[1].negated for found in deciding]


def shown(layer: Layer, pattern: Pattern, top: str) -> str:
    """A pattern in the form `.gitignore:3: build/`, its file relative to `top`, the path of the
    source.
    """
    if not layer.file:
        return f"--exclude {pattern.written}"
    if layer.kind is LayerKind.USER:
        return f"{layer.file}:{pattern.line}: {pattern.written}"
    file = relpath(f"/{layer.base}{layer.file}", f"/{top}") if top else layer.base + layer.file
    return f"{as_text(file)}:{pattern.line}: {pattern.written}"


class NameFilter:
    """Quickly rules out names that no pattern in any layer of a folder can match.

    It may say yes too often, never no.
    """

    __slots__ = ("expressions", "extensions", "literals", "suffixes")

    def __init__(self, layers: Sequence[Layer]) -> None:
        literals: set[str] = set()
        extensions: set[str] = set()
        suffixes: set[str] = set()
        expressions: list[re.Pattern[str]] = []
        for layer in layers:
            globs = []
            for pattern in layer.patterns:
                if pattern.whole_path:
                    continue
                suffix = pattern.literal_suffix
                if pattern.is_literal:
                    literals.add(pattern.text)
                elif suffix is None:
                    globs.append(expression_for(pattern.text, False))
                elif suffix.startswith(".") and "." not in suffix[1:]:
                    extensions.add(suffix)
                else:
                    suffixes.add(suffix)
            if globs:
                alternatives = "|".join(f"(?:{glob})" for glob in globs if glob is not None)
                expressions.append(re.compile(rf"(?s:{alternatives or '(?!)'})\Z"))
        self.literals = frozenset(literals)
        self.extensions = frozenset(extensions)
        self.suffixes = tuple(suffixes)
        self.expressions = tuple(expressions)


class OuterRules(NamedTuple):
    """An ignore file above the root of a source: the folder it applies to, "" or with a trailing
    slash relative to the top of the work tree, its bytes, and its path relative to that folder.
    """

    place: str
    content: bytes
    file: str
    kind: LayerKind = LayerKind.GITIGNORE
