"""Nothing that can block runs on the event loop: no file, no lock, no statement, no sleep."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.support.statements import statements_heard

from kodit.application.services.chores import Chore
from kodit.application.services.stage import StageOutcome
from kodit.composition import Application
from kodit.domain.entities import ProgressTracker, Task
from kodit.domain.value_objects import QueuePriority, Source, SourceKind, TaskType
from kodit.settings import Settings

BLOCKING = (
    *("open", "os.", "glob.", "pathlib.", "shutil.", "fcntl.", "sqlite3.", "subprocess."),
    *("time.sleep", "socket.connect", "socket.getaddrinfo", "socket.gethostname"),
)
HARMLESS = ("os.putenv", "os.fwalk", "sqlite3.enable_load_extension")

_listeners: list[tuple[int, list[str]]] = []


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if _listeners and event.startswith(BLOCKING) and event not in HARMLESS:
        thread, heard = _listeners[-1]
        if threading.get_ident() == thread:
            heard.append(f"{event} {arguments!r}")


@contextmanager
def system_calls_heard() -> Iterator[list[str]]:
    """Records potentially blocking calls in this thread; Python reports each before it is made."""
    if not _listeners:
        sys.addaudithook(_hear)  # for good: there is no way to remove one
    heard: list[str] = []
    _listeners.append((threading.get_ident(), heard))
    try:
        yield heard
    finally:
        _listeners[-1] = (0, [])


async def serve(application: Application, index_ids: list[int]) -> None:
    """Run everything a worker does beside its stages: enter, claim, renew, reclaim, do the chores,
    complete, leave.
    """
    ended = asyncio.Event()
    left = {index_id: len(TaskType) for index_id in index_ids}
    seen: set[str] = set()

    async def do_nothing(task: Task, _tracker: ProgressTracker | None) -> StageOutcome:
        await asyncio.sleep(0)
        assert task.index_id is not None
        left[task.index_id] -= 1
        if not any(left.values()):
            ended.set()
        return StageOutcome()

    def noted(chore: Chore) -> Chore:
        async def do_piece() -> bool:
            has_more = await chore.do_piece()
            seen.add(chore.name)
            if len(seen) == len(chores):
                chores_done.set()
            return has_more

        return Chore(chore.name, chore.interval, do_piece)

    chores_done = asyncio.Event()
    chores = application.chores
    for index_id in index_ids:
        await application.queue.request_run(index_id, QueuePriority.BACKGROUND)
    await application.queue.claim("a worker that has died")
    handlers = dict.fromkeys(TaskType, do_nothing)
    async with application.worker(lambda _engines: handlers) as (worker, name):
        serving = asyncio.create_task(worker.run(name, [noted(chore) for chore in chores]))
        await ended.wait()
        await chores_done.wait()
        worker.stop()
        await serving


def test_a_worker_blocks_no_event_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        statements_heard(monkeypatch) as statements,
        Application(Settings.load({}, data_dir=tmp_path)) as application,
    ):
        with application.database.write() as transaction:
            index_ids = [
                transaction.indexes.add(
                    Source(SourceKind.FOLDER, f"/{number}"), application.clock.now()
                ).id
                for number in range(6)
            ]
        # What is imported on the way is imported once.
        asyncio.run(serve(application, index_ids[:3]))
        statements.threads.clear()

        async def listen() -> list[str]:
            with system_calls_heard() as heard:
                await serve(application, index_ids[3:])
            return heard

        assert asyncio.run(listen()) == []
    assert statements.threads
    assert threading.get_ident() not in statements.threads
