"""The contract of the WorkerRegistry port, in files and in memory: living and dead workers."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest
from tests.queue.requests import NOW, add_run
from tests.support.command import PATIENCE_SECONDS, wait_until
from tests.support.postgresql_databases import postgresql_registry

from kodit.domain.claiming import ClaimRules, QueueOrder
from kodit.domain.ports.workers import WorkerRegistry
from kodit.domain.value_objects import Source, SourceKind, TaskType
from kodit.infrastructure.locks import try_lock
from kodit.infrastructure.memory import MemoryDatabase, MemoryWakeUp, MemoryWorkerRegistry
from kodit.infrastructure.processes import worker_registry
from kodit.infrastructure.processes.worker_registry import FileWorkerRegistry
from kodit.infrastructure.wake_up import EventWakeUp

REGISTRIES: dict[str, Callable[[Path], AbstractContextManager[WorkerRegistry]]] = {
    "file": lambda folder: nullcontext(FileWorkerRegistry(folder)),
    "memory": lambda _folder: nullcontext(MemoryWorkerRegistry()),
    "postgresql": postgresql_registry,
}


@pytest.fixture(params=REGISTRIES)
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[WorkerRegistry]:
    with REGISTRIES[request.param](tmp_path / "workers") as opened:
        yield opened


def test_who_has_entered_lives(registry: WorkerRegistry) -> None:
    """A name that was never registered is dead."""
    name = registry.enter()
    try:
        assert not registry.is_dead(name)
        assert registry.living() == [name]
        assert registry.is_dead("nobody")
        registry.sweep()
        assert not registry.is_dead(name)
    finally:
        registry.leave()


def test_names_are_new_at_each_start(registry: WorkerRegistry) -> None:
    """A restarted worker does not hold the tasks of the one before."""
    first = registry.enter()
    registry.leave()
    second = registry.enter()
    registry.leave()
    assert first != second


def test_a_worker_whose_file_was_swept_enters_by_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before it was locked, the file looked like that of a dead worker."""
    swept: list[Path] = []

    def sweep_and_lock(descriptor: int) -> bool:
        if not swept:
            swept.extend(tmp_path.glob("*.lock"))
            FileWorkerRegistry(tmp_path).sweep()
        return try_lock(descriptor)

    registry = FileWorkerRegistry(tmp_path)
    monkeypatch.setattr(worker_registry, "try_lock", sweep_and_lock)
    name = registry.enter()
    try:
        assert len(swept) == 1
        assert name != swept[0].stem
        assert registry.living() == [name]
    finally:
        registry.leave()


def test_rules_are_those_of_the_living(registry: WorkerRegistry) -> None:
    """As registered on entering."""
    rules = ClaimRules(QueueOrder.RUN_FIRST, {TaskType.ENRICH: 1, TaskType.SYNC: 4})
    assert registry.rules() == []
    registry.enter(rules)
    try:
        assert registry.rules() == [rules]
    finally:
        registry.leave()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "[" * 100_000,
        '{"order": "new", "limits": {}}',
        '{"limits": 1}',
        '{"order": "priority", "limits": {"SYNC": 1e999}}',
        '{"order": "priority", "limits": {"SYNC": -1}}',
    ],
    ids=range(8),
)
def test_rules_that_cannot_be_read_are_not_told(text: str, tmp_path: Path) -> None:
    """Those of a worker that is just entering, or has another version."""
    mine, others = FileWorkerRegistry(tmp_path), FileWorkerRegistry(tmp_path)
    name = mine.enter()
    (tmp_path / f"{name}.lock").write_text(text, "ascii")
    assert others.rules() == []
    mine.leave()


def test_who_has_left_is_dead(tmp_path: Path) -> None:
    """As another process sees it, and nothing is left behind."""
    mine, others = FileWorkerRegistry(tmp_path), FileWorkerRegistry(tmp_path)
    name = mine.enter()
    assert not others.is_dead(name)
    mine.leave()
    assert others.is_dead(name)
    assert (others.living(), list(tmp_path.iterdir())) == ([], [])


def test_worker_lives_as_long_as_its_last_child(tmp_path: Path) -> None:
    """A child that inherited the lock may still write, so its worker is not dead yet; once it is,
    its files are swept away."""
    program = "import os, sys; from pathlib import Path\n" + (
        "from kodit.infrastructure.processes.worker_registry import FileWorkerRegistry\n"
        "registry = FileWorkerRegistry(Path(sys.argv[1])); name = registry.enter()\n"
        "import subprocess\n"
        "child = subprocess.Popen(['cat'], pass_fds=[registry.descriptor])\n"
        "print(name, flush=True); os._exit(0)\n"
    )
    registry = FileWorkerRegistry(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as worker:
        assert worker.stdin is not None
        assert worker.stdout is not None
        name = worker.stdout.readline().strip()
        assert worker.wait() == 0
        assert not registry.is_dead(name)
        worker.stdin.close()  # the child ends at the end of its input
        worker.stdout.read()
    wait_until(lambda: registry.is_dead(name))
    assert list(tmp_path.iterdir()) != []
    registry.sweep()
    assert list(tmp_path.iterdir()) == []


def test_who_has_left_may_leave_again(tmp_path: Path) -> None:
    """And has no descriptor any more."""
    registry = FileWorkerRegistry(tmp_path)
    before = set(os.listdir("/dev/fd"))  # noqa: PTH208 - of descriptors
    registry.enter()
    registry.leave()
    registry.leave()
    assert set(os.listdir("/dev/fd")) == before  # noqa: PTH208 - likewise
    with pytest.raises(RuntimeError, match="has not entered"):
        _ = registry.descriptor


def test_the_living_are_told_in_order(tmp_path: Path) -> None:
    registries = [FileWorkerRegistry(tmp_path) for _ in range(5)]
    names = [registry.enter() for registry in registries]
    assert registries[0].living() == sorted(names)
    for registry in registries:
        registry.leave()


@pytest.mark.parametrize("make", ["folder", "link", "pipe"])
def test_what_no_worker_has_made_is_a_dead_one(make: str, tmp_path: Path) -> None:
    """Also a name that leads elsewhere; nothing is done to it."""
    registry = FileWorkerRegistry(tmp_path / "workers")
    (tmp_path / "workers").mkdir()
    (tmp_path / "outside").touch()
    path = tmp_path / "workers" / "odd.lock"
    if make == "folder":
        path.mkdir()
    elif make == "link":
        path.symlink_to(tmp_path / "outside")
    else:
        os.mkfifo(path)
    assert registry.is_dead("odd")
    assert registry.is_dead("../workers/odd")
    assert registry.is_dead("a\0b")
    assert registry.living() == []
    registry.sweep()
    assert (tmp_path / "outside").exists()
    assert path.is_symlink() == (make == "link")


def test_memory_holds_the_queue_alone() -> None:
    """Asking it for snippets says so."""
    with (
        MemoryDatabase().read() as transaction,
        pytest.raises(LookupError, match="holds no snippets"),
    ):
        _ = transaction.snippets


def test_a_wake_up_in_memory_may_come_too_late() -> None:
    """Its loop has ended, and nobody waits on it any more."""

    async def wake() -> MemoryWakeUp:
        wake_up = MemoryWakeUp()
        wake_up.notify()
        await wake_up.wait(PATIENCE_SECONDS)
        await wake_up.wait(0.0)
        return wake_up

    asyncio.run(wake()).notify()


@pytest.mark.parametrize("kind", [EventWakeUp, MemoryWakeUp])
def test_one_notice_wakes_once(kind: type[EventWakeUp] | type[MemoryWakeUp]) -> None:
    """Who waits again sleeps as long as they want, whichever thread it came from."""

    async def wake() -> list[bool]:
        wake_up = kind()
        woken = []
        for notify in (wake_up.notify, lambda: start(wake_up.notify)):
            notify()
            await wake_up.wait(PATIENCE_SECONDS)
            await asyncio.sleep(0)  # whatever was left for the loop to do
            woken.append(wake_up._event.is_set())
        return woken

    def start(notify: Callable[[], None]) -> None:
        threading.Thread(target=notify).start()

    assert asyncio.run(wake()) == [False, False]


def test_indexes_in_memory_are_numbered_by_themselves() -> None:
    database = MemoryDatabase()
    add_run(database)
    with database.write() as transaction:
        for number, location in enumerate(("/one", "/two"), 1):
            index = transaction.indexes.add(Source(SourceKind.FOLDER, location), NOW)
            assert index.id == number


def test_the_rules_of_a_worker_are_those_that_it_told(registry: WorkerRegistry) -> None:
    """Including a limit of zero, which lets no task of a type start."""
    rules = ClaimRules(QueueOrder.RUN_FIRST, {TaskType.ENRICH: 0, TaskType.SYNC: 2})
    registry.enter(rules)
    try:
        assert registry.rules() == [rules]
    finally:
        registry.leave()


def test_a_worker_enters_on_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has registered no rules, and is alive."""

    def refuse(_descriptor: int, _data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("kodit.infrastructure.processes.worker_registry.os.write", refuse)
    registry = FileWorkerRegistry(tmp_path / "workers")
    name = registry.enter()
    assert registry.living() == [name]
    assert registry.rules() == []
    registry.leave()
    registry.leave()
    assert list((tmp_path / "workers").iterdir()) == []
