"""A secret is on some hosts only: the others leave its source to these."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

import pytest
from tests.git.conftest import GitServer, MakeRepository
from tests.hosts.nodes import MakeNode, Node
from tests.support.command import PATIENCE_SECONDS

from kodit.application.services.source_service import IndexRequest
from kodit.domain.claiming import ClaimRules
from kodit.domain.value_objects import TaskState, TaskType

CODE = "def quartz():\n    return 1\n"


@pytest.fixture
def here(make_node: MakeNode) -> Node:
    return make_node("here")


@pytest.fixture
def there(make_node: MakeNode) -> Node:
    return make_node("there")


def test_a_source_is_read_where_its_secret_is(
    make_repository: MakeRepository, make_server: Callable[[], GitServer], here: Node, there: Node
) -> None:
    make_repository("private").commit({"a.py": CODE})
    server = make_server()
    server.password = "s3cret"  # noqa: S105 - of a test
    here.request(server.url("private/.git", "ada:s3cret@"))
    there.run(partial(try_once, there))
    [run] = there.runs()
    assert run.tasks[0].state is TaskState.READY
    assert run.tasks[0].error == (
        f"the host there does not have the credentials of {server.url('private/.git')}; if they "
        "are given as env:NAME, each host with that variable can read it"
    )
    there.request(str(run.index_id))  # ends the back-off
    assert there.claim() is None
    here.serve(TaskType.SYNC)
    assert there.claim() is None
    here.serve(TaskType.EXTRACT)
    there.serve(TaskType.BM25_INDEX)


def test_a_variable_is_set_on_each_host(
    make_repository: MakeRepository,
    make_server: Callable[[], GitServer],
    here: Node,
    there: Node,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Any host that has it reads the source; giving it again, elsewhere, adds no index."""
    make_repository("private").commit({"a.py": CODE})
    server = make_server()
    server.password = "s3cret"  # noqa: S105 - of a test
    request = IndexRequest([server.url("private/.git")], credentials="env:SHOP")
    monkeypatch.setenv("SHOP", "ada:s3cret")
    here.run(lambda: here.application.sources.add(request))
    monkeypatch.delenv("SHOP")
    there.run(partial(try_once, there))
    [run] = there.runs()
    assert "SHOP holds no credentials" in str(run.tasks[0].error)
    monkeypatch.setenv("SHOP", "ada:s3cret")
    [again] = there.run(lambda: there.application.sources.add(request))
    assert again.index_id == run.index_id
    elsewhere = there.application.queue.declined
    assert elsewhere.within(ClaimRules()).declined == {run.index_id}
    here.serve(TaskType.SYNC)
    elsewhere.add(run.index_id or 0, 0.0)
    there.serve(TaskType.EXTRACT)
    there.serve_all()
    assert there.read(run.index_id or 0, "a.py") == CODE


async def try_once(node: Node) -> None:
    """Let a worker try the only run once."""
    queue = node.application.queue
    async with node.application.worker() as (worker, name), asyncio.TaskGroup() as group:
        group.create_task(worker.run(name))
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (await queue.list_runs())[0].tasks[0].error is None:  # noqa: ASYNC110 - no event
                await asyncio.sleep(0.02)
        worker.stop()
