"""The disk is full, or another program has locked the database: workers wait, and continue."""

from __future__ import annotations

import fcntl
import os
import resource
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from tests.murder.massacre import LEASE_SECONDS, Massacre
from tests.support.command import wait_until
from tests.support.disk import small_disk

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc"),
]


@contextmanager
def two_workers(folder: Path, data_dir: Path | None = None) -> Iterator[Massacre]:
    """Two busy workers; afterwards every run must end, and every effect exist once, without a
    worker having been replaced.
    """
    with Massacre(folder, data_dir=data_dir, workers=2, indexes=3) as massacre:
        massacre.request(6)
        massacre.hire()
        massacre.wait_for_batches(2)
        yield massacre
        massacre.request(3)
        massacre.wait_for_runs()
        assert massacre.hired == 2, massacre.log.read_text()[-4000:]
        massacre.dismiss()
        verdict = massacre.judge()
        assert verdict.violations == []
        assert set(verdict.runs) == {"succeeded"}


def test_database_locked_by_another_program(tmp_path: Path) -> None:
    """Another program holds SQLite's own lock for longer than a lease: leases expire, and nothing
    is repeated although all are late at once.
    """
    with two_workers(tmp_path) as massacre:
        path = massacre.application.data_dir / "kodit.db"
        with closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            time.sleep(2 * LEASE_SECONDS)
            connection.execute("ROLLBACK")


def test_write_lane_held_by_another_process(tmp_path: Path) -> None:
    """The same with the lock file that all writers of Kodit take first."""
    with two_workers(tmp_path) as massacre:
        descriptor = os.open(massacre.application.data_dir / "write.lock", os.O_RDWR)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            time.sleep(2 * LEASE_SECONDS)
        finally:
            os.close(descriptor)


def test_files_cannot_grow(tmp_path: Path) -> None:
    """Every write that needs more space fails for a while, as under a quota."""
    with two_workers(tmp_path) as massacre:
        for worker in massacre.workers:
            # Logs and effects are far smaller, the database and its journal are not.
            limit = (100_000, resource.RLIM_INFINITY)
            resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, limit)
        wait_until(lambda: "disk" in massacre.log.read_text())
        time.sleep(LEASE_SECONDS)
        unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        for worker in massacre.workers:
            resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, unlimited)


def test_full_disk(tmp_path: Path) -> None:
    """A real disk that is really full, until space is freed."""
    with small_disk(tmp_path / "disk") as disk, two_workers(tmp_path, disk / "data") as massacre:
        with (disk / "ballast").open("wb", 0) as ballast, pytest.raises(OSError, match="No space"):
            while True:
                ballast.write(bytes(4096))
        wait_until(lambda: "disk is full" in massacre.log.read_text())
        time.sleep(LEASE_SECONDS)
        (disk / "ballast").unlink()
