"""Child processes report their progress, but not every step."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.processes import chatter

from kodit.infrastructure.processes.pool import ProcessPool

pytestmark = pytest.mark.real_children


def test_a_child_that_reports_every_step_is_heard_at_once_and_then_seldom(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    heard: list[tuple[int, int | None]] = []
    pool = ProcessPool(tmp_path, 1)
    try:
        answer = asyncio.run(
            pool.call(
                f"{chatter.__name__}:chatter",
                100_000,
                report=lambda current, total: heard.append((current, total)),
            )
        )
    finally:
        pool.close()
    assert answer == "done"
    assert heard[0] == (0, 100_000)
    assert len(heard) < 1000
