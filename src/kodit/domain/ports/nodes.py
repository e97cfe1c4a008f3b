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
    not follow applies them when something is indexed there; one that does not search never does.
    `works` if a worker is running there."""

    name: str
    host: str
    location: str
    version: str
    searches: bool
    works: bool
    follows: bool
    is_alive: bool
    seen_at: datetime
    behind: int
    lacks: int


@dataclass(frozen=True, slots=True)
class AwaitingTask:
    """A task that waits until a search node has followed the log of its index."""

    id: int
    index_id: int


class Nodes(Protocol):
    """The nodes over one database."""

    def enter(self, *, searches: bool, follows: bool) -> None:
        """Record that this node is alive: whether it `searches`, and `follows` if this process
        keeps its engines up to date."""
        ...

    def start_following(self) -> None:
        """Hold the lock by which the other nodes know that a process of this one follows, until it
        ends. Raises TransientError."""
        ...

    def stop_following(self) -> None:
        """Tell the other nodes at once, if this process has followed."""
        ...

    def searching(self) -> Sequence[str]:
        """The hosts of the search nodes that are alive and follow the log; none if nobody does."""
        ...

    def awaiting(self) -> Sequence[AwaitingTask]:
        """The tasks that wait for search nodes."""
        ...

    def forget_lost(self) -> None:
        """Do not keep changes any longer for nodes that were not alive for a while: each is filled
        anew when it comes back."""
        ...

    def all(self) -> Sequence[Node]:
        """Every node that was seen lately, by host and folder."""
        ...
