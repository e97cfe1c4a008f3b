"""Nodes that only index, and nodes that search what these have indexed."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import psycopg
import pytest
from tests.indexing.sharing import NEWER, found, index, write
from tests.nodes.two_nodes import Installation, follow, installation
from tests.support.command import wait_until
from tests.support.serving import ServingKodit, states, work_of
from tests.support.sources import write_file

from kodit.application.services import node_following
from kodit.application.services.chores import Chore
from kodit.application.services.keyword_following import follow_stores
from kodit.application.views.indexes import IndexesView
from kodit.composition import Application
from kodit.domain.caller import LOCAL_CALLER
from kodit.domain.entities import IndexRun
from kodit.domain.errors import SettingError, UserError
from kodit.domain.questions import StatusQuestion
from kodit.domain.search import EVERYTHING
from kodit.domain.symbols import SymbolRequest
from kodit.domain.value_objects import TaskState, TaskType
from kodit.settings import Settings


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[Installation]:
    with installation(tmp_path / "nodes") as made:
        yield made


def status(node: ServingKodit) -> IndexesView:
    return node.call(
        lambda application: application.index_answers.status(LOCAL_CALLER, StatusQuestion())
    )


def keyword_task(node: ServingKodit, run: IndexRun) -> TaskState:
    [now] = node.call(lambda application: application.queue.get_runs([run.id]))
    return next(task.state for task in now.tasks if task.type is TaskType.BM25_INDEX)


def wait_until_awaited(node: ServingKodit, run: IndexRun) -> None:
    """Wait until the run waits for a search node."""
    nodes = node.application.store.nodes
    assert nodes is not None
    wait_until(lambda: bool(nodes.awaiting()))
    assert keyword_task(node, run) is TaskState.READY


def do(node: ServingKodit, chores: Sequence[Chore], name: str) -> None:
    """Do what a process does every few seconds."""

    async def once(_application: Application) -> None:
        [found] = [one for one in chores if one.name == name]
        await found.do_piece()

    node.call(once)


def test_a_search_node_follows_what_a_worker_waits_for(nodes: Installation, tmp_path: Path) -> None:
    worker = nodes.node("first", searches=False)
    search = nodes.node("second", is_serving=False)
    follow(search)
    tree = write(tmp_path / "tree")
    run = worker.queue(tree)
    wait_until_awaited(worker, run)
    [waiting] = status(worker).indexes
    assert waiting.run is not None
    assert [task.reason for task in waiting.run.tasks if task.type == "BM25_INDEX"] == [
        f"waits until a search node has followed ({search.application.this_host.name})"
    ]
    do(worker, worker.application.chores, "end vain waits")
    assert keyword_task(worker, run) is TaskState.READY
    follow(search)
    ended = worker.wait_for(run.id)
    assert states(ended) == ["succeeded"] * 5
    assert work_of(ended)["keywords_indexed"] == work_of(ended)["snippets_written"]
    other = nodes.node("third", is_serving=False)
    follow(other)
    assert run.index_id is not None
    assert found(search, run.index_id) == found(other, run.index_id)
    assert not (worker.data_dir / "keyword").exists()
    assert not (worker.data_dir / "vectors").exists()


def test_a_run_ends_at_once_if_nobody_searches(nodes: Installation, tmp_path: Path) -> None:
    """And a search node that comes later follows what there is."""
    worker = nodes.node("first", searches=False)
    tree = write(tmp_path / "tree")
    index_id = index(worker, tree)
    view = status(worker)
    assert view.indexes[0].is_searchable_nowhere
    assert view.nodes is not None
    assert [(node.roles, node.state) for node in view.nodes] == [(("work",), "idle")]
    late = nodes.node("second", is_serving=False)
    do(late, late.application.following, "tell that the node is alive")
    assert status(worker).indexes[0].is_searchable_nowhere is None
    follow(late)
    view = status(worker)
    assert view.indexes[0].is_searchable_nowhere is None
    assert view.nodes is not None
    assert sorted((node.roles, node.state) for node in view.nodes) == [
        (("work",), "idle"),
        (("work", "search"), "following"),
    ]
    other = nodes.node("third", is_serving=False)
    follow(other)
    assert found(late, index_id) == found(other, index_id)


def test_removed_contents_are_followed_too(nodes: Installation, tmp_path: Path) -> None:
    worker = nodes.node("first", searches=False)
    search = nodes.node("second", is_serving=False)
    tree = write(tmp_path / "tree")
    index_id = index(worker, tree)
    write_file(tree / "lantern.py", NEWER)
    (tree / "store.py").unlink()
    index(worker, tree)
    follow(search)
    fresh = nodes.node("third", is_serving=False)
    follow(fresh)
    assert found(search, index_id) == found(fresh, index_id)
    with psycopg.connect(nodes.url) as connection:
        assert connection.execute(
            "SELECT (SELECT count(*) FROM keyword_changes), "
            "(SELECT count(*) FROM snippets WHERE state = 'dead')"
        ).fetchone() == (0, 0)


def lead(node: ServingKodit, store_id: int) -> None:
    """Follow a store as the first node that does."""
    node.call(
        lambda application: follow_stores(
            application.database, application.engines.keyword_index, [store_id], leads=True
        )
    )


def test_what_two_search_nodes_lead_is_counted_once(nodes: Installation, tmp_path: Path) -> None:
    worker = nodes.node("first", searches=False)
    tree = write(tmp_path / "tree")
    index_id = index(worker, tree)
    searching = [nodes.node(name, is_serving=False) for name in ("second", "third")]
    for one in searching:
        follow(one)
    write_file(tree / "lantern.py", NEWER)
    run = worker.queue(tree)
    wait_until_awaited(worker, run)
    for one in searching:
        lead(one, index_id)
    follow(searching[0])
    work = work_of(worker.wait_for(run.id))
    assert work["keywords_indexed"] == work["snippets_written"] > 0


_SEARCH_NODE = """
import asyncio, sys
from pathlib import Path
from kodit.composition import Application
from kodit.settings import Settings

async def give_signs(application):
    [sign] = [one for one in application.following if one.name == "tell that the node is alive"]
    await sign.do_piece()
    print("ready", flush=True)
    await asyncio.Event().wait()

settings = Settings(data_dir=Path(sys.argv[1]), database_url=sys.argv[2])
with Application(settings) as application:
    asyncio.run(give_signs(application))
"""
"""A search node that is alive and follows nothing."""


def test_the_death_of_the_last_search_node_ends_the_wait(
    nodes: Installation, tmp_path: Path
) -> None:
    worker = nodes.node("first", searches=False)
    with subprocess.Popen(
        [sys.executable, "-c", _SEARCH_NODE, str(tmp_path / "nodes" / "second"), nodes.url],
        stdout=subprocess.PIPE,
    ) as search:
        assert search.stdout is not None
        assert search.stdout.readline() == b"ready\n"
        run = worker.queue(write(tmp_path / "tree"))
        wait_until_awaited(worker, run)
        do(worker, worker.application.chores, "end vain waits")
        assert keyword_task(worker, run) is TaskState.READY
        search.send_signal(signal.SIGKILL)
        search.wait()
        registry = worker.application.store.nodes
        assert registry is not None
        wait_until(lambda: not registry.searching())
        do(worker, worker.application.chores, "end vain waits")
        assert states(worker.wait_for(run.id)) == ["succeeded"] * 5
        assert status(worker).indexes[0].is_searchable_nowhere


def test_a_node_that_does_not_search_says_where_to(nodes: Installation, tmp_path: Path) -> None:
    worker = nodes.node("first", searches=False)
    index_id = index(worker, write(tmp_path / "tree"))
    with pytest.raises(UserError, match="of which none is running") as refused:
        worker.search("lantern")
    assert refused.value.code == "searched_elsewhere"
    search = nodes.node("second", is_serving=False)
    follow(search)
    host = search.application.this_host.name
    for ask in (
        lambda: worker.search("lantern", "code"),
        lambda: worker.application.symbols.find(SymbolRequest("light_lantern")),
        lambda: worker.application.related.find(index_id, "lantern.py:6", EVERYTHING, 3),
    ):
        with pytest.raises(UserError, match=f"ask a node that does, on {host}"):
            ask()
    assert "def " in worker.application.browse.read_file(index_id, "lantern.py").text


def test_a_search_node_that_cannot_follow_is_not_waited_for(
    nodes: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node_following, "MOST_SECONDS_IN_TROUBLE", 0.0)
    worker = nodes.node("first", searches=False)
    search = nodes.node("second", is_serving=False)
    chores = search.application.following
    do(search, chores, "tell that the node is alive")
    registry = worker.application.store.nodes
    assert registry is not None
    run = worker.queue(write(tmp_path / "tree"))
    wait_until_awaited(worker, run)
    keyword = search.data_dir / "keyword"
    shutil.rmtree(keyword, ignore_errors=True)
    keyword.write_text("in the way")
    with pytest.raises(Exception, match="keyword"):
        do(search, chores, "follow other nodes")
    do(search, chores, "tell that the node is alive")
    assert not registry.searching()
    do(worker, worker.application.chores, "end vain waits")
    assert states(worker.wait_for(run.id)) == ["succeeded"] * 5
    keyword.unlink()
    do(search, chores, "follow other nodes")
    do(search, chores, "tell that the node is alive")
    assert registry.searching()


def test_only_a_node_of_several_may_leave_searching_to_others(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="KODIT_NODE_SEARCHES"):
        Settings.load({"KODIT_NODE_SEARCHES": "false"}, data_dir=tmp_path)
