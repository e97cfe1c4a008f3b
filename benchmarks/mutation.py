"""A textual change that breaks a program on purpose."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple


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
    """`invariant` is what it breaks, by number; `survives` says why no test here can notice."""

    name: str
    invariant: int
    changes: tuple[Change, ...]
    survives: str | None = None

    @property
    def database(self) -> str:
        """The database whose tests can notice."""
        is_in_adapter = any(change.path.startswith("infrastructure/") for change in self.changes)
        return "sqlite" if is_in_adapter else "memory"


def mutant(name: str, invariant: int, path: str, old: str, new: str) -> Mutant:
    return Mutant(name, invariant, (Change(path, old, new),))
