"""The queue's commands as an operator uses them."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.command import (
    KoditCommand,
    as_in_a_terminal,
    finish,
    kill_group,
    wait_until,
)
from tests.support.ports import port_without_server
from tests.support.sources import write_tree
from tests.worker.conftest import Queue, StartWorker

from kodit.domain.value_objects import SourceKind


def test_failure_is_told_with_its_remedy(kodit: KoditCommand, queue: Queue, tmp_path: Path) -> None:
    """The failed stage and its error, the attempts, and the next step; and the advice works."""
    folder = tmp_path / "source"
    run_id = queue.request(SourceKind.FOLDER, str(folder))
    listed = kodit.succeed("queue", "list").out
    assert "SYNC: no worker is running; `kodit worker` starts one" in listed
    other = tmp_path / "other"
    write_tree(other, files=1)
    kodit.succeed("index", other)
    listed = kodit.succeed("queue", "list").out
    assert f"run {run_id} failed" in listed
    assert f"does not exist; not retried; `kodit queue retry {run_id}` retries it and" in listed
    shown = kodit.succeed("queue", "show", str(run_id)).out
    assert str(folder) in shown
    assert "attempt 1" in shown
    write_tree(folder, files=1)
    assert "no worker is running" in kodit.succeed("queue", "retry", str(run_id)).err
    kodit.succeed("index", folder)
    assert f"run {run_id} succeeded" in kodit.succeed("queue", "list", "--all").out


def test_no_failure_is_hidden_by_waiting_runs(
    kodit: KoditCommand, queue: Queue, tmp_path: Path
) -> None:
    """However long the queue is; and a list that was cut says so."""
    failed = queue.request(SourceKind.FOLDER, str(tmp_path / "gone"))
    write_tree(tmp_path / "other", files=1)
    kodit.succeed("index", tmp_path / "other")
    for number in range(3):
        queue.request(SourceKind.FOLDER, str(tmp_path / f"waiting{number}"))
    listed = kodit.succeed("queue", "list", "--limit", "2")
    assert f"run {failed} failed" in listed.out
    assert listed.out.count(" queued") == 2
    assert "There are more" in listed.err
    assert "There are more" not in kodit.succeed("queue", "list", "--limit", "3").err


def test_back_off_is_told(kodit: KoditCommand, queue: Queue, start_worker: StartWorker) -> None:
    """For a server that is down: an automatic retry, with the time and the reason."""
    run_id = queue.request(SourceKind.GIT, f"git://127.0.0.1:{port_without_server()}/gone")
    start_worker()

    def sync() -> dict[str, Any]:
        return dict(kodit.ask("queue", "show", str(run_id))["tasks"][0])

    wait_until(lambda: sync()["reason"].startswith("retried in "))
    task = sync()
    assert task["error"]
    assert task["history"][0]["outcome"] == "retried"
    between = re.compile(rf"run {run_id} started, requested .* by a user")
    wait_until(lambda: between.search(kodit.run_here("queue", "list").out) is not None)


def test_pause_is_told_everywhere(kodit: KoditCommand, queue: Queue, tmp_path: Path) -> None:
    """In the list, in the status, and to a caller who waits for an index."""
    assert "Paused" in kodit.succeed("queue", "pause").err
    assert "already" in kodit.succeed("queue", "pause").err
    queue.request(SourceKind.FOLDER, str(tmp_path))
    for command in (["queue", "list"], ["status"]):
        assert "`kodit queue resume` resumes it" in kodit.succeed(*command).out
    assert kodit.ask("status")["queue"]["paused_since"] is not None
    waiting = kodit.start("index", tmp_path)
    assert waiting.stderr is not None
    assert "The queue is paused" in waiting.stderr.readline()
    assert "Resumed" in kodit.succeed("queue", "resume").err
    assert finish(waiting).code == 0
    assert "not paused" in kodit.succeed("queue", "resume").err


def test_index_that_is_deleted_meanwhile_is_no_success(kodit: KoditCommand, tmp_path: Path) -> None:
    """A caller who waits for it is told."""
    kodit.succeed("queue", "pause")
    waiting = kodit.start("index", tmp_path)
    wait_until(lambda: kodit.ask("queue", "list")["queue"]["waiting"] == 1)
    kodit.succeed("delete", "1")
    outcome = finish(waiting)
    assert (outcome.code, "was deleted while" in outcome.err) == (1, True)


def test_cancelled_run_can_be_run_after_all(
    kodit: KoditCommand, queue: Queue, tmp_path: Path
) -> None:
    """A second cancel, and a retry of an active run, are refused with a sentence."""
    write_tree(tmp_path / "source", files=1)
    run_id = str(queue.request(SourceKind.FOLDER, str(tmp_path / "source")))
    told = kodit.succeed("queue", "cancel", run_id).err
    assert "cancelled" in told
    assert f"`kodit queue retry {run_id}` starts it again" in told
    assert "already ended" in kodit.run("queue", "cancel", run_id).err
    kodit.succeed("queue", "retry", run_id)
    refused = kodit.run("queue", "retry", run_id)
    assert (refused.code, "can be retried when it has ended" in refused.err) == (2, True)


def test_cancel_mentions_the_remaining_request(
    kodit: KoditCommand, queue: Queue, start_worker: StartWorker
) -> None:
    """It was made while the cancelled run was active, and replaces it."""
    url = f"git://127.0.0.1:{port_without_server()}/gone"
    run_id = queue.request(SourceKind.GIT, url)
    start_worker()
    wait_until(lambda: queue.run(run_id).tasks[0].failures > 0)
    queue.request(SourceKind.GIT, url)
    told = kodit.succeed("queue", "cancel", str(run_id)).err
    assert f"Run {run_id + 1} was also requested and was not cancelled." in told


def test_steering_in_json(kodit: KoditCommand, queue: Queue, tmp_path: Path) -> None:
    """The run as in `queue show`, the queue as in `queue list`, and no messages."""
    write_tree(tmp_path / "source", files=1)
    run_id = str(queue.request(SourceKind.FOLDER, str(tmp_path / "source")))

    def steer(*arguments: str) -> dict[str, Any]:
        outcome = kodit.succeed("queue", *arguments, "--json")
        assert outcome.err == ""
        return dict(outcome.json())

    assert steer("pause")["queue"]["paused_since"] is not None
    assert steer("resume") == {"queue": steer("list")["queue"]}
    for verb, state in (("cancel", "cancelled"), ("retry", "queued")):
        steered = steer(verb, run_id)
        assert (steered["state"], steered["source"]) == (state, str(tmp_path / "source"))
        assert steered == steer("show", run_id)
    steer("cancel", run_id)
    newer = queue.request(SourceKind.FOLDER, str(tmp_path / "source"))
    assert steer("retry", run_id)["id"] == newer


def test_waiting_is_explained_by_the_rules_of_the_workers(
    kodit: KoditCommand, queue: Queue, silent_server: str
) -> None:
    """Whatever is set for the asking process; if they differ, that is reported."""
    for name in ("one", "two"):
        queue.request(SourceKind.GIT, f"{silent_server}/{name}")
    strict = KoditCommand(kodit.data_dir, KODIT_TASK_LIMITS="SYNC=1", KODIT_QUEUE_ORDER="run_first")
    with ended(strict.start("worker")):
        wait_until(lambda: listed(kodit)["queue"]["running"] == 1)
        told = listed(kodit)
        assert told["queue"]["limits"] == {"SYNC": 1}
        assert (told["queue"]["order"], told["queue"]["workers_differ"]) == ("run_first", False)
        waiting = told["runs"][1]["tasks"][0]
        assert waiting["reason"] == "the limit for SYNC is reached: 1"
        assert "limits: 1 of 1 SYNC, order: run_first" in kodit.succeed("queue", "list").out
        with ended(kodit.start("worker")):
            wait_until(lambda: len(listed(kodit)["queue"]["workers"]) == 2)
            told = listed(kodit)
            assert (told["queue"]["limits"], told["queue"]["workers_differ"]) == ({}, True)
            assert "limits or orders differ" in kodit.succeed("queue", "list").out


def listed(kodit: KoditCommand) -> dict[str, Any]:
    return dict(kodit.ask("queue", "list"))


@contextmanager
def ended(process: subprocess.Popen[str]) -> Iterator[None]:
    """Kill a process at the end of the block."""
    try:
        yield
    finally:
        kill_group(process)
        finish(process)


def test_watch_tells_what_changes(kodit: KoditCommand, queue: Queue, tmp_path: Path) -> None:
    """One document per line at each change, until Ctrl-C, which is not an error."""
    watching = kodit.start("status", "--watch", "--json", preexec_fn=as_in_a_terminal)
    assert watching.stdout is not None
    assert json.loads(watching.stdout.readline())["indexes"] == []
    queue.request(SourceKind.FOLDER, str(tmp_path))
    documents = map(json.loads, watching.stdout)
    (index,) = next(each for each in documents if each["indexes"][0]["run"])["indexes"]
    assert index["run"]["state"] == "queued"
    watching.send_signal(signal.SIGINT)
    assert finish(watching).code == 0
