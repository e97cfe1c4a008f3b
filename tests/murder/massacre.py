"""Several worker processes on one data directory, which are killed at random."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from tests.murder.effects import EffectLog
from tests.murder.verdict import Verdict, judge
from tests.support.command import PATIENCE_SECONDS, processes_of_session, wait_until
from tests.support.stores import environment_for

from kodit.composition import Application
from kodit.domain.entities import IndexRun, Task
from kodit.domain.errors import TransientError
from kodit.domain.value_objects import QueuePriority, Source, SourceKind, TaskType
from kodit.settings import Settings

T = TypeVar("T")
LEASE_SECONDS = 1.0
LIMITS = {TaskType.CODE_EMBEDDINGS: 2}


class Massacre:
    """`workers` processes at any time; each dead one is replaced. All randomness comes from `seed`,
    apart from that of the processes and the machine.
    """

    def __init__(
        self,
        folder: Path,
        *,
        data_dir: Path | None = None,
        workers: int = 4,
        indexes: int = 6,
        seed: int = 1,
        nodes: int = 1,
        disasters: Mapping[str, tuple[int, Callable[[], None]]] | None = None,
        place: Callable[[int], tuple[Sequence[str], Mapping[str, str]]] = lambda _node: ((), {}),
    ) -> None:
        """The log of effects, and the data directory if no other place is given, are made in
        `folder`. The workers are on different `nodes` of one database. `disasters` happen besides
        deaths: by name, how often in a hundred deaths, and what to do. `place` returns, for a node,
        what precedes the command of its workers, and variables for them."""
        self.effects = EffectLog(folder / "effects")
        self.cycles: Counter[str] = Counter()
        self.accepted: list[int] = []
        self.victims_at_work = 0
        self.random = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
        self._folder = folder
        self._count = workers
        self._nodes = nodes
        self._place = place
        self._disasters = dict(disasters or {})
        self.workers: list[subprocess.Popen[bytes]] = []
        self._stopped: dict[int, threading.Timer] = {}
        self._sessions: list[int] = []
        self.log = folder / "workers.log"
        self._environment = {
            name: value for name, value in os.environ.items() if not name.startswith("KODIT_")
        } | {
            "PYTHONPATH": os.pathsep.join(
                [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
            ),
            "KODIT_DATA_DIR": str(data_dir or folder / "data"),
            "KODIT_LEASE_SECONDS": str(LEASE_SECONDS),
            "KODIT_HEARTBEAT_SECONDS": str(LEASE_SECONDS / 4),
            "KODIT_MAX_FAILURES": "100000",
            "KODIT_TASK_LIMITS": ",".join(f"{kind.name}={n}" for kind, n in LIMITS.items()),
            **environment_for(data_dir or folder / "data"),
        }
        self.application = Application(Settings.load(self._environment))
        self.application.open()
        with self.application.database.write() as transaction:
            now = self.application.clock.now()
            self._indexes = [
                transaction.indexes.add(Source(SourceKind.FOLDER, f"/{number}"), now).id
                for number in range(indexes)
            ]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for timer in list(self._stopped.values()):
            timer.join()
        for worker in self.workers:
            self._kill_group(worker)
        self.application.close()

    # Workers

    @property
    def hired(self) -> int:
        """The number of workers ever started."""
        return len(self._sessions)

    def hire(self) -> None:
        """Start workers up to the wanted number."""
        self.workers = [worker for worker in self.workers if worker.poll() is None]
        while len(self.workers) < self._count:
            node = self.hired % self._nodes
            before, variables = self._place(node)
            with self.log.open("ab") as log:
                worker = subprocess.Popen(
                    [*before, sys.executable, "-m", "tests.murder.worker", str(self._folder)],
                    env=self._environment_on(node) | dict(variables),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            self.workers.append(worker)
            self._sessions.append(worker.pid)

    def _environment_on(self, node: int) -> dict[str, str]:
        """That of a worker on a node."""
        data_dir = self._environment["KODIT_DATA_DIR"]
        return self._environment | {"KODIT_DATA_DIR": f"{data_dir}-{node}" if node else data_dir}

    def dismiss(self) -> None:
        """End all workers gracefully; each must exit with status 0."""
        for timer in list(self._stopped.values()):
            timer.join()
        if self._disasters:  # whoever was hired during one has ended with an error
            self.workers = [worker for worker in self.workers if worker.poll() is None]
        for worker in self.workers:
            worker.terminate()
        for worker in self.workers:
            status = worker.wait(PATIENCE_SECONDS)
            is_up = (self._folder / f"up-{worker.pid}").exists()
            assert status == 0 or (self._disasters and not is_up), self.log.read_text()[-4000:]
        self.workers.clear()

    def wait_for_worker(self) -> subprocess.Popen[bytes]:
        """A random worker that is up, not stopped, and usually has a task."""
        wants_work = self.random.random() < 0.85
        found: list[subprocess.Popen[bytes]] = []

        def look() -> bool:
            self.hire()
            up = [w for w in self.workers if (self._folder / f"up-{w.pid}").exists()]
            found[:] = [worker for worker in up if worker.pid not in self._stopped]
            if wants_work:
                found[:] = [worker for worker in found if self._is_at_work(worker)]
            return bool(found)

        wait_until(look)
        return self.random.choice(found)

    # Requests

    def request(self, count: int = 1) -> None:
        """Request some runs, of both classes."""
        for _ in range(count):
            base = self.random.choice(list(QueuePriority))
            index_id = self.random.choice(self._indexes)
            self.accepted.append(patiently(partial(self._request, index_id, base)).id)

    def _request(self, index_id: int, base: QueuePriority) -> IndexRun:
        return asyncio.run(self.application.queue.request_run(index_id, base))

    def wait_for_batches(self, count: int) -> None:
        """Wait until this many batches have been written."""
        wait_until(lambda: sum(effect.kind == "batch" for effect in self.effects.read()) >= count)

    def wait_for_runs(self) -> None:
        """Wait until every run has ended."""

        def look() -> bool:
            self.hire()
            return all(run.state.is_terminal for run in patiently(self._runs))

        wait_until(look)

    def _runs(self) -> list[IndexRun]:
        with self.application.database.read() as transaction:
            return transaction.tasks.list_runs(limit=100)

    # Deaths

    def cycle(self) -> None:
        """One working worker is killed, stopped or ended."""
        fates: dict[str, tuple[int, Callable[[subprocess.Popen[bytes]], None]]] = {
            "kill -9 of the process group": (30, self._kill_group),
            "kill -9 of the worker alone": (25, self._kill_worker),
            "SIGSTOP past the lease, SIGCONT": (25, self._stop_group),
            "SIGSTOP, then kill -9": (5, self._stop_and_kill),
            "kill -9 of a child process": (5, self._kill_child),
            "SIGTERM": (10, self._terminate),
        }
        for name, (weight, happens) in self._disasters.items():
            if self.random.random() * 100 < weight:
                happens()
                self.cycles[name] += 1
        self.request(2)
        worker = self.wait_for_worker()
        # At the start of a task its worker may have to start a child process first.
        time.sleep(self.random.choice([0.0, 0.3, 1.0]) * self.random.random())
        self.victims_at_work += self._is_at_work(worker)
        name = self.random.choices(list(fates), [weight for weight, _ in fates.values()])[0]
        fates[name][1](worker)
        self.cycles[name] += 1

    def _kill_group(self, worker: subprocess.Popen[bytes]) -> None:
        self._signal_group(worker, signal.SIGKILL)
        worker.wait()

    def _kill_worker(self, worker: subprocess.Popen[bytes]) -> None:
        worker.kill()
        worker.wait()

    def _stop_group(self, worker: subprocess.Popen[bytes]) -> None:
        """It may hold the lock of the database, so the code that resumes it must not wait for
        that.
        """
        self._signal_group(worker, signal.SIGSTOP)
        pause = LEASE_SECONDS * self.random.uniform(1.2, 2.5)
        timer = threading.Timer(pause, self._wake, [worker])
        self._stopped[worker.pid] = timer
        timer.start()

    def _wake(self, worker: subprocess.Popen[bytes]) -> None:
        # A child that was stopped in its first breath may have outlived its parent: it ends by
        # itself, as soon as it may go on.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(worker.pid, signal.SIGCONT)
        del self._stopped[worker.pid]

    def _stop_and_kill(self, worker: subprocess.Popen[bytes]) -> None:
        self._signal_group(worker, signal.SIGSTOP)
        time.sleep(self.random.uniform(0, 0.2))
        self._kill_group(worker)

    def _kill_child(self, worker: subprocess.Popen[bytes]) -> None:
        for child in children_of(worker.pid)[:1]:
            os.kill(child, signal.SIGKILL)

    def _terminate(self, worker: subprocess.Popen[bytes]) -> None:
        worker.terminate()

    @staticmethod
    def _signal_group(worker: subprocess.Popen[bytes], number: int) -> None:
        if worker.returncode is None:
            os.killpg(worker.pid, number)

    def _is_at_work(self, worker: subprocess.Popen[bytes]) -> bool:
        running = patiently(self._running)
        return any(f"-{worker.pid}-" in (task.worker or "") for task in running)

    def _running(self) -> list[Task]:
        with self.application.database.read() as transaction:
            return transaction.tasks.running_tasks()

    # Judging

    def judge(self, slowest_link: timedelta = timedelta(0)) -> Verdict:
        """Count the effects; all workers must have been dismissed."""
        effects = self.effects.read()
        return judge(
            self.application.database,
            effects,
            self.accepted,
            LIMITS,
            slowest_link,
            loses_connections=bool(self._disasters),
        )

    def survivors(self) -> list[str]:
        """All started processes that are still alive, after enough time to end."""
        deadline = time.monotonic() + 10.0
        while True:
            alive = [line for session in self._sessions for line in processes_of_session(session)]
            if not alive or time.monotonic() > deadline:
                return alive
            time.sleep(0.1)


def patiently(ask: Callable[[], T]) -> T:
    """What a question to the database returns, which a disaster may interrupt."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return ask()
        except TransientError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def children_of(process: int) -> list[int]:
    """The child processes of a process, on Linux."""
    path = Path(f"/proc/{process}/task/{process}/children")
    return [int(child) for child in path.read_text().split()] if path.exists() else []
