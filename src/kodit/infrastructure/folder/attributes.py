"""The attributes in a repository's `.gitattributes` that say what kind of files it has.

gitattributes(5): a line is a pattern and attributes; for each attribute the last matching line
decides, and a file in a deeper folder overrides those above it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from kodit.infrastructure.folder.patterns import Pattern, parse_pattern
from kodit.infrastructure.folder.wildmatch import expression_for

ATTRIBUTES = ".gitattributes"

GENERATED = "linguist-generated"
VENDORED = "linguist-vendored"
TEXT = "text"
DIFF = "diff"
ENCODING = "working-tree-encoding"
MARKED_BINARY = "-text"
"""Not one of git's: set by a line with `-text`, unless that is all it says and its pattern matches
every file.
"""

_DECIDING = frozenset({GENERATED, VENDORED})
_FIELD = re.compile(rb"[ \t\r]+")
_QUOTED = re.compile(rb'"((?:[^"\\]|\\.)*)"(.*)', re.DOTALL)
_ESCAPED = re.compile(rb"\\([0-3][0-7]{2}|.)", re.DOTALL)
_ESCAPES = {b"a": b"\a", b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t"}
_ESCAPES[b"v"] = b"\v"
_MACRO = b"[attr]"
_DEEPEST_MACRO = 8
_LONGEST_LINE = 2047
"""Bytes of a line; git ignores longer ones."""
_UTF8_BOM = b"\xef\xbb\xbf"
_NAME = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.-]*")
_NO = frozenset({"false", "no", "0", "off"})

Value = str | bool | None
"""True if an attribute is set, False if it is unset, its text if it has one, None if it is
unspecified.
"""
_Values = tuple[tuple[str, Value], ...]
"""The attributes of a line, in order: if it names one twice, the last one counts."""

_BINARY: _Values = (("diff", False), ("merge", False), ("text", False))
"""The expansion of git's built-in macro `binary`."""


class AttributeRule(NamedTuple):
    """A line; `is_for_all` if its pattern matches every file."""

    pattern: Pattern
    values: _Values
    is_for_all: bool


class AttributeFile(NamedTuple):
    """The lines of one file; `base` is its folder ("" or ending in `/`, byte text)."""

    base: str
    rules: tuple[AttributeRule, ...]


class Attributes:
    """The attributes that apply in a folder: the files that define them, lowest precedence
    first.
    """

    __slots__ = ("_deciding", "_defined", "_files", "_macros", "_names", "_strongest")

    def __init__(
        self,
        files: tuple[AttributeFile, ...] = (),
        macros: Mapping[str, _Values] | None = None,
        strongest: AttributeFile | None = None,
    ) -> None:
        self._files = files
        self._defined = dict(macros or {})
        self._macros = {"binary": _BINARY} | self._defined
        self._strongest = strongest
        self._deciding: list[tuple[str, Pattern]] = []
        names: list[str] = []
        for file in self._from_strongest():
            for rule in file.rules:
                if not self._may_decide(rule.values, 0):
                    continue
                if rule.pattern.whole_path:
                    self._deciding.append((file.base, rule.pattern))
                elif (glob := expression_for(rule.pattern.text, False)) is not None:
                    names.append(f"(?:{glob})")
        self._names = re.compile(rf"(?s:{'|'.join(names)})\Z") if names else None

    def __bool__(self) -> bool:
        """Whether any line could leave out a file, or keep one."""
        return self._names is not None or bool(self._deciding)

    def with_file(self, base: str, content: bytes | None, *, is_top: bool = False) -> Attributes:
        """These attributes and those of a deeper folder; only a top-level file may define
        macros.
        """
        if not content:
            return self
        rules, macros = _parsed(content, may_define=is_top)
        # Macros of `info/attributes` are known already, and take precedence.
        files = (*self._files, AttributeFile(base, rules))
        return Attributes(files, macros | self._defined, self._strongest)

    def with_strongest(self, base: str, content: bytes | None) -> Attributes:
        """These attributes and those of `info/attributes`, which take precedence."""
        if not content:
            return self
        rules, macros = _parsed(content, may_define=True)
        return Attributes(self._files, self._defined | macros, AttributeFile(base, rules))

    def decide(self, path: str) -> Mapping[str, Value]:
        """The same as `of` for a file whose reading a line may decide; cheap, and empty, for all
        others.
        """
        name = path.rpartition("/")[2]
        if self._names is not None and self._names.match(name):
            return self.of(path)
        for base, pattern in self._deciding:
            if path.startswith(base) and pattern.matches(name, path[len(base) :], False):
                return self.of(path)
        return {}

    def of(self, path: str) -> dict[str, Value]:
        """The attributes of a file that matter to Kodit, by name, without those no line mentions;
        `path` is byte text relative to the base of the topmost file.
        """
        found: dict[str, Value] = {}
        name = path.rpartition("/")[2]
        is_for_all = False
        for file in self._from_strongest():
            if not path.startswith(file.base):
                continue
            below = path[len(file.base) :]
            for rule in reversed(file.rules):
                if not rule.pattern.matches(name, below, False):
                    continue
                had_text = TEXT in found
                self._fill(found, rule.values, 0)
                if TEXT in found and not had_text:
                    is_for_all = rule.is_for_all
        if found.get(TEXT) is False and not (is_for_all and found.get(DIFF) is not False):
            found[MARKED_BINARY] = True
        return found

    def _from_strongest(self) -> Iterator[AttributeFile]:
        if self._strongest is not None:
            yield self._strongest
        yield from reversed(self._files)

    def _fill(self, found: dict[str, Value], values: _Values, depth: int) -> None:
        for attribute, value in reversed(values):
            if attribute in found:
                continue
            found[attribute] = value
            if value is True and attribute in self._macros and depth < _DEEPEST_MACRO:
                self._fill(found, self._macros[attribute], depth + 1)

    def _may_decide(self, values: _Values, depth: int) -> bool:
        return any(
            attribute in _DECIDING
            or (attribute == TEXT and value is False)
            or (
                value is True
                and attribute in self._macros
                and depth < _DEEPEST_MACRO
                and self._may_decide(self._macros[attribute], depth + 1)
            )
            for attribute, value in values
        )


NO_ATTRIBUTES = Attributes()


def is_set(value: Value) -> bool:
    """Whether linguist counts an attribute as true: set, or with a text that does not mean no."""
    return value is True or (isinstance(value, str) and value.lower() not in _NO)


def is_denied(value: Value) -> bool:
    """Whether linguist counts an attribute as false."""
    return value is False or (isinstance(value, str) and value.lower() in _NO)


def _parsed(
    content: bytes, *, may_define: bool
) -> tuple[tuple[AttributeRule, ...], dict[str, _Values]]:
    """The lines of a file, and the macros it defines. git rejects an invalid line as a whole."""
    rules: list[AttributeRule] = []
    macros: dict[str, _Values] = {}
    for number, raw in enumerate(content.removeprefix(_UTF8_BOM).split(b"\n"), 1):
        raw = raw.removesuffix(b"\r").split(b"\0", 1)[0]  # noqa: PLW2901 - as git reads a line
        line = raw.strip(b" \t\r")
        if not line or line.startswith(b"#") or len(raw) > _LONGEST_LINE:
            continue
        written, rest = _pattern_and_rest(line)
        values = _values(_FIELD.split(rest))
        if values is None:
            continue
        if written.startswith(_MACRO) and written != _MACRO and not line.startswith(b'"'):
            name = written.removeprefix(_MACRO).decode("latin-1")
            if may_define and _NAME.fullmatch(name):
                macros[name] = values
            continue
        if written.startswith(b"!"):
            continue
        pattern = parse_pattern(written.decode("latin-1"), number)
        if pattern is not None and not pattern.directory_only and values:
            rules.append(AttributeRule(pattern, values, not written.strip(b"*/.")))
    return tuple(rules), macros


def _pattern_and_rest(line: bytes) -> tuple[bytes, bytes]:
    quoted = _QUOTED.match(line)
    if quoted is not None:
        return _ESCAPED.sub(_unescaped, quoted[1]), quoted[2].strip(b" \t\r")
    written, *rest = _FIELD.split(line, maxsplit=1)
    return written, rest[0] if rest else b""


def _unescaped(match: re.Match[bytes]) -> bytes:
    what = match[1]
    return bytes([int(what, 8)]) if len(what) == 3 else _ESCAPES.get(what, what)


def _values(fields: Iterable[bytes]) -> _Values | None:
    values: list[tuple[str, Value]] = []
    for field in filter(None, fields):
        text, equals, after = field.decode("latin-1").partition("=")
        value: Value = after if equals else True
        if text.startswith(("-", "!")):  # takes precedence over a value after `=`
            value = False if text.startswith("-") else None
            text = text[1:]
        if not _NAME.fullmatch(text):
            return None
        values.append((text, value))
    return tuple(values)
