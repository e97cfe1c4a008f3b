"""The two stages that call models, over a small database and models that only record their
input.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import cast

import pytest
from tests.database.content import NOW, Content
from tests.queue.databases import sqlite_database

from kodit.application.services import vector_stages
from kodit.application.services.queue_service import QueueService
from kodit.application.services.stage import Stage, tracker_of
from kodit.application.services.vector_stages import VectorStages
from kodit.domain.batches import Weight
from kodit.domain.embedding import PackedVector
from kodit.domain.entities import ProgressTracker, StoredSnippet
from kodit.domain.errors import PermanentError
from kodit.domain.ports.engines import Embedder, Enricher, VectorIndex
from kodit.domain.value_objects import QueuePriority, TaskOperation, TaskType, VectorKind
from kodit.infrastructure.memory import ManualClock
from kodit.infrastructure.sqlalchemy.database import SqliteDatabase

TEXTS = ["one", "two", "three", "four", "five"]


class NotingEmbedder:
    model = "m"
    is_local = True

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.surplus = 0
        self.meanwhile: Callable[[], None] = lambda: None

    async def embed(self, texts: Sequence[str]) -> list[PackedVector]:
        self.asked += texts
        self.meanwhile()
        return [PackedVector(b"vector", b"code")] * (len(texts) + self.surplus)


class NotingEnricher:
    model = "e"
    includes_name = False

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.meanwhile: Callable[[], None] = lambda: None

    async def enrich(self, snippets: Sequence[StoredSnippet]) -> list[str]:
        self.asked += [snippet.text for snippet in snippets]
        self.meanwhile()
        return [f"about {snippet.text}" for snippet in snippets]


class NotingVectors:
    """Packs nothing, and reports a new pack or not."""

    def __init__(self) -> None:
        self.prepared = set(VectorKind)
        self.asked: list[str] = []
        self.token: str | None = None
        self.whole: str | None = None

    def is_prepared(self, _index_id: int, kind: VectorKind, _model: str) -> bool:
        return kind in self.prepared

    async def extend(self, _index_id: int, kind: VectorKind, _model: str) -> str | None:
        self.asked.append(f"extend {kind}")
        return self.token

    async def refresh(self, _index_id: int, kind: VectorKind, _model: str) -> str | None:
        self.asked.append(f"refresh {kind}")
        return self.whole


class Work:
    """An index of five snippets, and a claim to work on it."""

    def __init__(self, database: SqliteDatabase) -> None:
        self.database = database
        self.embedder, self.enricher = NotingEmbedder(), NotingEnricher()
        self.vectors = NotingVectors()
        self.stages = VectorStages(
            cast(Embedder, self.embedder),
            cast(Enricher, self.enricher),
            cast(VectorIndex, self.vectors),
        )
        with database.write() as transaction:
            self.index_id = Content(transaction, "/code").id
        self.replace(a=TEXTS)
        self.priority = QueuePriority.BACKGROUND
        self.totals: set[int | None] = set()
        self.counted: Mapping[str, int] = {}
        self.shown: list[tuple[str, int, int | None]] = []
        self._queue = QueueService(database=database, clock=ManualClock(NOW), wake_up=Silent())

    def replace(self, **texts: Sequence[str]) -> None:
        with self.database.write() as transaction:
            content = Content.__new__(Content)
            content.transaction, content.id = transaction, self.index_id
            known = transaction.indexes.files_by_path(self.index_id, ["a", "b"])
            content.files = {path: file.id for path, file in known.items()}
            content.replace(**texts)

    def sql(self, statement: str) -> list[object]:
        with self.database.read() as transaction:
            return [row[0] for row in transaction.connection.exec_driver_sql(statement)]

    def show(self, one: ProgressTracker) -> None:
        self.shown.append((one.operation.name, one.current, one.total))

    def other(
        self,
        location: str,
        *texts: str,
        is_followed: bool = True,
        priority: QueuePriority = QueuePriority.BACKGROUND,
    ) -> int:
        """Another index, of which a run is under way; returns its identifier."""
        with self.database.write() as transaction:
            content = Content(transaction, location)
            content.replace(a=texts)
            for stage, model in self.stages.models().items():
                if is_followed:
                    transaction.snippets.follow_model(content.id, stage, model)
                transaction.connection.exec_driver_sql("DELETE FROM keyword_changes")

        async def start() -> None:
            await self._queue.request_run(content.id, priority)
            assert await self._queue.claim("bob") is not None

        asyncio.run(start())
        return content.id

    def work_of(self, index_id: int, stage: TaskType) -> Mapping[str, int]:
        with self.database.write() as transaction:
            run = transaction.tasks.active_run(index_id)
        assert run is not None
        return next(task.work for task in run.tasks if task.type is stage)

    def do(self, work: Callable[[Stage, ProgressTracker], object], attempts: int = 1) -> None:
        """Work within the claim of a task."""

        async def run() -> None:
            await self._queue.request_run(self.index_id, self.priority)
            task = await self._queue.claim("ada")
            assert task is not None
            task.claim_no = attempts
            with self.database.write() as transaction:
                transaction.connection.exec_driver_sql(
                    "UPDATE tasks SET claim_no = ? WHERE id = ?", (attempts, task.id)
                )
            stage = Stage(self.database, task, tracker_of(task))
            with stage.tracker.create_child(TaskOperation.ENRICH_SNIPPETS) as step:
                step.subscribe(lambda _tracker: self.totals.add(step.total))
                step.subscribe(self.show)
                await work(stage, step)  # type: ignore[misc]
            with self.database.read() as transaction:
                self.counted = transaction.tasks.get_task(task.id).work

        try:
            asyncio.run(run())
        finally:
            asyncio.run(self._queue.abandon(lambda _transaction: None, self.index_id))


class Silent:
    def notify(self) -> None:
        """Nobody waits."""


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Work]:
    monkeypatch.setattr(vector_stages, "SNIPPETS_PER_BATCH", 1)
    monkeypatch.setattr(vector_stages, "BATCHES_PER_EXTENSION", 2)
    with sqlite_database(tmp_path) as database:
        yield Work(database)


def test_a_stage_is_repeated_for_another_model(work: Work) -> None:
    """Enriched text is embedded, so either model counts."""
    code, enrich = TaskType.CODE_EMBEDDINGS, TaskType.ENRICH
    before = dict(work.stages.models())
    work.enricher.model = "f"
    between = dict(work.stages.models())
    work.embedder.model = "n"
    after = dict(work.stages.models())
    assert (before[code], between[code], after[code]) == ("m", "m", "n")
    assert len({before[enrich], between[enrich], after[enrich]}) == 3


def test_an_index_is_prepared_for_searches_of_both_kinds(work: Work) -> None:
    assert work.stages.is_prepared(1)
    for kind in VectorKind:
        work.vectors.prepared = {kind}
        assert not work.stages.is_prepared(1)


def test_searching_is_prepared_from_time_to_time_and_at_the_end(work: Work) -> None:
    work.vectors.token = "grown"  # noqa: S105 - the name of a file
    work.do(work.stages.embed_code)
    assert work.vectors.asked == ["extend code"] * 2 + ["refresh code"]
    assert work.sql("SELECT code_pack FROM indexes") == ["grown"]
    assert work.totals == {5}  # looked up once, as what is left grows fewer
    work.vectors.whole = "whole"
    work.do(work.stages.embed_code)
    work.do(work.stages.enrich)
    assert work.sql("SELECT code_pack || text_pack FROM indexes") == ["wholewhole"]


def test_no_model_is_asked_for_what_is_known(work: Work) -> None:
    work.do(work.stages.embed_code)
    assert work.embedder.asked == TEXTS
    assert work.counted == {"texts_embedded": 5}
    work.do(work.stages.enrich)
    assert work.enricher.asked == TEXTS
    for operation in ("ENRICH_SNIPPETS", "CREATE_TEXT_EMBEDDINGS"):
        shown = [one[1:] for one in work.shown if one[0] == operation and one[2]]
        assert list(dict.fromkeys(shown)) == [(number, 5) for number in range(6)]
    work.replace(a=[*TEXTS, "six"])
    work.embedder.asked.clear()
    work.enricher.asked.clear()
    work.do(work.stages.enrich)
    assert work.enricher.asked == ["six"]
    assert work.embedder.asked == ["about six"]
    assert work.counted == {"snippets_enriched": 1, "texts_embedded": 1}
    assert work.sql("SELECT count(*) FROM vectors WHERE kind = 'text'") == [6]


def test_a_model_with_too_many_results_has_failed(work: Work) -> None:
    """Nobody knows which result is for which input."""
    work.embedder.surplus = 1
    with pytest.raises(PermanentError, match="asked for 1 embeddings and returned 2"):
        work.do(work.stages.embed_code)
    assert work.sql("SELECT count(*) FROM vectors") == [0]


def test_vectors_of_what_was_replaced_are_dropped(work: Work) -> None:
    work.do(work.stages.embed_code)
    work.replace(a=["one"])
    work.do(work.stages.embed_code)
    assert work.sql("SELECT count(*) FROM vectors WHERE kind = 'code'") == [1]
    work.replace(a=[])  # of which nothing is left to embed
    work.do(work.stages.embed_code)
    assert work.sql("SELECT count(*) FROM vectors WHERE kind = 'code'") == [0]


def test_what_was_known_and_is_deleted_meanwhile_is_made_again(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the index that had paid for it, while a model was asked for the rest of the batch."""
    monkeypatch.setattr(vector_stages, "SNIPPETS_PER_BATCH", 9)
    work.do(work.stages.embed_code)
    work.do(work.stages.enrich)
    work.replace(a=[*TEXTS, "six"])

    def forget() -> None:
        work.embedder.meanwhile = work.enricher.meanwhile = lambda: None
        with work.database.write() as transaction:
            for statement in (
                "DELETE FROM vectors",
                "DELETE FROM embeddings",
                "UPDATE snippets SET enrichment_id = NULL",
                "DELETE FROM enrichments",
            ):
                transaction.connection.exec_driver_sql(statement)

    work.embedder.asked.clear()
    work.embedder.meanwhile = forget
    work.do(work.stages.embed_code)
    texts = [text.rpartition("\n")[2] for text in work.embedder.asked]
    assert texts == ["six", *TEXTS, "six"]
    assert work.sql("SELECT count(*) FROM vectors WHERE kind = 'code'") == [6]

    work.do(work.stages.enrich)
    work.replace(a=[*TEXTS, "six", "seven"])
    work.enricher.asked.clear()
    work.enricher.meanwhile = forget
    work.do(work.stages.enrich)
    assert work.enricher.asked == ["seven", *TEXTS, "six", "seven"]
    query = "SELECT count(enrichment_id) FROM snippets WHERE state = 'live'"
    assert work.sql(query) == work.sql("SELECT count(*) FROM vectors WHERE kind = 'text'") == [7]


@pytest.fixture
def small(work: Work, monkeypatch: pytest.MonkeyPatch) -> Work:
    """Beside another index of few snippets, with models of this machine."""
    monkeypatch.setattr(vector_stages, "SNIPPETS_PER_BATCH", 9)
    work.enricher.includes_name = True
    return work


def vectors_of(work: Work, index_id: int) -> list[object]:
    return work.sql(
        "SELECT snippet_texts.text || ' ' || vectors.kind FROM vectors "  # noqa: S608 - a number
        "JOIN snippets ON snippets.id = snippet_id "
        "JOIN snippet_texts ON snippet_texts.id = text_id "
        f"WHERE vectors.index_id = {index_id} ORDER BY 1"
    )


def test_small_indexes_share_batches(small: Work) -> None:
    """A text of both is embedded once, and everything is counted with the run of its index."""
    other = small.other("/other", "one", "six")
    small.do(small.stages.embed_code)
    assert len(small.embedder.asked) == 6
    assert small.counted == {"texts_embedded": 5}
    assert small.work_of(other, TaskType.CODE_EMBEDDINGS) == {"texts_embedded": 1}
    assert vectors_of(small, other) == ["one code", "six code"]
    small.do(small.stages.enrich)
    assert small.enricher.asked == [*TEXTS, "six"]
    assert small.counted == {"snippets_enriched": 5, "texts_embedded": 5}
    counted = {"snippets_enriched": 1, "texts_embedded": 1}
    assert small.work_of(other, TaskType.ENRICH) == counted
    assert vectors_of(small, other) == ["one code", "one text", "six code", "six text"]
    assert small.sql("SELECT count(*) FROM pending_snippets") == [0]


def test_what_is_paid_for_is_left_to_its_own_index(small: Work) -> None:
    """Its own stage may be asking for it at this moment."""
    other = small.other("/other", "six")
    small.enricher.includes_name = False
    small.do(small.stages.embed_code)
    small.do(small.stages.enrich)
    assert vectors_of(small, other) == ["six code"]
    assert small.enricher.asked == TEXTS
    last = small.other("/last", "seven")
    small.replace(a=[*TEXTS, "eight"])
    small.embedder.is_local = False
    small.do(small.stages.embed_code)
    assert vectors_of(small, last) == []


@pytest.mark.parametrize("attempts", [1, 2])
def test_a_second_attempt_keeps_to_its_own_index(small: Work, attempts: int) -> None:
    """What broke the first may have been of another one."""
    other = small.other("/other", "six")
    small.do(small.stages.embed_code, attempts)
    small.do(small.stages.enrich, attempts)
    assert vectors_of(small, other) == (["six code", "six text"] if attempts == 1 else [])


def test_only_an_index_for_the_same_model_shares_batches(small: Work) -> None:
    other = small.other("/other", "six", is_followed=False)
    small.do(small.stages.embed_code)
    assert vectors_of(small, other) == []


def test_what_is_too_much_for_a_batch_is_left_out(
    small: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Snippets, bytes and indexes are counted."""
    many = small.other("/many", *"abcde")
    few, last = small.other("/few", "six"), small.other("/last", "seven")
    monkeypatch.setattr(vector_stages, "INDEXES_PER_GROUP", 1)
    small.do(small.stages.embed_code)
    assert [len(vectors_of(small, one)) for one in (many, few, last)] == [0, 1, 0]
    monkeypatch.setattr(vector_stages, "MOST_PER_TRANSACTION", Weight(99, 1))
    small.do(small.stages.enrich)
    assert [len(vectors_of(small, one)) for one in (many, few, last)] == [0, 1, 0]


def test_snippets_of_another_index_that_were_replaced_meanwhile(small: Work) -> None:
    """They get no vectors, which nothing would remove."""
    other = small.other("/other", "six", "seven")

    def replace() -> None:
        small.embedder.meanwhile = lambda: None
        with small.database.write() as transaction:
            transaction.connection.exec_driver_sql(
                "DELETE FROM pending_snippets WHERE snippet_id = "
                "(SELECT snippets.id FROM snippets JOIN snippet_texts "
                "ON snippet_texts.id = text_id WHERE snippet_texts.text = 'six')"
            )

    small.embedder.meanwhile = replace
    small.do(small.stages.embed_code)
    assert vectors_of(small, other) == ["seven code"]
    assert len(vectors_of(small, small.index_id)) == 5
    assert small.work_of(other, TaskType.CODE_EMBEDDINGS) == {"texts_embedded": 1}


def test_a_user_waits_for_no_index_that_none_asked_for(small: Work) -> None:
    scheduled = small.other("/other", "six")
    asked = small.other("/asked", "seven", priority=QueuePriority.USER_INITIATED)
    small.priority = QueuePriority.USER_INITIATED
    small.do(small.stages.embed_code)
    assert [vectors_of(small, one) for one in (scheduled, asked)] == [[], ["seven code"]]
