"""Parsing again without the lines that a grammar does not support.

No grammar covers all of its language, and one unsupported statement can turn a whole class into an
error node. The lines of such a node are therefore parsed in parts, from the outside in: each part
alone, between the first and the last lines of the code around it. Parts that do not parse are left
out, and the rest is parsed as a whole once more.

Parts are separated by indentation, which works the same way in all languages.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from kodit.infrastructure.slicing.budget import Budget, GaveUpError

if TYPE_CHECKING:
    from tree_sitter import Tree

    from kodit.infrastructure.slicing.grammars import Grammar

_LOST_ROWS = 3
"""An error node of this many rows or more may hide definitions."""

_ROWS_PER_LOSS = 20
"""The repair is worthwhile if at least one in this many rows of the file is lost."""

_MOST_REPARSES = 16
"""How many times the size of the file may be parsed in parts."""

_ROWS_PER_OMISSION = 50
"""One in this many rows may be left out without searching for something better."""

_SECONDS = 1.0
"""Processor time for the search."""

_DEEPEST = 24
"""Levels of indentation that are descended into."""

_GOES_ON = re.compile(
    rb"\s*(?:[)}\]>{.?:&|+,]|(?:end|else|elif|elsif|elseif|catch|rescue|ensure|finally|fi|done|esac)\b)"
)
"""The beginning of a line that belongs to the part above it."""

_LIST_OPENS = (b"(", b"[", b",", b"<")
_BLOCK_OPENS = b"{"
_CLOSERS = frozenset({"}", ")", "]", "end"})
_DIRECTIVE = b"#"
"""Directives, and comments of some languages, start in the first column at any depth."""

Rows = list[int]


class Repaired(NamedTuple):
    """A tree, and the rows it does not cover or not reliably."""

    tree: Tree
    unknown: Sequence[int]


def repaired(source: bytes, tree: Tree, grammar: Grammar, budget: Budget) -> Repaired:
    """The tree of `source` without the lines its grammar does not support, if that loses fewer rows
    than `tree` does. Raises GaveUpError.
    """
    if not tree.root_node.has_error:
        return Repaired(tree, ())
    lost = _rows_of_errors(tree)
    row_count = tree.root_node.end_point.row + 1
    if len(lost.wide) < max(_LOST_ROWS, row_count // _ROWS_PER_LOSS):
        return Repaired(tree, sorted(lost.wide | lost.narrow))
    best = Repaired(tree, ())
    least = len(lost.wide)
    own = budget.share(_SECONDS)
    for is_strict in (True, False):
        search = _Search(source.split(b"\n"), grammar, own, _MOST_REPARSES * len(source), is_strict)
        try:
            kept = search.kept()
        except _NotWorthwhileError:
            continue
        left_out = search.written - set(kept)
        lines = list(search.lines)
        for row in left_out:
            lines[row] = b" " * len(lines[row])
        again = grammar.parse(b"\n".join(lines), budget)
        lost_now = _rows_of_errors(again)
        unknown = len(left_out | lost_now.wide)
        if unknown < least:
            best, lost, least = Repaired(again, sorted(left_out)), lost_now, unknown
        if unknown * _ROWS_PER_OMISSION <= row_count:
            break
    return Repaired(best.tree, sorted({*best.unknown, *lost.wide, *lost.narrow}))


class _Lost(NamedTuple):
    """Rows in error nodes: of several rows, and of one."""

    wide: set[int]
    narrow: set[int]


def _rows_of_errors(tree: Tree) -> _Lost:
    """The rows of errors. The rest of an unclosed block counts as lost: another block's end closes
    the one around it, and so on to the end of the file.
    """
    lost = _Lost(set(), set())
    nodes = [tree.root_node]
    while nodes:
        node = nodes.pop()
        if node.is_error or node.is_missing:
            around = node.parent if node.type in _CLOSERS else None
            first, last = (around or node).start_point.row, (around or node).end_point.row
            (lost.wide if last > first else lost.narrow).update(range(first, last + 1))
            continue
        nodes += [child for child in node.children if child.has_error]
    return lost


class _NotWorthwhileError(Exception):
    """The repair has parsed more than it is worth."""


@dataclass(slots=True)
class _Search:
    """The search for rows that parse together."""

    lines: list[bytes]
    grammar: Grammar
    budget: Budget
    bytes_left: int
    is_strict: bool
    indents: list[int | None] = field(init=False)
    written: set[int] = field(init=False)

    def __post_init__(self) -> None:
        self.indents = [_indent(line) for line in self.lines]
        self.written = {row for row, line in enumerate(self.lines) if line.strip()}

    def kept(self) -> Rows:
        """All rows except those that do not parse."""
        first = [0] if self.lines[0].startswith(b"<?") else []
        rows = [row for row in sorted(self.written) if row not in first]
        return [*first, *self._parsed_of(rows, first, [], 0)]

    def _parses(self, before: Rows, rows: Rows, after: Rows) -> bool:
        source = b"\n".join(self.lines[row] for row in (*before, *rows, *after))
        self.bytes_left -= len(source)
        if self.bytes_left < 0:
            raise _NotWorthwhileError
        try:
            # Short parts are parsed before the parser first checks the clock.
            self.budget.check()
            tree = self.grammar.parse(source + b"\n", self.budget)
        except GaveUpError:
            raise _NotWorthwhileError from None
        root = tree.root_node
        if self.is_strict or not root.has_error:
            return not root.has_error
        return not root.is_error and not _rows_of_errors(tree).wide

    def _parsed_of(self, rows: Rows, before: Rows, after: Rows, depth: int) -> Rows:
        """The subset of `rows` that parses between the rows `before` and `after`."""
        if depth > _DEEPEST:
            return []
        if self._parses(before, rows, after):
            return rows
        parts = self._parts(rows)
        kept: list[Rows] = []
        number = 0
        while number < len(parts):
            part = parts[number]
            number += 1
            if self._parses(before, part, after):
                kept.append(part)
                continue
            if number < len(parts) and self._parses(before, part + parts[number], after):
                kept.append(part + parts[number])
                number += 1
                continue
            if kept and self._parses(before, kept[-1] + part, after):
                kept[-1] += part
                continue
            kept.append(self._inside(part, before, after, depth))
        return self._together(kept, before, after, depth)

    def _together(self, parts: Sequence[Rows], before: Rows, after: Rows, depth: int) -> Rows:
        """As many of `parts`, each of which parses alone, as parse together."""
        kept: list[Rows] = []
        stack = [[part for part in parts if part]]
        while stack:
            group = stack.pop()
            if not group:
                continue
            known = [row for part in kept for row in part]
            if self._parses(before, known + [row for part in group for row in part], after):
                kept += group
            elif len(group) > 1:
                half = len(group) // 2
                stack += [group[half:], group[:half]]
            else:
                self._add(group[0], kept, before, after, depth)
        return [row for part in kept for row in part]

    def _add(self, part: Rows, kept: list[Rows], before: Rows, after: Rows, depth: int) -> None:
        """Add a part that does not parse with those before it: after a separator, in place of a
        shorter one right before it, or as much of it as parses.
        """
        known = [row for one in kept for row in one]
        line = self.lines[part[0]]
        if line[:1].isspace():
            self.lines[part[0]] = b";" + line[1:]
            if self._parses(before, known + part, after):
                kept.append(part)
                return
            self.lines[part[0]] = line
        if kept and len(kept[-1]) < len(part):
            others = [row for one in kept[:-1] for row in one]
            if self._parses(before, others + part, after):
                kept[-1:] = [part]
                return
        near = kept[-1] if kept else []
        inner = self._inside(part, before + near, after, depth)
        if inner and inner != part and self._parses(before, known + inner, after):
            kept.append(inner)

    def _inside(self, part: Rows, before: Rows, after: Rows, depth: int) -> Rows:
        """The rows that parse of a part that does not: its own lines, and as much as possible of
        the lines inside it.
        """
        outline = self._shell(part, before, after)
        sections = _sections(part, outline or self._outer(part))
        if outline is None:
            if len(sections) == 1 and sections[0] == part:
                return []
            outline = []
        kept = list(outline)
        for section in sections:
            above = [row for row in kept if row < section[0]]
            below = [row for row in outline if row > section[-1]]
            inner = self._parsed_of(section, before + above, below + after, depth + 1)
            kept = sorted({*kept, *inner})
        return kept

    def _shell(self, part: Rows, before: Rows, after: Rows) -> Rows | None:
        """The outer lines of a part, if they parse: with the lists among them, without them, or
        without one of the first of them.
        """
        outer = self._outer(part)
        with_heads = self._with_heads(part, outer)
        for shell in (with_heads, outer):
            if len(shell) < len(part) and self._parses(before, shell, after):
                return shell
        for number in range(min(3, len(outer) - 1)):
            shell = outer[:number] + outer[number + 1 :]
            if self._parses(before, shell, after):
                return shell
        return None

    def _parts(self, rows: Rows) -> list[Rows]:
        """Runs of rows, each from a row with the least indentation to the row before the next."""
        least = self._least(rows)
        parts: list[Rows] = []
        for row in rows:
            begins = self.indents[row] == least and not _GOES_ON.match(self.lines[row])
            if begins or not parts:
                parts.append([row])
            else:
                parts[-1].append(row)
        return parts

    def _outer(self, part: Rows) -> Rows:
        """The rows of a part with the least indentation."""
        least = self._least(part)
        return [row for row in part if self.indents[row] == least]

    def _with_heads(self, part: Rows, outer: Rows) -> Rows:
        """The outer rows with the rows inside brackets, such as parameters, and the rows before an
        opening brace, such as the base types of a class.
        """
        shell: Rows = []
        members = set(outer)
        for section in _sections(part, outer):
            shell += [row for row in outer if (not shell or row > shell[-1]) and row < section[0]]
            above = self.lines[section[0] - 1].rstrip() if section[0] - 1 in members else b""
            if above.endswith(_BLOCK_OPENS):
                continue
            ends = (self.lines[row].rstrip().endswith(_BLOCK_OPENS) for row in section)
            end = next((number for number, opens in enumerate(ends) if opens), None)
            if end is not None:
                shell += section[: end + 1]
            elif above.endswith(_LIST_OPENS):
                shell += section
        return shell + [row for row in outer if not shell or row > shell[-1]]

    def _least(self, rows: Iterable[int]) -> int:
        return min((indent for row in rows if (indent := self.indents[row]) is not None), default=0)


def _sections(part: Rows, outer: Rows) -> list[Rows]:
    """The runs of rows of a part between its outer rows."""
    members = set(outer)
    sections: list[Rows] = []
    follows = False
    for row in part:
        if row in members:
            follows = False
            continue
        if not follows:
            sections.append([])
        follows = True
        sections[-1].append(row)
    return sections


def _indent(line: bytes) -> int | None:
    """The width of a line's indentation; None if it is not significant."""
    bare = line.lstrip()
    if not bare or bare.startswith(_DIRECTIVE):
        return None
    return len(line) - len(bare)
