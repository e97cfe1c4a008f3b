"""Callers that are cancelled while their transaction is under way."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.database.content import NOW
from tests.queue.databases import sqlite_database
from tests.support.command import PATIENCE_SECONDS

from kodit.application.services.queue_service import QueueService
from kodit.infrastructure.memory import ManualClock


class Listener:
    def __init__(self) -> None:
        self.heard = 0

    def notify(self) -> None:
        self.heard += 1


@pytest.mark.parametrize("is_stored", [True, False])
def test_workers_are_told_of_what_a_cancelled_caller_has_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_stored: bool
) -> None:
    """Those of other machines would only look seconds later. A client may disconnect at any
    time; of what has failed nobody is told."""
    listener = Listener()

    async def change(queue: QueueService) -> None:
        loop, caller = asyncio.get_running_loop(), asyncio.current_task()
        assert caller is not None
        write = queue._database.write

        @contextmanager
        def write_while_cancelled() -> Iterator[Any]:
            with write() as transaction:
                yield transaction
                is_cancelled = threading.Event()
                if is_stored:
                    loop.call_soon_threadsafe(caller.cancel)
                else:
                    raise ValueError("not stored")
                loop.call_soon_threadsafe(is_cancelled.set)
                assert is_cancelled.wait(PATIENCE_SECONDS)

        monkeypatch.setattr(queue._database, "write", write_while_cancelled)
        await queue.pause()

    with sqlite_database(tmp_path) as database:
        queue = QueueService(database=database, clock=ManualClock(NOW), wake_up=listener)
        with pytest.raises(asyncio.CancelledError if is_stored else ValueError):
            asyncio.run(change(queue))
        monkeypatch.undo()
        assert (asyncio.run(queue.paused_since()) is not None) == is_stored
    assert listener.heard == is_stored
