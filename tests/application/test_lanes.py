"""Threads of one lane never wait for those of another."""

from __future__ import annotations

import asyncio
import threading

import pytest

from kodit.application.services.threads import Lane, in_thread


@pytest.mark.parametrize("full", list(Lane))
def test_a_full_lane_holds_up_no_other(full: Lane) -> None:
    """Every thread of the lane, and the warm one, is taken by work that goes on until all other
    lanes have answered."""
    answered = threading.Event()

    async def play() -> list[Lane]:
        _name, threads = full.value
        busy = [asyncio.create_task(in_thread(answered.wait, full)) for _ in range(threads + 1)]
        await asyncio.sleep(0)
        others = [lane for lane in Lane if lane is not full]
        answers = [await in_thread(lambda lane=lane: lane, lane) for lane in others]  # type: ignore[misc]
        answered.set()
        await asyncio.gather(*busy)
        return answers

    assert set(asyncio.run(play())) == set(Lane) - {full}
