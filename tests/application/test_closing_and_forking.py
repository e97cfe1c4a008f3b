"""One `Kodit` that is closed, forked and deleted from while other threads call it."""

from __future__ import annotations

import asyncio
import errno
import gc
import multiprocessing
import os
import threading
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

import pytest

from kodit import Kodit
from kodit.application.services.index_service import IndexService, SourceRequest
from kodit.application.services.source_service import IndexRequest, SourceService
from kodit.composition import Application
from kodit.domain.entities import Index
from kodit.domain.errors import KoditError, TransientError
from kodit.domain.policy import CallerPolicy
from kodit.faces.python.background_loop import BackgroundLoop
from kodit.infrastructure.sql.sqlite import _connections
from kodit.settings import Settings

pytestmark = pytest.mark.real_children


def test_work_that_fails_before_it_is_a_coroutine() -> None:
    """The error reaches the caller, who would otherwise wait for ever."""
    loop = BackgroundLoop()

    with pytest.raises(ZeroDivisionError):
        _beside(lambda: loop.call(lambda: 1 / 0)).result(60)  # type: ignore[arg-type, return-value]

    loop.close()


@pytest.mark.parametrize("scarce", ["descriptors", "threads"])
def test_a_loop_that_cannot_be_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scarce: str
) -> None:
    """The call fails, and leaves nothing open; the next one tries again."""
    start = threading.Thread.start

    def no_loop() -> NoReturn:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    def no_thread(thread: threading.Thread) -> None:
        if thread.name == "kodit-loop":
            raise RuntimeError("can't start new thread")
        start(thread)

    kodit = Kodit(tmp_path / "data")
    with monkeypatch.context() as patched:
        if scarce == "descriptors":
            patched.setattr(asyncio, "new_event_loop", no_loop)
            patched.setattr(asyncio.events, "new_event_loop", no_loop)
        else:
            patched.setattr(threading.Thread, "start", no_thread)
        with pytest.raises(TransientError):
            _beside(kodit.status).result(60)
    assert not _connections[str(tmp_path / "data" / "kodit.db")]
    assert kodit.status() == []
    kodit.close()


def test_a_call_while_the_loop_is_being_closed() -> None:
    """It is refused, since nothing would ever run it."""
    loop = BackgroundLoop()
    started, closing, go_on = threading.Event(), threading.Event(), asyncio.Event()

    async def ends_slowly() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            closing.set()
            await go_on.wait()

    async def never_ends() -> None:
        go_on.set()
        await asyncio.Event().wait()

    slow = _beside(lambda: loop.call(ends_slowly))
    assert started.wait(60)
    closed = _beside(loop.close)
    assert closing.wait(60)
    late = _beside(lambda: loop.call(never_ends))
    with pytest.raises(KoditError) as refused:
        late.result(60)
    loop._loop.call_soon_threadsafe(go_on.set)
    with pytest.raises(KoditError) as ended:
        slow.result(60)
    closed.result(60)
    assert refused.value.code == ended.value.code == "closed"


def _beside(call: Callable[[], Any]) -> Future[Any]:
    """The outcome of a call in a thread that a failing test need not wait for."""
    outcome: Future[Any] = Future()

    def work() -> None:
        try:
            outcome.set_result(call())
        except BaseException as error:  # noqa: BLE001 - raised where the outcome is asked for
            outcome.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    return outcome


def test_a_process_that_is_forked_while_the_database_is_open(tmp_path: Path) -> None:
    """It gets an error at once: it has no threads, and SQLite would give it locks that it does not
    hold. Its calls have no effect on its parent."""
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "a.py").write_text("def found() -> None: ...\n")
    calls: list[Callable[[Kodit], Any]] = [
        lambda kodit: kodit.search("found"),
        lambda kodit: kodit.grep("found"),
        lambda kodit: kodit.index(tmp_path / "source"),
        lambda kodit: kodit.close(),
    ]
    with Kodit(tmp_path / "data") as kodit:
        kodit.index(tmp_path / "source")
        kodit.grep("found")  # starts a child process, which stays
        refused = ["opened_before_fork"] * 3 + ["done"]

        assert _codes_in_fork(lambda: [kodit] * 4, calls) == refused
        assert _codes_in_fork(lambda: [Kodit(tmp_path / "data")] * 4, calls) == refused

        assert len(kodit.grep("found").matches) == 1
        kodit.close()
        assert _codes_in_fork(lambda: [kodit] * 4, calls) == ["done"] * 4
        assert len(kodit.search("found")) == 1


def _codes_in_fork(
    kodits: Callable[[], Sequence[Kodit]], calls: Sequence[Callable[[Kodit], Any]]
) -> list[str | None]:
    """The results of calls in a forked process: `done`, or the code of the error."""
    ours, theirs = multiprocessing.Pipe()

    def work() -> None:
        said: list[str | None] = []
        for kodit, call in zip(kodits(), calls, strict=True):
            try:
                call(kodit)
            except KoditError as error:
                said.append(error.code)
            else:
                said.append("done")
        theirs.send(said)

    process = multiprocessing.get_context("fork").Process(target=work)
    process.start()
    try:
        assert ours.poll(60), "the forked process does not answer"
        answer: list[str | None] = ours.recv()
        return answer
    finally:
        process.kill()
        process.join()


def test_a_kodit_that_is_dropped_without_being_closed(tmp_path: Path) -> None:
    """It leaves neither its thread, nor its child processes, nor open files."""
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "a.py").write_text("def found() -> None: ...\n")
    kodit = Kodit(tmp_path / "data")
    kodit.index(tmp_path / "source")
    before = _children()
    assert len(kodit.grep("found").matches) == 1
    opened = kodit._opened
    assert opened is not None
    thread, children = opened.loop._thread, _children()
    assert children > before
    gone = weakref.ref(opened.application)
    del kodit, opened
    thread.join(60)
    assert not thread.is_alive()
    gc.collect()
    assert gone() is None
    assert not _children() & (children - before)
    assert not _open_below(tmp_path / "data")


def _children() -> set[str]:
    """The processes that this one has started and not waited for."""
    found: set[str] = set()
    for task in Path(f"/proc/{os.getpid()}/task").glob("*/children"):
        with suppress(FileNotFoundError, ProcessLookupError):  # a thread that has just ended
            found |= set(task.read_text().split())
    return found


def _open_below(folder: Path) -> list[str]:
    """The files of a folder that this process has open."""
    found = []
    for link in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # one that was open for this look alone
            found.append(link.readlink())
    return [str(path) for path in found if path.is_relative_to(folder)]


def test_a_dropped_kodit_in_a_forked_process(tmp_path: Path) -> None:
    """It closes nothing of its parent."""
    with Kodit(tmp_path / "data") as kodit:
        kodit.status()
        drop = kodit._when_dropped
        assert drop is not None
        assert not drop.atexit  # nor does the end of a process
        assert _codes_in_fork(lambda: [kodit], [lambda _kodit: drop()]) == ["done"]
        assert kodit.status() == []


class _DeletedOnce:
    """Indexes of which the first added one is deleted at once by another caller."""

    def __init__(self, indexes: IndexService) -> None:
        self._indexes = indexes
        self.deleted: list[int] = []

    async def add(self, requests: Sequence[SourceRequest], policy: CallerPolicy) -> list[Index]:
        added = await self._indexes.add(requests, policy)
        if not self.deleted:
            self.deleted.append(added[0].id)
            await self._indexes.delete(added[0].id)
        return added


def test_a_source_that_is_deleted_while_it_is_added(tmp_path: Path) -> None:
    """It is added again: a request names a source and knows no identifiers."""
    (tmp_path / "source").mkdir()
    asyncio.run(_add_what_is_deleted_at_once(tmp_path))


async def _add_what_is_deleted_at_once(tmp_path: Path) -> None:
    with Application(Settings(data_dir=tmp_path / "data")) as application:
        indexes = _DeletedOnce(application.indexes)
        sources = SourceService(
            parser=application.parser,
            locator=application.locator,
            indexes=indexes,  # type: ignore[arg-type]
            queue=application.queue,
        )
        [run] = await sources.add(IndexRequest([str(tmp_path / "source")]))

        [status] = await application.indexes.status()
        assert [run.index_id] == [status.id] != indexes.deleted
