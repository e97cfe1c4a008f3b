"""Projects whose text never goes into the model, as some of them judge it.

The list holds hashes of names, not the names: to check a name needs no more.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Self

LIST = Path(__file__).with_name("held_out.txt")
HASH_DIGITS = 16


def normalised(name: str) -> str:
    """One spelling of a project's name: lower case, letters and digits alone."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def hashed(name: str) -> str:
    """What the list holds of a name."""
    return hashlib.sha256(normalised(name).encode()).hexdigest()[:HASH_DIGITS]


class HeldOut:
    """The names that were held out, to be asked for."""

    def __init__(self, hashes: frozenset[str]) -> None:
        self._hashes = hashes

    @classmethod
    def load(cls, path: Path = LIST) -> Self:
        """Read the list: one hash a line, `#` before what is a comment."""
        lines = path.read_text().split("\n")
        return cls(frozenset(line for line in lines if line and not line.startswith("#")))

    @classmethod
    def of_names(cls, names: list[str]) -> Self:
        """The list that holds these names."""
        return cls(frozenset(map(hashed, names)))

    def __len__(self) -> int:
        return len(self._hashes)

    def has_project(self, project: str) -> bool:
        """Whether `owner/name` was held out, by its name or by both together."""
        return self.has(project.rpartition("/")[2]) or self.has(project)

    def has(self, name: str) -> bool:
        """Whether a project of this name was held out."""
        return hashed(name) in self._hashes
