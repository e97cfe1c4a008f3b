"""A description of an index, a part of it, or one of its commits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from kodit.domain.descriptions.kinds import DescriptionKind

MOST_OF_A_PART = 0.4
"""The share of a budget that one of several parts may take, so that others are shown too."""
_INDENTATION = 2
_PLACE = 12
"""The characters that a place takes in a line, besides its path."""


@dataclass(frozen=True, slots=True)
class DescribedItem:
    """An item of a part. `name` is qualified, `text` is a line or a piece of code, `note` a
    sentence about it; `path` is empty if it is that of the part, and `line` 0 if none is known."""

    name: str
    kind: str = ""
    text: str = ""
    note: str = ""
    path: str = ""
    line: int = 0
    end_line: int = 0
    depth: int = 0
    """How many items before it enclose it."""

    @property
    def size(self) -> int:
        """The characters of its lines in an answer."""
        indentation = _INDENTATION * (2 + self.depth) + _PLACE
        lines = (self.text or self.name).split("\n")
        note = len(self.note) + indentation + 4 if self.note else 0
        return sum(len(line) + indentation for line in lines) + note + len(self.path)


@dataclass(frozen=True, slots=True)
class DescribedPart:
    """A part of a description: a module, a table, a changed file, a group of examples. `left_out`
    is how many items did not fit the budget."""

    title: str
    kind: str = ""
    text: str = ""
    path: str = ""
    line: int = 0
    items: tuple[DescribedItem, ...] = ()
    left_out: int = 0

    @property
    def size(self) -> int:
        """The characters of its own lines in an answer, without those of its items."""
        text = len(self.text) + _INDENTATION * (1 + self.text.count("\n")) + 1 if self.text else 0
        return 2 + len(self.title) + len(self.path) + _PLACE + text


@dataclass(frozen=True, slots=True)
class Description:
    """A description of one index. `parts` are in the order of their importance or of their names;
    `left_out` is how many did not fit the budget."""

    index_id: int
    source: str
    kind: DescriptionKind
    subject: str
    title: str
    text: str = ""
    parts: tuple[DescribedPart, ...] = ()
    left_out: int = 0

    def __str__(self) -> str:
        """The description as text."""
        return "\n".join(map(plain_line, lines_of(self)))

    @property
    def is_empty(self) -> bool:
        """Whether there was nothing to describe."""
        return not self.parts and not self.text

    def within(self, characters: int) -> Description:
        """As much of it as fits: whole parts as long as possible, then parts without their inner
        items and notes, then without further items; at least the title of the first part. A commit
        keeps its note: it is its message, without which nobody can choose one."""
        left = characters - len(self.title) - len(self.text) - _INDENTATION * 2
        kept: list[DescribedPart] = []
        for number, part in enumerate(self.parts):
            others = len(self.parts) - number - 1
            room = left if not others else max(int(left * MOST_OF_A_PART), left // (others + 1))
            shown = _fitted(part, room)
            if kept and (shown.size > left or (part.items and not shown.items)):
                break
            left -= shown.size + sum(one.size for one in shown.items)
            kept.append(shown)
        return replace(
            self, parts=tuple(kept), left_out=self.left_out + len(self.parts) - len(kept)
        )


def _fitted(part: DescribedPart, room: int) -> DescribedPart:
    room -= part.size
    if sum(one.size for one in part.items) <= room:
        return part
    outer = [one for one in part.items if not one.depth]
    items = outer if len(outer) < len(part.items) else part.items
    if sum(one.size for one in items) > room:
        items = [one if one.kind == "commit" else replace(one, note="") for one in items]
    kept: list[DescribedItem] = []
    for one in items:
        room -= one.size
        if room < 0:
            break
        kept.append(one)
    return replace(part, items=tuple(kept), left_out=part.left_out + len(part.items) - len(kept))


@dataclass(frozen=True, slots=True)
class DescriptionLine:
    """A line of a description as text. `role` is one of `title`, `text`, `part`, `item`, `code`,
    `note`, `rest`; `place` is `path:line`, `path` or a line's number, shown before an item and
    after a part; `text` never contains a line end."""

    role: str
    text: str
    depth: int = 0
    path: str = ""
    line: int = 0
    end_line: int = 0


def lines_of(description: Description) -> Iterator[DescriptionLine]:
    """The description as text for people and for models, line by line."""
    yield DescriptionLine("title", description.title)
    for text in filter(None, description.text.split("\n")):
        yield DescriptionLine("text", text)
    for part in description.parts:
        yield DescriptionLine("part", part.title, path=part.path, line=part.line)
        for text in filter(None, part.text.split("\n")):
            yield DescriptionLine("text", text)
        yield from _lines_of_items(part.items)
        if part.left_out:
            yield DescriptionLine("rest", f"… {part.left_out} more")
    if description.left_out:
        yield DescriptionLine("rest", f"… {description.left_out} more parts did not fit the budget")


def _lines_of_items(items: Sequence[DescribedItem]) -> Iterator[DescriptionLine]:
    for one in items:
        code = one.text.split("\n")
        if len(code) > 1 or one.kind == "code":
            yield DescriptionLine("item", one.name, one.depth, one.path, one.line, one.end_line)
            if one.note:
                yield DescriptionLine("note", one.note, one.depth)
            for line in code:
                yield DescriptionLine("code", line, one.depth)
            continue
        yield DescriptionLine(
            "item", one.text or one.name, one.depth, one.path, one.line, one.end_line
        )
        if one.note:
            yield DescriptionLine("note", one.note, one.depth)


def plain_line(line: DescriptionLine) -> str:
    """A line as text: the parts at the left, everything else indented, places at the end."""
    place = place_of(line)
    if line.role in {"title", "part"}:
        shown = "" if not place or place == line.text else f"  {place}"
        return f"{'' if line.role == 'title' else chr(10)}{line.text}{shown}"
    indentation = "  " * (_DEPTHS[line.role] + line.depth)
    return f"{indentation}{line.text}{f'  {place}' if place else ''}".rstrip()


def place_of(line: DescriptionLine) -> str:
    """`path:12-20`, `path`, `:12` in the file of the part, or nothing."""
    if not line.line:
        return line.path
    end = f"-{line.end_line}" if line.end_line > line.line and line.role == "item" else ""
    return f"{line.path}:{line.line}{end}"


_DEPTHS = {"text": 1, "item": 1, "rest": 1, "note": 3, "code": 3}
"""How far the lines of each role are indented."""
