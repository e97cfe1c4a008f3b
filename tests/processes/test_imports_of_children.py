"""What a child process imports while nothing is asked of it."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from tests.support import child_work
from tests.support.command import wait_until

from kodit.infrastructure.processes.pool import ProcessPool

pytestmark = pytest.mark.real_children

WORK = child_work.__name__
MODULE = '''
"""A module that records which process imports it."""

import os
from pathlib import Path

Path(__file__).with_name(str(os.getpid())).touch()


def work(*, report):
    report(0, None)
    return os.getpid()
'''


def test_an_idle_child_imports_what_another_child_uses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else each would grow in its own time, for hours. A module that cannot be imported is a
    problem only of the calls that need it."""
    (tmp_path / "module_of_another.py").write_text(MODULE)
    monkeypatch.setenv("PYTHONPATH", f"{Path(__file__).parents[2]}:{tmp_path}")
    path = tmp_path / "pipe"
    os.mkfifo(path)
    pipe = os.open(path, os.O_RDWR)

    async def both(pool: ProcessPool) -> tuple[int, int]:
        waiting = asyncio.create_task(pool.call(f"{WORK}:tell_own_id_after", str(path)))
        await asyncio.sleep(0)  # it has taken its place
        with pytest.raises(ModuleNotFoundError, match="not_there"):
            await pool.call("not_there:work")
        other = await pool.call("module_of_another:work")
        os.write(pipe, b"x")
        idle = await waiting
        os.write(pipe, b"x")
        assert await pool.call(f"{WORK}:tell_own_id_after", str(path)) == idle
        return idle, other

    pool = ProcessPool(tmp_path, 2)
    try:
        idle, other = asyncio.run(both(pool))
        assert idle != other
        wait_until((tmp_path / str(idle)).exists)
        os.write(pipe, b"x")
        assert asyncio.run(pool.call(f"{WORK}:tell_own_id_after", str(path))) == idle
    finally:
        pool.close()
        os.close(pipe)
