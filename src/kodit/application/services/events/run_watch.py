"""Finds the changes of runs and indexes since the last check."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice

from kodit.application.services.events.event_log import StateChange
from kodit.application.services.standing_service import StandingService
from kodit.application.views.events import DeletedIndexView, TaskEventView
from kodit.application.views.runs import ListedRunView
from kodit.domain.entities import IndexRun
from kodit.domain.ports.database import Database, Transaction
from kodit.domain.value_objects import RunState, SearchFilter

MOST_MISSED = 500
"""How many runs may start and end between two checks; beyond that, changes are not listed."""

MOST_SEEN = 1_000
"""How many runs are remembered in order to report only their changes."""


class RunWatch:
    """Synchronous: each check is a transaction that reads little more than the changes. Used by one
    caller at a time."""

    def __init__(self, *, database: Database, standing: StandingService) -> None:
        self._database = database
        self._standing = standing
        self._states: dict[int, RunState] = {}
        """The states of the unfinished runs."""
        self._seen: dict[int, ListedRunView] = {}
        """The last seen views of unfinished runs, and of the latest failed run of each index, which
        another one may supersede. Incomplete for runs that are not running."""
        self._indexes: dict[int, datetime | None] | None = None
        self._newest = 0

    def look(self) -> list[StateChange] | None:
        """The changes since the last check; empty at the first one. None if there are too many."""
        with self._database.read() as transaction:
            states = transaction.tasks.unfinished_runs()
            indexes = transaction.indexes.updated()
            runs = self._changed_runs(transaction, states)
            sources = _sources(transaction, runs or ())
        before, self._states, self._indexes = self._indexes, states, indexes
        changes = self._tell_runs(runs or (), sources)
        if runs is None:
            return None
        if before is None:
            return []
        changed = {
            *(one.index_id for one in changes if one.kind == "run" and one.index_id in indexes),
            *(one for one, moment in indexes.items() if before.get(one, ...) != moment),
        }
        gone = [one for one in before if one not in indexes]
        return [
            *changes,
            *self._tell_indexes([one for one in changed if one is not None]),
            *(StateChange("index", one, one, None, DeletedIndexView(one)) for one in gone),
        ]

    def snapshot(self, index_ids: Sequence[int], run_ids: Sequence[int]) -> list[StateChange]:
        """The current state of these runs; or else of the unfinished runs, the latest run of each
        index, and the indexes: all of them or only these."""
        chosen: list[int] = []
        with self._database.read() as transaction:
            wanted = list(run_ids)
            if not wanted:
                known = transaction.indexes.updated()
                chosen = [one for one in known if not index_ids or one in index_ids]
                latest = transaction.tasks.latest_runs(chosen).values()
                wanted = [*transaction.tasks.unfinished_runs(), *(run.id for run in latest)]
            runs = transaction.tasks.get_runs(list(dict.fromkeys(wanted)))
            sources = _sources(transaction, runs)
        runs.sort(key=lambda run: run.id)
        told = [
            _of_run(_view(run, sources))
            for run in runs
            if not index_ids or run.index_id in index_ids
        ]
        return [*told, *self._tell_indexes(chosen)]

    def _changed_runs(
        self, transaction: Transaction, states: dict[int, RunState]
    ) -> list[IndexRun] | None:
        """The runs that may differ from what was seen; None if they are too many."""
        tasks = transaction.tasks
        newest = next((run.id for run in tasks.list_runs(limit=1)), 0)
        missed: list[IndexRun] = []
        if self._indexes is not None and newest > self._newest:
            missed = tasks.list_runs(limit=MOST_MISSED)
        has_missed_more = len(missed) == MOST_MISSED and missed[-1].id > self._newest + 1
        moved = {
            *(one for one, state in states.items() if self._is_new(one, state)),
            *(one for one in self._states if one not in states),
            *(run.id for run in missed if run.id > self._newest),
        }
        self._newest = max(newest, self._newest)
        if has_missed_more:
            return None
        runs = tasks.get_runs(sorted(moved))
        indexes = {run.index_id for run in runs}
        replaced = [
            view.id
            for view in self._seen.values()
            if view.state == RunState.FAILED and view.index_id in indexes and view.id not in moved
        ]
        runs += tasks.get_runs(replaced)
        return sorted(runs, key=lambda run: run.id)

    def _is_new(self, run_id: int, state: RunState) -> bool:
        return state is RunState.RUNNING or self._states.get(run_id) is not state

    def _tell_runs(self, runs: Iterable[IndexRun], sources: dict[int, str]) -> list[StateChange]:
        told: list[StateChange] = []
        for run in runs:
            view = _view(run, sources)
            before = self._seen.get(run.id)
            if before is None or replace(before, tasks=()) != replace(view, tasks=()):
                told.append(_of_run(view))
            for task in view.tasks:
                if before is None or task not in before.tasks:
                    data = TaskEventView(view.id, view.index_id, task)
                    told.append(StateChange("task", task.id, view.index_id, view.id, data))
            self._remember(view)
        return told

    def _remember(self, view: ListedRunView) -> None:
        self._seen.pop(view.id, None)
        if RunState(view.state).is_terminal and view.state != RunState.FAILED:
            return
        if view.state == RunState.FAILED:
            self._forget(
                one
                for one in self._seen.values()
                if one.index_id == view.index_id and one.state == RunState.FAILED
            )
        self._seen[view.id] = view
        if len(self._seen) > MOST_SEEN:
            idle = (one for one in self._seen.values() if one.state != RunState.RUNNING)
            self._forget(islice(idle, MOST_SEEN // 10))

    def _forget(self, views: Iterable[ListedRunView]) -> None:
        for run_id in [view.id for view in views]:
            del self._seen[run_id]

    def _tell_indexes(self, index_ids: Sequence[int]) -> list[StateChange]:
        if not index_ids:
            return []
        return [
            StateChange("index", one.index_id, one.index_id, None, one)
            for one in self._standing.of(SearchFilter(tuple(index_ids)))
        ]


def _sources(transaction: Transaction, runs: Iterable[IndexRun]) -> dict[int, str]:
    index_ids = {run.index_id for run in runs if run.index_id is not None}
    return transaction.search.sources(index_ids) if index_ids else {}


def _view(run: IndexRun, sources: dict[int, str]) -> ListedRunView:
    source = None if run.index_id is None else sources.get(run.index_id)
    return ListedRunView.of(run).with_source(source)


def _of_run(view: ListedRunView) -> StateChange:
    return StateChange("run", view.id, view.index_id, view.id, view)
