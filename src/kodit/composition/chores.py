"""Periodic work beside the queue; times in seconds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from kodit.application.services.awaited_following import end_vain_waits
from kodit.application.services.cache_service import CacheService
from kodit.application.services.chores import Chore, in_one_piece
from kodit.application.services.code_indexing_application_service import (
    CodeIndexingApplicationService,
)
from kodit.application.services.history_pruner import HistoryPruner
from kodit.application.services.index_service import IndexService
from kodit.application.services.keyword_rebuilds import KeywordRebuilds
from kodit.application.services.space_service import SpaceService
from kodit.application.services.sync_scheduler import SyncScheduler
from kodit.application.services.threads import in_thread
from kodit.application.services.version_service import VersionService
from kodit.domain.diagnosis import Problem
from kodit.domain.ports.database import Database
from kodit.domain.ports.engines import KeywordIndex
from kodit.domain.ports.runtime import Clock
from kodit.domain.ports.workers import WorkerRegistry
from kodit.domain.retention import Retention, UnusedRetention
from kodit.domain.this_host import ThisHost
from kodit.infrastructure.processes.allocator import UnusedMemory, release_free_pages
from kodit.infrastructure.processes.pool import ProcessPool
from kodit.infrastructure.sqlalchemy.sql_database import SqlDatabase
from kodit.settings import Settings

if TYPE_CHECKING:
    from kodit.application.services.queue_service import QueueService
    from kodit.composition.foundation import Foundation


def chores_of(
    application: Foundation,
    *,
    indexes: IndexService,
    queue: QueueService,
    keyword_index: KeywordIndex | None,
) -> list[Chore]:
    """For a process that serves the queue."""
    database, registry = application.database, application.registry
    find = partial(find_of_deleted, application.data_dir, database, indexes, registry)
    nodes = application.store.nodes
    return make_chores(
        application.settings,
        database=database,
        clock=application.clock,
        indexes=indexes,
        sweep=registry.sweep,
        space=application.space,
        retention=application.retention,
        keyword_index=keyword_index,
        of_deleted=find if application.this_host.is_one_of_several else None,
        end_waits=None if nodes is None else partial(end_vain_waits, nodes, queue),
    )


def make_chores(
    settings: Settings,
    *,
    database: Database,
    clock: Clock,
    indexes: IndexService,
    sweep: Callable[[], object],
    space: SpaceService,
    retention: UnusedRetention,
    keyword_index: KeywordIndex | None,
    of_deleted: Callable[[], Sequence[Problem]] | None = None,
    end_waits: Callable[[], Awaitable[bool]] | None = None,
) -> list[Chore]:
    """For a process that serves the queue. `sweep` removes what dead workers have left. Where other
    machines delete indexes too, `of_deleted` finds what is still here of these; where nodes wait
    for each other, `end_waits` ends vain waits."""
    pruner = HistoryPruner(
        database=database,
        clock=clock,
        retention=Retention(settings.keep_runs, timedelta(days=settings.keep_days)),
    )
    cache = CacheService(
        database=database,
        clock=clock,
        retention=retention,
    )
    versions = VersionService(
        database=database, keyword_index=keyword_index, clock=clock, retention=retention
    )
    of_others = (
        []
        if of_deleted is None
        else [Chore("remove what was deleted elsewhere", 600.0, partial(_remove, of_deleted))]
    )
    of_nodes = [] if end_waits is None else [Chore("end vain waits", 2.0, end_waits)]
    return [
        *of_others,
        *of_nodes,
        Chore("finish deletions", 60.0, indexes.continue_deletions),
        Chore("delete old runs", 3600.0, pruner.prune_some),
        Chore("remove unused versions", 600.0, versions.remove_some),
        Chore("remove unused results", 3600.0, cache.remove_some_unused),
        Chore("release disk space", 60.0, space.release_some_space),
        Chore("remove dead workers", 60.0, partial(in_one_piece, sweep)),
    ]


def find_of_deleted(
    data_dir: Path, database: SqlDatabase, indexes: IndexService, registry: WorkerRegistry
) -> list[Problem]:
    """The clones and secrets of indexes that the database no longer has."""
    # Few processes have other machines beside them.
    from kodit.infrastructure.doctor.clones import CloneExaminer
    from kodit.infrastructure.doctor.leftovers import LeftoverExaminer

    return [
        *CloneExaminer(database, data_dir / "clones").leftovers(),
        *LeftoverExaminer(database, data_dir, indexes, registry).unused_credentials(),
    ]


async def _remove(find: Callable[[], Sequence[Problem]]) -> bool:
    for one in await in_thread(find):
        if one.repair is not None:
            await one.repair()
    return False


def make_schedule(
    settings: Settings,
    *,
    database: Database,
    clock: Clock,
    indexing: CodeIndexingApplicationService,
    is_watched: Callable[[int], bool],
    rebuilds: bool,
    this_host: ThisHost,
) -> list[Chore]:
    """For a process that runs until told to stop. Indexes are brought up to date only if an
    interval is set; `is_watched` says whether an index is also updated on changes. With `rebuilds`,
    runs are queued that make a lost keyword index anew."""
    rebuilding = KeywordRebuilds(database=database, indexing=indexing, clock=clock)
    every = [Chore("rebuild the keyword index", 60.0, rebuilding.queue_some)] if rebuilds else []
    if settings.sync_every_seconds is None:
        return every
    scheduler = SyncScheduler(
        database=database,
        indexing=indexing,
        clock=clock,
        interval=settings.sync_every_seconds,
        is_watched=is_watched,
        host=this_host,
    )
    return [
        *every,
        Chore("update indexes", scheduler.pause_seconds, scheduler.queue_some),
    ]


def make_memory_chores(
    release_files: Callable[[], None], release_caches: Callable[[], None], pool: ProcessPool
) -> list[Chore]:
    """For every process that runs until told to stop; one that ends with its work gains little by
    returning memory before then. `release_files` returns the memory of files that are not being
    read. This, and the return of free pages, takes so little time that it is done however little
    happened: one search maps half of a small database. `release_caches` returns the memory of
    caches that were not used lately, once it is worth the time. The children of `pool` serve
    questions that come now and then; a worker has others, which stay: its next run needs them all.
    """
    memory = UnusedMemory(release_caches)

    def release_pages() -> None:
        release_files()
        release_free_pages()

    async def end_unused() -> bool:
        await pool.end_unused()
        return False

    return [
        Chore("release pages", 2.0, partial(in_one_piece, release_pages)),
        Chore("release memory", 5.0, partial(in_one_piece, memory.release)),
        Chore("end unused child processes", 2.0, end_unused),
    ]
