"""The children that tests fork are what they would be if they were started."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.child_server import do_pools_fork, let_pools_fork, server

from kodit.domain.errors import TransientError
from kodit.infrastructure.processes.pool import ProcessPool

WORK = "tests.support.child_work"

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="they are started")


@pytest.fixture(params=[False, True], ids=["started", "forked"])
def pool(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ProcessPool]:
    """One child process, in other surroundings than those of the servers."""
    monkeypatch.setenv("LATER_GONE", "1")
    server()
    monkeypatch.delenv("LATER_GONE")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    monkeypatch.setenv("ONLY_OF_TEST", "ä\udc80")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    mask = os.umask(0o027)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft - 1, hard))
    let_pools_fork(request.param)
    assert do_pools_fork() == request.param
    pool = ProcessPool(tmp_path, 1)
    yield pool
    pool.close()
    let_pools_fork(True)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    os.umask(mask)


def test_the_surroundings_of_both(pool: ProcessPool, tmp_path: Path) -> None:
    read_end, write_end = os.pipe()
    pool.inherit(read_end)
    found: dict[str, Any] = asyncio.run(pool.call(f"{WORK}:tell_all_surroundings"))
    os.close(read_end)
    os.close(write_end)
    nothing = Path(os.devnull).stat().st_rdev
    environment = found.pop("environment")
    assert environment["ONLY_OF_TEST"] == "ä\udc80"
    assert "LATER_GONE" not in environment
    assert found == {
        "parent": os.getpid(),
        "group": os.getpgrp(),
        "session": os.getsid(0),
        "folder": str(tmp_path),
        "mask": 0o027,
        "descriptors": resource.getrlimit(resource.RLIMIT_NOFILE)[0],
        "interrupt": signal.SIG_IGN,
        "blocked": [],
        "streams": [nothing, nothing, os.fstat(2).st_rdev],
        # The streams, the connection, the lifeline, what it inherits, and that of the listing.
        "open": 3 + 2 + 1 + 1,
        "threads": 2,
    }


def test_the_ends_of_both(pool: ProcessPool) -> None:
    with pytest.raises(TransientError, match="ended with status 3 while it ran leave"):
        asyncio.run(pool.call(f"{WORK}:leave", 3))
    with pytest.raises(TransientError, match="was killed by SIGSEGV"):
        asyncio.run(pool.call(f"{WORK}:die"))
    own = asyncio.run(pool.call(f"{WORK}:tell_own_id"))
    pool.close()
    with pytest.raises(ProcessLookupError):
        os.kill(own, 0)


def test_both_end_with_their_parent(pool: ProcessPool) -> None:
    """However it ends, and at once."""
    program = (
        "import asyncio, os, signal, sys\n"
        "from pathlib import Path\n"
        "from tests.support.child_server import let_pools_fork\n"
        "from kodit.infrastructure.processes.pool import ProcessPool\n"
        f"let_pools_fork({do_pools_fork()})\n"
        "pool = ProcessPool(Path.cwd(), 1)\n"
        "pool.inherit(1)\n"
        f"print(asyncio.run(pool.call('{WORK}:tell_own_id')), flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, timeout=120, check=False
    )  # which waits until the child has closed what it inherits
    assert ended.returncode == -signal.SIGKILL
    assert int(ended.stdout)
