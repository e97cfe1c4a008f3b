"""Threads of one lane never wait for those of another."""

from __future__ import annotations

import ast
import asyncio
import re
import threading
from pathlib import Path
from typing import Any

import pytest

from kodit.application import services
from kodit.application.services import event_loop_threads
from kodit.application.services.event_loop_threads import start_threads
from kodit.application.services.threads import Lane, in_thread
from kodit.domain.errors import TransientError


@pytest.mark.parametrize("full", list(Lane))
def test_a_full_lane_holds_up_no_other(full: Lane) -> None:
    """Every thread of the lane, and the warm one, runs work that lasts until all other lanes have
    answered."""
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


def threads_of_lanes() -> int:
    names = tuple(f"kodit-{lane.value[0]}_" for lane in Lane)
    return sum(thread.name.startswith(names) for thread in threading.enumerate())


@pytest.fixture
def no_threads_yet() -> Any:
    """As in a process that has just started."""
    for lane in Lane:
        event_loop_threads._threads_of(lane).shutdown()
    event_loop_threads._threads_of.cache_clear()


@pytest.mark.usefixtures("no_threads_yet")
def test_a_process_that_lives_for_long_has_all_its_threads_from_the_start() -> None:
    assert threads_of_lanes() == 0
    start_threads()
    assert threads_of_lanes() == sum(lane.value[1] for lane in Lane)


@pytest.mark.usefixtures("no_threads_yet")
def test_threads_that_are_scarce_at_the_start_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    start = threading.Thread.start

    def start_some(thread: threading.Thread) -> None:
        if threads_of_lanes() == 5:
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_some)
    with pytest.raises(TransientError, match="thread"):
        start_threads()


def test_transactions_take_the_lane_of_their_kind() -> None:
    """A read in the lane of writes would wait behind them."""
    lanes: dict[str, set[str]] = {"read": set(), "write": set()}
    for path in Path(services.__file__).parent.rglob("*.py"):
        for outer in ast.walk(ast.parse(path.read_text())):
            if not isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            local = {one.name: one for one in outer.body if isinstance(one, ast.FunctionDef)}
            calls = r"in_thread\((?:partial\(repeated, )?(\w+)\)?, (Lane\.\w+)\)"
            for name, lane in re.findall(calls, ast.unparse(outer)):
                code = ast.unparse(local[name]) if name in local else ""
                if re.search(r"\.write\(\)|\._written\(", code):
                    lanes["write"].add(lane)
                elif ".read()" in code:
                    lanes["read"].add(lane)
    assert lanes == {"read": {"Lane.READS"}, "write": {"Lane.WRITES"}}
