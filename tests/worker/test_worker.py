"""`kodit worker`: any number of them on one data directory, independent of one another."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from tests.support.command import KoditCommand, Outcome, finish, processes_of_session, wait_until
from tests.support.sources import write_file, write_tree
from tests.worker.conftest import Queue, StartWorker

from kodit.domain.value_objects import AttemptOutcome, RunState, SourceKind, TaskState


def end(
    worker: subprocess.Popen[str], number: signal.Signals = signal.SIGTERM, times: int = 1
) -> Outcome:
    """Tell a worker to stop, and wait for it."""
    for _time in range(times):
        worker.send_signal(number)
        time.sleep(0.002)
    return finish(worker)


def is_running(queue: Queue, run_id: int) -> bool:
    return queue.run(run_id).tasks[0].state is TaskState.RUNNING


@pytest.mark.parametrize(
    ("number", "times"), [(signal.SIGTERM, 1), (signal.SIGINT, 1), (signal.SIGTERM, 3)]
)
def test_worker_that_is_told_to_stop_releases_its_tasks(
    number: signal.Signals, times: int, queue: Queue, silent_server: str, start_worker: StartWorker
) -> None:
    """It exits with 0, its children are gone, and the retry budget is full; also if the signal
    arrives several times at once, as `timeout` sends it to the process and to its group."""
    run_id = queue.request(SourceKind.GIT, f"{silent_server}/repository")
    worker = start_worker()
    wait_until(lambda: is_running(queue, run_id))
    outcome = end(worker, number, times)
    assert (outcome.code, outcome.out) == (0, "")
    task = queue.run(run_id).tasks[0]
    assert (task.state, task.failures, task.worker) == (TaskState.READY, 0, None)
    assert [attempt.outcome for attempt in queue.attempts(run_id)] == [AttemptOutcome.RELEASED]
    assert processes_of_session(worker.pid) == []


def test_worker_that_is_killed_is_noticed_by_the_next(
    queue: Queue, silent_server: str, start_worker: StartWorker
) -> None:
    """Long before its lease expires; its children end with it."""
    run_id = queue.request(SourceKind.GIT, f"{silent_server}/repository")
    victim = start_worker()
    wait_until(lambda: is_running(queue, run_id))
    os.kill(victim.pid, signal.SIGKILL)
    victim.wait()
    wait_until(lambda: processes_of_session(victim.pid) == [])
    heir = start_worker()
    wait_until(lambda: len(queue.attempts(run_id)) == 2)
    lost, held = queue.attempts(run_id)
    assert (lost.outcome, lost.error) == (AttemptOutcome.LOST, "its worker died")
    assert (held.outcome, queue.run(run_id).tasks[0].failures) == (None, 1)
    assert 'reason="its worker died"' in end(heir).err


def test_two_workers_share_a_queue_that_was_paused(
    kodit: KoditCommand, queue: Queue, tmp_path: Path, start_worker: StartWorker
) -> None:
    """While it is paused nothing is claimed; then each task is run once."""
    kodit.succeed("queue", "pause")
    runs = []
    for name in ("first", "second"):
        write_tree(tmp_path / name, files=4)
        runs.append(queue.request(SourceKind.FOLDER, str(tmp_path / name)))
    workers = [start_worker(), start_worker()]

    def overview() -> dict[str, Any]:
        return dict(kodit.ask("queue", "list")["queue"])

    wait_until(lambda: len(overview()["workers"]) == 2)
    assert (overview()["running"], overview()["waiting"]) == (0, 2)
    kodit.succeed("queue", "resume")
    wait_until(lambda: all(queue.run(run_id).state is RunState.SUCCEEDED for run_id in runs))
    for run_id in runs:
        assert [task.claim_no for task in queue.run(run_id).tasks] == [1, 1, 1, 1, 1]
    assert [end(worker).code for worker in workers] == [0, 0]


def test_limit_holds_over_all_workers(
    kodit: KoditCommand, queue: Queue, silent_server: str, start_worker: StartWorker
) -> None:
    """With four slots and a limit of one SYNC, the second one waits and says why."""
    kodit.environment["KODIT_TASK_LIMITS"] = "SYNC=1"
    runs = [queue.request(SourceKind.GIT, f"{silent_server}/{name}") for name in "ab"]
    start_worker(), start_worker()
    wait_until(lambda: is_running(queue, runs[0]))

    def reason() -> str:
        tasks = kodit.succeed("queue", "show", str(runs[1]), "--json").json()["tasks"]
        return str(tasks[0]["reason"])

    wait_until(lambda: len(list((kodit.data_dir / "workers").iterdir())) == 2)
    assert reason() == "the limit for SYNC is reached: 1"
    assert not is_running(queue, runs[1])
    kodit.succeed("queue", "cancel", str(runs[0]))


def test_worker_finishes_an_interrupted_deletion(
    queue: Queue, tmp_path: Path, kodit: KoditCommand, start_worker: StartWorker
) -> None:
    """The deleting process died after the first step."""
    write_tree(tmp_path / "source", files=4)
    kodit.succeed("index", tmp_path / "source")
    with queue.application() as application:
        with application.database.write() as transaction:
            transaction.indexes.mark_deleted(1, application.clock.now())
        start_worker()

        def is_gone() -> bool:
            with application.database.read() as transaction:
                return transaction.indexes.deleted() == []

        wait_until(is_gone)


def test_worker_refreshes_indexes_by_itself(
    queue: Queue, tmp_path: Path, kodit: KoditCommand, start_worker: StartWorker
) -> None:
    """With an interval, changes in a source are indexed without a request."""
    write_tree(tmp_path / "source", files=4)
    kodit.succeed("index", tmp_path / "source")
    write_file(tmp_path / "source" / "late.py", "def late():\n    return 'late'\n")
    start_worker("--sync-every", "1")
    wait_until(lambda: kodit.status()["files"] == 5)
    assert not any(task.is_user_initiated for task in queue.run(2).tasks)


def test_log_names_run_task_and_attempt(
    queue: Queue, tmp_path: Path, start_worker: StartWorker
) -> None:
    """The end of each task is one line, with its worker, its duration and its outcome."""
    write_tree(tmp_path / "source", files=4)
    run_id = queue.request(SourceKind.FOLDER, str(tmp_path / "source"))
    worker = start_worker()
    wait_until(lambda: queue.run(run_id).state.is_terminal)
    lines = [parsed(line) for line in end(worker).err.splitlines()]
    ended = {line["type"]: line for line in lines if line["event"] == "task ended"}
    for task in queue.run(run_id).tasks:
        line = ended[task.type_name]
        assert (line["run"], line["task"]) == (str(run_id), str(task.id))
        assert (line["claim_no"], line["outcome"]) == ("1", "succeeded")
        assert line["worker"] == queue.attempts(run_id)[0].worker
        assert float(line["seconds"]) >= 0
    assert [line["event"] for line in (lines[0], lines[-1])] == ["worker started", "worker stopped"]


def parsed(line: str) -> dict[str, str]:
    """The fields of a log line."""
    return {
        name: json.loads(value) if value.startswith('"') else value
        for name, value in re.findall(r'(\w+)=("(?:[^"\\]|\\.)*"|\S*)', line)
    }
