"""A worker with one slot, as a process: `python -m tests.support.worker_process DATA_DIR`.

Its two stages that may overlap wait for each other: the keyword index until something is embedded,
and vice versa. If they did not overlap, neither would continue.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from kodit.composition import Application, Engines
from kodit.domain.embedding import PackedVector
from kodit.domain.errors import PermanentError
from kodit.domain.keyword import KeywordBatch
from kodit.domain.ports.engines import Embedder, KeywordIndex
from kodit.infrastructure.processes.pool import ProcessPool
from kodit.settings import Settings

LONGEST_WAIT_SECONDS = 60.0


class MeetingApplication(Application):
    """The composition root, with engines that wait for each other."""

    def make_engines(self, pool: ProcessPool) -> Engines:
        return MeetingEngines(self.settings, self.database, pool)


class MeetingEngines(Engines):
    @cached_property
    def keyword_index(self) -> KeywordIndex:
        return MeetingKeywordIndex(super().keyword_index, self.settings.data_dir)

    @cached_property
    def embedder(self) -> Embedder:
        return MeetingEmbedder(super().embedder, self.settings.data_dir)


class _Meeting:
    def __init__(self, inner: Any, folder: Path) -> None:
        self._inner = inner
        self._folder = folder

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def meet(self, mine: str, other: str) -> None:
        """Announce one side, and wait for the other."""
        (self._folder / f"{mine}.here").touch()
        deadline = time.monotonic() + LONGEST_WAIT_SECONDS
        while not (self._folder / f"{other}.here").exists():
            if time.monotonic() > deadline:
                raise PermanentError(f"{mine} waited for {other} in vain")
            await asyncio.sleep(0.01)


class MeetingKeywordIndex(_Meeting):
    async def apply(self, batches: Sequence[KeywordBatch]) -> list[bool]:
        await self.meet("words", "vectors")
        applied: list[bool] = await self._inner.apply(batches)
        return applied


class MeetingEmbedder(_Meeting):
    async def embed(self, texts: Sequence[str]) -> list[PackedVector]:
        await self.meet("vectors", "words")
        vectors: list[PackedVector] = await self._inner.embed(texts)
        return vectors


async def work(data_dir: Path) -> None:
    """Serve the queue until SIGTERM."""
    settings = Settings.load(data_dir=data_dir, worker_slots=1)
    with MeetingApplication(settings) as application:
        async with application.worker() as (worker, name):
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, worker.stop)
            await worker.run(name)


if __name__ == "__main__":
    asyncio.run(work(Path(sys.argv[1])))
