"""The nodes of an installation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from kodit.application.views.serialization import moment
from kodit.domain.ports.nodes import Node


@dataclass(frozen=True, slots=True)
class NodeView:
    """A data directory that shares the database. `state` is `following`, while one of its processes
    keeps its engines up to date; `idle`, if it was used lately by commands or workers alone; or
    `gone`. `roles` are `work`, if a worker is running there, and `search`, if it holds the engines.
    `behind` is the number of changes that its keyword index has not applied, of those that another
    one has, and `lacks` that of the indexes that it has none of."""

    name: str
    host: str
    location: str
    version: str
    state: str
    seen_at: str
    behind: int
    lacks: int
    roles: tuple[str, ...]

    @classmethod
    def of(cls, node: Node) -> Self:
        state = "gone" if not node.is_alive else "following" if node.follows else "idle"
        return cls(
            node.name,
            node.host,
            node.location,
            node.version,
            state,
            moment(node.seen_at) or "",
            node.behind,
            node.lacks,
            ("work",) * node.works + ("search",) * node.searches,
        )
