"""The files of a server are put back as they were earlier, and nodes have seen what came after."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.indexing.sharing import NEWER, found, index, write
from tests.nodes.two_nodes import follow
from tests.support.postgresql import (
    find_postgresql,
    restart_postgresql,
    running_postgresql,
    stop_postgresql,
)
from tests.support.serving import ServingKodit
from tests.support.sources import write_file
from tests.support.stores import using_store


class Server:
    """A server of its own, whose files can be copied."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs = programs
        self._folder = folder
        self.url = f"postgresql://kodit@/postgres?host={folder}"

    def copy(self) -> None:
        stop_postgresql(self._programs, self._folder)
        self._run("cp", "--archive", "data", "copy")
        restart_postgresql(self._programs, self._folder, "fast")

    def put_back(self) -> None:
        stop_postgresql(self._programs, self._folder)
        self._run("rm", "--recursive", "data")
        self._run("mv", "copy", "data")
        restart_postgresql(self._programs, self._folder, "fast")

    def _run(self, *command: str) -> None:
        subprocess.run(command, cwd=self._folder, check=True)


@pytest.fixture
def server() -> Iterator[Server]:
    programs = find_postgresql()
    if programs is None:
        pytest.skip("PostgreSQL is not installed")
    with using_store("postgresql"), running_postgresql(programs) as url:
        yield Server(programs, Path(str(url.query["host"])))


@contextmanager
def nodes(server: Server, folder: Path) -> Iterator[tuple[ServingKodit, ServingKodit]]:
    """One that works and one that only searches; stopped at the end of the block."""
    with (
        ServingKodit(folder / "first", database_url=server.url, keep_unused_days=0) as first,
        ServingKodit(folder / "second", is_serving=False, database_url=server.url) as second,
    ):
        yield first, second


def copied(server: Server, folder: Path, tree: Path) -> tuple[int, dict[Any, Any]]:
    """Copy the server once both nodes have an index; its id, and what is found in it."""
    with nodes(server, folder) as (first, second):
        index_id = index(first, tree)
        follow(second)
        early = found(first, index_id)
    server.copy()
    return index_id, early


def test_every_node_notices_and_follows_what_comes_instead(server: Server, tmp_path: Path) -> None:
    tree = write(tmp_path / "tree")
    index_id, early = copied(server, tmp_path, tree)
    with nodes(server, tmp_path) as (first, second):
        write_file(tree / "lantern.py", NEWER)
        index(first, tree)
        follow(second)
        late = found(second, index_id)
        assert late == found(first, index_id) != early
    server.put_back()
    with nodes(server, tmp_path) as (first, second):
        for node in (first, second):
            follow(node)
            assert found(node, index_id) == early
        # Its changes have the numbers of those that are gone.
        write_file(tree / "store.py", NEWER)
        index(first, tree)
        follow(second)
        assert found(first, index_id) == found(second, index_id)
        with ServingKodit(tmp_path / "third", is_serving=False, database_url=server.url) as fresh:
            follow(fresh)
            assert found(second, index_id) == found(fresh, index_id)


def test_an_index_whose_deletion_is_undone(server: Server, tmp_path: Path) -> None:
    """Each node had dropped it from its keyword index for good."""
    tree = write(tmp_path / "tree")
    index_id, early = copied(server, tmp_path, tree)
    with nodes(server, tmp_path) as (first, second):
        first.call(lambda application: application.indexes.delete(index_id))
        follow(first)
        follow(second)
    server.put_back()
    with nodes(server, tmp_path) as (first, second):
        for node in (first, second):
            follow(node)
            assert found(node, index_id) == early
