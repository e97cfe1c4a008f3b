"""Which worker does what, and when: two processes on one queue, and users before the background."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.support import worker_process
from tests.support.command import KoditCommand, finish, kill_group, wait_until
from tests.support.faults import FaultyApplication
from tests.support.serving import ServingKodit
from tests.support.snapshot import read_rows, take_snapshot
from tests.support.sources import write_tree

from kodit import Kodit
from kodit.domain.entities import IndexRun
from kodit.domain.value_objects import TaskType

pytestmark = pytest.mark.every_store

ATTEMPTS = """
SELECT tasks.run_id, tasks.type, attempts.worker, attempts.started_at, attempts.finished_at
FROM task_attempts AS attempts JOIN tasks ON tasks.id = attempts.task_id
"""
UNFINISHED = "SELECT count(*) FROM index_runs WHERE state IN ('queued', 'running')"
ORDER = """
SELECT attempts.started_at, tasks.run_id, tasks.type
FROM task_attempts AS attempts JOIN tasks ON tasks.id = attempts.task_id
"""
STARTS_AFTER = {
    "EXTRACT": ["SYNC"],
    "BM25_INDEX": ["EXTRACT"],
    "CODE_EMBEDDINGS": ["EXTRACT"],
    "ENRICH": ["BM25_INDEX", "CODE_EMBEDDINGS"],
}


@contextmanager
def worker_processes(data_dir: Path, count: int) -> Iterator[list[subprocess.Popen[str]]]:
    """Worker processes with one slot each."""
    command = KoditCommand(data_dir)
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", worker_process.__name__, str(data_dir)],
            cwd=Path(__file__).parents[2],
            env=command.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        for _ in range(count)
    ]
    try:
        wait_until(lambda: all(has_entered(data_dir, process.pid) for process in processes))
        yield processes
        for process in processes:
            process.terminate()
        assert [finish(process).err for process in processes] == [""] * count
    finally:
        for process in processes:
            kill_group(process)
            process.communicate()


def has_entered(data_dir: Path, pid: int) -> bool:
    """Whether a process holds a worker's lock in the data directory."""
    return bool(list((data_dir / "workers").glob(f"*-{pid}-*.lock")))


def test_two_workers_share_a_run_and_keep_its_order(tmp_path: Path) -> None:
    """No stage starts before its predecessors have ended. The two that may overlap do: each waits
    for the other, so that the run would fail if they did not.
    """
    data_dir = tmp_path / "data"
    write_tree(tmp_path / "source", files=20)
    with ServingKodit(data_dir, is_serving=False) as asking, worker_processes(data_dir, 2):
        run = asking.wait_for(asking.queue(tmp_path / "source").id)
    assert run.state == "succeeded", run

    attempts = {stage: attempt for _, stage, *attempt in read_rows(data_dir, ATTEMPTS)}
    assert set(attempts) == {stage.name for stage in TaskType}
    for stage, before in STARTS_AFTER.items():
        assert all(ended(attempts[other]) <= started(attempts[stage]) for other in before), stage
    words, vectors = attempts["BM25_INDEX"], attempts["CODE_EMBEDDINGS"]
    assert max(started(words), started(vectors)) < min(ended(words), ended(vectors))
    assert words[0] != vectors[0], "a worker of one slot did both"
    with Kodit(tmp_path / "fresh") as fresh:
        fresh.index(tmp_path / "source")
    assert take_snapshot(data_dir) == take_snapshot(tmp_path / "fresh")


def started(attempt: list[Any]) -> int:
    """When an attempt was claimed, in microseconds."""
    return int(attempt[1])


def ended(attempt: list[Any]) -> int:
    return int(attempt[2])


def test_a_user_is_next_at_every_claim(tmp_path: Path) -> None:
    """A user's run that is requested while ten background runs wait and one is running is claimed
    next, and next again, until it has ended: including its ENRICH, whose priority equals that of a
    background SYNC.
    """
    folders = [tmp_path / f"folder {number}" for number in range(11)]
    for number, folder in enumerate(folders):
        write_tree(folder, files=2, seed=number)
    data_dir = tmp_path / "data"
    with (
        ServingKodit(data_dir, is_serving=False) as asking,
        ServingKodit(data_dir, FaultyApplication, is_serving=False, worker_slots=1) as working,
    ):
        for folder in folders[:10]:
            asking.queue(folder, is_user_initiated=False)
        users: list[IndexRun] = []
        looks = itertools.count()

        def ask() -> None:
            if next(looks) == 1:  # a second SYNC of the background is at work
                users.append(asking.queue(folders[10]))

        assert isinstance(working.application, FaultyApplication)
        working.application.faults.hooks["SYNC"] = ask
        working.serve()
        wait_until(lambda: read_rows(data_dir, UNFINISHED) == [(0,)] and bool(users))

    runs = [(run, stage) for _, run, stage in sorted(read_rows(data_dir, ORDER))]
    assert [stage for _, stage in runs[:2]] == ["SYNC", "SYNC"]
    assert runs[2:7] == [(users[0].id, stage.name) for stage in TaskType]
