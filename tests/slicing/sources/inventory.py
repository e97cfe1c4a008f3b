"""Keeping count of what is in a warehouse."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field

type Quantity = int

DEFAULT_SHELF = "A1"
LARGEST_ORDER = 500

LABELS = {
    "new": "arrived today",
    "old": "older than a month",
    "lost": "not found at the last count",
    "sold": "paid for and not yet sent",
}

logger = logging.getLogger(__name__)


class OutOfStockError(Exception):
    """Fewer items are left than were asked for."""


@dataclass(frozen=True)
class Item:
    """One kind of thing, wherever it is stored."""

    code: str
    price: float = 0.0
    tags: tuple[str, ...] = ()


@dataclass
class Warehouse:
    """Shelves by name, each with the items it holds."""

    shelves: dict[str, list[Item]] = field(default_factory=dict)

    def __len__(self) -> int:
        return sum(len(items) for items in self.shelves.values())

    # Two shelves never hold the same kind of item,
    # so the first that has it is the right one.
    def find(self, code: str) -> str | None:
        """The shelf that holds an item, None when there is none."""
        for name, items in self.shelves.items():
            if any(item.code == code for item in items):
                return name
        return None

    @property
    def is_empty(self) -> bool:
        return not len(self)

    class Report:
        """What a count found."""

        def __init__(self, warehouse: Warehouse) -> None:
            self.warehouse = warehouse
            self.missing: list[str] = []
            self.extra: list[str] = []

        def lines(self) -> Iterator[str]:
            for code in self.missing:
                yield f"missing {code}"
            for code in self.extra:
                yield f"not expected {code}"

        async def send(self, address: str) -> None:
            body = "\n".join(self.lines())
            logger.info("report for %s", address)
            await deliver(address, body)

    length = property(__len__)

    def take(self, code: str, count: int = 1) -> list[Item]:
        shelf = self.find(code)
        if shelf is None or count > LARGEST_ORDER:
            raise OutOfStockError(code)
        taken = self.shelves[shelf][:count]
        del self.shelves[shelf][:count]
        return taken


async def deliver(address: str, body: str) -> None:
    """Hands a message to the post."""
    if not address:
        raise ValueError("an address is needed")
    print(address, body)


@logged(
    level="debug",
)
def rebalance(warehouse: Warehouse, limit: int) -> int:
    """Moves items from full shelves to others; how many were moved."""

    def is_full(name: str) -> bool:
        return len(warehouse.shelves[name]) > limit

    moved = 0
    for name in list(warehouse.shelves):
        while is_full(name):
            item = warehouse.shelves[name].pop()
            warehouse.shelves.setdefault(DEFAULT_SHELF, []).append(item)
            moved += 1
    return moved


if __name__ == "__main__":
    print(len(Warehouse()))
