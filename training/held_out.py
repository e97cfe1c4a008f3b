"""Projects whose text is never used for the model, because some evaluations use them.

The list holds hashes of the names, which are enough to check a name.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Self

LIST = Path(__file__).with_name("held_out.txt")
HASH_DIGITS = 16


def normalised(name: str) -> str:
    """The canonical form of a project's name: lower case, only letters and digits."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def hashed(name: str) -> str:
    """A name as it is stored in the list."""
    return hashlib.sha256(normalised(name).encode()).hexdigest()[:HASH_DIGITS]


class HeldOut:
    """The set of held-out names."""

    def __init__(self, hashes: frozenset[str]) -> None:
        self._hashes = hashes

    @classmethod
    def load(cls, path: Path = LIST) -> Self:
        """Read the list: one hash per line, with comments after `#`."""
        lines = path.read_text().split("\n")
        return cls(frozenset(line for line in lines if line and not line.startswith("#")))

    @classmethod
    def of_names(cls, names: list[str]) -> Self:
        """A set with these names."""
        return cls(frozenset(map(hashed, names)))

    def __len__(self) -> int:
        return len(self._hashes)

    def has_project(self, project: str) -> bool:
        """Whether `owner/name` was held out, by its name or by its full name."""
        return self.has(project.rpartition("/")[2]) or self.has(project)

    def has(self, name: str) -> bool:
        """Whether a project with this name was held out."""
        return hashed(name) in self._hashes
