"""A claimed task, as the code of its stage uses it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from kodit.application.services.threads import Lane, in_thread
from kodit.application.services.transactions import repeated
from kodit.domain.entities import ProgressTracker, Task
from kodit.domain.errors import TaskCancelled
from kodit.domain.ports.database import Database, Transaction
from kodit.domain.value_objects import TaskProgress, TrackableType

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class StageOutcome:
    """How a stage succeeded; with `nothing_to_do`, the rest of its run is skipped."""

    nothing_to_do: bool = False


StageHandler = Callable[[Task, ProgressTracker | None], Awaitable[StageOutcome]]
"""Does the work of one task type."""


def tracker_of(task: Task) -> ProgressTracker:
    """The root of a task's operations, which are about the task's index."""
    if task.index_id is None:
        return ProgressTracker(trackable_type=TrackableType.TASK, trackable_id=task.id)
    return ProgressTracker(trackable_type=TrackableType.INDEX, trackable_id=task.index_id)


class Stage:
    """Reads and writes for one claim. Every write is fenced by the claim, and counted in its
    commit."""

    def __init__(
        self,
        database: Database,
        task: Task,
        tracker: ProgressTracker,
        store_id: int | None = None,
    ) -> None:
        """`store_id` is that of the versions it works on, None for the index's own."""
        self._database = database
        self.task = task
        self.tracker = tracker
        self._store_id = store_id

    @property
    def index_id(self) -> int:
        if self.task.index_id is None:
            raise ValueError(f"task {self.task.id} names no index in its payload")
        return self.task.index_id

    @property
    def store_id(self) -> int:
        """The store whose versions it works on."""
        return self.index_id if self._store_id is None else self._store_id

    @property
    def of_index(self) -> int | None:
        """The index whose versions it works on; None for all of the store."""
        return None if self.store_id == self.index_id else self.index_id

    def at(self, store_id: int) -> Stage:
        """The same claim for the versions in another store."""
        return Stage(self._database, self.task, self.tracker, store_id)

    @property
    def is_first_attempt(self) -> bool:
        """If not, the stage keeps to its own index: it must not fail again for what it did for
        another one."""
        return self.task.claim_no <= 1

    def as_urgent(self, index_ids: Sequence[int], transaction: Transaction) -> list[int]:
        """Those of other indexes whose work this stage may do too: users wait for no index that
        none of them asked for."""
        if not self.task.is_user_initiated:
            return list(index_ids)
        wanted = transaction.tasks.wanted_by_user(index_ids)
        return [index_id for index_id in index_ids if index_id in wanted]

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """Run `work` in a read transaction."""

        def read() -> T:
            with self._database.read() as transaction:
                return work(transaction)

        return await in_thread(read, Lane.READS)

    async def commit(
        self,
        work: Callable[[Transaction], tuple[T, Mapping[str, int]]],
        step: ProgressTracker,
        reached: int | None = None,
    ) -> T:
        """Run `work` in a write transaction. It returns its result and counts of what it did;
        `step` is at `reached` when the commit is stored. A commit that neither counts anything nor
        gets further leaves the retry budget as it is: every attempt may repeat it before the step
        that fails. If another transaction gets ahead of this one, `work` is run again.

        Raises LeaseLost, and stores nothing, if the claim no longer holds the task; TaskCancelled,
        after storing, if the user has asked the task to stop.
        """

        current = step.current if reached is None else reached

        def write() -> tuple[T, bool]:
            with self._database.write() as transaction:
                transaction.tasks.fence(self.task.claim)
                result, counts = work(transaction)
                task = transaction.tasks.record_batch(
                    self.task.claim,
                    counts,
                    TaskProgress(step.operation.name, current, step.total),
                    restores_budget=current > step.current or any(counts.values()),
                )
                return result, task.cancel_requested

        result, cancel_requested = await in_thread(partial(repeated, write), Lane.WRITES)
        step.set_current(current)
        if cancel_requested:
            raise TaskCancelled("cancelled on request")
        return result


async def commit_in_steps(
    stage: Stage,
    step: ProgressTracker,
    piece: Callable[[int, Transaction], tuple[int | None, dict[str, int]]],
) -> None:
    """Commit one piece after another, each starting where the one before ended."""
    after: int | None = 0
    while after is not None:
        after = await stage.commit(partial(piece, after), step)
