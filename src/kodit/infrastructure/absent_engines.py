"""The engines of a node that holds none: whoever wants to search is told where to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, NoReturn

from kodit.domain.errors import UserError

# Most nodes hold engines.
if TYPE_CHECKING:
    from kodit.domain.keyword import KeywordBatch, KeywordPosition
    from kodit.domain.ports.database import Transaction
    from kodit.domain.value_objects import VectorKind

Hosts = Callable[[], Sequence[str]]
"""Those of the nodes that search."""


class AbsentKeywordIndex:
    """Applies nothing, holds nothing, and refuses to be searched."""

    def __init__(self, hosts: Hosts) -> None:
        self._hosts = hosts

    async def apply(self, batches: Sequence[KeywordBatch]) -> list[bool]:
        return [False] * len(batches)

    async def drop(self, index_id: int, generation: str | None) -> None:
        pass

    def positions(self, index_ids: Iterable[int]) -> dict[int, KeywordPosition | None]:
        return dict.fromkeys(index_ids)

    def held(self) -> set[int]:
        return set()

    def reader(self) -> NoReturn:
        raise _searched_elsewhere(self._hosts())

    def close_unused(self) -> None:
        pass


class AbsentVectorIndex:
    """Likewise for vectors. They are stored in the database, and prepared where they are searched,
    so that there is nothing left to prepare here."""

    def __init__(self, hosts: Hosts) -> None:
        self._hosts = hosts

    def reader(self, transaction: Transaction) -> NoReturn:
        raise _searched_elsewhere(self._hosts())

    async def extend(self, index_id: int, kind: VectorKind, model: str) -> None:
        pass

    async def refresh(self, index_id: int, kind: VectorKind, model: str) -> None:
        pass

    def is_prepared(self, index_id: int, kind: VectorKind, model: str) -> bool:
        return True

    def drop(self, index_id: int) -> None:
        pass

    def held(self) -> set[int]:
        return set()

    def release_pages(self) -> None:
        pass


def _searched_elsewhere(hosts: Sequence[str]) -> UserError:
    where = f"on {', '.join(hosts)}" if hosts else "of which none is running"
    return UserError(
        "this data directory holds nothing to search (KODIT_NODE_SEARCHES is false); ask a node "
        f"that does, {where}",
        code="searched_elsewhere",
        hosts=", ".join(hosts) or None,
    )
