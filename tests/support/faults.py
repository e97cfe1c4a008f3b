"""Kodit with stages that fail on demand: real adapters behind ones that raise planned errors."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

from kodit.application.services.queue_service import QueueService
from kodit.composition import Application, Engines
from kodit.domain.embedding import PackedVector
from kodit.domain.entities import Index, IndexedFile, StoredSnippet
from kodit.domain.keyword import KeywordBatch
from kodit.domain.ports.repositories import ExtractedFile
from kodit.domain.ports.versions import KnownVersion
from kodit.domain.report import Report
from kodit.domain.retry import RetryPolicy
from kodit.domain.source import KnownFile
from kodit.domain.value_objects import Scan, TaskType
from kodit.infrastructure.processes.pool import ProcessPool

EMBED_TEXT = "EMBED_TEXT"
DROP = "DROP"
MOST_FAILURES = 3


class Faults:
    """The planned errors: each is raised by the stage that reaches it, until it is withdrawn.

    Text embeddings, which are part of ENRICH, can be made to fail by themselves: `EMBED_TEXT`.
    `hooks` are called before, for tests that need to act at that point.
    """

    def __init__(self) -> None:
        self._plans: dict[str, _Plan] = {}
        self.hooks: dict[str, Callable[[], None]] = {}

    def fail(
        self,
        stage: TaskType | str,
        error: Callable[[], Exception],
        *,
        after: int = 0,
        times: int | None = None,
    ) -> None:
        """From now on the stage fails: `times` times if given, and only after this many batches."""
        self._plans[_name(stage)] = _Plan(error, after, times)

    def repair(self, stage: TaskType | str) -> None:
        """From now on the stage works again."""
        self._plans.pop(_name(stage), None)

    def meet(self, stage: TaskType | str) -> None:
        """Called where a stage calls its adapter."""
        name = _name(stage)
        if name in self.hooks:
            self.hooks[name]()
        if name in self._plans:
            self._plans[name].meet()


@dataclass(slots=True)
class _Plan:
    error: Callable[[], Exception]
    after: int
    times: int | None

    def meet(self) -> None:
        if self.after:
            self.after -= 1
        elif self.times is None or self.times:
            if self.times is not None:
                self.times -= 1
            raise self.error()


def _name(stage: TaskType | str) -> str:
    return stage.name if isinstance(stage, TaskType) else stage


class FaultyApplication(Application):
    """The composition root, with adapters that check `faults` first, and back-offs of a hundredth
    of a second.
    """

    @cached_property
    def faults(self) -> Faults:
        return Faults()

    def make_queue(self) -> QueueService:
        return QueueService(
            database=self.database,
            clock=self.clock,
            wake_up=self.wake_ups,
            retry_policy=RetryPolicy(MOST_FAILURES, first_delay_seconds=0.01),
        )

    def make_engines(self, pool: ProcessPool) -> Engines:
        engines = super().make_engines(pool)
        return cast(Engines, FaultyEngines(engines, self.faults))


class FaultyEngines:
    """The engines, some of which check `faults` first."""

    def __init__(self, inner: Engines, faults: Faults) -> None:
        self._inner = inner
        self.reader = FaultyReader(inner.reader, faults)
        self.keyword_index = FaultyKeywordIndex(inner.keyword_index, faults)
        self.embedder = FaultyEmbedder(inner.embedder, faults)
        self.enricher = FaultyEnricher(inner.enricher, faults)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class _Adapter:
    """Forwards everything it does not override."""

    def __init__(self, inner: Any, faults: Faults) -> None:
        self._inner = inner
        self._faults = faults

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class FaultyReader(_Adapter):
    """SYNC and EXTRACT."""

    async def scan(self, index: Index, known: Mapping[str, KnownFile], report: Report) -> Scan:
        self._faults.meet(TaskType.SYNC)
        scan: Scan = await self._inner.scan(index, known, report)
        return scan

    async def extract(
        self,
        index: Index,
        files: Sequence[IndexedFile],
        known: Mapping[int, Sequence[KnownVersion]],
        report: Report,
    ) -> list[ExtractedFile]:
        self._faults.meet(TaskType.EXTRACT)
        extracted: list[ExtractedFile] = await self._inner.extract(index, files, known, report)
        return extracted


class FaultyKeywordIndex(_Adapter):
    """BM25_INDEX, and the first step of a deletion: `DROP`."""

    async def apply(self, batches: Sequence[KeywordBatch]) -> list[bool]:
        self._faults.meet(TaskType.BM25_INDEX)
        applied: list[bool] = await self._inner.apply(batches)
        return applied

    async def drop(self, index_id: int, generation: str | None) -> None:
        self._faults.meet(DROP)
        await self._inner.drop(index_id, generation)


class FaultyEmbedder(_Adapter):
    """CODE_EMBEDDINGS, and the text embeddings of ENRICH: texts made by an enricher."""

    async def embed(self, texts: Sequence[str]) -> list[PackedVector]:
        is_code = not all(_NAME.fullmatch(text.partition("\n")[0]) for text in texts)
        self._faults.meet(TaskType.CODE_EMBEDDINGS if is_code else EMBED_TEXT)
        vectors: list[PackedVector] = await self._inner.embed(texts)
        return vectors


_NAME = re.compile(r"\w+( \w+){0,2}")
"""The words of a file's name, which are the first line of an enriched text, and of no code here."""


class FaultyEnricher(_Adapter):
    """ENRICH."""

    async def enrich(self, snippets: Sequence[StoredSnippet]) -> list[str]:
        self._faults.meet(TaskType.ENRICH)
        texts: list[str] = await self._inner.enrich(snippets)
        return texts
