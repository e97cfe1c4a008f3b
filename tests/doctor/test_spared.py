"""What doctor must not take for a problem, or not repair any more, because another process is using
it or it has changed since the check.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest
from tests.doctor.rows import Rows, repair
from tests.queue.requests import LEASE, NOW, add_run, claim
from tests.support.permissions import needs_permissions, process_of_another_user

from kodit.application.services.index_service import IndexService
from kodit.application.services.queue_service import QueueService
from kodit.domain.diagnosis import Problem
from kodit.domain.errors import KoditError
from kodit.domain.value_objects import QueuePriority
from kodit.infrastructure.doctor.clones import CloneExaminer
from kodit.infrastructure.doctor.credentials import CredentialExaminer
from kodit.infrastructure.doctor.leftovers import LeftoverExaminer
from kodit.infrastructure.doctor.queue import QueueExaminer
from kodit.infrastructure.git.credentials import CredentialStore
from kodit.infrastructure.keyword.version import SCHEMA_VERSION
from kodit.infrastructure.keyword.writing import LOCK
from kodit.infrastructure.locks import open_lock_file, try_lock
from kodit.infrastructure.memory.clock import ManualClock
from kodit.infrastructure.processes.worker_registry import FileWorkerRegistry

pytestmark = pytest.mark.every_store


def told(problems: list[Problem]) -> list[str]:
    return [problem.what for problem in problems]


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Another process holds the lock of this file."""
    descriptor = open_lock_file(path)
    assert try_lock(descriptor)
    try:
        yield
    finally:
        os.close(descriptor)


def aged(path: Path) -> Path:
    """A path that has been untouched for hours."""
    os.utime(path, (time.time() - 7200,) * 2)
    return path


def made(path: Path, content: bytes = b"x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


# Leftovers


@pytest.fixture
def leftovers(rows: Rows, tmp_path: Path) -> LeftoverExaminer:
    indexes = cast(IndexService, None)  # only asked to finish deletions
    return LeftoverExaminer(
        rows.database, tmp_path, indexes, FileWorkerRegistry(tmp_path / "workers")
    )


def test_files_that_somebody_may_need_are_no_leftovers(
    leftovers: LeftoverExaminer, tmp_path: Path
) -> None:
    made(tmp_path / "keyword" / "0" / "meta.json")  # a former program is still at work
    made(tmp_path / "credentials" / ("ab" * 16))  # its index is about to be stored
    for process in (os.getpid(), 1, 10**15):
        made(tmp_path / "vectors" / f"1-code.pack.{process}.0a1b2c3d.tmp")
    made(tmp_path / "credentials" / ".half.tmp")
    worker = FileWorkerRegistry(tmp_path / "workers")
    worker.enter()
    aged(made(tmp_path / "keyword" / SCHEMA_VERSION / ".tmpAbCdEf").parent)
    with held(tmp_path / "keyword" / LOCK):
        assert told(leftovers.examine()) == []
    worker.leave()


@needs_permissions
def test_a_file_that_a_process_of_another_user_writes_is_no_leftover(
    leftovers: LeftoverExaminer, tmp_path: Path
) -> None:
    with process_of_another_user() as process:
        with pytest.raises(PermissionError):
            os.kill(process, 0)
        made(tmp_path / "vectors" / f"1-code.pack.{process}.0a1b2c3d.tmp")
        assert told(leftovers.examine()) == []


def test_files_that_nobody_needs_are_leftovers(leftovers: LeftoverExaminer, tmp_path: Path) -> None:
    with subprocess.Popen(["true"]) as dead:
        dead.wait()
    made(tmp_path / "credentials" / f".x.{dead.pid}.0a1b2c3d.tmp")
    aged(made(tmp_path / "credentials" / ".half.tmp"))
    aged(made(tmp_path / "keyword" / "0" / "meta.json").parent)
    made(tmp_path / "keyword" / LOCK, b"")
    made(tmp_path / "keyword" / SCHEMA_VERSION / ".tmpAbCdEf")
    aged(made(tmp_path / "credentials" / ("ab" * 16)))
    made(tmp_path / "vectors" / "1-code.pack")
    made(tmp_path / "vectors" / "88-text.pack")
    made(tmp_path / "workers" / "host-1-abcd.lock")
    problems = leftovers.examine()
    assert told(problems) == [
        "credentials/.half.tmp was never moved into place",
        f"credentials/.x.{dead.pid}.0a1b2c3d.tmp was never moved into place",
        f"keyword/{SCHEMA_VERSION}/.tmpAbCdEf was never moved into place",
        "keyword/0 is the keyword index of another version",
        "the worker host-1-abcd has died and left its lock file",
        "the credentials abababab… belong to no index",
        "vectors/1-code.pack cannot be read",
        "vectors/88-text.pack belongs to no index",
    ]
    for problem in problems:
        repair(problem)
    assert told(leftovers.examine()) == []


def test_all_rows_of_a_deleted_index_are_removed(rows: Rows, leftovers: LeftoverExaminer) -> None:
    """Including its runs with all their rows; results that another index uses stay."""
    add_run(rows.database, 77)
    rows.sql(
        "UPDATE embeddings SET index_id = 77",
        "UPDATE enrichments SET index_id = 77",
        "INSERT INTO vectors SELECT 77, kind, snippet_id, version_id, embedding_id, model, code "
        "FROM vectors",
        "INSERT INTO snippets (index_id, version_id, state, start_line, end_line, language, scope, "
        "content_hash, text) VALUES (77, 1, 'removed', 1, 2, '', '', '', '')",
        "INSERT INTO keyword_changes (index_id, version_id, change_set, snippet_id, op, token) "
        "VALUES (77, 1, 1, 1, 'add', 1)",
        "INSERT INTO pending_snippets VALUES (77, 'ENRICH', 1)",
        "INSERT INTO refused_snippets VALUES (77, 1, 'the model refused')",
    )
    count = rows.sql("SELECT count(*) FROM embeddings")
    [problem] = leftovers.examine()
    assert problem.index_id == 77
    assert problem.what == (
        "rows in embeddings, enrichments, index_runs, keyword_changes, pending_snippets, "
        "refused_snippets, snippets, tasks, vectors belong to an index that does not exist"
    )
    repair(problem)
    assert leftovers.examine() == []
    assert rows.sql("SELECT count(*) FROM embeddings") == count
    assert rows.found() == {}


# Clones


@pytest.fixture
def clones(rows: Rows, tmp_path: Path) -> CloneExaminer:
    """Index 3 is of a git repository that was not fetched yet; 9 is the newest id ever given."""
    rows.sql(
        "INSERT INTO indexes (id, kind, location, ref, include, exclude, scanned_at_ns, skipped, "
        "created_at, deleted_at) VALUES (3, 'git', 'https://x/y', '', '[]', '[]', 0, '{}', 1, 0)",
        "UPDATE sqlite_sequence SET seq = 9 WHERE name = 'indexes'",
    )
    (tmp_path / "clones").mkdir()
    return CloneExaminer(rows.database, tmp_path / "clones")


def test_clones_that_are_being_made_are_no_leftovers(
    rows: Rows, clones: CloneExaminer, tmp_path: Path
) -> None:
    (tmp_path / "clones" / ".3.git.00ff.tmp").mkdir()
    made(tmp_path / "clones" / ".1.git.lock", b"")
    with held(tmp_path / "clones" / ".3.git.lock"):
        assert told(clones.examine()) == []
    assert told(clones.examine()) == [".3.git.00ff.tmp was left by an interrupted transfer"]

    rows.sql("UPDATE indexes SET deleted_at = 2 WHERE id = 3")
    (tmp_path / "clones" / "3.git").mkdir()
    assert "3.git belongs to no index" not in told(clones.examine())


def test_what_belongs_to_no_index_is_removed_up_to_the_newest(
    clones: CloneExaminer, tmp_path: Path
) -> None:
    for name in ("8.git", "9.git", "10.git"):
        (tmp_path / "clones" / name).mkdir()
    made(tmp_path / "clones" / ".9.git.lock", b"")
    problems = clones.examine()
    assert told(problems) == [
        ".9.git.lock belongs to no index",
        "10.git belongs to an index that this database never had",
        "8.git belongs to no index",
        "9.git belongs to no index",
    ]
    assert [problem.repair is None for problem in problems] == [False, True, False, False]


def test_a_clone_in_use_is_not_removed(rows: Rows, clones: CloneExaminer, tmp_path: Path) -> None:
    """But the next run fetches it again, because its commit is no longer trusted."""
    rows.sql("UPDATE indexes SET commit_id = 'c', scanned_at_ns = 5 WHERE id = 3")
    [problem] = clones.examine()
    assert (problem.what, problem.refresh) == (
        "the clone of https://x/y is missing",
        frozenset([3]),
    )
    (tmp_path / "clones" / "3.git").mkdir()
    with (
        held(tmp_path / "clones" / ".3.git.lock"),
        pytest.raises(KoditError, match="another process is working on the clone"),
    ):
        repair(problem)
    assert (tmp_path / "clones" / "3.git").exists()
    state = rows.sql("SELECT commit_id, scanned_at_ns FROM indexes WHERE id = 3")
    assert state == [(None, 5)]
    repair(problem)
    assert list((tmp_path / "clones").iterdir()) == []


# Credentials


class LateStore(CredentialStore):
    """One of its files only exists at the second check: it was just being replaced."""

    looks = 0

    def holds(self, reference: str) -> bool:
        self.looks += 1
        return self.looks > 1 or super().holds(reference)


def test_credentials_that_have_come_meanwhile(rows: Rows, tmp_path: Path) -> None:
    rows.sql("UPDATE indexes SET credentials = 'file:' || hex(zeroblob(16)) WHERE id = 1")
    [missing] = CredentialExaminer(rows.database, CredentialStore(tmp_path)).examine()
    assert missing.what == "the file that holds the credentials of /one is missing"
    assert missing.repair is None
    assert CredentialExaminer(rows.database, LateStore(tmp_path)).examine() == []

    rows.sql("UPDATE indexes SET credentials = 'the secret itself' WHERE id = 1")
    [secret] = CredentialExaminer(rows.database, CredentialStore(tmp_path)).examine()
    assert "the secret" not in secret.what
    rows.sql("UPDATE indexes SET credentials = 'env:TOKEN' WHERE id = 1")
    repair(secret)
    assert rows.sql("SELECT credentials FROM indexes WHERE id = 1") == [("env:TOKEN",)]


# The queue


class Queue:
    """A queue of two indexes, with a living worker."""

    def __init__(self, rows: Rows, folder: Path) -> None:
        self.rows = rows
        self.clock = ManualClock(NOW)
        self.registry = FileWorkerRegistry(folder / "workers")
        self.worker = self.registry.enter()
        queue = cast(QueueService, None)  # only asked to reclaim lost tasks
        self.examiner = QueueExaminer(rows.database, queue, self.registry, self.clock)

    def told(self) -> list[str]:
        return [what.partition(" ")[2].partition(" ")[2] for what in told(self.examiner.examine())]


@pytest.fixture
def queue(rows: Rows, tmp_path: Path) -> Iterator[Queue]:
    queue = Queue(rows, tmp_path)
    yield queue
    queue.registry.leave()


def test_a_task_is_held_by_who_lives_until_its_lease_ends(queue: Queue) -> None:
    add_run(queue.rows.database, 1)
    claim(queue.rows.database, worker=queue.worker)
    assert queue.told() == []
    queue.clock.advance(LEASE / timedelta(seconds=1) + 1)
    [lost] = queue.told()
    assert "is held by a worker that has died or lost it" in lost
    queue.clock.set(NOW)
    queue.rows.sql("UPDATE tasks SET lease_expires_at = NULL WHERE state = 'running'")
    assert len(queue.told()) == 1
    until = int((NOW + LEASE).timestamp() * 1_000_000)
    queue.rows.sql(f"UPDATE tasks SET lease_expires_at = {until} WHERE state = 'running'")  # noqa: S608 - ours
    assert queue.told() == []
    queue.rows.sql("UPDATE tasks SET worker = 'nobody-1-abcd' WHERE state = 'running'")
    assert len(queue.told()) == 1


def test_a_follow_up_waits_for_the_run_that_has_come_meanwhile(queue: Queue) -> None:
    waiting = add_run(queue.rows.database, 1, is_follow_up=True)
    [problem] = queue.examiner.examine()
    assert problem.what == f"run {waiting.id} waits for a run that does not exist"
    active = add_run(queue.rows.database, 1, QueuePriority.USER_INITIATED)
    repair(problem)
    assert queue.examiner.examine() == []
    follow_ups = queue.rows.sql("SELECT id FROM index_runs WHERE is_follow_up")
    assert follow_ups == [(waiting.id,)]
    assert active.id != waiting.id


def test_no_task_of_an_ended_run_proceeds(queue: Queue) -> None:
    """Neither a ready nor a running one; ended tasks stay unchanged."""
    run = add_run(queue.rows.database, 1)
    queue.rows.sql(
        "UPDATE index_runs SET state = 'failed', finished_at = 1",
        "UPDATE tasks SET state = 'failed'",
        "UPDATE tasks SET state = 'running', worker = 'w' WHERE type = 'ENRICH'",
        "UPDATE tasks SET state = 'ready' WHERE type = 'EXTRACT'",
    )
    [problem] = queue.examiner.examine()
    assert problem.what == f"run {run.id} has failed with tasks that have not ended"
    repair(problem)
    assert queue.examiner.examine() == []
    states = queue.rows.sql("SELECT state, count(*) FROM tasks GROUP BY state ORDER BY state")
    assert states == [("cancelled", 2), ("failed", 3)]


STUCK = (
    "UPDATE index_runs SET state = 'running', started_at = 1",
    "UPDATE tasks SET state = 'succeeded' WHERE type = 'SYNC'",
)
ENDED = ("UPDATE index_runs SET state = 'failed', finished_at = 1",)


@pytest.mark.parametrize(
    ("found", "since"),
    [
        (STUCK, "UPDATE index_runs SET state = 'cancelled', finished_at = 5"),
        (STUCK, "UPDATE index_runs SET state = 'queued', is_follow_up = 1"),
        (STUCK, "UPDATE tasks SET state = 'running', worker = 'w' WHERE type = 'EXTRACT'"),
        (STUCK, "DELETE FROM tasks"),
        (ENDED, "UPDATE index_runs SET state = 'running', finished_at = NULL"),
        (ENDED, "DELETE FROM tasks"),
    ],
)
def test_a_run_that_has_moved_since_it_was_found(
    queue: Queue, found: tuple[str, ...], since: str
) -> None:
    """It was cancelled, retried or claimed, or is gone."""
    add_run(queue.rows.database, 1)
    queue.rows.sql(*found)
    [problem] = queue.examiner.examine()
    queue.rows.sql(since)
    if since.startswith("DELETE"):
        queue.rows.sql("DELETE FROM index_runs")
    everything = (
        "SELECT state, is_follow_up, finished_at FROM index_runs",
        "SELECT id, state, worker, finished_at FROM tasks ORDER BY id",
    )
    before = [queue.rows.sql(one) for one in everything]
    repair(problem)
    assert [queue.rows.sql(one) for one in everything] == before


def test_a_run_that_is_stuck_goes_on_where_it_can(queue: Queue) -> None:
    run = add_run(queue.rows.database, 1)
    queue.rows.sql(*STUCK)
    [problem] = queue.examiner.examine()
    assert problem.what == f"run {run.id} is running and none of its tasks can start"
    assert problem.index_id == 1
    repair(problem)
    assert queue.examiner.examine() == []
    assert queue.rows.sql("SELECT type FROM tasks WHERE state = 'ready'") == [("EXTRACT",)]
