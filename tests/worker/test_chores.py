"""Chores repeat, each at its own interval, whatever happens to one of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from selectors import DefaultSelector, SelectorKey

import pytest

from kodit.application.services.chores import Chore, chores_done, in_one_piece
from kodit.domain.errors import DatabaseReplacedError, TransientError

INTERVAL = 10.0


class _JumpingSelector(DefaultSelector):
    """Never waits; records how long it would have waited."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
        self.now += timeout or 0.0
        return super().select(0)


class SimulatedLoop(asyncio.SelectorEventLoop):
    """An event loop whose time passes only while it is idle."""

    def __init__(self) -> None:
        self._selector_of_time = _JumpingSelector()
        super().__init__(self._selector_of_time)

    def time(self) -> float:
        return self._selector_of_time.now


class Diary:
    """Does what a test tells a chore to do, and records when."""

    def __init__(self, *pieces: Callable[[], bool]) -> None:
        self._pieces = iter(pieces)
        self.times: list[float] = []
        self.is_over = asyncio.Event()

    async def do_piece(self) -> bool:
        piece = next(self._pieces, None)
        if piece is None:
            self.is_over.set()
            return False
        self.times.append(asyncio.get_running_loop().time())
        return piece()


def times_of(*pieces: Callable[[], bool]) -> list[float]:
    """When the pieces of one chore run, in intervals since the first."""

    async def play() -> list[float]:
        diary = Diary(*pieces)
        async with chores_done([Chore("keep a diary", INTERVAL, diary.do_piece)]):
            await diary.is_over.wait()
        return diary.times

    with asyncio.Runner(loop_factory=SimulatedLoop) as runner:
        return [round(moment / INTERVAL, 3) for moment in runner.run(play())]


def done() -> bool:
    return False


def more() -> bool:
    return True


def raising(error: BaseException) -> Callable[[], bool]:
    def fail() -> bool:
        raise error

    return fail


ERRORS = (
    OSError(28, "No space left on device"),
    TransientError("the database is locked by another process"),
    MemoryError("there is no more"),
    ZeroDivisionError("a bug"),
    asyncio.CancelledError("of something that it waited for"),
)


def test_a_chore_is_done_at_once_and_then_at_its_interval() -> None:
    assert times_of(done, done, done) == [0, 1, 2]


def test_pieces_follow_each_other_while_there_is_more_to_do() -> None:
    assert times_of(more, more, done, done) == [0, 0, 0, 1]


@pytest.mark.parametrize(("is_awaited", "expected"), [(False, [0, 6, 12]), (True, [0, 3, 6])])
def test_a_pause_between_pieces_is_as_long_as_the_piece(
    is_awaited: bool, expected: list[float]
) -> None:
    """So that no chore takes more than half of the time of the database's writer; only one that
    others wait for goes on at once."""
    times: list[float] = []
    is_over = asyncio.Event()

    async def take_three_seconds() -> bool:
        times.append(asyncio.get_running_loop().time())
        if len(times) == 3:
            is_over.set()
        await asyncio.sleep(3)
        return True

    async def play() -> None:
        chore = Chore("take time", INTERVAL, take_three_seconds, is_awaited=is_awaited)
        async with chores_done([chore]):
            await is_over.wait()

    with asyncio.Runner(loop_factory=SimulatedLoop) as runner:
        runner.run(play())
    assert times == expected


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_no_error_ends_a_chore(error: BaseException, caplog: pytest.LogCaptureFixture) -> None:
    """It is logged with the chore's name, and the chore continues after two intervals."""
    with caplog.at_level(logging.WARNING):
        assert times_of(raising(error), done, done) == [0, 2, 3]
    (record,) = caplog.records
    assert vars(record)["chore"] == "keep a diary"
    assert vars(record)["error"] == str(error)
    is_bug = isinstance(error, (ZeroDivisionError, asyncio.CancelledError))
    assert (record.levelname, record.exc_info is not None) == (
        ("ERROR", True) if is_bug else ("WARNING", False)
    )


def test_an_error_without_words_is_logged_by_its_type(caplog: pytest.LogCaptureFixture) -> None:
    times_of(raising(TimeoutError()))
    assert vars(caplog.records[0])["error"] == "TimeoutError"


def test_a_chore_that_fails_again_and_again_is_tried_more_and_more_rarely() -> None:
    """Up to a limit; a success restores its interval."""
    fails = [raising(OSError("no"))] * 6
    waits = (2, 4, 8, 8, 8, 8)
    expected = [0]
    for wait in waits:
        expected.append(expected[-1] + wait)
    expected.append(expected[-1] + 1)
    assert times_of(*fails, done, done) == expected
    assert times_of(fails[0], done, fails[0], done) == [0, 2, 3, 5]


def test_one_that_fails_does_not_hold_up_the_others() -> None:
    async def play() -> tuple[Sequence[float], Sequence[float]]:
        bad, good = Diary(*[raising(OSError("no"))] * 2), Diary(done, done, done)
        chores = [Chore("bad", INTERVAL, bad.do_piece), Chore("good", INTERVAL, good.do_piece)]
        async with chores_done(chores):
            await good.is_over.wait()
        return bad.times, good.times

    with asyncio.Runner(loop_factory=SimulatedLoop) as runner:
        bad, good = runner.run(play())
    assert (bad, good) == ([0, 2 * INTERVAL], [0, INTERVAL, 2 * INTERVAL])


def test_an_error_on_the_way_out_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """A piece may fail while it is being cancelled; the caller who ends the chores is not
    affected."""

    async def play() -> None:
        began = asyncio.Event()

        async def fail_when_cancelled() -> bool:
            began.set()
            try:
                await asyncio.Event().wait()
            finally:
                raise OSError("no")

        async with chores_done([Chore("fail", INTERVAL, fail_when_cancelled)]):
            await began.wait()

    asyncio.run(play())
    assert [vars(record)["chore"] for record in caplog.records] == ["fail"]


def test_a_chore_ends_with_its_database(caplog: pytest.LogCaptureFixture) -> None:
    """Another database has replaced it: the process that serves the queue reports that, and the
    chore logs nothing."""

    async def play() -> list[float]:
        diary = Diary(raising(DatabaseReplacedError("replaced")), done)
        other = Diary(done, done, done)
        chores = [
            Chore("keep a diary", INTERVAL, diary.do_piece),
            Chore("wait", INTERVAL, other.do_piece),
        ]
        async with chores_done(chores):
            await other.is_over.wait()
        return diary.times

    with asyncio.Runner(loop_factory=SimulatedLoop) as runner:
        assert runner.run(play()) == [0]
    assert caplog.records == []


def test_no_chores() -> None:
    async def play() -> bool:
        async with chores_done([]):
            return await in_one_piece(list)

    assert asyncio.run(play()) is False
