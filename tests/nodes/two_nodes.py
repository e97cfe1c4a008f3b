"""Two data directories over one database of a server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.support.serving import ServingKodit
from tests.support.stores import DATABASES, using_store

from kodit.application.services.chores import Chore
from kodit.composition import Application


class Installation:
    """Any number of nodes over the same database."""

    def __init__(self, folder: Path, opened: ExitStack) -> None:
        self._folder = folder
        self._opened = opened
        self.url = DATABASES.url_of(folder / "first")

    def node(self, name: str, *, is_serving: bool = True, searches: bool = True) -> ServingKodit:
        """A node with a worker, unless it only searches, which it may leave to others."""
        node = ServingKodit(
            self._folder / name,
            is_serving=is_serving,
            database_url=self.url,
            keep_unused_days=0,
            node_searches=searches,
        )
        return self._opened.enter_context(node)


@contextmanager
def installation(folder: Path) -> Iterator[Installation]:
    """One whose nodes end with the block."""
    with using_store("postgresql"), ExitStack() as opened:
        yield Installation(folder, opened)


def follow(node: ServingKodit) -> None:
    """Do what a process that serves does within some seconds."""

    async def every(application: Application) -> None:
        for chore in following(application):
            while await chore.do_piece():
                pass

    node.call(every)


def following(application: Application) -> list[Chore]:
    """The chores of a node that follows."""
    chores = application.following
    assert chores
    return chores
