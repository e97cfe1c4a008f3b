"""The state of the indexes that answers are based on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from kodit.application.services.queue_overview import find_unserved, unserved_host
from kodit.application.services.snapshots import ReadableKeywords, without_keyword_index
from kodit.application.views.serialization import moment
from kodit.application.views.standing import StandingRunView, StandingView
from kodit.domain.claiming import DEFAULT_RULES, ClaimRules
from kodit.domain.entities import Index, IndexRun, Task
from kodit.domain.errors import PermanentError
from kodit.domain.search import EVERYTHING
from kodit.domain.value_objects import RunState, SearchFilter, TaskState, TaskType

# Imported where used, so that a command loads only what it needs.
if TYPE_CHECKING:
    from kodit.domain.ports.database import Database, Transaction
    from kodit.domain.ports.workers import WorkerRegistry

_DONE = (TaskState.SUCCEEDED, TaskState.SKIPPED)


class StandingService:
    """Reports the standing of indexes. Synchronous: one transaction."""

    def __init__(
        self,
        *,
        database: Database,
        keyword_index: Callable[[], ReadableKeywords | None],
        changed_files: Callable[[int], int] = lambda _index_id: 0,
        registry: Callable[[], WorkerRegistry] | None = None,
        rules: ClaimRules = DEFAULT_RULES,
        searching: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        """`changed_files` returns how many files of an index are known to have changed since it was
        read. `registry` knows the workers, which claim by `rules`; `searching` returns the hosts of
        living search nodes, where several nodes share a database. A node that holds none has no
        `keyword_index`."""
        self._searching = searching
        self._registry = registry
        self._rules = rules
        self._database = database
        self._keyword_index = keyword_index
        self._changed_files = changed_files
        self._left_out: dict[int, tuple[object, Mapping[str, int]]] = {}

    def of(
        self,
        search_filter: SearchFilter,
        *,
        with_keyword_index: bool = False,
        is_implied: bool = False,
    ) -> tuple[StandingView, ...]:
        """The standing of the indexes that a filter selects, by identifier; with
        `with_keyword_index`, of an answer that uses the keyword index."""
        with self._database.read() as transaction:
            indexes = transaction.indexes.select(search_filter.index_ids)
            runs = transaction.tasks.latest_runs([index.id for index in indexes])
            left_out = self._left_out_of(transaction, indexes, runs)
            lag = transaction.keyword_log.lag([index.id for index in indexes])
            waits_for = self._unserved(transaction, indexes, runs)
            unapplied = transaction.keyword_log.unapplied(_left_to_nodes(indexes, runs))
        nowhere = set() if unapplied and self._searching() else unapplied
        unsearched = self._without_keyword_index(indexes) if with_keyword_index else set()
        folders = _folders(search_filter.within)
        standing = (
            self._standing(
                index,
                runs.get(index.id),
                left_out[index.id],
                ("keyword",) if index.id in unsearched else (),
                folders.get(index.id),
                lag.get(index.id),
                waits_for_host=waits_for.get(index.id),
                is_searchable_nowhere=index.id in nowhere or None,
            )
            for index in indexes
        )
        if is_implied:
            return tuple(replace(one, is_implied=True) for one in standing)
        return tuple(standing)

    def _unserved(
        self, transaction: Transaction, indexes: Sequence[Index], runs: Mapping[int, IndexRun]
    ) -> dict[int, str]:
        """The indexes whose runs wait for a host without a worker, and these hosts."""
        of_hosts = {index.id for index in indexes if index.source.host}
        ready = [
            task
            for index_id, run in runs.items()
            for task in run.tasks
            if index_id in of_hosts and task.state is TaskState.READY
        ]
        if self._registry is None or not ready:
            return {}
        unserved = find_unserved(transaction, self._registry(), self._rules)
        waits = {task.index_id: unserved_host(task, unserved, self._rules) for task in ready}
        return {key: host for key, host in waits.items() if key is not None and host is not None}

    def _without_keyword_index(self, indexes: Sequence[Index]) -> set[int]:
        """The indexes for which the keyword index finds nothing: all, if it cannot be read. An
        index that is being deleted is not among them."""
        keyword_index = self._keyword_index()
        if not indexes or keyword_index is None:
            return set()
        try:
            return set(without_keyword_index(self._database, keyword_index, EVERYTHING))
        except PermanentError:
            return {index.id for index in indexes}

    def _left_out_of(
        self, transaction: Transaction, indexes: Sequence[Index], runs: Mapping[int, IndexRun]
    ) -> dict[int, Mapping[str, int]]:
        """The files left out of each index. Counted once for each state, because counting very many
        left-out files would make an answer slow."""
        states = {
            index.id: (index.working_copy.scanned_at_ns, index.updated_at, _state(runs, index.id))
            for index in indexes
        }
        unknown = [
            index
            for index in indexes
            if self._left_out.get(index.id, (None,))[0] != states[index.id]
        ]
        if unknown:
            counted = transaction.indexes.left_out([index.id for index in unknown])
            for index in unknown:
                both = Counter(index.working_copy.skipped) + Counter(counted.get(index.id, {}))
                self._left_out[index.id] = states[index.id], dict(sorted(both.items()))
        return {index.id: self._left_out[index.id][1] for index in indexes}

    def _standing(  # noqa: PLR0917 - what is known about one index
        self,
        index: Index,
        run: IndexRun | None,
        left_out: Mapping[str, int],
        unsearched: tuple[str, ...],
        folder: str | None,
        behind: int | None,
        *,
        waits_for_host: str | None,
        is_searchable_nowhere: bool | None,
    ) -> StandingView:
        return StandingView(
            index_id=index.id,
            source=str(index.source),
            state=state_of(run, is_complete=index.updated_at is not None),
            commit=index.working_copy.commit,
            indexed_at=moment(index.updated_at),
            run=None if run is None else StandingRunView(run.id, run.state.value, percent_of(run)),
            changed_files=self._changed_files(index.id),
            pending=_stages(run, lambda task: not task.state.is_terminal),
            failed=_stages(run, lambda task: task.state is TaskState.FAILED),
            left_out=left_out,
            unsearched=unsearched,
            folder=folder,
            behind=behind,
            waits_for_host=waits_for_host,
            is_searchable_nowhere=is_searchable_nowhere,
        )


def _left_to_nodes(indexes: Sequence[Index], runs: Mapping[int, IndexRun]) -> list[int]:
    """Those whose changes no stage of a run is still going to apply."""
    return [
        index.id
        for index in indexes
        if (run := runs.get(index.id)) is None
        or run.state.is_terminal
        or any(task.type is TaskType.BM25_INDEX and task.state in _DONE for task in run.tasks)
    ]


def _state(runs: Mapping[int, IndexRun], index_id: int) -> object:
    """Identifies the moments at which a run has, or may have, read files."""
    run = runs.get(index_id)
    if run is None:
        return None
    return run.id, *((task.state, task.progress) for task in run.tasks)


def state_of(run: IndexRun | None, *, is_complete: bool) -> str:
    """The state of an index with this latest run, as in `StandingView`."""
    if run is not None and not run.state.is_terminal:
        return "updating" if is_complete else "indexing"
    if run is not None and run.state is RunState.FAILED:
        return "failed"
    return "complete" if is_complete else "incomplete"


def percent_of(run: IndexRun) -> int | None:
    """How much of a run is done: each stage counts the same, and a running one by its progress."""
    if not run.tasks:
        return None
    return round(100 * sum(map(_share_done, run.tasks)) / len(run.tasks))


def _share_done(task: Task) -> float:
    if task.state in _DONE:
        return 1.0
    progress = task.progress
    if task.state is not TaskState.RUNNING or progress is None or not progress.total:
        return 0.0
    return min(progress.current / progress.total, 1.0)


def _stages(run: IndexRun | None, is_one: Callable[[Task], bool]) -> tuple[str, ...]:
    return () if run is None else tuple(task.type_name for task in run.tasks if is_one(task))


def _folders(within: Sequence[tuple[int, str]]) -> dict[int, str]:
    """The folders of each index, as one text."""
    folders: dict[int, str] = {}
    for index_id, folder in within:
        folders[index_id] = f"{folders[index_id]}, {folder}" if index_id in folders else folder
    return folders
