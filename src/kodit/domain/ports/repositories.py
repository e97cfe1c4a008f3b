"""Repositories of indexes, files, snippets, vectors and enrichments."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from kodit.domain.batches import MOST_PER_TRANSACTION
from kodit.domain.embedding import PackedVector
from kodit.domain.index import Index, IndexSummary
from kodit.domain.pickling import pickled_by_fields
from kodit.domain.ports.index_files import IndexFiles
from kodit.domain.ports.versions import KnownVersion
from kodit.domain.search import StoredSnippet, VectorKind
from kodit.domain.snippet import SlicedFile
from kodit.domain.source import Source
from kodit.domain.task import TaskType


@pickled_by_fields
@dataclass(frozen=True, slots=True)
class ExtractedFile:
    """The snippets of one file, and what they were made from.

    `content_hash` is that of the bytes that were read, which may be newer than the scan; `sliced`
    is None if the file has vanished. `content_key` is a hash of everything that the snippets depend
    on. `version_id` is the stored version with that key, if it was among the known ones; then
    nothing was sliced, and neither if the snippets are those of `alike`, a version that was made
    for another path. `size` is that of the content, in bytes.
    """

    file_id: int
    content_hash: str
    extractor_version: str
    sliced: SlicedFile | None
    content_key: bytes = b""
    version_id: int | None = None
    alike: KnownVersion | None = None
    size: int = 0

    @property
    def is_parsed(self) -> bool:
        return self.sliced is not None and self.version_id is None and self.alike is None


@dataclass(frozen=True, slots=True)
class SnippetCounts:
    """How many snippets a change wrote and removed, how many files were sliced, and how many have
    got what was stored already."""

    written: int = 0
    removed: int = 0
    parsed: int = 0
    reused: int = 0


class Followed(NamedTuple):
    """What the derived state of an index was last built with: the generation of the keyword log,
    and the models. None for those never built."""

    keyword_generation: str | None
    code_model: str | None
    text_model: str | None

    def model_of(self, stage: TaskType) -> str | None:
        """The model of the vectors that a stage writes."""
        return self.code_model if stage is TaskType.CODE_EMBEDDINGS else self.text_model


NEVER_FOLLOWED = Followed(None, None, None)
"""That of an index whose first scan has not ended."""


class IndexRepository(IndexFiles, Protocol):
    """Indexes and their working copies within one transaction."""

    def add(
        self,
        source: Source,
        now: datetime,
        *,
        is_confined: bool = False,
        is_remote: bool = False,
    ) -> Index:
        """A new index; removes the record of an earlier deletion of its folder."""
        ...

    def remember_deletion(self, folder: Source, now: datetime) -> None:
        """Record that the index of this folder was deleted on request."""
        ...

    def was_deleted(self, folder: str, host: str = "") -> bool:
        """Whether that is recorded for this folder of a host, and it has not been added again
        since."""
        ...

    def get(self, index_id: int) -> Index:
        """Raises NotFoundError, also for an index that is being deleted."""
        ...

    def find(self, source: Source) -> Index | None:
        """The index of the same kind, location and ref, and of the same host or of every host."""
        ...

    def list_all(self) -> list[Index]: ...

    def select(self, index_ids: Collection[int]) -> list[Index]:
        """Those with these identifiers; every one if none is given."""
        ...

    def at_locations(self, locations: Collection[str]) -> list[Index]:
        """Those of sources at these folders or addresses, at any ref and of any host."""
        ...

    def are_several(self) -> bool: ...

    def hosts(self) -> dict[int, str]:
        """By identifier, the host of each folder that not every host has."""
        ...

    def updated(self) -> dict[int, datetime | None]:
        """By identifier, when each index was last complete."""
        ...

    def stores(self) -> dict[int, datetime | None]:
        """The same for every index or store that has versions or may get some: also for those of
        deleted indexes that stay because other indexes have versions in them."""
        ...

    def ids(self) -> set[int]:
        """The identifiers of all indexes, also of those whose deletion is not finished."""
        ...

    def summarise(self, indexes: Sequence[Index]) -> list[IndexSummary]: ...

    def left_out(self, index_ids: Sequence[int]) -> dict[int, dict[str, int]]:
        """By index and reason, how many files were left out when they were read."""
        ...

    def update_source(self, index_id: int, source: Source) -> None:
        """Store another choice of files, by globs and with or without submodules; the next scan
        checks every file again."""
        ...

    def update_credentials(self, index_id: int, credentials: str | None) -> None:
        """Store another reference to the secret for the source."""
        ...

    def update_sync_every(self, index_id: int, seconds: int | None) -> None:
        """Store the interval at which a server refreshes an index, 0 for never, None for the
        server's own interval."""
        ...

    def release(self, index_id: int) -> None:
        """Lift the confinement of an index to public hosts."""
        ...

    def finish(self, index_id: int, now: datetime) -> bool:
        """Clear the statuses of some files, and remove the deleted ones. The last call also updates
        the timestamp, in the same transaction: until then, some file is not clean. Returns whether
        it did."""
        ...

    def mark_deleted(self, index_id: int, now: datetime) -> None:
        """Hide the index; its rows are removed later, in small steps."""
        ...

    def deleted(self) -> list[Index]:
        """Indexes that are marked as deleted but not yet removed, without those that stay as stores
        of versions that others have."""
        ...

    def is_detached(self, index_id: int) -> bool:
        """Whether `detach_some` has nothing left to do."""
        ...

    def detach_some(self, index_id: int, limit: int) -> bool:
        """Remove at most `limit` of a marked index's files and of what belongs to it alone, and
        release their versions for good; False when none is left."""
        ...

    def keep_store(self, index_id: int) -> bool:
        """Whether other indexes have versions in the store of a marked index. If so, its row stays
        for them."""
        ...

    def remove_some(self, index_id: int, limit: int) -> bool:
        """Remove at most `limit` rows of a marked index, fewer if they are large; False when none
        is left."""
        ...


class SnippetRepository(Protocol):
    """Snippets and their pending stages, within one transaction."""

    def replace(
        self, index_id: int, files: Sequence[ExtractedFile], *, keeps_former: bool = False
    ) -> SnippetCounts:
        """Store new snippets, mark the old ones superseded (removed if the file is gone), log both
        for the keyword index, and mark the later stages as pending. Old ones that other indexes
        have stay as they are; with `keeps_former`, all do until they are removed as unused. A file
        whose known version has gone since stays stale."""
        ...

    def held(self, index_id: int, file_ids: Sequence[int]) -> dict[int, int]:
        """The number of live and superseded snippets of each file that has any."""
        ...

    def followed(self, index_id: int) -> Followed:
        """What `log_all` and `follow_model` have recorded."""
        ...

    def log_all(self, index_id: int, generation: str, after: int = 0) -> int | None:
        """Log some of the live snippets after the snippet `after` as added. Returns the `after` of
        the next call, None when all are logged and the generation is set."""
        ...

    def pending(
        self,
        index_id: int,
        stage: TaskType,
        limit: int,
        most_bytes: int = MOST_PER_TRANSACTION.size,
        *,
        after: int = 0,
        of_index: int | None = None,
    ) -> list[StoredSnippet]:
        """The oldest live snippets after the snippet `after` that the stage has not finished, up to
        `limit` snippets and `most_bytes` of text, and fewer if many superseded snippets of their
        files are removed with them. `index_id` is their store; with `of_index`, only those of
        versions that this index has. They lack `also_defines` and `extents`, which no such stage
        reads."""
        ...

    def count_pending(self, index_id: int, stage: TaskType, of_index: int | None = None) -> int:
        """How many there are."""
        ...

    def few_pending(
        self, beside: int, stage: TaskType, model: str, most: int, most_indexes: int
    ) -> list[int]:
        """Other indexes than `beside`, at most `most_indexes`, that have no more than `most`
        snippets which the stage has not finished, all of these indexes together; none that is being
        deleted, or is still marked for another model."""
        ...

    def still_pending(self, index_id: int, stage: TaskType, snippet_ids: Sequence[int]) -> set[int]:
        """Those of these snippets that the stage has not finished."""
        ...

    def follow_model(
        self, index_id: int, stage: TaskType, model: str, after: int = 0
    ) -> int | None:
        """Record the model of a stage. If it is another one than before, first mark the live
        snippets as pending, in steps as `log_all` does."""
        ...

    def is_finished(self, index_id: int) -> bool:
        """Whether no stage has anything left to do."""
        ...

    def has_dead(self, index_id: int) -> bool:
        """Whether there are superseded or removed snippets that no engine holds any more."""
        ...

    def purge(self, index_id: int, limit: int) -> int:
        """Remove at most `limit` superseded snippets that no engine holds any more, fewer if they
        are large; 0 if there are none."""
        ...


class EmbeddingRepository(Protocol):
    """Vectors within one transaction."""

    def cached(self, keys: Sequence[bytes]) -> dict[bytes, tuple[int, bytes]]:
        """By cache key, the identifier and 1-bit code of embeddings that exist."""
        ...

    def add(
        self, index_id: int, vectors: Mapping[bytes, PackedVector]
    ) -> dict[bytes, tuple[int, bytes]]:
        """Store new embeddings by cache key; `index_id` is the index that they were made for."""
        ...

    def link(
        self,
        kind: VectorKind,
        stage: TaskType,
        model: str,
        snippets: Sequence[StoredSnippet],
        embeddings: Sequence[tuple[int, bytes]],
    ) -> None:
        """Give each snippet its vector, mark the stage as done for it, and drop the vectors of
        superseded snippets of every file that is now complete. All snippets are of one index."""
        ...

    def note_pack(self, index_id: int, kind: VectorKind, token: str) -> None:
        """Record what was prepared for searching the vectors of an index."""
        ...

    def superseded(self, index_id: int, kind: VectorKind) -> list[int]:
        """The superseded snippets that still have a vector. If nothing is pending, their files have
        no snippets any more."""
        ...

    def drop(self, index_id: int, kind: VectorKind, snippet_ids: Sequence[int]) -> None:
        """Drop the vectors of these snippets."""
        ...

    def unlinked(self, index_id: int) -> list[int]:
        """The embeddings made for an index that nothing refers to, and that are not marked as
        unused."""
        ...

    def release(self, ids: Sequence[int]) -> None:
        """Mark those of these embeddings that nothing refers to as unused."""
        ...


class EnrichmentRepository(Protocol):
    """Enriched texts within one transaction."""

    def cached(self, keys: Sequence[bytes]) -> dict[bytes, tuple[int, str]]:
        """By cache key, the identifier and text of enrichments that exist."""
        ...

    def add(self, index_id: int, texts: Mapping[bytes, str]) -> dict[bytes, int]:
        """Store new enrichments by cache key; `index_id` is the index that they were made for."""
        ...

    def unlinked(self, index_id: int) -> list[int]:
        """Likewise."""
        ...

    def release(self, ids: Sequence[int]) -> None:
        """Likewise."""
        ...

    def link(self, enrichments: Mapping[int, int]) -> None:
        """Assign enrichments to snippets: snippet identifier to enrichment identifier."""
        ...
