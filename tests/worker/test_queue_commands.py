"""What an operator sees and does, from the outside."""

from __future__ import annotations

import json
import signal
import socket
from pathlib import Path

from tests.support.command import KoditCommand, finish, wait_until
from tests.support.sources import write_tree
from tests.worker.conftest import Queue, StartWorker

from kodit.domain.source import SourceKind


def test_failure_is_told_with_its_remedy(kodit: KoditCommand, queue: Queue, tmp_path: Path) -> None:
    """What failed and why, what was tried, what happens next; and the remedy works."""
    folder = tmp_path / "source"
    run_id = queue.request(SourceKind.FOLDER, str(folder))
    listed = kodit.succeed("queue", "list").out
    assert "SYNC: no worker is running; `kodit worker` starts one" in listed
    other = tmp_path / "other"
    write_tree(other, files=1)
    kodit.succeed("index", other)
    listed = kodit.succeed("queue", "list").out
    assert f"run {run_id} failed" in listed
    assert f"`kodit queue retry {run_id}` runs it and what follows" in listed
    shown = kodit.succeed("queue", "show", str(run_id)).out
    assert str(folder) in shown
    assert "attempt 1" in shown
    write_tree(folder, files=1)
    assert "no worker is running" in kodit.succeed("queue", "retry", str(run_id)).err
    kodit.succeed("index", folder)
    assert f"run {run_id} succeeded" in kodit.succeed("queue", "list", "--all").out


def test_no_failure_is_hidden_by_what_waits(
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
    """A server that is down: tried again by itself, with the time and the reason."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    run_id = queue.request(SourceKind.GIT, f"git://127.0.0.1:{port}/gone")
    start_worker()
    wait_until(lambda: queue.run(run_id).tasks[0].failures > 0)
    task = kodit.succeed("queue", "show", str(run_id), "--json").json()["tasks"][0]
    assert task["error"]
    assert task["history"][0]["outcome"] == "retried"
    assert "failed" in task["reason"]


def test_pause_is_told_everywhere(kodit: KoditCommand, queue: Queue, tmp_path: Path) -> None:
    """In the list, in the status, and to whoever waits for an index."""
    assert "Paused" in kodit.succeed("queue", "pause").err
    assert "already" in kodit.succeed("queue", "pause").err
    queue.request(SourceKind.FOLDER, str(tmp_path))
    for command in (["queue", "list"], ["status"]):
        assert "`kodit queue resume` lets it go on" in kodit.succeed(*command).out
    assert kodit.succeed("status", "--json").json()["queue"]["paused_since"] is not None
    waiting = kodit.start("index", tmp_path)
    assert waiting.stderr is not None
    assert "The queue is paused" in waiting.stderr.readline()
    assert "Resumed" in kodit.succeed("queue", "resume").err
    assert finish(waiting).code == 0
    assert "not paused" in kodit.succeed("queue", "resume").err


def test_index_that_is_deleted_meanwhile_is_no_success(kodit: KoditCommand, tmp_path: Path) -> None:
    """Whoever waits for it is told."""
    kodit.succeed("queue", "pause")
    waiting = kodit.start("index", tmp_path)
    wait_until(lambda: kodit.succeed("queue", "list", "--json").json()["queue"]["waiting"] == 1)
    kodit.succeed("delete", "1")
    outcome = finish(waiting)
    assert (outcome.code, "was deleted while" in outcome.err) == (1, True)


def test_cancelled_run_can_be_run_after_all(
    kodit: KoditCommand, queue: Queue, tmp_path: Path
) -> None:
    """A second cancel and a retry of what is under way are refused with a sentence."""
    write_tree(tmp_path / "source", files=1)
    run_id = str(queue.request(SourceKind.FOLDER, str(tmp_path / "source")))
    assert "cancelled" in kodit.succeed("queue", "cancel", run_id).err
    assert "already ended" in kodit.run("queue", "cancel", run_id).err
    kodit.succeed("queue", "retry", run_id)
    refused = kodit.run("queue", "retry", run_id)
    assert (refused.code, "can be retried when it has ended" in refused.err) == (2, True)


def test_watch_tells_what_changes(kodit: KoditCommand, queue: Queue, tmp_path: Path) -> None:
    """One document a line whenever something has changed, until Ctrl-C, which is no error."""
    watching = kodit.start("status", "--watch", "--json")
    assert watching.stdout is not None
    assert json.loads(watching.stdout.readline())["indexes"] == []
    queue.request(SourceKind.FOLDER, str(tmp_path))
    (index,) = json.loads(watching.stdout.readline())["indexes"]
    assert index["run"]["state"] == "queued"
    watching.send_signal(signal.SIGINT)
    assert finish(watching).code == 0
