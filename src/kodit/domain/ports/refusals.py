"""Snippets for which a model gave no usable description."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol


class RefusalRepository(Protocol):
    """The refused snippets of indexes, within one transaction."""

    def refuse(self, index_id: int, reasons: Mapping[int, str]) -> None:
        """Record why these snippets have no description, mark the stage as done for them, and drop
        the vector that describes them."""
        ...

    def refused(self, index_id: int, snippet_ids: Sequence[int]) -> set[int]:
        """Those of these snippets that were refused before."""
        ...

    def forget(self, index_id: int, snippet_ids: Sequence[int]) -> None:
        """These snippets have a description now, or are no longer current."""
        ...

    def forget_all(self, index_id: int) -> None:
        """Another model may answer."""
        ...

    def ask_again(self, index_id: int, after: int = 0) -> int | None:
        """Mark some of the refused snippets after the snippet `after` as pending. Returns the
        `after` of the next call, None when all are."""
        ...
