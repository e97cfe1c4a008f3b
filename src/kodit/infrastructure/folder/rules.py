"""Which files are read and which are left out: one engine for folders and for git trees.

Four lists of patterns speak of a name, strongest first: the index's own excludes, `.noindex`,
`.gitignore`, and what is built in (`builtin.py`); within a kind the deepest file and its last
line win. A negated line in `.noindex` brings back what `.gitignore` or the built-in lists leave
out, except secrets, binaries and version-control folders. Last, the index's includes must match.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from enum import IntEnum
from posixpath import relpath
from typing import Final, NamedTuple

from kodit.infrastructure.folder.builtin import (
    NEVER_READ,
    built_in_rule,
    directory_reason,
    file_reason,
    is_version_control,
)
from kodit.infrastructure.folder.patterns import Pattern, as_text, byte_text, parse_patterns
from kodit.infrastructure.folder.wildmatch import compiled, expression_for

IGNORED: Final = "ignored"
"""The verdict for what the user's own rules leave out; it is not counted."""


class LayerKind(IntEnum):
    """Whose patterns these are."""

    GITIGNORE = 0
    NOINDEX = 1
    EXCLUDE = 2
    INCLUDE = 3


class Layer:
    """The patterns of one file; `base` is its folder ("" or ending in `/`, byte text), and `file`
    its name, relative to that."""

    __slots__ = ("base", "file", "kind", "path_globs", "path_literals", "patterns")

    def __init__(self, kind: LayerKind, base: str, content: bytes, file: str = "") -> None:
        self.kind = kind
        self.base = base
        self.file = file
        self.patterns: tuple[Pattern, ...] = parse_patterns(content)
        self.path_literals: dict[str, list[str]] = {}
        """Of patterns that are plain paths: by folder below the base, the names in it."""
        self.path_globs: list[tuple[str, re.Pattern[str]]] = []
        """Of other patterns with a slash: the folder that all they match lies below."""
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


class _NameFilter:
    """Answers quickly, for all layers of a folder at once, that no pattern can speak of a name.

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
    """An ignore file above the root of a source: the folder that it speaks of, "" or with a
    trailing slash from the top of the work tree, its bytes, and its path from that folder."""

    place: str
    content: bytes
    file: str


class DirectoryRules:
    """The rules for the entries of one folder."""

    __slots__ = ("_folder", "_included", "_layers", "_literals", "_names", "_path", "_paths")

    def __init__(
        self,
        path: str,
        layers: tuple[Layer, ...],
        names: _NameFilter | None,
        included: bool,
        *,
        folder: str,
    ) -> None:
        """`path` is byte text relative to where the topmost layer is based, "" or with a
        trailing slash, and `folder` the folder's own name; `included` says that an include
        pattern matched the folder."""
        self._path = path
        self._folder = folder
        self._layers = layers
        self._names = _NameFilter(layers) if names is None else names
        self._included = included
        literals: list[str] = []
        paths: list[tuple[int, re.Pattern[str]]] = []
        for layer in layers:
            start = len(layer.base)
            below = path[start:]
            literals += layer.path_literals.get(below, ())
            for above, expression in layer.path_globs:
                if below.startswith(above):
                    paths.append((start, expression))
        self._literals = frozenset(literals)
        self._paths = paths

    @classmethod
    def at_root(
        cls,
        prefix: str = "",
        outer: Iterable[OuterRules] = (),
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
        *,
        folder: str = "",
    ) -> DirectoryRules:
        """The rules of a source's root, `folder` being its name if it has one.

        `prefix` is the root's place below its repository ("" or with a trailing slash) and
        `outer` the ignore files above the root, weakest first.
        """
        base = byte_text(prefix)
        layers = [
            Layer(LayerKind.GITIGNORE, byte_text(one.place), one.content, one.file) for one in outer
        ]
        for kind, globs in ((LayerKind.EXCLUDE, exclude), (LayerKind.INCLUDE, include)):
            if globs:
                lines = "\n".join(globs).encode("utf-8", "surrogateescape")
                layers.append(Layer(kind, base, lines))
        return cls(base, tuple(layers), None, included=not include, folder=folder)

    @property
    def path(self) -> str:
        """The folder, as byte text from where the topmost patterns are based."""
        return self._path

    def with_files(self, gitignore: bytes | None, noindex: bytes | None) -> DirectoryRules:
        """These rules and those of the folder's own ignore files."""
        layers = list(self._layers)
        for kind, content, file in (
            (LayerKind.GITIGNORE, gitignore, ".gitignore"),
            (LayerKind.NOINDEX, noindex, ".noindex"),
        ):
            if content:
                layers.append(Layer(kind, self._path, content, file))
        if len(layers) == len(self._layers):
            return self
        return DirectoryRules(self._path, tuple(layers), None, self._included, folder=self._folder)

    def of_another_repository(self, exclude: bytes | None = None) -> DirectoryRules:
        """These rules at the root of a repository within the other one, whose `.gitignore` files do
        not speak of it; `exclude` is its own `info/exclude`."""
        layers = [layer for layer in self._layers if layer.kind is not LayerKind.GITIGNORE]
        if exclude:
            layers.append(Layer(LayerKind.GITIGNORE, self._path, exclude, ".git/info/exclude"))
        return DirectoryRules(self._path, tuple(layers), None, self._included, folder=self._folder)

    def enter(self, name: str) -> DirectoryRules:
        """The rules inside the folder `name`, before its own ignore files."""
        name = byte_text(name)
        included = self._included
        if self._may_match(name):
            verdict = self._verdicts(name, True)[LayerKind.INCLUDE]
            included = included if verdict is None else verdict
        return DirectoryRules(
            f"{self._path}{name}/", self._layers, self._names, included, folder=name
        )

    def of_file(self, name: str) -> str | None:
        """None to read the file, or the reason to leave it out."""
        if is_version_control(name):  # `.git` of a linked work tree or a submodule
            return IGNORED
        reason = file_reason(name, self._folder)
        name = byte_text(name)
        if not self._may_match(name):
            return reason if reason or self._included else IGNORED
        verdicts = self._verdicts(name, False)
        included = verdicts[LayerKind.INCLUDE]
        if not (self._included if included is None else included):
            return IGNORED
        return self._combine(reason, verdicts, kept=reason in NEVER_READ)

    def of_directory(self, name: str) -> str | None:
        """None to descend, or the reason not to."""
        if is_version_control(name):
            return IGNORED
        reason = directory_reason(name)
        name = byte_text(name)
        if not self._may_match(name):
            return reason
        return self._combine(reason, self._verdicts(name, True), kept=False)

    @staticmethod
    def _combine(reason: str | None, verdicts: list[bool | None], *, kept: bool) -> str | None:
        if verdicts[LayerKind.EXCLUDE]:
            return IGNORED
        noindex = verdicts[LayerKind.NOINDEX]
        if noindex is not None:
            return IGNORED if noindex else (reason if kept else None)
        return IGNORED if verdicts[LayerKind.GITIGNORE] else reason

    def _may_match(self, name: str) -> bool:
        names = self._names
        if name in names.literals or name in self._literals:
            return True
        dot = name.rfind(".")
        if dot >= 0 and name[dot:] in names.extensions:
            return True
        if names.suffixes and name.endswith(names.suffixes):
            return True
        for expression in names.expressions:
            if expression.match(name):
                return True
        if self._paths:
            path = self._path + name
            for base, expression in self._paths:
                if expression.match(path, base):
                    return True
        return False

    def why(self, name: str, top: str, *, is_directory: bool) -> str:
        """The rule that leaves out an entry of the folder: its file, line and pattern, or what is
        built in. The file is given from `top`, the `path` of the source's root."""
        if is_version_control(name):
            return "built-in list: data of a version-control system"
        encoded = byte_text(name)
        deciding = self._deciding(encoded, is_directory)
        for kind in (LayerKind.EXCLUDE, LayerKind.NOINDEX, LayerKind.GITIGNORE):
            found = deciding[kind]
            if found is not None and not found[1].negated:
                return _shown(*found, top)
            if found is not None and kind is LayerKind.NOINDEX:
                break
        included = deciding[LayerKind.INCLUDE]
        if not is_directory and not (
            self._included if included is None else not included[1].negated
        ):
            return "no glob of --include matches"
        return f"built-in list: {built_in_rule(name, self._folder, is_directory=is_directory)}"

    def _verdicts(self, name: str, is_directory: bool) -> list[bool | None]:
        """Per kind of layer what the last matching pattern says: True for a match, False for a
        negated one, None for silence."""
        return [
            None if found is None else not found[1].negated
            for found in self._deciding(name, is_directory)
        ]

    def _deciding(self, name: str, is_directory: bool) -> list[tuple[Layer, Pattern] | None]:
        """Per kind of layer the last matching pattern, and its layer."""
        deciding: list[tuple[Layer, Pattern] | None] = [None] * len(LayerKind)
        path = self._path + name
        for layer in reversed(self._layers):
            if deciding[layer.kind] is not None:
                continue
            below = path[len(layer.base) :]
            for pattern in reversed(layer.patterns):
                if pattern.matches(name, below, is_directory):
                    deciding[layer.kind] = layer, pattern
                    break
        return deciding


def _shown(layer: Layer, pattern: Pattern, top: str) -> str:
    if not layer.file:
        return f"--exclude {pattern.written}"
    file = relpath(f"/{layer.base}{layer.file}", f"/{top}") if top else layer.base + layer.file
    return f"{as_text(file)}:{pattern.line}: {pattern.written}"
