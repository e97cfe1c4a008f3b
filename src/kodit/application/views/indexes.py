"""Indexes and their standing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self

from kodit.application.views.endpoints import EndpointView
from kodit.application.views.left_out import LeftOutView
from kodit.application.views.nodes import NodeView
from kodit.application.views.runs import QueueView, RunView
from kodit.application.views.serialization import ONLY_WHEN_SET, moment
from kodit.application.views.standing import StandingView

if TYPE_CHECKING:
    from kodit.application.services.index_service import IndexStatus
    from kodit.application.services.queue_overview import QueueOverview
    from kodit.domain.entities import RefusedSnippets
    from kodit.domain.space import Sizes


@dataclass(frozen=True, slots=True)
class SizesView:
    """The disk usage of the data directory, in bytes: the database with its log, the keyword index,
    the packs of vectors, the clones of git sources. `freeable` bytes of the database are unused and
    will be released."""

    database: int
    keyword: int
    vectors: int
    clones: int
    freeable: int

    @classmethod
    def of(cls, sizes: Sizes, freeable: int) -> Self:
        return cls(sizes.database, sizes.keyword, sizes.vectors, sizes.clones, freeable)


@dataclass(frozen=True, slots=True)
class RefusedView:
    """The snippets for which a model gave no usable description: how many, and of the first ones
    the reason and the places, as `path:line`. The next run that a user asks for asks again."""

    snippets: int
    reason: str
    first: tuple[str, ...]

    @classmethod
    def of(cls, refused: RefusedSnippets) -> Self:
        return cls(refused.snippets, refused.reason, refused.first)


@dataclass(frozen=True, slots=True)
class IndexView:
    """An index, its size, and its latest run. `sync_every` is how many seconds apart a server
    brings it up to date, 0 for never, if that was set for this index. `submodules` is true if they
    are included. `why_empty` says why a complete index has no files. `unsearched` are the engines,
    if any, that find nothing in it until it is indexed again. `bytes` is the disk usage of its
    clone and its packs of vectors, if that was measured; its part of the database and the keyword
    index is not counted apart. `left_out` lists each file and folder that is not in it, if that was
    asked for. `refused` are the snippets, if any, that lack a description. `host` is the machine
    that has the folder, where several share a database; `is_searchable_nowhere` is as in its
    standing."""

    id: int
    source: str
    kind: str
    include: tuple[str, ...]
    exclude: tuple[str, ...]
    files: int
    snippets: int
    commit: str | None
    created_at: str | None
    updated_at: str | None
    problems: Mapping[str, int]
    skipped: Mapping[str, int]
    run: RunView | None
    sync_every: int | None = field(default=None, metadata=ONLY_WHEN_SET)
    submodules: bool | None = field(default=None, metadata=ONLY_WHEN_SET)
    why_empty: str | None = field(default=None, metadata=ONLY_WHEN_SET)
    unsearched: tuple[str, ...] | None = field(default=None, metadata=ONLY_WHEN_SET)
    bytes: int | None = field(default=None, metadata=ONLY_WHEN_SET)
    left_out: tuple[LeftOutView, ...] | None = field(default=None, metadata=ONLY_WHEN_SET)
    refused: RefusedView | None = field(default=None, metadata=ONLY_WHEN_SET)
    host: str | None = field(default=None, metadata=ONLY_WHEN_SET)
    is_searchable_nowhere: bool | None = field(default=None, metadata=ONLY_WHEN_SET)

    @classmethod
    def of(cls, status: IndexStatus, queue: QueueOverview | None = None) -> Self:
        index, summary = status.summary.index, status.summary
        return cls(
            id=index.id,
            source=str(index.source),
            kind=index.source.kind.value,
            include=index.source.include,
            exclude=index.source.exclude,
            files=summary.files,
            snippets=summary.snippets,
            commit=index.working_copy.commit,
            created_at=moment(index.created_at),
            updated_at=moment(index.updated_at),
            problems=summary.problems,
            skipped=summary.skipped,
            run=None if status.run is None else RunView.of(status.run, queue),
            sync_every=index.sync_every,
            submodules=index.source.submodules or None,
            why_empty=summary.why_empty,
            refused=None if summary.refused is None else RefusedView.of(summary.refused),
            host=index.source.host or None,
        )

    def searched_as(self, standing: StandingView | None) -> Self:
        """The same, with what its standing says about searching it."""
        if standing is None:
            return self
        return replace(
            self,
            unsearched=standing.unsearched or None,
            is_searchable_nowhere=standing.is_searchable_nowhere,
        )


@dataclass(frozen=True, slots=True)
class IndexPageView:
    """A page of indexes, and the standing of each; `next` is the cursor of the next page, null if
    there is none."""

    indexes: tuple[IndexView, ...]
    standing: tuple[StandingView, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class OneIndexView(IndexView):
    """An index and its standing."""

    standing: tuple[StandingView, ...] = ()

    def with_standing(self, standing: tuple[StandingView, ...]) -> Self:
        return replace(self, standing=standing)


@dataclass(frozen=True, slots=True)
class AcceptedView:
    """An index that is to be brought up to date, and the run that does it."""

    index: IndexView
    run: RunView


@dataclass(frozen=True, slots=True)
class IndexesView:
    """Indexes, with the queue, the disk usage, the endpoints that are used, and the nodes that
    share the database, if these were asked for."""

    indexes: tuple[IndexView, ...]
    queue: QueueView | None = field(default=None, metadata=ONLY_WHEN_SET)
    sizes: SizesView | None = field(default=None, metadata=ONLY_WHEN_SET)
    endpoints: tuple[EndpointView, ...] | None = field(default=None, metadata=ONLY_WHEN_SET)
    nodes: tuple[NodeView, ...] | None = field(default=None, metadata=ONLY_WHEN_SET)

    @classmethod
    def of(
        cls, statuses: Sequence[IndexStatus], queue: QueueOverview, *, with_queue: bool = True
    ) -> Self:
        return cls(
            tuple(IndexView.of(status, queue) for status in statuses),
            QueueView.of(queue) if with_queue else None,
        )
