"""The nodes of an installation: data directories that share a database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Node:
    """A node: `behind` is how many changes its keyword index has not applied yet, of those that
    another node has, and `lacks` how many indexes it has not started to follow. A node that does
    not follow applies them when something is indexed there."""

    name: str
    host: str
    location: str
    version: str
    follows: bool
    is_alive: bool
    seen_at: datetime
    behind: int
    lacks: int


class Nodes(Protocol):
    """The nodes over one database."""

    def enter(self, *, follows: bool) -> None:
        """Record that this node is alive; `follows` if a process keeps its engines up to date."""
        ...

    def forget_lost(self) -> None:
        """Do not keep changes any longer for nodes that were not alive for a while: each is filled
        anew when it comes back."""
        ...

    def all(self) -> Sequence[Node]:
        """Every node that was seen lately, by host and folder."""
        ...
