"""Locks between processes and turns between threads: which one has it, and which is next."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest
from tests.support.command import wait_until

from kodit.domain.errors import TransientError, UserError
from kodit.infrastructure import locks
from kodit.infrastructure.locks import FairLock, file_lock, open_lock_file, try_lock
from kodit.infrastructure.reading_gate import ReadingGate
from kodit.infrastructure.wake_up import WakeUps
from kodit.infrastructure.work_log import VARIABLE, record_work


def is_free(path: Path) -> bool:
    """Whether another process could take the lock of a file."""
    descriptor = open_lock_file(path)
    try:
        return try_lock(descriptor)
    finally:
        os.close(descriptor)


def test_a_lock_file_is_this_users_alone(tmp_path: Path) -> None:
    """And so is the folder that is made for it."""
    path = tmp_path / "locks" / "a.lock"
    descriptor = open_lock_file(path)
    try:
        assert not os.get_inheritable(descriptor)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    finally:
        os.close(descriptor)


def test_a_file_lock_is_held_for_its_block(tmp_path: Path) -> None:
    """A waiter that times out is told what is locked, and reports progress meanwhile."""
    path = tmp_path / "a.lock"
    reports: list[tuple[int, int | None]] = []
    before = len(os.listdir("/dev/fd"))  # noqa: PTH208 - of descriptors
    with file_lock(path, 1.0, "the thing"):
        assert not is_free(path)
        with (
            pytest.raises(TransientError, match="the thing has been locked by another process for"),
            file_lock(path, 0.01, "the thing", lambda *report: reports.append(report)),
        ):
            raise AssertionError
    assert is_free(path)
    assert len(os.listdir("/dev/fd")) == before  # noqa: PTH208 - likewise
    assert set(reports) == {(0, None)}


def test_a_fair_lock_is_taken_again_and_again(tmp_path: Path) -> None:
    """While it is held, no other process has it; the turn is released as soon as it is taken."""
    path, turn = tmp_path / "write.lock", tmp_path / "write.turn"
    lock = FairLock(path, 0.01, "the database")
    for _ in range(2):
        lock.acquire()
        assert (is_free(path), is_free(turn)) == (False, True)
        lock.release()
        assert (is_free(path), is_free(turn)) == (True, True)
    lock.acquire()
    lock.close()
    lock.close()
    lock.release()
    assert is_free(path)
    lock.acquire()
    assert not is_free(path)
    lock.close()


def test_a_fair_lock_that_cannot_be_opened_leaves_no_descriptor(tmp_path: Path) -> None:
    """Who waits for free descriptors tries it again and again."""
    (tmp_path / "a.lock").mkdir()
    lock = FairLock(tmp_path / "a.lock", 1.0, "the thing")
    before = len(os.listdir("/dev/fd"))  # noqa: PTH208 - of descriptors
    with pytest.raises(UserError, match="is not a file"):
        lock.acquire()
    assert len(os.listdir("/dev/fd")) == before  # noqa: PTH208 - likewise
    (tmp_path / "a.lock").rmdir()
    lock.acquire()
    assert not is_free(tmp_path / "a.lock")
    lock.close()


def test_a_fair_lock_waits_for_its_turn(tmp_path: Path) -> None:
    """Behind earlier waiters; and it does without the turn of a stopped process."""
    path, turn = tmp_path / "write.lock", tmp_path / "write.turn"
    lock = FairLock(path, 0.01, "the database")
    with file_lock(path, 1.0, ""):
        with pytest.raises(TransientError, match="the database has been locked"):
            lock.acquire()
        assert is_free(turn)
    done = threading.Event()

    def acquire() -> None:
        lock.acquire()
        done.set()

    with file_lock(turn, 1.0, ""):
        waiting = threading.Thread(target=acquire)
        waiting.start()
        assert is_free(path)
        assert done.wait(60)
    waiting.join()
    lock.close()


def test_a_fair_lock_takes_its_turn_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []

    def note_and_try(descriptor: int) -> bool:
        taken.append(os.fstat(descriptor).st_ino)
        return try_lock(descriptor)

    monkeypatch.setattr(locks, "try_lock", note_and_try)
    lock = FairLock(tmp_path / "write.lock", 1.0, "the database")
    lock.acquire()
    lock.close()
    names = {path.stat().st_ino: path.name for path in tmp_path.iterdir()}
    assert [names[one] for one in taken] == ["write.turn", "write.lock"]


def test_readers_enter_in_order() -> None:
    """Each passes its place to the one that has waited longest."""
    gate, order = ReadingGate(1), list[int]()
    go_on = [threading.Event() for _ in range(3)]

    def read(number: int) -> None:
        with gate.place():
            order.append(number)
            assert go_on[number].wait(60)

    threads = [threading.Thread(target=read, args=(number,)) for number in range(3)]
    for number, thread in enumerate(threads):
        thread.start()
        wait_until(lambda number=number: gate.waiting + len(order) == number + 1)  # type: ignore[misc]
    assert order == [0]
    for number in range(3):
        wait_until(lambda number=number: len(order) == number + 1)  # type: ignore[misc]
        go_on[number].set()
    for thread in threads:
        thread.join()
    assert order == [0, 1, 2]


def test_no_more_readers_than_places() -> None:
    """However often they have come and gone; one that is inside is refused a second place."""
    gate = ReadingGate(2)
    for _ in range(3):
        with gate.place(), pytest.raises(RuntimeError, match="is reading the database already"):
            gate.place().__enter__()
    inside, leave = threading.Semaphore(0), threading.Event()

    def read() -> None:
        with gate.place():
            inside.release()
            assert leave.wait(60)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    wait_until(lambda: gate.waiting == 2)
    assert [inside.acquire(timeout=60) for _ in range(2)] == [True, True]
    assert not inside.acquire(blocking=False)
    leave.set()
    for thread in threads:
        thread.join()
    assert gate.waiting == 0


@pytest.mark.parametrize("is_handed_over", [True, False])
def test_an_interrupted_waiter_keeps_no_place(
    monkeypatch: pytest.MonkeyPatch, *, is_handed_over: bool
) -> None:
    """Whether the place has been handed over to it by then or not."""
    gate = ReadingGate(1)
    gate._enter()

    class Interrupted:
        """The turn of a thread that is interrupted as it waits for it."""

        times = 0

        def acquire(self) -> bool:
            self.times += 1
            if self.times == 1:
                return True
            if is_handed_over:
                gate._leave()
            raise KeyboardInterrupt

        def release(self) -> None:
            assert is_handed_over

    with monkeypatch.context() as patched:
        patched.setattr("kodit.infrastructure.reading_gate.threading.Lock", Interrupted)
        with pytest.raises(KeyboardInterrupt), gate.place():
            raise AssertionError("there is no place")
    if not is_handed_over:
        gate._leave()
    assert (gate.waiting, gate._free) == (0, 1)
    with gate.place():
        assert gate._free == 0
    assert gate._free == 1


class Listener:
    def __init__(self) -> None:
        self.heard = 0

    def notify(self) -> None:
        self.heard += 1


def test_removing_a_listener_keeps_the_others() -> None:
    """Among those that are notified."""
    wake_ups, listeners = WakeUps(), [Listener() for _ in range(3)]
    for listener in listeners:
        wake_ups.add(listener)
    wake_ups.notify()
    wake_ups.remove(listeners[1])
    wake_ups.notify()
    assert [listener.heard for listener in listeners] == [2, 1, 2]


def test_work_is_recorded_where_a_file_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line each, appended."""
    path = tmp_path / "work.log"
    for value in (None, ""):
        monkeypatch.delenv(VARIABLE, raising=False)
        if value is not None:
            monkeypatch.setenv(VARIABLE, value)
        record_work("files_parsed", 1)
    monkeypatch.setenv(VARIABLE, str(path))
    record_work("files_parsed", 2)
    record_work("texts_embedded", 3)
    assert path.read_text() == "files_parsed 2\ntexts_embedded 3\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
