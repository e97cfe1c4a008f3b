"""The periodic work of a process that keeps a node's engines up to date."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

from kodit.application.services.chores import Chore
from kodit.application.services.node_following import (
    SECONDS_BETWEEN_SIGNS,
    NodeFollowing,
    say_alive,
)
from kodit.composition.made_later import made_later
from kodit.infrastructure.locks import open_lock_file, try_lock

if TYPE_CHECKING:
    from kodit.application.services.queue_service import QueueService
    from kodit.composition.foundation import Foundation
    from kodit.domain.ports.nodes import Nodes

SECONDS_BETWEEN_LOOKS = 1.0
SECONDS_BETWEEN_PACKS = 5.0
SECONDS_BETWEEN_CHECKS = 30.0
"""Each check reads a row of every index."""


class OneFollower:
    """Lets one process of a data directory follow; another one takes over when it ends."""

    def __init__(self, application: Foundation) -> None:
        self._path = application.data_dir / "server.following"
        self._descriptor: int | None = None
        self._is_mine = False

    def is_mine(self) -> bool:
        """Whether this process is the one."""
        if not self._is_mine:
            if self._descriptor is None:
                self._descriptor = open_lock_file(self._path)
            self._is_mine = try_lock(self._descriptor)
        return self._is_mine

    def close(self) -> None:
        """Let another process follow."""
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor, self._is_mine = None, False


def make_sign(nodes: Nodes) -> list[Chore]:
    """For a process that runs until told to stop on a node that does not search."""
    return [Chore("tell that the node is alive", SECONDS_BETWEEN_SIGNS, partial(say_alive, nodes))]


def make_following(
    application: Foundation, nodes: Nodes, queue: QueueService, follower: OneFollower
) -> list[Chore]:
    """For a process that runs until told to stop."""
    following = NodeFollowing(
        database=application.database,
        keyword_index=made_later(lambda: application.engines.keyword_index),
        vector_index=made_later(lambda: application.engines.vector_index),
        model=lambda: application.engines.embedder.model,
        nodes=nodes,
        queue=queue,
    )

    def if_mine(do_piece: Callable[[], Awaitable[bool]]) -> Callable[[], Awaitable[bool]]:
        async def piece() -> bool:
            return follower.is_mine() and await do_piece()

        return piece

    return [
        Chore("tell that the node is alive", SECONDS_BETWEEN_SIGNS, if_mine(following.give_sign)),
        Chore("check the keyword index", SECONDS_BETWEEN_CHECKS, if_mine(following.check)),
        Chore(
            "follow other nodes",
            SECONDS_BETWEEN_LOOKS,
            if_mine(following.follow_some),
            is_awaited=True,
        ),
        Chore("prepare vectors", SECONDS_BETWEEN_PACKS, if_mine(following.pack_some)),
        Chore("tidy up after nodes", SECONDS_BETWEEN_CHECKS, if_mine(following.tidy_some)),
    ]
