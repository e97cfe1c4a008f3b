"""What is searched of a set of vectors."""

from __future__ import annotations

from collections.abc import Hashable
from typing import NamedTuple

from kodit.domain.recent import Recent
from kodit.domain.value_objects import Scope, VectorKind
from kodit.infrastructure.vectors.tail import Rows

MOST_ALLOWED = 200_000
"""How many rows that selections allow are cached for one state of the database, of 8 bytes each."""


class Selection(NamedTuple):
    """All versions of the stores of a set that a scope does not hide, or only those that the scope
    lists.
    """

    scope: Scope
    kind: VectorKind
    is_whole: bool = True

    @property
    def chooses_files(self) -> bool:
        """Whether the scope has less than all files of its indexes."""
        return self.scope.file_ids is not None or bool(self.scope.kinds)

    @property
    def is_everything(self) -> bool:
        """Whether it allows all rows."""
        return self.is_whole and not self.chooses_files and not self.scope.hidden_from(self.kind)

    @property
    def of_versions(self) -> Hashable:
        """What it allows, if it does not choose files."""
        hidden = self.scope.hidden_from(self.kind)
        return hidden, None if self.is_whole else self.scope.listed


class AllowedRows(Recent[Hashable, Rows]):
    """The rows that selections allow, by set and selection, if they choose no files."""

    def __init__(self) -> None:
        super().__init__(MOST_ALLOWED, len)
