"""The `.gitattributes` of a repository, as far as they say what its files are.

gitattributes(5): a line is a pattern and attributes; of several lines that match a path, the last
decides for each attribute, and a file in a deeper folder goes before those above it.
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
"""Not of git: set by a line that says `-text`, unless it says so of all files and nothing more."""

_DECIDING = frozenset({GENERATED, VENDORED})
_FIELD = re.compile(rb"[ \t\r]+")
_QUOTED = re.compile(rb'"((?:[^"\\]|\\.)*)"(.*)', re.DOTALL)
_ESCAPED = re.compile(rb"\\([0-3][0-7]{2}|.)", re.DOTALL)
_ESCAPES = {b"a": b"\a", b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t"}
_ESCAPES[b"v"] = b"\v"
_DEEPEST_MACRO = 8
_UTF8_BOM = b"\xef\xbb\xbf"
_NAME = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.-]*")
_NO = frozenset({"false", "no", "0", "off"})

Value = str | bool | None
"""True where an attribute is set, False where it is unset, or its text; None says that it is
unspecified."""
_Values = tuple[tuple[str, Value], ...]
"""What a line says, in its order: of an attribute that it names twice, the last counts."""

_BINARY: _Values = (("diff", False), ("merge", False), ("text", False))
"""What the macro `binary`, which is built into git, stands for."""


class AttributeRule(NamedTuple):
    """A line: `is_for_all` where its pattern matches every file."""

    pattern: Pattern
    values: _Values
    is_for_all: bool


class AttributeFile(NamedTuple):
    """The lines of one file; `base` is its folder ("" or ending in `/`, byte text)."""

    base: str
    rules: tuple[AttributeRule, ...]


class Attributes:
    """What holds in a folder: the files that speak of it, weakest first."""

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
        """These, and those of a deeper folder; only a file at the top may define macros."""
        if not content:
            return self
        rules, macros = _parsed(content, may_define=is_top)
        # Those of `info/attributes` have been heard before, and are the stronger ones.
        files = (*self._files, AttributeFile(base, rules))
        return Attributes(files, macros | self._defined, self._strongest)

    def with_strongest(self, base: str, content: bytes | None) -> Attributes:
        """These, and those of `info/attributes`, which go before all others."""
        if not content:
            return self
        rules, macros = _parsed(content, may_define=True)
        return Attributes(self._files, self._defined | macros, AttributeFile(base, rules))

    def decide(self, path: str) -> Mapping[str, Value]:
        """The same as `of` for a file of which a line may decide whether it is read; nothing for
        all others, which costs little."""
        name = path.rpartition("/")[2]
        if self._names is not None and self._names.match(name):
            return self.of(path)
        for base, pattern in self._deciding:
            if path.startswith(base) and pattern.matches(name, path[len(base) :], False):
                return self.of(path)
        return {}

    def of(self, path: str) -> dict[str, Value]:
        """The attributes of a file that are heard here, by name; `path` is byte text from where
        the topmost file is based. One that no line speaks of is missing."""
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
    """Whether an attribute says yes, as linguist reads it: set, or with a text that is not no."""
    return value is True or (isinstance(value, str) and value.lower() not in _NO)


def is_denied(value: Value) -> bool:
    """Whether it says no."""
    return value is False or (isinstance(value, str) and value.lower() in _NO)


def _parsed(
    content: bytes, *, may_define: bool
) -> tuple[tuple[AttributeRule, ...], dict[str, _Values]]:
    """The lines of a file, and the macros that it defines. git refuses a line as a whole."""
    rules: list[AttributeRule] = []
    macros: dict[str, _Values] = {}
    for number, raw in enumerate(content.removeprefix(_UTF8_BOM).split(b"\n"), 1):
        line = raw.strip(b" \t\r")
        if not line or line.startswith(b"#"):
            continue
        written, rest = _pattern_and_rest(line)
        values = _values(_FIELD.split(rest))
        if values is None:
            continue
        if written.startswith(b"[attr]") and not line.startswith(b'"'):
            name = written.removeprefix(b"[attr]").decode("latin-1")
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
        text = field.decode("latin-1")
        value: Value = True
        if text.startswith("-"):
            text, value = text[1:], False
        elif text.startswith("!"):
            text, value = text[1:], None
        elif "=" in text:
            text, _, value = text.partition("=")
        if not _NAME.fullmatch(text):
            return None
        values.append((text, value))
    return tuple(values)
