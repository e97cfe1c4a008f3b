"""A change that breaks a program on purpose."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple


class Lines(NamedTuple):
    """A run of lines, from 1, both ends included."""

    first: int
    last: int

    def __contains__(self, line: object) -> bool:
        return isinstance(line, int) and self.first <= line <= self.last


@dataclass(frozen=True, slots=True)
class Mutation:
    """A module with one place changed: the bytes from `start` to `end` become `text`.

    `module` is the path below the package. `statement` is where the change is; `function` is the
    function around it, None at the level of a module or a class.
    """

    module: str
    operator: str
    start: int
    end: int
    text: str
    statement: Lines
    function: Lines | None

    def apply(self, source: bytes) -> bytes:
        return source[: self.start] + self.text.encode() + source[self.end :]

    def changed_lines(self, source: bytes) -> tuple[str, str]:
        """The changed lines, before and after, without indentation: the mutant's name."""
        before, after = source.decode().splitlines(), self.apply(source).decode().splitlines()
        blocks = difflib.SequenceMatcher(a=before, b=after, autojunk=False).get_opcodes()
        changes = [block for block in blocks if block[0] != "equal"]
        return _stripped(before[a:b] for _, a, b, _, _ in changes), _stripped(
            after[c:d] for _, _, _, c, d in changes
        )

    def diff(self, source: bytes) -> str:
        """The change as a readable diff."""
        return "".join(
            difflib.unified_diff(
                source.decode().splitlines(keepends=True),
                self.apply(source).decode().splitlines(keepends=True),
                self.module,
                f"{self.module} ({self.operator})",
                n=1,
            )
        )


def _stripped(blocks: Iterator[list[str]]) -> str:
    return "\n".join(line.strip() for block in blocks for line in block)


class Change(NamedTuple):
    """One textual replacement, which must match exactly once."""

    path: str
    old: str
    new: str

    def apply(self, package: Path) -> None:
        path = package / self.path
        text = path.read_text("utf-8")
        if text.count(self.old) != 1:
            raise ValueError(f"{self.path} holds {text.count(self.old)} times: {self.old!r}")
        path.write_text(text.replace(self.old, self.new), "utf-8")


@dataclass(frozen=True, slots=True)
class Mutant:
    """A hand-written mutant. `invariant` is the number of the one it breaks; `survives` is the
    reason why no test here can notice.
    """

    name: str
    invariant: int
    changes: tuple[Change, ...] = field(repr=False)
    survives: str | None = None

    @property
    def database(self) -> str:
        """The database whose tests can notice."""
        is_in_adapter = any(change.path.startswith("infrastructure/") for change in self.changes)
        return "sqlite" if is_in_adapter else "memory"


def mutant(name: str, invariant: int, path: str, old: str, new: str) -> Mutant:
    return Mutant(name, invariant, (Change(path, old, new),))
