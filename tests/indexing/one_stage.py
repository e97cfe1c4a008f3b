"""A small database, a source that says what it is told to, and engines that only note what they are
given: for one stage of indexing at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, cast

from tests.database.content import NOW
from tests.indexing.test_model_stages import NotingEmbedder, NotingEnricher, NotingVectors, Silent
from tests.support.files import of_files

from kodit.application.services.code_indexing_application_service import (
    CodeIndexingApplicationService,
)
from kodit.application.services.queue_service import QueueService
from kodit.application.services.stage import StageHandler, StageOutcome, tracker_of
from kodit.domain.entities import Index, IndexedFile, ProgressTracker, Snippet, Task
from kodit.domain.keyword import KeywordBatch, KeywordPosition
from kodit.domain.ports.engines import Embedder, Enricher, KeywordIndex, VectorIndex
from kodit.domain.ports.index_files import Extraction
from kodit.domain.ports.repositories import ExtractedFile
from kodit.domain.ports.sources import SourceReader
from kodit.domain.ports.versions import KnownVersion
from kodit.domain.report import Report
from kodit.domain.retention import UnusedRetention
from kodit.domain.source import FileHistory, FileStamp, KnownFile, SourceHistory
from kodit.domain.value_objects import (
    QueuePriority,
    Scan,
    ScannedFile,
    SlicedFile,
    Source,
    SourceKind,
    TaskType,
)
from kodit.infrastructure.memory import ManualClock
from kodit.infrastructure.sqlalchemy.database import SqliteDatabase

NAMES = ("a.py", "b.py", "c.py", "d.py", "e.py")
ADA = FileHistory("Ada", "ada@x", 2, 1)


def scanned(*paths: str, content: str = "0") -> tuple[ScannedFile, ...]:
    return tuple(ScannedFile(path, content * 40, FileStamp(10, 1, 1, 1)) for path in paths)


class ToldSource:
    """What a reader would find, and what it was asked."""

    def __init__(self) -> None:
        self.commit: str | None = "c1"
        self.found = Scan(scanned(*NAMES), (), 0, {"binary": 2}, "c1", 77)
        self.told: SourceHistory | None = None
        self.scans: list[Mapping[str, KnownFile]] = []
        self.asked_history: list[tuple[str | None, list[str]]] = []
        self.outdated: set[Extraction] = set()
        self.discarded: list[int] = []
        self.at_once = 2
        self.vanished: set[str] = set()
        self.before_scan: Callable[[], None] = lambda: None

    async def look_up(self, _index: Index) -> str | None:
        return self.commit

    async def scan(self, _index: Index, known: Mapping[str, KnownFile], report: Report) -> Scan:
        self.scans.append(dict(known))
        report(3, 9)
        self.before_scan()
        return self.found

    async def history(
        self,
        _index: Index,
        commit: str | None,
        unknown: Sequence[str],
        _repositories: Sequence[str] = (),
    ) -> SourceHistory | None:
        self.asked_history.append((commit, sorted(unknown)))
        return self.told

    async def extract(
        self,
        _index: Index,
        files: Sequence[IndexedFile],
        _known: Mapping[int, Sequence[KnownVersion]],
        report: Report,
    ) -> list[ExtractedFile]:
        assert files
        report(1, None)
        return [
            ExtractedFile(one.id, one.content_hash, "v1", self._sliced(one))
            for one in files[: self.at_once]
        ]

    def _sliced(self, file: IndexedFile) -> SlicedFile | None:
        if file.path in self.vanished:
            return None
        text = f"{file.path} {file.content_hash[0]}"
        return SlicedFile(file.path, "python", (Snippet(file.path, 1, 1, "python", None, text),))

    def is_outdated(self, extraction: Extraction) -> bool:
        return extraction in self.outdated

    def discard(self, index: Index) -> None:
        self.discarded.append(index.id)


class NotingKeywords:
    """Holds the texts that it was given, and where it stands."""

    def __init__(self) -> None:
        self.at: dict[int, KeywordPosition] = {}
        self.held: dict[int, str] = {}
        self.batches: list[KeywordBatch] = []
        self.commits = 0

    async def apply(self, batches: Sequence[KeywordBatch]) -> list[bool]:
        self.commits += 1
        return [self._apply(batch) for batch in batches]

    def _apply(self, batch: KeywordBatch) -> bool:
        if not batch.continues(self.at.get(batch.index_id)):
            return False
        self.batches.append(batch)
        self.at[batch.index_id] = batch.reached
        for one in batch.deletions:
            self.held.pop(one, None)
        self.held |= {one.id: one.text for one in batch.additions}
        return True

    def positions(self, index_ids: Iterable[int]) -> dict[int, KeywordPosition | None]:
        return {one: self.at.get(one) for one in index_ids}


class Place:
    """An index, and a claim to work on it for each stage that is done."""

    def __init__(self, database: SqliteDatabase) -> None:
        self.database = database
        self.source, self.keywords = ToldSource(), NotingKeywords()
        self.embedder, self.enricher = NotingEmbedder(), NotingEnricher()
        self.vectors = NotingVectors()
        self._queue = QueueService(database=database, clock=ManualClock(NOW), wake_up=Silent())
        self.indexing = CodeIndexingApplicationService(
            database=database,
            queue=self._queue,
            reader=cast(SourceReader, self.source),
            keyword_index=cast(KeywordIndex, self.keywords),
            vector_index=cast(VectorIndex, self.vectors),
            embedder=cast(Embedder, self.embedder),
            enricher=cast(Enricher, self.enricher),
            retention=UnusedRetention(timedelta(0)),
            clock=ManualClock(NOW),
        )
        with database.write() as transaction:
            self.index_id = transaction.indexes.add(Source(SourceKind.GIT, "https://x/y"), NOW).id
        self.shown: list[tuple[str, int, int | None, str]] = []
        self.priority = QueuePriority.BACKGROUND
        self.stored = Task.create(TaskType.SYNC, 0, {})

    def another(self, location: str) -> int:
        """An index whose turn it is from here on; returns its identifier."""
        with self.database.write() as transaction:
            self.index_id = transaction.indexes.add(Source(SourceKind.GIT, location), NOW).id
        return self.index_id

    def under_way(self, index_id: int, priority: QueuePriority = QueuePriority.BACKGROUND) -> int:
        """The identifier of a run of an index, whose first task another worker has."""

        async def start() -> int:
            run = await self._queue.request_run(index_id, priority)
            assert await self._queue.claim("bob") is not None
            return run.id

        return asyncio.run(start())

    def work_of(self, run_id: int, stage: TaskType) -> Mapping[str, int]:
        """What is counted with the task of a run."""
        with self.database.read() as transaction:
            [run] = transaction.tasks.get_runs([run_id])
        return next(task.work for task in run.tasks if task.type is stage)

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        with self.database.write() as transaction:
            cursor = transaction.connection.exec_driver_sql(statement)
            return [tuple(row) for row in cursor] if cursor.returns_rows else []

    def do(self, stage: TaskType, attempts: int = 1) -> StageOutcome:
        """Work within the claim of a task, whichever it is."""
        return self.claimed(self.indexing.handlers()[stage], attempts)

    def claimed(self, work: StageHandler, attempts: int = 1) -> StageOutcome:
        """Work within the claim of a task, and note how it is stored afterwards."""
        self.shown.clear()

        def show(one: ProgressTracker) -> None:
            self.shown.append((one.operation.name, one.current, one.total, one.state.value))

        async def run() -> StageOutcome:
            await self._queue.request_run(self.index_id, self.priority)
            task = await self._queue.claim("ada")
            assert task is not None
            task.claim_no = attempts
            with self.database.write() as transaction:
                query = "UPDATE tasks SET claim_no = ? WHERE id = ?"
                transaction.connection.exec_driver_sql(query, (attempts, task.id))
            tracker = tracker_of(task)
            tracker.subscribe(show)
            try:
                return await work(task, tracker)
            finally:
                with self.database.read() as transaction:
                    self.stored = transaction.tasks.get_task(task.id)

        try:
            return asyncio.run(run())
        finally:
            asyncio.run(self._queue.abandon(lambda _transaction: None, self.index_id))

    def do_all(self) -> None:
        for stage in TaskType:
            self.do(stage)

    def files(self) -> list[tuple[Any, ...]]:
        return self.sql(of_files("SELECT path, status, stale FROM FILES ORDER BY path"))

    def texts(self) -> list[str]:
        query = (
            "SELECT snippet_texts.text FROM snippets "
            "JOIN snippet_texts ON snippet_texts.id = text_id WHERE state = 'live' ORDER BY 1"
        )
        return [row[0] for row in self.sql(query)]

    def index(self) -> Index:
        with self.database.read() as transaction:
            return transaction.indexes.get(self.index_id)
