"""The worker processes of the server: started, supervised, restarted and stopped."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from kodit.infrastructure.processes.allocator import allocator_variables
from kodit.infrastructure.processes.environment import steady_environment
from kodit.infrastructure.processes.pool import available_cores
from kodit.server.secrets import HandedSecrets

log = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0
STOP_SECONDS = 30.0
"""How long a worker may take to release its tasks; another one reclaims those it did not."""
CORES_PER_WORKER = 4
MOST_WORKERS = 2


def default_workers() -> int:
    """One worker keeps several cores busy, since stages run in child processes of its own; a second
    one helps only on machines with many cores."""
    return max(1, min(MOST_WORKERS, available_cores() // CORES_PER_WORKER))


class WorkerProcesses:
    """A number of workers, each a process of its own, so that none takes the server down."""

    def __init__(self, data_dir: Path, count: int, secrets: HandedSecrets) -> None:
        """The workers may ask for `secrets`, each over a socket of its own."""
        self._data_dir = data_dir
        self._count = count
        self._secrets = secrets
        self._running: set[Process] = set()
        self._is_stopping = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep the workers running during the block, and stop them at its end."""
        keepers = [asyncio.create_task(self._keep_worker_running()) for _ in range(self._count)]
        try:
            yield
        finally:
            await self.stop()
            for keeper in keepers:
                keeper.cancel()
            if keepers:
                await asyncio.wait(keepers)

    async def stop(self) -> None:
        """Make the workers release their tasks and end; returns when they have ended."""
        self._is_stopping = True
        for process in self._running:
            with suppress(ProcessLookupError):
                process.terminate()
        ends = [asyncio.create_task(process.wait()) for process in self._running]
        if not ends:
            return
        await asyncio.wait(ends, timeout=STOP_SECONDS)
        for process in list(self._running):
            log.warning("a worker did not stop and was killed", extra={"pid": process.pid})
            with suppress(ProcessLookupError):
                process.kill()
        await asyncio.wait(ends)

    async def _keep_worker_running(self) -> None:
        loop = asyncio.get_running_loop()
        pause = FIRST_PAUSE_SECONDS
        while not self._is_stopping:
            began = loop.time()
            try:
                ended = await self._run_one()
            except OSError as error:
                ended = f"cannot be started: {error.strerror}"
            if self._is_stopping:
                return
            if loop.time() - began > LONGEST_PAUSE_SECONDS:
                pause = FIRST_PAUSE_SECONDS
            log.error(
                "a worker ended; another will be started", extra={"ended": ended, "in": pause}
            )
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    async def _run_one(self) -> str:
        """Run one worker to its end; returns how it ended."""
        ours, theirs = socket.socketpair()
        read_end, write_end = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "kodit.server.worker_process"),
                *(str(self._data_dir), str(read_end), str(theirs.fileno())),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                pass_fds=[read_end, theirs.fileno()],
                cwd=self._data_dir,
                env={**allocator_variables(), **steady_environment()},
            )
        except BaseException:
            os.close(write_end)
            ours.close()
            raise
        finally:
            os.close(read_end)
            theirs.close()
        self._running.add(process)
        answering = asyncio.create_task(self._secrets.answer(ours))
        try:
            if self._is_stopping:  # it was told to stop while this one started
                process.terminate()
            status = await process.wait()
        finally:
            self._running.discard(process)
            os.close(write_end)
            answering.cancel()
            await asyncio.wait({answering})
            ours.close()
        return f"status {status}" if status >= 0 else f"signal {-status}"
