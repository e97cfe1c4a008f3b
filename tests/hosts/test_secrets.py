"""A secret is on some hosts only: the others leave its source to these."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

import pytest
from tests.git.conftest import GitServer, MakeRepository
from tests.hosts.nodes import MakeNode, Node
from tests.support.command import PATIENCE_SECONDS

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


async def try_once(node: Node) -> None:
    """Let a worker try the only run once."""
    queue = node.application.queue
    async with node.application.worker() as (worker, name), asyncio.TaskGroup() as group:
        group.create_task(worker.run(name))
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (await queue.list_runs())[0].tasks[0].error is None:  # noqa: ASYNC110 - no event
                await asyncio.sleep(0.02)
        worker.stop()
