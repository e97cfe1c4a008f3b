"""The stages that call models, over a small database, with a real server and a clock of the test.

Nothing here waits: whoever sleeps moves the clock.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

from tests.database.content import NOW, Content
from tests.queue.databases import sqlite_database
from tests.support.model_server import ModelServer

from kodit.application.services.endpoint_gate import EndpointGate
from kodit.application.services.metered_stages import MeteredStages
from kodit.application.services.queue_service import QueueService
from kodit.application.services.stage import Stage, tracker_of
from kodit.domain.endpoints import Endpoint, EndpointState, Payer, Purpose
from kodit.domain.entities import StoredSnippet, Task
from kodit.domain.ports.engines import VectorIndex
from kodit.domain.value_objects import QueuePriority, TaskOperation, TaskType, VectorKind
from kodit.infrastructure.endpoints.connection import Access
from kodit.infrastructure.endpoints.embedder import EmbeddingOptions, EndpointEmbedder
from kodit.infrastructure.endpoints.enricher import EndpointEnricher
from kodit.infrastructure.endpoints.private import PrivateFilesReader
from kodit.infrastructure.memory import ManualClock
from kodit.infrastructure.sources.places import SourcePlaces
from kodit.infrastructure.sqlalchemy.database import SqliteDatabase

TEXTS = ["def one(): pass", "def two(): pass", "def three(): pass", "def four(): pass"]


class NoPacks:
    """The vectors are not searched here."""

    def is_prepared(self, *_index: object) -> bool:
        return True

    async def extend(self, *_index: object) -> None: ...

    async def refresh(self, *_index: object) -> None: ...


class Silent:
    def notify(self) -> None:
        """Nobody waits."""


class OneDescription:
    """Describes what may not be sent, all alike."""

    model = "here"
    includes_name = True

    async def enrich(self, snippets: Sequence[StoredSnippet]) -> list[str]:
        return ["kept here"] * len(snippets)


class StageWork:
    """An index of one folder, and claims to work on it."""

    def __init__(
        self,
        database: SqliteDatabase,
        server: ModelServer,
        folder: Path,
        *,
        endpoint: dict[str, Any],
        access: dict[str, Any],
        options: dict[str, Any],
        private: Sequence[str],
    ) -> None:
        self.database, self.server = database, server
        self.clock = ManualClock(NOW)
        reached = Access("KODIT_EMBEDDING", server.url, "sk-test-key")._replace(**access)
        made = Endpoint(Purpose.EMBEDDING, reached.address, "m")
        self.endpoint = replace(made, **endpoint)
        self.gate = EndpointGate(self.endpoint, database, self.clock, self._sleep)
        self.options = EmbeddingOptions(texts_per_request=2)._replace(**options)
        self.embedder = EndpointEmbedder("m", reached, self.options, self.gate)
        self.chat = replace(self.endpoint, purpose=Purpose.ENRICHMENT)
        self.enricher = EndpointEnricher(
            "c",
            reached._replace(settings="KODIT_ENRICHMENT"),
            EndpointGate(self.chat, database, self.clock, self._sleep),
            OneDescription(),
            output_tokens=100,
            parameters={},
        )
        self.stages = self.make_stages(self.embedder)
        self._private = private
        self._queue = QueueService(database=database, clock=self.clock, wake_up=Silent())
        with database.write() as transaction:
            self._content = Content(transaction, str(folder))
        self.index_id = self._content.id
        self.slept: list[float] = []

    def make_stages(self, embedder: EndpointEmbedder) -> MeteredStages:
        return MeteredStages(
            embedder,
            self.enricher,
            cast(VectorIndex, NoPacks()),
            PrivateFilesReader(SourcePlaces(Path("/nowhere")), getattr(self, "_private", ())),
        )

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.clock.advance(seconds)
        await asyncio.sleep(0)

    def fill(self, **texts: Sequence[str]) -> None:
        """Give files `a` and `b` these snippets."""
        with self.database.write() as transaction:
            self._content.transaction = transaction
            self._content.replace(**texts)

    def sql(self, statement: str) -> list[Any]:
        with self.database.read() as transaction:
            return [row[0] for row in transaction.connection.exec_driver_sql(statement)]

    def states(self) -> list[EndpointState]:
        with self.database.read() as transaction:
            return transaction.endpoints.states()

    def embed_code(self) -> Task:
        return self.do(TaskType.CODE_EMBEDDINGS)

    def enrich(self) -> Task:
        return self.do(TaskType.ENRICH)

    def do(self, stage_type: TaskType, stages: MeteredStages | None = None) -> Task:
        """Do the work of a stage within a claim; returns its task with what was counted."""
        used = stages or self.make_stages(self.embedder)

        async def run() -> Task:
            await self._queue.request_run(self.index_id, QueuePriority.BACKGROUND)
            task = await self._queue.claim("ada")
            assert task is not None
            stage = Stage(self.database, task, tracker_of(task))
            work = used.embed_code if stage_type is TaskType.CODE_EMBEDDINGS else used.enrich
            with stage.tracker.create_child(TaskOperation.CREATE_CODE_EMBEDDINGS) as step:
                await work(stage, step)
            with self.database.read() as transaction:
                return transaction.tasks.get_task(task.id)

        try:
            return asyncio.run(run())
        finally:
            asyncio.run(self._queue.abandon(lambda _transaction: None, self.index_id))

    def hold(self) -> Payer:
        """A claim that is held until the end of the test."""

        async def claim() -> Payer:
            await self._queue.request_run(self.index_id, QueuePriority.BACKGROUND)
            task = await self._queue.claim("ada")
            assert task is not None
            return Payer(task.id, task.claim_no, task.run_id or 0)

        return asyncio.run(claim())

    def vectors(self, kind: VectorKind = VectorKind.CODE) -> list[str]:
        """The texts of the snippets that have a vector."""
        made = (
            "SELECT snippet_texts.text FROM vectors JOIN snippets ON snippets.id = snippet_id "
            "JOIN snippet_texts ON snippet_texts.id = text_id "
        )
        return self.sql(f"{made} WHERE vectors.kind = '{kind.value}' ORDER BY snippets.id")

    def sent(self) -> list[str]:
        """The texts of the index that were sent, in the order of the requests."""
        probes = set(self.embedder.probe_texts())
        return [text for text in self.server.texts if text not in probes]


@contextmanager
def stage_work(
    folder: Path,
    server: ModelServer,
    *,
    endpoint: dict[str, Any] | None = None,
    access: dict[str, Any] | None = None,
    options: dict[str, Any] | None = None,
    private: Sequence[str] = (),
) -> Iterator[StageWork]:
    """An index over `folder`, whose file `a` has four snippets."""
    (folder / "database").mkdir()
    with sqlite_database(folder / "database") as database:
        work = StageWork(
            database,
            server,
            folder,
            endpoint={"longest_request": timedelta(seconds=60), **(endpoint or {})},
            access=access or {},
            options=options or {},
            private=private,
        )
        work.fill(a=TEXTS)
        yield work
