"""What is known about changes, and what answers wait for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence

import pytest

from kodit.application.services.known_changes import (
    FEW_FILES,
    LONGEST_DELAY_SECONDS,
    LONGEST_STORM_SECONDS,
    QUIET_SECONDS,
    KnownChanges,
    Pending,
)

NOBODY_SECONDS = 60.0
"""Longer than a test: nothing below waits for so long."""


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    """One event loop for the whole test."""
    with asyncio.Runner() as runner:
        yield runner


def changes_of(*index_ids: int) -> KnownChanges:
    """Indexes 1 to 3 are watched; these have a change."""
    changes = KnownChanges()
    changes.watched = frozenset({1, 2, 3})
    changes.pending = {index_id: Pending(0.0, 0.0) for index_id in index_ids}
    return changes


async def answer_after(
    changes: KnownChanges, index_ids: Sequence[int], *steps: Callable[[], None]
) -> bool:
    """What an answer is told, which goes on waiting until the last of the steps is done."""
    waiting = asyncio.create_task(changes.settle(index_ids, NOBODY_SECONDS))
    for step in steps:
        for _ in range(5):  # turns of the loop
            await asyncio.sleep(0)
        assert not waiting.done()
        step()
    return await waiting


@pytest.mark.parametrize(
    ("pending", "asked", "waits_for"),
    [
        ((), (), ()),
        ((), (1, 2), ()),
        ((2,), (1,), ()),
        ((2,), (4,), ()),
        ((2,), (2,), (2,)),
        ((2,), (1, 2), (2,)),
        ((1, 3), (), (1, 3)),
        ((1, 3), (3,), (3,)),
    ],
)
def test_an_answer_waits_for_its_own_indexes(
    pending: tuple[int, ...],
    asked: tuple[int, ...],
    waits_for: tuple[int, ...],
    runner: asyncio.Runner,
) -> None:
    changes = changes_of(*pending)
    steps = [lambda index_id=one: changes.forget(index_id) for one in waits_for]
    assert runner.run(answer_after(changes, asked, *steps)) is bool(waits_for)
    assert set(changes.pending) == {*pending} - {*waits_for}


def test_an_answer_waits_until_earlier_changes_are_known(runner: asyncio.Runner) -> None:
    """A mark that is told late, after a later one, changes nothing."""
    changes = changes_of()
    changes.mark = lambda: 7
    steps = [lambda mark=mark: changes.reach(mark) for mark in (3, 6, 7)]
    assert not runner.run(answer_after(changes, (), *steps))
    changes.reach(2)
    assert not runner.run(answer_after(changes, ()))


@pytest.mark.parametrize("pending", [(), (1,)])
def test_nothing_is_waited_for_when_watching_stops(
    pending: tuple[int, ...], runner: asyncio.Runner
) -> None:
    changes = changes_of(*pending)
    changes.mark = lambda: 7
    if pending:
        changes.reach(7)
    assert runner.run(answer_after(changes, (), changes.stop)) is bool(pending)
    assert (changes.watched, changes.pending, changes.mark()) == (frozenset(), {}, 0)
    assert not changes.is_watched(1)
    changes.watched = frozenset({1})
    changes.mark = lambda: 5  # the clock of another watcher
    assert not runner.run(answer_after(changes, (), lambda: changes.reach(5)))


def test_a_run_that_is_stuck_is_not_waited_for(runner: asyncio.Runner) -> None:
    changes = changes_of(1, 2)
    steps = [lambda one=one: changes.set_stuck(one, is_stuck=True) for one in (1, 2)]
    assert runner.run(answer_after(changes, (), *steps))
    assert runner.run(answer_after(changes, ()))
    changes.set_stuck(2, is_stuck=False)
    assert runner.run(answer_after(changes, (), lambda: changes.forget(2)))


def test_later_changes_of_the_same_index_are_not_waited_for(runner: asyncio.Runner) -> None:
    changes = changes_of(1)

    def index_and_change() -> None:
        changes.forget(1)
        changes.pending[1] = Pending(1.0, 1.0)

    assert runner.run(answer_after(changes, (1,), index_and_change))


def test_who_waits_is_counted(runner: asyncio.Runner) -> None:
    changes = changes_of(1)
    pending = changes.pending[1]

    async def count() -> list[int]:
        waiting = [asyncio.create_task(changes.settle((), NOBODY_SECONDS)) for _ in range(2)]
        await asyncio.sleep(0)
        counts = [pending.waiting]
        waiting[0].cancel()
        await asyncio.wait([waiting[0]])
        counts.append(pending.waiting)
        changes.forget(1)
        await waiting[1]
        return [*counts, pending.waiting]

    assert runner.run(count()) == [2, 1, 0]


def test_waiting_ends(runner: asyncio.Runner) -> None:
    """The answer is told that there are changes, if these are known by then."""
    changes = changes_of(1)
    assert runner.run(changes.settle((), 0.0))
    assert changes.pending[1].waiting == 0
    changes.mark = lambda: 7
    assert not runner.run(changes.settle((), 0.0))


def test_changed_files_are_counted() -> None:
    changes = changes_of(1)
    changes.pending[1].files = {"a.py": 1, "b.py": 2}
    assert [changes.count(index_id) for index_id in (1, 2)] == [2, 0]
    assert [changes.is_watched(index_id) for index_id in (1, 4)] == [True, False]


@pytest.mark.parametrize(
    ("files", "first_at", "last_at", "is_over"),
    [
        (1, 99.0, 100.0 - QUIET_SECONDS, True),
        (1, 99.0, 100.0 - QUIET_SECONDS / 2, False),
        (FEW_FILES, 100.0 - LONGEST_DELAY_SECONDS, 100.0, True),
        (FEW_FILES, 100.5 - LONGEST_DELAY_SECONDS, 100.0, False),
        (FEW_FILES + 1, 100.0 - LONGEST_DELAY_SECONDS, 100.0, False),
        (FEW_FILES + 1, 100.0 - LONGEST_STORM_SECONDS, 100.0, True),
        (FEW_FILES + 1, 100.5 - LONGEST_STORM_SECONDS, 100.0, False),
    ],
)
def test_when_no_more_changes_are_expected(
    files: int, first_at: float, last_at: float, *, is_over: bool
) -> None:
    pending = Pending(first_at, last_at, dict.fromkeys(map(str, range(files)), 1))
    assert pending.is_over(100.0) is is_over
