"""Child processes that cannot be started."""

from __future__ import annotations

import asyncio
import errno
import os
import subprocess
from pathlib import Path
from typing import Any, NoReturn

import pytest
from tests.support import child_work

from kodit.domain.errors import TransientError
from kodit.infrastructure.processes.pool import ProcessPool

pytestmark = pytest.mark.real_children


def test_a_child_that_cannot_be_started_leaves_no_descriptor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its call is tried again, for as long as processes or memory are scarce."""

    def refuse(*_arguments: Any, **_options: Any) -> NoReturn:
        raise BlockingIOError(errno.EAGAIN, "no more processes")

    async def call_twice() -> list[int]:
        pool = ProcessPool(tmp_path)
        counts = []
        for _call in range(2):
            with pytest.raises(TransientError):
                await pool.call(f"{child_work.__name__}:anything")
            counts.append(len(os.listdir("/dev/fd")))  # noqa: PTH208 - of descriptors
        await pool.aclose()
        return counts

    monkeypatch.setattr(subprocess, "Popen", refuse)
    first, second = asyncio.run(call_twice())
    assert first == second
