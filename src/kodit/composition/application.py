"""The composition root: the one place where ports meet their adapters."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from kodit.composition.finding import Finding
from kodit.composition.made_later import made_later
from kodit.composition.made_once import made_once

# A search by the command line takes less time than importing what only indexing needs.
if TYPE_CHECKING:
    from kodit.application.services.answers.index_answers import IndexAnswers
    from kodit.application.services.answers.left_out_answers import LeftOutAnswers
    from kodit.application.services.answers.run_answers import RunAnswers
    from kodit.application.services.chores import Chore
    from kodit.application.services.code_indexing_application_service import (
        CodeIndexingApplicationService,
    )
    from kodit.application.services.doctor_service import DoctorService
    from kodit.application.services.events.event_feed import EventFeed
    from kodit.application.services.examination_service import ExaminationService
    from kodit.application.services.index_removal import IndexRemoval
    from kodit.application.services.index_service import IndexService
    from kodit.application.services.indexing_worker_service import (
        IndexingWorkerService,
        WorkerSettings,
    )
    from kodit.application.services.on_demand_indexing_service import OnDemandIndexingService
    from kodit.application.services.queue_service import QueueService
    from kodit.application.services.refresh_service import RefreshService
    from kodit.application.services.savings_service import SavingsService
    from kodit.application.services.source_indexing_service import SourceIndexingService
    from kodit.application.services.source_service import SourceService
    from kodit.application.services.stage import StageHandler
    from kodit.application.services.worker_host import WorkerHost
    from kodit.composition.engines import Engines
    from kodit.composition.following import OneFollower
    from kodit.domain.ports.engines import KeywordIndex
    from kodit.domain.value_objects import TaskType

    MakeHandlers = Callable[[Engines], Mapping[TaskType, StageHandler]]


class Application(Finding):
    """Everything over one data directory. Built once and long-lived: any number of threads may use
    it, its asynchronous parts on one event loop. Workers may be opened beside it, each with child
    processes of its own."""

    # Use cases of the queue

    def make_queue(self) -> QueueService:
        from kodit.application.services.queue_service import QueueService
        from kodit.domain.retry import RetryPolicy

        return QueueService(
            database=self.reading,
            clock=self.clock,
            wake_up=made_later(lambda: self.wake_ups),
            rules=self.claim_rules,
            retry_policy=RetryPolicy(max_failures=self.settings.max_failures),
            lease=timedelta(seconds=self.settings.lease_seconds),
        )

    @made_once
    def queue(self) -> QueueService:
        return self.make_queue()

    def stages(self, engines: Engines) -> CodeIndexingApplicationService:
        from kodit.composition.descriptions import make_description_stage
        from kodit.composition.stages import create_code_indexing_application_service

        return create_code_indexing_application_service(
            database=self.database,
            queue=self.queue,
            reader=engines.reader,
            keyword_index=self._followed(engines),
            vector_index=engines.vector_index,
            embedder=engines.embedder,
            enricher=engines.enricher,
            clock=self.clock,
            retention=self.retention,
            descriptions=make_description_stage(self, engines),
            private_files=engines.private_files,
            nodes=self.store.nodes,
        )

    def _followed(self, engines: Engines) -> KeywordIndex | None:
        """The keyword index that follows the log, unless this node leaves that to others."""
        return engines.keyword_index if self.settings.node_searches else None

    @made_once
    def indexing(self) -> CodeIndexingApplicationService:
        """The only way indexing starts; the stages themselves run in workers."""
        return self.stages(self.engines)

    @asynccontextmanager
    async def worker(
        self,
        make_handlers: MakeHandlers | None = None,
        settings: WorkerSettings | None = None,
    ) -> AsyncIterator[tuple[IndexingWorkerService, str]]:
        """A registered worker with its own child processes and engines, and its name."""
        from kodit.application.services.indexing_worker_service import (
            IndexingWorkerService,
            WorkerSettings,
        )
        from kodit.application.services.threads import in_thread
        from kodit.infrastructure.processes.pool import ProcessPool

        if settings is None:
            settings = WorkerSettings(
                slots=self.settings.worker_slots,
                heartbeat=self.settings.heartbeat_seconds,
                stall_limit=self.settings.stall_seconds,
            )
        await in_thread(self.database.check_writable)
        async with AsyncExitStack() as opened:
            registry = self.registry
            # Before it enters: who is cancelled meanwhile has entered when that is noticed.
            opened.push_async_callback(in_thread, registry.leave)
            name = await in_thread(lambda: registry.enter(self.queue.rules))
            pool = ProcessPool(self.data_dir)
            opened.push_async_callback(pool.aclose)
            pool.inherit(registry.descriptor)
            engines = self.make_engines(pool)
            handlers = (
                self.stages(engines).handlers() if make_handlers is None else make_handlers(engines)
            )
            # Pinned first, so that the worker's wake-up watches the same file that the worker uses.
            opened.enter_context(self.database.pinned())
            wake_up = await opened.enter_async_context(self.wake_up())
            yield (
                IndexingWorkerService(
                    queue=self.queue,
                    handlers=handlers,
                    registry=registry,
                    wake_up=wake_up,
                    settings=settings,
                ),
                name,
            )

    @made_once
    def host(self) -> WorkerHost:
        from kodit.application.services.worker_host import WorkerHost

        return WorkerHost(
            open_worker=self.worker,
            queue=self.queue,
            indexes=self.indexes,
            wake_ups=self.wake_ups,
            chores=lambda: self.chores,
            schedule=lambda: self.schedule,
        )

    @property
    def chores(self) -> list[Chore]:
        """The background work of every process that serves the queue."""
        from kodit.composition.chores import chores_of

        return chores_of(
            self,
            indexes=self.indexes,
            queue=self.queue,
            keyword_index=self.followed_later,
        )

    @property
    def followed_later(self) -> KeywordIndex | None:
        """The same, created when it is needed."""
        if not self.settings.node_searches:
            return None
        return made_later(lambda: self.engines.keyword_index)

    @property
    def schedule(self) -> list[Chore]:
        """The additional background work of a process that runs until told to stop."""
        from kodit.composition.chores import make_memory_chores, make_schedule

        return [
            *self.following,
            *make_memory_chores(self.release_files, self.release_caches, self.pool),
            *make_schedule(
                self.settings,
                database=self.database,
                clock=self.clock,
                indexing=self.indexing,
                is_watched=self.known_changes.is_watched,
                rebuilds=self.store.nodes is None,
                this_host=self.this_host,
            ),
        ]

    @property
    def following(self) -> list[Chore]:
        """Keeps the engines up to date with a database that other nodes share."""
        if self.store.nodes is None:
            return []
        from kodit.composition.following import make_following, make_sign

        if not self.settings.node_searches:
            return make_sign(self.store.nodes)
        return make_following(self, self.store.nodes, self.queue, self.follower)

    def close(self) -> None:
        super().close()
        if "follower" in vars(self):
            self.follower.close()

    @made_once
    def follower(self) -> OneFollower:
        from kodit.composition.following import OneFollower

        return OneFollower(self)

    def release_files(self) -> None:
        """Return the memory of files that are not being read."""
        self.database.release_pages()
        if "keyword_index" in vars(self.engines):
            self.engines.keyword_index.close_unused()
        if "vector_index" in vars(self.engines):
            self.engines.vector_index.release_pages()

    def release_caches(self) -> None:
        """Return the memory of what has not been used lately."""
        if "search" in vars(self):
            self.search.release_memory()
        self.database.release_connections()

    # Use cases of indexes

    @made_once
    def indexes(self) -> IndexService:
        from kodit.application.services.index_service import IndexService

        return IndexService(
            database=self.reading,
            queue=self.queue,
            reader=made_later(lambda: self.engines.reader),
            hosts=self.hosts,
            removal=made_later(lambda: self.removal),
            clock=self.clock,
        )

    @made_once
    def removal(self) -> IndexRemoval:
        from kodit.application.services.index_removal import IndexRemoval

        return IndexRemoval(
            database=self.reading,
            reader=made_later(lambda: self.engines.reader),
            keyword_index=self.followed_later,
            vector_index=made_later(lambda: self.engines.vector_index),
            clock=self.clock,
            retention=self.retention,
        )

    @made_once
    def sources(self) -> SourceService:
        from kodit.application.services.source_service import SourceService

        return SourceService(
            parser=self.parser,
            locator=self.locator,
            indexes=self.indexes,
            queue=self.queue,
            host=self.this_host,
        )

    @made_once
    def source_indexing(self) -> SourceIndexingService:
        from kodit.application.services.source_indexing_service import SourceIndexingService

        return SourceIndexingService(sources=self.sources, indexes=self.indexes, host=self.host)

    @made_once
    def refreshing(self) -> RefreshService:
        from kodit.application.services.refresh_service import RefreshService
        from kodit.infrastructure.watching.comparing import compare_folder

        return RefreshService(
            database=self.database,
            sources=self.sources,
            locator=self.locator,
            queue=self.queue,
            indexing=self.source_indexing,
            compare=compare_folder,
        )

    @made_once
    def doctor(self) -> DoctorService:
        from kodit.application.services.doctor_service import DoctorService
        from kodit.infrastructure.doctor.examiners import examiners

        return DoctorService(
            database=self.database,
            indexes=self.indexes,
            keyword_index=self._followed(self.engines),
            examiners=examiners(
                data_dir=self.data_dir,
                database=self.database,
                queue=self.queue,
                indexes=self.indexes,
                keyword_index=self._followed(self.engines),
                registry=self.registry,
                clock=self.clock,
                model=self.engines.embedder.model,
                trials=self.engines.trials,
                host=self.this_host,
            ),
        )

    @made_once
    def examination(self) -> ExaminationService:
        from kodit.composition.examination import make_examination

        return make_examination(
            self.store,
            doctor=lambda: self.doctor,
            host=lambda: self.host,
            space=lambda: self.space,
        )

    # Use cases of search

    @made_once
    def left_out_answers(self) -> LeftOutAnswers:
        from kodit.composition.left_out import make_left_out_answers

        return make_left_out_answers(self, scope=self.scoping, standing=self.standing)

    @made_once
    def index_answers(self) -> IndexAnswers:
        from kodit.application.services.answers.index_answers import IndexAnswers
        from kodit.application.services.endpoint_overview import endpoints_used

        return IndexAnswers(
            indexes=self.indexes,
            sources=made_later(lambda: self.sources),
            queue=self.queue,
            standing=self.standing,
            locator=self.locator,
            registry=lambda: self.registry,
            disk=lambda: self.disk,
            endpoints=partial(endpoints_used, self.reading, self.clock),
            nodes=lambda: () if self.store.nodes is None else self.store.nodes.all(),
        )

    @made_once
    def run_answers(self) -> RunAnswers:
        from kodit.application.services.answers.run_answers import RunAnswers

        return RunAnswers(queue=self.queue, indexes=self.indexes, registry=lambda: self.registry)

    @made_once
    def events(self) -> EventFeed:
        from kodit.application.services.events.event_feed import EventFeed
        from kodit.application.services.events.run_watch import RunWatch

        return EventFeed(
            watch=RunWatch(database=self.database, standing=self.standing),
            open_wake_up=self.wake_up,
        )

    @made_once
    def savings(self) -> SavingsService:
        from kodit.application.services.savings_service import SavingsService
        from kodit.infrastructure.savings_file import SavingsFile

        return SavingsService(
            catalogue=self.catalogue, store=SavingsFile(self.data_dir), clock=self.clock
        )

    @made_once
    def on_demand_indexing(self) -> OnDemandIndexingService:
        from kodit.application.services.on_demand_indexing_service import OnDemandIndexingService

        return OnDemandIndexingService(
            parser=self.parser,
            locator=self.locator,
            scope=self.scoping,
            sources=self.sources,
            standing=self.standing,
            queue=self.queue,
            clock=self.clock,
        )
